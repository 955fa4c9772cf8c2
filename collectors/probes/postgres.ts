// https://www.postgresql.org/docs/current/monitoring-stats.html
import type { Reading } from '../../src/formats/probe-log.ts';
import { PostgresConnection, PROBE_APPLICATION } from './postgres-connection.ts';
import { ABOUT, SAMPLE, TABLES } from './postgres-sql.ts';
import { PostgresStatements } from './postgres-statements.ts';
import { type Probe, ProbeFailure, type ProbeRequest, type ProbeRun, type ProbeStatus } from './probe.ts';

const FLAG = '--postgres';
/** Every how many readings tables and statements are read again: the server may be gone before the end. */
const DOCUMENTS_EVERY = 5;
const MOST_APPLICATIONS = 20;

/** Sessions, waits, locks, commits, cache, connections, statements, and how fresh the planner's statistics are. */
export const postgresProbe: Probe = {
  id: 'postgres',
  title: 'sessions, waits, locks, commits, cache hits, connections, statements, freshness of planner statistics',
  flag: FLAG,

  async check(target): Promise<ProbeStatus> {
    let connection: PostgresConnection | undefined;
    try {
      if (target === undefined) {
        const { version } = await import('pg/package.json', { with: { type: 'json' } }).then(m => m.default);
        return {
          usable: true,
          version: `pg ${version}`,
          usableFor: 'sessions, waits, locks, connections, statements, tables',
          note: `tprof doctor ${FLAG} URL looks at a server`,
        };
      }
      connection = new PostgresConnection(target, FLAG);
      const about = await aboutServer(connection);
      const statements = howToGetStatements(about);
      return {
        usable: true,
        version: `PostgreSQL ${about.version}`,
        usableFor: [
          'sessions, locks, tables',
          ...(about.statements_schema === null ? [] : [`pg_stat_statements ${about.statements_version}`]),
          ...(about.pgmq_version === null ? [] : [`pgmq ${about.pgmq_version}`]),
        ].join(', '),
        ...(notes(about, statements) === '' ? {} : { note: notes(about, statements) }),
      };
    } catch (error) {
      if (target === undefined)
        return { usable: false, reason: 'the package pg is not installed', hint: 'npm install pg' };
      if (!(error instanceof ProbeFailure)) throw error;
      return {
        usable: false,
        reason: error.why,
        hint: error.hint ?? 'psql URL says more; tprof needs an address that psql takes',
      };
    } finally {
      await connection?.close();
    }
  },

  open,
};

interface About {
  readonly version: string;
  readonly max_connections: number;
  readonly reserved: number;
  readonly reads_all: boolean;
  /** `null` for ordinary users. */
  readonly preloaded: string | null;
  readonly autovacuum: string;
  readonly analyze_threshold: number;
  readonly analyze_factor: number;
  readonly statements_schema: string | null;
  readonly statements_version: string | null;
  readonly pgmq_version: string | null;
}

interface Sample {
  readonly activity: readonly {
    readonly application: string;
    readonly state: string;
    readonly wait_type: string;
    readonly wait: string;
    readonly count: number;
    readonly oldest_s: number;
  }[];
  readonly connections: number;
  readonly locks: readonly {
    readonly type: string;
    readonly mode: string;
    readonly relation: string;
    readonly count: number;
  }[];
  readonly database: Readonly<Record<string, number>> | null;
}

function open({ target, endsWithTarget }: ProbeRequest): ProbeRun {
  const connection = new PostgresConnection(target, FLAG);
  let generation = 0;
  let about: About | undefined;
  let statements: PostgresStatements | undefined;
  let refused: string | undefined;
  let turn = 0;

  /** Kept in hand after the first time: written once more when the recording ends. */
  let tables: readonly unknown[] | undefined;

  const documentsNow = async (): Promise<{ name: string; value: unknown }[]> => {
    const documents: { name: string; value: unknown }[] = [];
    const known = tables;
    tables = await connection.query(TABLES);
    if (known === undefined) documents.push({ name: 'tables', value: tables });
    if (statements !== undefined) {
      try {
        await statements.look(connection);
      } catch (error) {
        if (!(error instanceof ProbeFailure)) throw error;
        // Listed, but not to be read: not preloaded, or not allowed. Everything else goes on.
        statements = undefined;
        refused = error.why;
        documents.push({ name: 'statements-missing', value: howToGetStatements(about, refused) });
      }
    }
    return documents;
  };

  return {
    target: connection.target,
    async sample() {
      const documents: { name: string; value: unknown }[] = [];
      if (about === undefined || connection.generation !== generation) {
        about = await aboutServer(connection);
        generation = connection.generation;
        if (statements === undefined && refused === undefined && about.statements_schema !== null)
          statements = new PostgresStatements(about.statements_schema);
        const { version, max_connections, reserved, reads_all, autovacuum } = about;
        documents.push({ name: 'server', value: { version, max_connections, reserved, reads_all, autovacuum } });
        const missing = howToGetStatements(about);
        if (missing !== undefined && endsWithTarget !== true)
          documents.push({ name: 'statements-missing', value: missing });
      }
      const [sample] = await connection.query<{ [K in keyof Sample]: Sample[K] }>(SAMPLE, [PROBE_APPLICATION]);
      if (sample === undefined) throw new ProbeFailure('the server answers with nothing');
      // One that ends with the workload gives no notice.
      if (turn++ % (endsWithTarget === true ? 1 : DOCUMENTS_EVERY) === 0) documents.push(...(await documentsNow()));
      return { readings: readingsOf(sample, about), documents };
    },
    async close() {
      const documents: { name: string; value: unknown }[] = [];
      try {
        if (about !== undefined) documents.push(...(await documentsNow()));
      } catch (error) {
        if (!(error instanceof ProbeFailure)) throw error;
      }
      if (tables !== undefined) documents.push({ name: 'tables', value: tables });
      if (statements !== undefined) documents.push({ name: 'statements', value: statements.result() });
      await connection.close();
      return { documents, losses: [] };
    },
  };
}

