import type { Missing } from './breakdown-result.ts';
import type { Rows } from './evidence/rows.ts';
import type { Joined } from './join.ts';
import type { SpanNode } from './observation.ts';
import { stepOfResultRun } from './runs.ts';
import { SpanPortraits } from './span-portraits.ts';

/**
 * What must have existed and is not in the recording: spans that others name as their parent, spans that log records
 * stand in, and results that the tables say were processed though nothing tells of it.
 */
export function findMissing(joined: Joined, rows: Rows | undefined, epochNs: bigint): Missing[] {
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
  const isLossy = joined.collected.nodes.some(node => node.row < 0);
  const portraits = new SpanPortraits(isLossy ? joined.collected.nodes : []);
  const resultRun = joined.collected.nodes.find(node => node.row >= 0 && node.context?.role === 'result-run')?.name;
  let lostResults = 0;
  for (const node of joined.collected.nodes) {
    if (node.row >= 0 || !isProof(node)) continue;
    const what = whatWasLost(node, portraits);
    // Whose result it was nobody tells: it is one of those that the tables miss.
    if (what === resultRun && stepOfResultRun(node) === '') lostResults++;
    add(joined.processes.list[node.process]!.name, what, node.startNs, node.endNs);
  }
  if (rows !== undefined) {
    const decided = new Set(joined.resultRuns.filter(run => run.decided).map(run => run.step));
    const known = new Set(joined.observations.map(o => o.ids.stepUuid));
    const missing = rows.transitions.filter(
      ({ stepUuid, toState }) => toState === 'complete' && !decided.has(stepUuid) && known.has(stepUuid),
    );
    for (const { createdUnixNs } of missing.slice(lostResults)) {
      const atNs = Number(createdUnixNs - epochNs);
      add('a process of the orchestration', resultRun ?? 'the processing of a result', atNs, atNs);
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.process + a.what < b.process + b.what ? -1 : 1));
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

function whatWasLost(node: SpanNode, portraits: SpanPortraits): string {
  const name = portraits.nameOf(node) || portraits.nameIn(node.context?.id ?? '');
  if (name !== '') return name;
  const call = node.items.find(o => o.form === 'call');
  return node.context?.id ?? (call === undefined ? 'a span that others stood below' : `the span around ${call.what}`);
}
