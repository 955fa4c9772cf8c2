/**
 * What the probes ask begins so: by it, `pg_stat_statements` tells it from the workload. Behind the first word, since a
 * comment before it would not be kept.
 */
export const OWN_MARK: string = 'SELECT /* tprof */';

/** What kind of server it is, once a connection. `preloaded` is hidden from ordinary users, for whom asking fails. */
export const ABOUT: string = `${OWN_MARK} current_setting('server_version') AS version,
  current_setting('max_connections')::int AS max_connections,
  current_setting('superuser_reserved_connections')::int AS reserved,
  pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS reads_all,
  (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
  current_setting('autovacuum') AS autovacuum,
  current_setting('autovacuum_analyze_threshold')::float8 AS analyze_threshold,
  current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_factor,
  (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements') AS statements_schema,
  (SELECT extversion FROM pg_extension WHERE extname = 'pg_stat_statements') AS statements_version,
  (SELECT extversion FROM pg_extension WHERE extname = 'pgmq') AS pgmq_version`;

/** Sessions of clients; of other users', an ordinary user sees that they are there and no more. */
const CLIENTS = `(backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL))`;

/** Everything that is read each time, in one round trip. $1: the probes' own application name. */
export const SAMPLE: string = `${OWN_MARK}
  (SELECT coalesce(json_agg(a), '[]') FROM (
    SELECT CASE WHEN backend_type IS NULL THEN '(hidden)' ELSE coalesce(nullif(application_name, ''), '(none)') END
             AS application,
           coalesce(state, '(hidden)') AS state,
           CASE WHEN state = 'active' THEN coalesce(wait_event_type, '') ELSE '' END AS wait_type,
           CASE WHEN state = 'active' THEN coalesce(wait_event, '') ELSE '' END AS wait,
           count(*)::int AS count,
           coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS oldest_s
      FROM pg_stat_activity WHERE ${CLIENTS} AND coalesce(application_name, '') <> $1
     GROUP BY 1, 2, 3, 4) a) AS activity,
  (SELECT count(*)::int FROM pg_stat_activity WHERE ${CLIENTS}) AS connections,
  (SELECT coalesce(json_agg(l), '[]') FROM (
    SELECT locktype AS type, mode,
           CASE WHEN relation IS NULL OR database <> (SELECT oid FROM pg_database WHERE datname = current_database())
                THEN '' ELSE relation::regclass::text END AS relation,
           count(*)::int AS count
      FROM pg_locks WHERE NOT granted GROUP BY 1, 2, 3) l) AS locks,
  (SELECT row_to_json(d) FROM (
    SELECT xact_commit::float8 AS commits, xact_rollback::float8 AS rollbacks, blks_read::float8 AS blocks_read,
           blks_hit::float8 AS blocks_hit, tup_inserted::float8 AS inserted, tup_updated::float8 AS updated,
           tup_deleted::float8 AS deleted, temp_bytes::float8 AS temp_bytes, deadlocks::float8 AS deadlocks
      FROM pg_stat_database WHERE datname = current_database()) d) AS database`;

/** Tables with the freshness of their planner statistics, largest first. */
export const TABLES: string = `${OWN_MARK} s.schemaname AS schema, s.relname AS name, s.n_live_tup::float8 AS live,
  s.n_dead_tup::float8 AS dead, s.n_mod_since_analyze::float8 AS changed_since_analyze,
  greatest(c.reltuples, 0)::float8 AS planned_rows, c.reltuples < 0 AS never_counted,
  greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze,
  greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum,
  coalesce(s.seq_scan, 0)::float8 AS seq_scans, coalesce(s.idx_scan, 0)::float8 AS index_scans,
  (s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::float8 AS changes,
  current_setting('autovacuum_analyze_threshold')::float8
    + current_setting('autovacuum_analyze_scale_factor')::float8 * greatest(c.reltuples, 0) AS analyze_due_at
  FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
  ORDER BY s.n_live_tup DESC, s.n_mod_since_analyze DESC, 1, 2 LIMIT 500`;

/** Counters of each statement without its text, which is a file that would be read each time. */
export function statementCounters(schema: string): string {
  return `${OWN_MARK} queryid::text AS id, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS total_ms,
  sum(rows)::float8 AS rows, sum(shared_blks_hit)::float8 AS blocks_hit, sum(shared_blks_read)::float8 AS blocks_read,
  sum(temp_blks_written)::float8 AS temp_blocks
  FROM ${identifier(schema)}.pg_stat_statements(false)
  WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL GROUP BY 1`;
}

/** Texts of statements: $1, their ids. */
export function statementTexts(schema: string): string {
  return `${OWN_MARK} DISTINCT ON (queryid) queryid::text AS id, query
  FROM ${identifier(schema)}.pg_stat_statements(true) WHERE queryid = ANY ($1::bigint[])`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
