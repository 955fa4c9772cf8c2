// https://github.com/pgmq/pgmq: pgmq.metrics_all()
import { PostgresConnection } from './postgres-connection.ts';
import { OWN_MARK } from './postgres-sql.ts';
import { ProbeFailure } from './probe.ts';
import type { QueueSource } from './queue-depth.ts';
import { type QueueState, queueReadings } from './queue-readings.ts';

/** Which queues this database has: pgmq (installed as an extension, or by its SQL alone), the built-in workload's. */
const DETECT = `${OWN_MARK}
  to_regprocedure('pgmq.metrics_all()') IS NOT NULL AS pgmq,
  (SELECT extversion FROM pg_extension WHERE extname = 'pgmq') AS pgmq_version,
  EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('pgmq.metrics_result')
    AND attname = 'queue_visible_length' AND NOT attisdropped) AS tells_visible,
  (SELECT json_agg(n.nspname ORDER BY n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = 'queue_messages' AND n.nspname ~ '^tasker(_lite_[0-9a-f]+)?$'
      AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'read_ct')) AS schemas`;

interface Detected {
  readonly pgmq: boolean;
  readonly pgmq_version: string | null;
  readonly tells_visible: boolean;
  readonly schemas: readonly string[] | null;
}

interface Row {
  readonly queue: string;
  readonly messages: number;
  readonly ready: number | null;
  readonly oldest_s: number | null;
  readonly sent: number | null;
}

/** Queues that live in a PostgreSQL. pgmq counts a queue's rows to answer: a queue of millions makes it slow. */
export function openPostgresQueues(url: string, flag: string): QueueSource {
  const connection = new PostgresConnection(url, flag);
  let detected: Detected | undefined;
  let generation = 0;

  const detect = async (): Promise<Detected> => {
    if (detected !== undefined && generation === connection.generation) return detected;
    const [found] = await connection.query<{ [K in keyof Detected]: Detected[K] }>(DETECT);
    if (found === undefined || (!found.pgmq && found.schemas === null)) {
      throw new ProbeFailure('the database has no queue that is known: no pgmq', {
        hint: 'CREATE EXTENSION pgmq, or name the database that has it',
      });
    }
    detected = found;
    generation = connection.generation;
    return found;
  };

  return {
    target: connection.target,
    async read() {
      const { pgmq, tells_visible, schemas } = await detect();
      const readings = [];
      try {
        if (pgmq) {
          const ready = tells_visible ? 'queue_visible_length::float8' : 'NULL::float8';
          const rows = await connection.query<{ [K in keyof Row]: Row[K] }>(
            `${OWN_MARK} queue_name AS queue, queue_length::float8 AS messages, ${ready} AS ready,
             oldest_msg_age_sec::float8 AS oldest_s, total_messages::float8 AS sent FROM pgmq.metrics_all()`,
          );
          readings.push(...queueReadings('pgmq', rows.map(stateOf)));
        }
        for (const schema of schemas ?? []) {
          const rows = await connection.query<{ [K in keyof Row]: Row[K] }>(
            `${OWN_MARK} queue_name AS queue, count(*)::float8 AS messages,
             (count(*) FILTER (WHERE vt <= clock_timestamp()))::float8 AS ready,
             extract(epoch FROM clock_timestamp() - min(enqueued_at))::float8 AS oldest_s, NULL::float8 AS sent
             FROM "${schema}".queue_messages GROUP BY 1`,
          );
          readings.push(...queueReadings('tasker-lite', rows.map(stateOf)));
        }
      } catch (error) {
        // A schema that was dropped is looked for again.
        detected = undefined;
        throw error;
      }
      return readings;
    },
    async version() {
      const { pgmq, pgmq_version } = await detect();
      return pgmq ? `pgmq ${pgmq_version ?? '(SQL alone)'}` : 'tasker-lite';
    },
    close: () => connection.close(),
  };
}

function stateOf({ queue, messages, ready, oldest_s, sent }: Row): QueueState {
  return {
    queue,
    messages,
    ready: ready ?? undefined,
    // An empty queue has no oldest message: nobody waits.
    oldestS: oldest_s ?? 0,
    sent: sent ?? undefined,
  };
}
