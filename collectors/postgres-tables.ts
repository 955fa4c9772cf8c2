import { TprofError } from '../src/base/errors.ts';
import type { PostgresConnection } from './probes/postgres-connection.ts';
import { OWN_MARK } from './probes/postgres-sql.ts';
import { ProbeFailure } from './probes/probe.ts';

/** The orchestrator's tables as `--rows` takes them: a list of rows for each, times as ISO 8601. */
export type TableDocument = Readonly<Record<string, readonly unknown[]>>;

export interface PostgresTables {
  readonly schema: string;
  readonly document: TableDocument;
  /** Tasks asked for that have no row. */
  readonly missingTasks: number;
}

/** Tasks read in one go: a statement may take no longer than the connection allows. */
const TASKS_AT_ONCE = 200;
const NEEDED = ['tasks', 'workflow_steps', 'workflow_step_edges', 'workflow_step_transitions'];

interface Shape {
  readonly schema: string;
  readonly tables: ReadonlySet<string>;
  /** Steps carry their name themselves; Tasker's own have it in `named_steps`. */
  readonly stepsHaveNames: boolean;
}

/**
 * Reads what the tables say of `tasks`, all of it as of one moment, in a transaction that can change nothing. Contexts,
 * inputs and results stay where they are. Of several schemas it is the one that has most of the tasks. Throws TprofError.
 */
export async function readPostgresTables(
  connection: PostgresConnection,
  tasks: readonly string[],
  onRead: (done: number) => void = () => {},
): Promise<PostgresTables> {
  try {
    await connection.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const shape = await findSchema(connection, tasks);
    const document: Record<string, unknown[]> = {};
    for (let from = 0; from < tasks.length; from += TASKS_AT_ONCE) {
      const some = tasks.slice(from, from + TASKS_AT_ONCE);
      for (const [table, sql] of Object.entries(statements(shape))) {
        const rows = await connection.query<{ row: unknown }>(sql, [some]);
        const list = document[table] ?? [];
        document[table] = list;
        for (const { row } of rows) list.push(row);
      }
      onRead(Math.min(tasks.length, from + TASKS_AT_ONCE));
    }
    await connection.query('COMMIT');
    return { schema: shape.schema, document, missingTasks: tasks.length - (document.tasks?.length ?? 0) };
  } catch (error) {
    throw asTprofError(error);
  }
}

async function findSchema(connection: PostgresConnection, tasks: readonly string[]): Promise<Shape> {
  const found = await connection.query<{ schema: string; tables: string[]; names: boolean }>(
    `${OWN_MARK} n.nspname AS schema, array_agg(c.relname::text) AS tables,
       bool_or(c.relname = 'workflow_steps' AND EXISTS (SELECT 1 FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attname = 'step_name' AND NOT a.attisdropped)) AS names
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v')
        AND c.relname IN ('tasks', 'workflow_steps', 'workflow_step_edges', 'workflow_step_transitions',
          'task_transitions', 'workflow_step_result_audit', 'named_steps')
      GROUP BY 1 ORDER BY n.nspname <> 'tasker', 1`,
  );
  const usable = found.filter(({ tables }) => NEEDED.every(table => tables.includes(table)));
  if (usable.length === 0) {
    throw new TprofError('input-invalid', `--postgres: expected the tables ${NEEDED.join(', ')}, found none of them`, {
      hint: 'name the database that the orchestrator works on, as in its own DATABASE_URL',
    });
  }
  let best: { shape: Shape; count: number } | undefined;
  for (const { schema, tables, names } of usable) {
    const [row] = await connection.query<{ count: number }>(
      `${OWN_MARK} count(*)::int AS count FROM ${quote(schema)}.tasks WHERE task_uuid = ANY ($1::uuid[])`,
      [tasks],
    );
    const shape = { schema, tables: new Set(tables), stepsHaveNames: names };
    if (row !== undefined && (best === undefined || row.count > best.count)) best = { shape, count: row.count };
  }
  if (best === undefined || best.count === 0) {
    const where = usable.map(({ schema }) => `${schema}.tasks`).join(', ');
    throw new TprofError('input-invalid', `--postgres: expected the recorded tasks, found none of them in ${where}`, {
      hint: 'is it the database of that run? Its rows may have been removed since',
    });
  }
  return best.shape;
}

function statements({ schema, tables, stepsHaveNames }: Shape): Record<string, string> {
  const s = quote(schema);
  const ofTasks = `JOIN ${s}.workflow_steps w ON w.workflow_step_uuid =`;
  const mine = 'w.task_uuid = ANY ($1::uuid[])';
  const row = (columns: string): string => `${OWN_MARK} row_to_json(x) AS row FROM (SELECT ${columns}`;
  const name = stepsHaveNames ? 'w.step_name' : tables.has('named_steps') ? 'n.name AS step_name' : "'' AS step_name";
  const names =
    stepsHaveNames || !tables.has('named_steps')
      ? ''
      : `LEFT JOIN ${s}.named_steps n ON n.named_step_uuid = w.named_step_uuid`;
  return {
    tasks: `${row('task_uuid, complete, created_at, correlation_id')} FROM ${s}.tasks
      WHERE task_uuid = ANY ($1::uuid[]) ORDER BY created_at, task_uuid) x`,
    workflow_steps: `${row(`w.workflow_step_uuid, w.task_uuid, ${name}, w.attempts`)}
      FROM ${s}.workflow_steps w ${names} WHERE ${mine} ORDER BY w.created_at, w.workflow_step_uuid) x`,
    workflow_step_edges: `${row('e.from_step_uuid, e.to_step_uuid')}
      FROM ${s}.workflow_step_edges e ${ofTasks} e.to_step_uuid WHERE ${mine} ORDER BY 1, 2) x`,
    workflow_step_transitions: `${row('t.workflow_step_uuid, t.from_state, t.to_state, t.sort_key, t.created_at')}
      FROM ${s}.workflow_step_transitions t ${ofTasks} t.workflow_step_uuid WHERE ${mine} ORDER BY t.created_at, 1, t.sort_key) x`,
    ...(tables.has('task_transitions')
      ? {
          task_transitions: `${row('task_uuid, from_state, to_state, sort_key, created_at')}
      FROM ${s}.task_transitions WHERE task_uuid = ANY ($1::uuid[]) ORDER BY created_at, 1, sort_key) x`,
        }
      : {}),
    ...(tables.has('workflow_step_result_audit')
      ? {
          workflow_step_result_audit: `${row('a.workflow_step_uuid, a.success, a.execution_time_ms, a.recorded_at')}
      FROM ${s}.workflow_step_result_audit a ${ofTasks} a.workflow_step_uuid WHERE ${mine} ORDER BY a.recorded_at, 1) x`,
        }
      : {}),
  };
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** In words without user, password and address. */
export function asTprofError(error: unknown): unknown {
  if (!(error instanceof ProbeFailure)) return error;
  return new TprofError(
    'input-missing',
    `--postgres: expected a PostgreSQL that can be read, found that ${error.why}`,
    {
      hint: error.hint ?? 'psql with the same address says more',
      cause: error,
    },
  );
}
