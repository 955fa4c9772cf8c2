import { randomUUID } from 'node:crypto';
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { fromUnixMs, nowMs, toUnixMs } from './clock.ts';
import type { Scope } from './database.ts';
import { openRabbit, type RabbitSettings, rabbitTrouble } from './rabbit-connection.ts';
import { RabbitConsumer, type RabbitMessage } from './rabbit-consumer.ts';
import { type Slowness, slowDown } from './slowness.ts';
import { type Attributes, formatTraceparent, parseTraceparent, type Tracing } from './tracing.ts';
import type {
  ClaimedMessage,
  ConsumerOptions,
  MessageConsumer,
  MessageHeaders,
  StepMessage,
  Transport,
} from './transport.ts';

interface RabbitOptions extends RabbitSettings {
  readonly name: string;
  readonly tracing: Tracing;
  readonly slowness: Slowness;
  /** As Tasker does it: a message is acknowledged when it is handed over, not when its work is done. */
  readonly ackAtHandOff: boolean;
  /** The connection broke although nobody ended it. */
  readonly onLost: (error: Error) => void;
}

/** Messages through RabbitMQ: published with confirmation to the default exchange, pushed to consumers, acknowledged. */
export class RabbitTransport implements Transport {
  readonly #options: RabbitOptions;
  readonly #connection: ChannelModel;
  readonly #channel: ConfirmChannel;
  readonly #server: Attributes;
  #ended = false;

