import { createRequire } from 'node:module';
import type { Channel, ChannelModel } from 'amqplib';
import { WorkloadError } from './workload-error.ts';

/** What a process needs to know of the broker. */
export interface RabbitSettings {
  readonly url: string;
  /** Before the name of every queue, so that two runs on one broker do not meet. */
  readonly prefix: string;
  /** Queues and messages survive the broker. */
  readonly durable: boolean;
}

/** Queues that nobody reads go by themselves after this, should a run be killed. */
const EXPIRES_MS = 10 * 60_000;
/** A broker that does not answer is given up after this. */
const CONNECT_LIMIT_MS = 10_000;

/**
 * Opens one connection. `noDelay`: without it every message waits for the acknowledgement of the packet before, 44 ms
 * a hop. amqplib is an optional package and loaded only where AMQP_URL asks for it.
 */
export async function openRabbit(url: string, name: string): Promise<ChannelModel> {
  const { connect } = await import('amqplib');
  const options = { noDelay: true, timeout: CONNECT_LIMIT_MS, clientProperties: { connection_name: name } };
  return await connect(url, options);
}

/** The queues of one run. */
export interface RabbitQueues {
  /** Takes them and what is in them away; a broker that is gone has none. */
  remove(): Promise<void>;
}

/**
 * Makes the queues of a run, before anything else has been started. Throws WorkloadError where `url` is no RabbitMQ
 * that takes work.
 */
export async function makeRabbitQueues(
  { url, prefix, durable }: RabbitSettings,
  queues: readonly string[],
): Promise<RabbitQueues> {
  try {
    createRequire(import.meta.url).resolve('amqplib');
  } catch (cause) {
    throw new WorkloadError('machine', 'AMQP_URL asks for RabbitMQ, and the package amqplib is not installed', {
      hint: 'npm install amqplib, or send messages through PostgreSQL: env -u AMQP_URL tprof e2e …',
      cause,
    });
  }
  const parts = URL.parse(url);
  if (parts === null || !/^amqps?:$/.test(parts.protocol) || parts.hostname === '') {
    throw unusable('expected amqp://USER:PASSWORD@HOST:PORT/VHOST', undefined);
  }
  try {
    await withChannel(url, async channel => {
      for (const queue of queues) await channel.assertQueue(prefix + queue, { durable, expires: EXPIRES_MS });
    });
  } catch (cause) {
    throw unusable(`${parts.host}: ${rabbitTrouble(cause)}`, cause);
  }
  return {
    remove: async () => {
      const all = withChannel(url, async channel => {
        for (const queue of queues) await channel.deleteQueue(prefix + queue);
      });
      await all.catch(() => {});
    },
  };
}

async function withChannel(url: string, work: (channel: Channel) => Promise<void>): Promise<void> {
  const connection = await openRabbit(url, 'tasker-lite');
  connection.on('error', () => {});
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    await work(channel);
  } finally {
    await connection.close().catch(() => {});
  }
}

/** What stands behind an error of the client, in one clause and without the address's password. */
export function rabbitTrouble(error: unknown): string {
  const { code, message = String(error) } = (error ?? {}) as { code?: unknown; message?: string };
  if (code === 'ECONNREFUSED') return 'nobody listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no host of that name';
  if (/ETIMEDOUT/.test(message)) return 'it does not answer';
  if (/ACCESS[-_]REFUSED|403/.test(message)) return 'it refuses the user, the password or the virtual host';
  // The client only says that the broker closed the connection where it should have opened the virtual host.
  if (/NOT_ALLOWED|530|ConnectionOpenOk/.test(message))
    return 'it has no such virtual host, or the user may not enter it';
  if (/Socket closed abruptly|ECONNRESET|Unexpected|Invalid frame|Expected/.test(message))
    return `it does not speak AMQP 0-9-1 (${message})`;
  return message === '' ? String(code ?? 'the connection failed') : message;
}

function unusable(why: string, cause: unknown): WorkloadError {
  return new WorkloadError('machine', `AMQP_URL names no RabbitMQ to work on: ${why}`, {
    hint: 'correct it, or send messages through PostgreSQL: env -u AMQP_URL tprof e2e …',
    cause,
  });
}
