import { parseRows, type Rows } from '../../analyzers/lifecycle/evidence/rows.ts';
import type { ServerStatement } from '../../analyzers/server-times.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { readJsonSource } from './read-json-file.ts';

/** Whether an input begins like the orchestrator's tables as JSON. */
export function isRows(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head);
  return /^\s*\{\s*"(tasks|workflow_steps|workflow_step_edges|workflow_step_transitions|task_transitions|workflow_step_result_audit)"\s*:\s*\[/.test(
    text,
  );
}

/** The orchestrator's tables after a run, as JSON. */
export async function readRowsSource(source: Source): Promise<Rows> {
  return parseRows(source.name, await readRowsDocument(source));
}

/** Beside the tables: what the server counted of each statement, where whoever saved the tables asked for it too. */
export function statementsOfDocument(document: Readonly<Record<string, unknown>>): readonly ServerStatement[] {
  const list = document.pg_stat_statements;
  if (!Array.isArray(list)) return [];
  return list.flatMap((row: unknown) => {
    const { query, calls, totalMs, total_exec_time } = (row ?? {}) as Readonly<Record<string, unknown>>;
    const ms = Number(totalMs ?? total_exec_time);
    const known = typeof query === 'string' && Number.isFinite(Number(calls)) && Number.isFinite(ms);
    return known ? [{ query, calls: Number(calls), totalNs: ms * 1e6 }] : [];
  });
}

/** The same as they are written, all tables and columns. */
export async function readRowsDocument(source: Source): Promise<Record<string, unknown>> {
  const document = await readJsonSource(source, 'tables');
  if (typeof document === 'object' && document !== null && !Array.isArray(document))
    return document as Record<string, unknown>;
  throw new TprofError(
    'input-invalid',
    `${source.name}: expected an object of tables, found ${Array.isArray(document) ? 'a list' : typeof document}`,
  );
}
