import { TprofError } from '../../../src/base/errors.ts';

/** What the orchestrator's own tables say of its tasks after the run. Times are Unix nanoseconds. */
export interface Rows {
  readonly tasks: readonly { readonly taskUuid: string; readonly complete: boolean }[];
  readonly steps: readonly { readonly stepUuid: string; readonly taskUuid: string; readonly name: string }[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
  readonly transitions: readonly RowTransition[];
}

export interface RowTransition {
  readonly stepUuid: string;
  readonly fromState: string;
  readonly toState: string;
  /** Start of its transaction: the change itself came later. */
  readonly createdUnixNs: bigint;
}

const TABLES = ['tasks', 'workflow_steps', 'workflow_step_edges', 'workflow_step_transitions'] as const;

/** Tables by name, as JSON: `{"workflow_steps": [{"workflow_step_uuid": …}], …}`. Tables that are missing are empty. */
export function parseRows(name: string, document: unknown): Rows {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw notRows(name, `found ${Array.isArray(document) ? 'a list' : typeof document}`);
  }
  const tables = document as Record<string, unknown>;
  if (!TABLES.some(table => Array.isArray(tables[table]))) {
    throw notRows(name, `found ${Object.keys(tables).slice(0, 3).join(', ') || 'an empty object'}`);
  }
  const rows = (table: (typeof TABLES)[number]): Record<string, unknown>[] => {
    const list = tables[table] ?? [];
    if (!Array.isArray(list)) throw notRows(name, `its ${table} is no list`);
    return list.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null);
  };
  return {
    tasks: rows('tasks').map(row => ({ taskUuid: text(row.task_uuid), complete: row.complete === true })),
    steps: rows('workflow_steps').map(row => ({
      stepUuid: text(row.workflow_step_uuid),
      taskUuid: text(row.task_uuid),
      name: text(row.step_name),
    })),
    edges: rows('workflow_step_edges').map(row => ({ from: text(row.from_step_uuid), to: text(row.to_step_uuid) })),
    transitions: rows('workflow_step_transitions').flatMap(row => {
      const createdUnixNs = unixNs(text(row.created_at));
      if (createdUnixNs === undefined) return [];
      return [
        {
          stepUuid: text(row.workflow_step_uuid),
          fromState: text(row.from_state),
          toState: text(row.to_state),
          createdUnixNs,
        },
      ];
    }),
  };
}

/** `2026-11-21T02:21:09.302426Z` (a time without a zone is UTC) to Unix nanoseconds, to the last digit. */
export function unixNs(time: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/.exec(time);
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2]}${match[4] ?? 'Z'}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt((match[3] ?? '').padEnd(9, '0') || '0');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function notRows(name: string, found: string): TprofError {
  return new TprofError('input-invalid', `${name}: expected tables as JSON (${TABLES.join(', ')}), ${found}`, {
    hint: 'one list of rows for each table: {"workflow_steps": [{"workflow_step_uuid": …}], …}',
  });
}
