// https://www.rabbitmq.com/docs/queues#optional-arguments: queue.declare with passive tells depth and consumers
import type { Channel, ChannelModel } from 'amqplib';
import { TprofError } from '../../src/base/errors.ts';
import { connectionFailure } from './failure-words.ts';
import { ProbeFailure } from './probe.ts';
import type { QueueSource } from './queue-depth.ts';
import { type QueueState, queueReadings } from './queue-readings.ts';
import { describeTarget } from './target-url.ts';

const CONNECT_MS = 3000;

/** Queues of any AMQP 0-9-1 broker by name: passive declaration changes nothing, and tells what is ready to be taken. */
export function openAmqpQueues(url: URL, address: string): QueueSource {
  const names = decodeURIComponent(url.hash.slice(1))
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
  if (names.length === 0) {
    throw new TprofError('usage', '--queue-depth: expected the names of queues behind #, found none', {
      hint: 'amqp://host#orders,invoices; the management API (http://host:15672) knows all queues by itself',
    });
  }
  let connection: ChannelModel | undefined;
  let channel: Channel | undefined;
  const unknown = new Map<string, number>();

  const close = async (): Promise<void> => {
    const open = connection;
    connection = undefined;
    channel = undefined;
    await open?.close().catch(() => {});
  };
  const connect = async (): Promise<ChannelModel> => {
    const amqp = await loadAmqp();
    const fresh = await amqp.connect(address.replace(/#.*$/, ''), { timeout: CONNECT_MS, noDelay: true });
    const forget = (): void => {
      if (connection === fresh) connection = channel = undefined;
    };
    // A connection that breaks fails the next reading; the event says nothing more.
    fresh.on('error', forget);
    fresh.on('close', forget);
    return fresh;
  };
  const stateOf = async (name: string): Promise<QueueState | undefined> => {
    connection ??= await connect();
    if (channel === undefined) {
      channel = await connection.createChannel();
      channel.on('error', () => {});
    }
    try {
      const { messageCount, consumerCount } = await channel.checkQueue(name);
      return { queue: name, messages: messageCount, consumers: consumerCount };
    } catch (error) {
      // The broker closes the channel on which it was asked for a queue that it does not know.
      channel = undefined;
      if ((error as { code?: unknown }).code !== 404) throw error;
      unknown.set(name, (unknown.get(name) ?? 0) + 1);
      return undefined;
    }
  };
  return {
    target: { ...describeTarget(url, url.protocol === 'amqps:' ? 5671 : 5672) },
    async read() {
      const states: QueueState[] = [];
      try {
        for (const name of names) {
          const state = await stateOf(name);
          if (state !== undefined) states.push(state);
        }
      } catch (error) {
        await close();
        throw connectionFailure(error);
      }
      if (states.length === 0) {
        throw new ProbeFailure(`the broker has no queue ${names.join(', ')}`, { hint: 'rabbitmqctl list_queues' });
      }
      return queueReadings('amqp', states);
    },
    async version() {
      connection ??= await connect();
      const { product = '', version = '' } = connection.connection.serverProperties as Record<string, string>;
      return `${product} ${version}`.trim();
    },
    losses: () =>
      [...unknown].map(([name, count]) => ({
        what: `${count} ${count === 1 ? 'reading' : 'readings'} of the queue ${name}`,
        count,
        why: 'the broker had no such queue then',
      })),
    close,
  };
}

async function loadAmqp(): Promise<typeof import('amqplib')> {
  try {
    return (await import('amqplib')).default;
  } catch (cause) {
    throw new ProbeFailure('the package amqplib is not installed', { hint: 'npm install amqplib', cause });
  }
}
