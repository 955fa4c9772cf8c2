// https://www.rabbitmq.com/docs/http-api-reference: GET /api/queues
import { readHttp } from './http-get.ts';
import { ProbeFailure } from './probe.ts';
import type { QueueSource } from './queue-depth.ts';
import { type QueueState, queueReadings } from './queue-readings.ts';
import { basicAuthorization, describeTarget, withoutCredentials } from './target-url.ts';

/** What is asked for: everything else about a queue is left out of the answer. */
const COLUMNS =
  'name,vhost,messages,messages_ready,consumers,message_stats.publish,message_stats.ack,message_stats.deliver_no_ack,message_stats.get_no_ack';

interface Queue {
  readonly name: string;
  readonly vhost?: string;
  readonly messages?: number;
  readonly messages_ready?: number;
  readonly consumers?: number;
  readonly message_stats?: { readonly publish?: number; readonly ack?: number };
}

/** RabbitMQ's management plugin. It gathers its own figures every 5 s unless told otherwise. */
export function openRabbitManagement(url: URL): QueueSource {
  const plain = withoutCredentials(url);
  const prefix = plain.pathname.replace(/\/(api(\/.*)?)?$/, '');
  const authorization = basicAuthorization(url);
  const ask = async (path: string): Promise<unknown> => {
    const address = new URL(`${prefix}${path}`, plain);
    const text = await readHttp(address, {
      accept: 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new ProbeFailure('the answer is no JSON: this is not the management API', {
        hint: 'rabbitmq-plugins enable rabbitmq_management, and its port is 15672',
        cause,
      });
    }
  };
  return {
    target: describeTarget(url, url.protocol === 'https:' ? 443 : 80),
    async read() {
      const answer = await ask(`/api/queues?columns=${COLUMNS}`);
      if (!Array.isArray(answer)) throw new ProbeFailure('the answer is no list of queues');
      return queueReadings('rabbitmq', (answer as Queue[]).map(stateOf));
    },
    async version() {
      const overview = (await ask('/api/overview')) as { rabbitmq_version?: unknown };
      return `RabbitMQ ${String(overview.rabbitmq_version ?? '')}`.trim();
    },
    close: async () => {},
  };
}

function stateOf({ name, vhost, messages, messages_ready, consumers, message_stats }: Queue): QueueState {
  return {
    queue: name,
    ...(vhost === undefined || vhost === '/' ? {} : { labels: { vhost } }),
    messages: messages ?? 0,
    ready: messages_ready,
    consumers,
    sent: message_stats?.publish,
    settled: message_stats?.ack,
  };
}
