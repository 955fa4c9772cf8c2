import type { Missing } from './breakdown-result.ts';
import type { Rows } from './evidence/rows.ts';
import type { Joined } from './join.ts';
import type { SpanNode } from './observation.ts';

/**
 * What must have existed and is not in the recording: spans that others name as their parent, spans that log records
 * stand in, and results that the tables say were processed though nothing tells of it.
 */
export function findMissing(joined: Joined, rows: Rows | undefined): Missing[] {
  const found = new Map<string, { process: string; what: string; count: number; fromNs: number; toNs: number }>();
  const add = (process: string, what: string, fromNs: number, toNs: number): void => {
    const key = `${process}\0${what}`;
    const entry = found.get(key);
    if (entry === undefined) found.set(key, { process, what, count: 1, fromNs, toNs });
    else {
      entry.count++;
      entry.fromNs = Math.min(entry.fromNs, fromNs);
      entry.toNs = Math.max(entry.toNs, toNs);
    }
  };
  const nameOfContext = new Map<string, string>();
  for (const node of joined.collected.nodes) {
    if (node.row >= 0 && node.context !== undefined) nameOfContext.set(node.context.id, node.name);
  }
  for (const node of joined.collected.nodes) {
    if (node.row >= 0 || !isProof(node)) continue;
    const process = joined.processes.list[node.process]!.name;
    add(process, whatWasLost(node, nameOfContext), node.startNs, node.endNs);
  }
  if (rows !== undefined) {
    const decided = new Set(joined.resultRuns.filter(run => run.decided).map(run => run.step));
    const known = new Set(joined.observations.map(o => o.ids.stepUuid));
    for (const { stepUuid, toState } of rows.transitions) {
      if (toState !== 'complete' || decided.has(stepUuid) || !known.has(stepUuid)) continue;
      add('orchestration', 'processing of a result that the tables call complete', Number.NaN, Number.NaN);
    }
  }
  return [...found.values()]
    .map(m => (Number.isNaN(m.fromNs) ? { ...m, fromNs: 0, toNs: 0 } : m))
    .sort((a, b) => b.count - a.count || (a.process + a.what < b.process + b.what ? -1 : 1));
}

/**
 * Long-lived spans (a connection, a loop) have not ended yet when the recording does, and are no loss. Proof is a span
 * that others stood below, a statement that ended in it, or a marker that only a span of a known kind contains.
 */
function isProof(node: SpanNode): boolean {
  if (node.startNs > node.endNs) return false;
  return (
    node.context !== undefined || node.children.some(child => child.row >= 0) || node.items.some(o => o.form === 'call')
  );
}

function whatWasLost(node: SpanNode, nameOfContext: ReadonlyMap<string, string>): string {
  const context = node.context?.id;
  if (context !== undefined) return nameOfContext.get(context) ?? context;
  const call = node.items.find(o => o.form === 'call');
  return call === undefined
    ? 'a span that others stood below'
    : `the span around ${call.known ? call.what : 'a statement'}`;
}
