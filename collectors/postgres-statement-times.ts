// https://www.postgresql.org/docs/current/pgstatstatements.html
import type { PostgresConnection } from './probes/postgres-connection.ts';
import { OWN_MARK } from './probes/postgres-sql.ts';
import { ProbeFailure } from './probes/probe.ts';

/** What the server itself says of a statement, all calls together. */
export interface StatementTime {
  readonly query: string;
  readonly calls: number;
  readonly totalMs: number;
}

export type StatementTimes =
  | { readonly statements: readonly StatementTime[]; readonly since: string | undefined }
  /** Why there are none, and the command that mends it. */
  | { readonly why: string; readonly hint: string };

/** Times of every statement of this database since its statistics were last reset. Throws ProbeFailure where it breaks. */
export async function readStatementTimes(connection: PostgresConnection): Promise<StatementTimes> {
  const [about] = await connection.query<{ preloaded: string | null; schema: string | null; info: boolean }>(
    `${OWN_MARK} (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
       (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements') AS schema,
       EXISTS (SELECT 1 FROM pg_class WHERE relname = 'pg_stat_statements_info') AS info`,
  );
  const create = 'CREATE EXTENSION pg_stat_statements';
  // Which libraries are loaded is hidden from ordinary users: then reading shows it.
  const preloaded = about?.preloaded ?? 'pg_stat_statements';
  if (!/\bpg_stat_statements\b/.test(preloaded)) {
    const all = [...preloaded.split(',').filter(word => word.trim() !== ''), 'pg_stat_statements'].join(', ');
    return {
      why: 'pg_stat_statements is not loaded',
      hint: `ALTER SYSTEM SET shared_preload_libraries = '${all}', restart the server, then ${create}`,
    };
  }
  if (about === undefined || about.schema === null) {
    return { why: 'pg_stat_statements is loaded, but not in this database', hint: create };
  }
  const schema = `"${about.schema.replaceAll('"', '""')}"`;
  try {
    const statements = await connection.query<{ query: string; calls: number; total_ms: number }>(
      `${OWN_MARK} query, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS total_ms
         FROM ${schema}.pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query IS NOT NULL
        GROUP BY 1`,
    );
    const [reset] = about.info
      ? await connection.query<{ since: Date | null }>(
          `${OWN_MARK} stats_reset AS since FROM ${schema}.pg_stat_statements_info`,
        )
      : [];
    return {
      statements: statements
        .filter(({ query }) => !query.includes(OWN_MARK))
        .map(({ query, calls, total_ms }) => ({ query, calls, totalMs: total_ms })),
      since: reset?.since?.toISOString(),
    };
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    return {
      why: `pg_stat_statements cannot be read: ${error.why}`,
      hint: 'GRANT pg_read_all_stats TO the user of the address',
    };
  }
}
