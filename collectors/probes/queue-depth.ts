// https://github.com/pgmq/pgmq/blob/main/docs/api/sql/functions.md, https://www.rabbitmq.com/docs/management#http-api
import type { Reading } from '../../src/formats/probe-log.ts';
import { type Probe, ProbeFailure, type ProbeRequest, type ProbeRun, type ProbeStatus } from './probe.ts';
import { openAmqpQueues } from './queue-amqp.ts';
import { openPostgresQueues } from './queue-postgres.ts';
import { openRabbitManagement } from './queue-rabbit-management.ts';
import { parseTargetUrl } from './target-url.ts';

const FLAG = '--queue-depth';
const SCHEMES = ['postgresql', 'postgres', 'http', 'https', 'amqp', 'amqps'];
const EXAMPLE = 'postgresql://host/database, http://user:password@host:15672 or amqp://host#queue,queue';

/** How many messages lie in each queue, how many are taken and not settled, and how old the oldest is. */
export const queueDepthProbe: Probe = {
  id: 'queue-depth',
  title:
    "messages waiting in pgmq, in RabbitMQ (management API, or passive declaration), in the built-in workload's queue",
  flag: FLAG,

  async check(target): Promise<ProbeStatus> {
    if (target === undefined) {
      return {
        usable: true,
        version: '',
        usableFor: "pgmq, RabbitMQ's management API, amqp://…#QUEUE",
        note: `tprof doctor ${FLAG} URL looks at a server`,
      };
    }
    const source = openSource(target);
    try {
      const queues = new Set((await source.read()).map(reading => reading.labels?.queue ?? ''));
      return { usable: true, version: await source.version(), usableFor: `${queues.size} queues` };
    } catch (error) {
      if (!(error instanceof ProbeFailure)) throw error;
      return { usable: false, reason: error.why, hint: error.hint ?? `give ${FLAG} an address such as ${EXAMPLE}` };
    } finally {
      await source.close();
    }
  },

  open({ target }: ProbeRequest): ProbeRun {
    const source = openSource(target);
    return {
      target: source.target,
      sample: async () => ({ readings: await source.read() }),
      async close() {
        await source.close();
        return { documents: [], losses: source.losses?.() ?? [] };
      },
    };
  },
};

/** Where queues are. */
export interface QueueSource {
  readonly target: Readonly<Record<string, string | number>>;
  /** Throws `ProbeFailure`. */
  read(): Promise<readonly Reading[]>;
  /** Of the last reading. */
  version(): Promise<string>;
  losses?(): readonly { readonly what: string; readonly count: number; readonly why: string }[];
  close(): Promise<void>;
}

function openSource(target: string): QueueSource {
  const url = parseTargetUrl(target, FLAG, SCHEMES, EXAMPLE);
  switch (url.protocol) {
    case 'http:':
    case 'https:':
      return openRabbitManagement(url);
    case 'amqp:':
    case 'amqps:':
      return openAmqpQueues(url, target);
    default:
      return openPostgresQueues(target, FLAG);
  }
}