async function aboutServer(connection: PostgresConnection): Promise<About> {
  const [about] = await connection.query<{ [K in keyof About]: About[K] }>(ABOUT);
  if (about === undefined) throw new ProbeFailure('the server answers with nothing');
  return about;
}

/** Undefined where `pg_stat_statements` can be read. */
export function howToGetStatements(
  about: Pick<About, 'preloaded' | 'statements_schema'> | undefined,
  refused?: string,
): { why: string; hint: string } | undefined {
  if (about === undefined) return undefined;
  const create = 'CREATE EXTENSION pg_stat_statements';
  const { preloaded, statements_schema } = about;
  const others = (preloaded ?? '').split(',').filter(word => word !== '');
  const load = `ALTER SYSTEM SET shared_preload_libraries = '${[...others, 'pg_stat_statements'].join(', ')}', restart the server`;
  if (preloaded === null) {
    if (statements_schema !== null && refused === undefined) return undefined;
    const why = refused === undefined ? 'this database has no pg_stat_statements' : `pg_stat_statements: ${refused}`;
    return { why, hint: `${create}, and where it is not loaded yet, as a superuser: ${load}` };
  }
  if (!/\bpg_stat_statements\b/.test(preloaded)) {
    return { why: 'pg_stat_statements is not loaded', hint: `${load}, then ${create}` };
  }
  if (statements_schema === null) {
    return { why: 'pg_stat_statements is loaded, but not in this database', hint: create };
  }
  if (refused === undefined) return undefined;
  return {
    why: `pg_stat_statements cannot be read: ${refused}`,
    hint: 'GRANT pg_read_all_stats TO the user of the address',
  };
}

function notes(about: About, statements: { why: string; hint: string } | undefined): string {
  return [
    ...(about.reads_all ? [] : ['sessions of other users are hidden: GRANT pg_monitor TO this user']),
    ...(statements === undefined ? [] : [`${statements.why}: ${statements.hint}`]),
    ...(about.autovacuum === 'off' ? ['autovacuum is off: planner statistics grow stale'] : []),
  ].join('; ');
}

function readingsOf({ activity, connections, locks, database }: Sample, about: About): Reading[] {
  const readings: Reading[] = [];
  const gauge = (name: string, value: number, labels?: Record<string, string>): void => {
    const zero = labels === undefined ? {} : ({ labels, absent: 'zero' } as const);
    readings.push({ name: `postgres.${name}`, kind: 'gauge', unit: 'count', value, ...zero });
  };
  const grouped = (name: string, label: string, of: (row: Sample['activity'][number]) => string | undefined): void => {
    const counts = new Map<string, number>();
    for (const row of activity) {
      const key = of(row);
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + row.count);
    }
    const most = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const rest = most.splice(MOST_APPLICATIONS).reduce((sum, [, count]) => sum + count, 0);
    if (rest > 0) most.push(['(others)', rest]);
    for (const [key, count] of most) gauge(name, count, { [label]: key });
  };
  gauge('connections', connections);
  gauge('connections-most', about.max_connections - about.reserved);
  grouped('connections-by-application', 'application', row => row.application);
  grouped('sessions', 'state', row => row.state);
  grouped('waits', 'wait', row => (row.wait_type === '' ? undefined : `${row.wait_type}: ${row.wait}`));
  const oldest = Math.max(0, ...activity.map(row => row.oldest_s));
  readings.push({ name: 'postgres.oldest-transaction', kind: 'gauge', unit: 'nanoseconds', value: oldest * 1e9 });
  gauge(
    'locks-waited-for',
    locks.reduce((sum, lock) => sum + lock.count, 0),
  );
  for (const { type, mode, relation, count } of locks)
    gauge('lock-waits', count, { lock: [type, mode, relation].filter(word => word !== '').join(' ') });
  for (const [name, value] of Object.entries(database ?? {})) {
    const bytes = name.endsWith('_bytes');
    readings.push({
      name: `postgres.${bytes ? name.slice(0, -'_bytes'.length) : name.replaceAll('_', '-')}`,
      kind: 'counter',
      unit: bytes ? 'bytes' : 'count',
      value,
    });
  }
  return readings;
}
