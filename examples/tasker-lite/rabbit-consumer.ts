import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { nowMs } from './clock.ts';
import type { ClaimedMessage, ConsumerOptions, MessageConsumer } from './transport.ts';

/** A message that the broker pushed. */
export interface RabbitMessage extends ClaimedMessage {
  readonly delivery: ConsumeMessage;
  /** Takes it out of its queue; without that the broker delivers it again once our connection is gone. */
  acknowledge(): void;
}

interface RabbitConsumerOptions extends ConsumerOptions {
  readonly connection: ChannelModel;
  /** What the broker calls a queue of ours. */
  readonly brokerQueue: (queue: string) => string;
  readonly ackAtHandOff: boolean;
  readonly read: (
    queue: string,
    delivery: ConsumeMessage,
    startMs: number,
    acknowledge: () => void,
  ) => Promise<RabbitMessage>;
}

/** Takes what the broker pushes, as many at once as `concurrency` says: the prefetch count does the waiting. */
export class RabbitConsumer implements MessageConsumer {
  readonly #options: RabbitConsumerOptions;
  readonly #inHand = new Set<Promise<void>>();
  readonly #tags: string[] = [];
  #channel: Channel | undefined;
  #stopped = false;

  constructor(options: RabbitConsumerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { connection, queues, concurrency, brokerQueue } = this.#options;
    const channel = await connection.createChannel();
    channel.on('error', (error: Error) => this.#fail(error));
    this.#channel = channel;
    await channel.prefetch(concurrency);
    for (const queue of queues) {
      const { consumerTag } = await channel.consume(brokerQueue(queue), delivery => {
        if (delivery === null) this.#fail(new Error(`RabbitMQ took the queue ${brokerQueue(queue)} away`));
        else this.#take(queue, channel, delivery);
      });
      this.#tags.push(consumerTag);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#tags.map(tag => this.#channel?.cancel(tag).catch(() => {})));
    await Promise.all(this.#inHand);
    await this.#channel?.close().catch(() => {});
  }

  #take(queue: string, channel: Channel, delivery: ConsumeMessage): void {
    const startMs = nowMs();
    // What comes after the end was asked for goes back to the queue with the channel.
    if (this.#stopped) return;
    const acknowledge = (): void => channel.ack(delivery);
    if (this.#options.ackAtHandOff) acknowledge();
    const work = async (): Promise<void> =>
      this.#options.handle(await this.#options.read(queue, delivery, startMs, acknowledge));
    const running: Promise<void> = work()
      .catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#inHand.delete(running);
        if (this.#inHand.size === 0) this.#options.onIdle();
      });
    this.#inHand.add(running);
  }

  #fail(error: Error): void {
    if (!this.#stopped) this.#options.onFailure(error);
  }
}
