import type { Lifecycle } from './lifecycle/breakdown.ts';
import { normaliseSql } from './lifecycle/recogniser.ts';

/** A statement as the server counts it. */
export interface ServerStatement {
  readonly query: string;
  readonly calls: number;
  readonly totalNs: number;
}

/** The server's own time of the statements behind an operation. */
export interface ServerTime {
  readonly calls: number;
  readonly meanNs: number;
  readonly totalNs: number;
  /** Other operations that run the same statement: the server does not tell them apart. */
  readonly sharedWith: readonly string[];
}

/** Names before a dot that are schemas of the orchestrator's own functions and tables. */
const QUALIFIED = /\b(\w+)\.(?:tasks|workflow_\w+|task_transitions|pgmq_\w+|get_\w+|transition_task|queue_messages)\b/g;

/**
 * Which of the server's statements are which operation's, by the catalogue's fingerprints of both. `schema`: statements
 * that name another one alone are another installation's. Keys are `phase/id`.
 */
export function serverTimes(
  lifecycle: Pick<Lifecycle, 'joined' | 'catalog'>,
  statements: readonly ServerStatement[],
  schema?: string,
): Map<string, ServerTime> {
  const { catalog, joined } = lifecycle;
  const patterns = catalog.statements.map(({ id, sql }) => ({ id, pattern: new RegExp(sql, 's') }));
  const sums = new Map<string, { calls: number; totalNs: number }>();
  for (const { query, calls, totalNs } of statements) {
    const text = normaliseSql(query);
    const id = patterns.find(({ pattern }) => pattern.test(text))?.id ?? text;
    if (schema !== undefined && isOfAnother(text, schema.toLowerCase())) continue;
    const sum = sums.get(id);
    if (sum === undefined) sums.set(id, { calls, totalNs });
    else {
      sum.calls += calls;
      sum.totalNs += totalNs;
    }
  }

  // An operation's statements are those that were seen as it, and, where it was seen as a call, those inside the call.
  const statementsOf = new Map<string, Set<string>>();
  const operationsOf = new Map<string, Set<string>>();
  const add = (operation: string, statement: string): void => {
    if (!sums.has(statement)) return;
    const own = statementsOf.get(operation) ?? new Set();
    statementsOf.set(operation, own.add(statement));
    const others = operationsOf.get(statement) ?? new Set();
    operationsOf.set(statement, others.add(operation));
  };
  for (const o of joined.observations) {
    if (o.form !== 'call' || o.operation === '' || o.phase === '') continue;
    const key = `${o.phase}/${o.operation}`;
    add(key, o.what);
    for (const inner of o.own?.items ?? []) if (inner.form === 'call') add(key, inner.what);
  }

  const times = new Map<string, ServerTime>();
  for (const [operation, own] of statementsOf) {
    let calls = 0;
    let totalNs = 0;
    const sharedWith = new Set<string>();
    for (const statement of own) {
      const sum = sums.get(statement)!;
      calls += sum.calls;
      totalNs += sum.totalNs;
      for (const other of operationsOf.get(statement) ?? []) if (other !== operation) sharedWith.add(other);
    }
    if (calls > 0)
      times.set(operation, { calls, meanNs: totalNs / calls, totalNs, sharedWith: [...sharedWith].sort() });
  }
  return times;
}

function isOfAnother(text: string, schema: string): boolean {
  const schemas = [...text.matchAll(QUALIFIED)].map(match => match[1]).filter(name => name !== 'pgmq');
  return schemas.length > 0 && !schemas.includes(schema);
}