  private constructor(options: RabbitOptions, connection: ChannelModel, channel: ConfirmChannel) {
    this.#options = options;
    this.#connection = connection;
    this.#channel = channel;
    const { hostname, port, protocol } = new URL(options.url);
    this.#server = {
      'messaging.system': 'rabbitmq',
      'server.address': hostname,
      'server.port': Number(port) || (protocol === 'amqps:' ? 5671 : 5672),
    };
  }

  static async open(options: RabbitOptions): Promise<RabbitTransport> {
    const connection = await openRabbit(options.url, options.name);
    // The events around a broken connection come with `close`, which says it once.
    connection.on('error', () => {});
    const channel = await connection.createConfirmChannel();
    const transport = new RabbitTransport(options, connection, channel);
    channel.on('error', (error: Error) => transport.#lost(error));
    connection.on('close', (error?: Error) => transport.#lost(error));
    return transport;
  }

  consume(options: ConsumerOptions): MessageConsumer {
    return new RabbitConsumer({
      ...options,
      connection: this.#connection,
      brokerQueue: queue => this.#nameOf(queue),
      ackAtHandOff: this.#options.ackAtHandOff,
      read: async (queue, delivery, startMs, acknowledge) => {
        await slowDown(this.#options.slowness, options.claims === 'step' ? 'claim-step' : 'claim-result');
        return readMessage(queue, delivery, startMs, acknowledge);
      },
    });
  }

  async send(what: 'send-step' | 'send-result', queue: string, scope: Scope): Promise<void> {
    const { tracing, durable } = this.#options;
    const { task_uuid, step_uuid, correlation_id, step_name = '', namespace = '' } = scope.ids;
    const ref = tracing.ref(scope.parent);
    const startMs = nowMs();
    const headers: MessageHeaders & { sent_unix_ms: number } = {
      step_name,
      namespace,
      sent_unix_ms: toUnixMs(startMs),
      ...(tracing.propagates ? { traceparent: formatTraceparent(ref) } : {}),
    };
    const body = Buffer.from(JSON.stringify({ task_uuid, step_uuid, correlation_id }));
    const messageId = randomUUID();
    await slowDown(this.#options.slowness, what);
    await new Promise<void>((resolve, reject) => {
      const options = { messageId, headers, contentType: 'application/json', persistent: durable };
      this.#channel.publish('', this.#nameOf(queue), body, options, error => {
        if (error === null || error === undefined) resolve();
        else reject(new Error(`RabbitMQ did not take a message for ${queue}: ${rabbitTrouble(error)}`));
      });
    });
    tracing.record({
      ref,
      parent: scope.parent,
      what,
      name: `send ${queue}`,
      kind: 'producer',
      startMs,
      endMs: nowMs(),
      ids: scope.ids,
      fixed: SEND,
      attributes: {
        ...this.#about(queue, messageId),
        'messaging.message.conversation_id': correlation_id,
        'messaging.message.body.size': body.length,
      },
    });
  }

  tellClaim(what: 'claim-step' | 'claim-result', message: ClaimedMessage): void {
    const { tracing, ackAtHandOff } = this.#options;
    tracing.record({
      ref: tracing.ref(message.sender),
      parent: message.sender,
      what,
      name: `deliver ${message.queue}`,
      kind: 'client',
      startMs: message.claim.startMs,
      endMs: message.claim.endMs,
      ids: message.ids,
      fixed: DELIVER,
      attributes: {
        ...this.attributesOf(message),
        'messaging.message.conversation_id': message.ids.correlation_id,
        'messaging.message.body.size': (message as RabbitMessage).delivery.content.length,
        'tasker.message.read_count': message.readCount,
        'tasker.message.acknowledged': ackAtHandOff,
      },
      ...(message.sender === undefined
        ? {}
        : { links: [{ ref: message.sender, attributes: { 'messaging.message.id': message.msgId } }] }),
      events: [{ name: 'message.enqueued', atMs: message.enqueuedMs }],
    });
  }

  async settle(
    what: 'delete-step-message' | 'delete-result-message',
    message: ClaimedMessage,
    scope: Scope,
  ): Promise<void> {
    const { tracing, ackAtHandOff } = this.#options;
    const startMs = nowMs();
    await slowDown(this.#options.slowness, what);
    if (!ackAtHandOff) (message as RabbitMessage).acknowledge();
    tracing.record({
      ref: tracing.ref(scope.parent),
      parent: scope.parent,
      what,
      name: `ack ${message.queue}`,
      kind: 'client',
      startMs,
      endMs: nowMs(),
      ids: scope.ids,
      fixed: ACK,
      attributes: { ...this.attributesOf(message), 'tasker.message.acknowledged': ackAtHandOff },
    });
  }

  attributesOf(message: ClaimedMessage): Attributes {
    return {
      ...this.#about(message.queue, message.msgId),
      'messaging.rabbitmq.message.delivery_tag': (message as RabbitMessage).delivery.fields.deliveryTag,
    };
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#connection.close().catch(() => {});
  }

  #nameOf(queue: string): string {
    return this.#options.prefix + queue;
  }

  /** Without an exchange of its own a message goes where the routing key says: that is the destination. */
  #about(queue: string, messageId: string): Attributes {
    const name = this.#nameOf(queue);
    return {
      ...this.#server,
      'messaging.destination.name': name,
      'messaging.destination.template': queue,
      'messaging.rabbitmq.destination.routing_key': name,
      'messaging.message.id': messageId,
    };
  }

  #lost(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    const why = error === undefined ? 'the broker went away' : rabbitTrouble(error);
    this.#options.onLost(new Error(`the connection to RabbitMQ broke: ${why}`));
  }
}

const SEND = { 'messaging.operation.name': 'send', 'messaging.operation.type': 'send' } as const;
const DELIVER = { 'messaging.operation.name': 'deliver', 'messaging.operation.type': 'receive' } as const;
const ACK = { 'messaging.operation.name': 'ack', 'messaging.operation.type': 'settle' } as const;

/** A delivery as the workload sees it; `startMs` is when the client handed it over. */
function readMessage(queue: string, delivery: ConsumeMessage, startMs: number, acknowledge: () => void): RabbitMessage {
  const { task_uuid, step_uuid, correlation_id } = JSON.parse(delivery.content.toString('utf8')) as StepMessage;
  const headers = delivery.properties.headers as unknown as MessageHeaders & { sent_unix_ms: number };
  return {
    queue,
    msgId: String(delivery.properties.messageId),
    readCount: delivery.fields.redelivered ? 2 : 1,
    enqueuedMs: fromUnixMs(headers.sent_unix_ms),
    notifiedMs: undefined,
    ids: { task_uuid, step_uuid, correlation_id, step_name: headers.step_name, namespace: headers.namespace },
    sender: parseTraceparent(headers.traceparent),
    claim: { rows: [], rowCount: 1, startMs, endMs: nowMs() },
    delivery,
    acknowledge,
  };
}
