import type { Catalog } from './catalog.ts';
import type { Observation, SpanNode } from './observation.ts';
import type { Processes } from './processes.ts';

/** What was added to the times of one process. */
export interface Skew {
  readonly process: number;
  readonly offsetNs: number;
  /** Messages that would have arrived before they were sent. */
  readonly messages: number;
}

/** A message cannot arrive before it is sent; two clocks of one machine differ by less than this. */
const TOLERANCE_NS = 50_000;

interface Message {
  readonly from: number;
  readonly to: number;
  readonly delayNs: number;
}

/**
 * Clocks of different machines, from the messages between them: a step's is sent by one process and handled by
 * another, its result comes back. Times are moved only where a message would have arrived before it was sent; with
 * messages in both directions the offset is the middle of what they allow, otherwise the least that mends it.
 */
export function correctSkew(
  observations: readonly Observation[],
  nodes: readonly SpanNode[],
  processes: Processes,
  catalog: Catalog,
): Skew[] {
  const messages = findMessages(observations, nodes, catalog);
  const offsets = new Map<number, { offsetNs: number; messages: number }>();
  const pairs = new Map<string, { a: number; b: number; there: number; back: number; violated: number }>();
  for (const { from, to, delayNs } of messages) {
    const [a, b] = from < to ? [from, to] : [to, from];
    const pair = pairs.get(`${a} ${b}`) ?? { a, b, there: Infinity, back: Infinity, violated: 0 };
    pairs.set(`${a} ${b}`, pair);
    if (from === a) pair.there = Math.min(pair.there, delayNs);
    else pair.back = Math.min(pair.back, delayNs);
    if (delayNs < -TOLERANCE_NS) pair.violated++;
  }
  for (const { a, b, there, back, violated } of [...pairs.values()].sort((x, y) => y.violated - x.violated)) {
    if (violated === 0 || offsets.has(b)) continue;
    // b's clock must go forward by at least -there, and by no more than back.
    const low = -there;
    const high = back;
    const shift = Number.isFinite(low) && Number.isFinite(high) ? (low + high) / 2 : Number.isFinite(low) ? low : high;
    if (!Number.isFinite(shift)) continue;
    offsets.set(b, { offsetNs: Math.round(shift) + (offsets.get(a)?.offsetNs ?? 0), messages: violated });
  }
  if (offsets.size === 0) return [];
  const offsetOf = (process: number): number => offsets.get(process)?.offsetNs ?? 0;
  for (const o of observations) {
    o.startNs += offsetOf(o.process);
    o.endNs += offsetOf(o.process);
  }
  for (const node of nodes) {
    node.startNs += offsetOf(node.process);
    node.endNs += offsetOf(node.process);
  }
  void processes;
  return [...offsets].map(([process, { offsetNs, messages: count }]) => ({ process, offsetNs, messages: count }));
}

/** Pairs of sending and handling that name the same step. */
function findMessages(observations: readonly Observation[], nodes: readonly SpanNode[], catalog: Catalog): Message[] {
  const worker = new Map<string, { process: number; startNs: number; endNs: number }[]>();
  const roles = new Map(catalog.markers.map(m => [m.id, m.by]));
  const note = (step: string, process: number, timeNs: number): void => {
    const list = worker.get(step) ?? [];
    worker.set(step, list);
    const last = list.find(v => v.process === process);
    if (last === undefined) list.push({ process, startNs: timeNs, endNs: timeNs });
    else {
      last.startNs = Math.min(last.startNs, timeNs);
      last.endNs = Math.max(last.endNs, timeNs);
    }
  };
  for (const o of observations) {
    if (o.form === 'marker' && roles.get(o.what) === 'worker' && o.ids.stepUuid !== '')
      note(o.ids.stepUuid, o.process, o.startNs);
  }
  const visitNodes = nodes.filter(n => n.context?.role === 'visit' && n.ids.stepUuid !== '');
  for (const node of visitNodes) {
    for (const item of node.items) note(node.ids.stepUuid, node.process, item.startNs);
  }
  const { sends, stepBegins } = catalog.signals;
  const messages: Message[] = [];
  for (const o of observations) {
    if (!sends.includes(o.what)) continue;
    const step = o.ids.stepUuid;
    for (const visit of worker.get(step) ?? []) {
      if (visit.process !== o.process)
        messages.push({ from: o.process, to: visit.process, delayNs: visit.startNs - o.startNs });
    }
  }
  // Tasker's send names no step: the marker before it, in the same run, does.
  for (const o of observations) {
    if (!stepBegins.includes(o.what)) continue;
    for (const visit of worker.get(o.ids.stepUuid) ?? []) {
      if (visit.process !== o.process)
        messages.push({ from: o.process, to: visit.process, delayNs: visit.startNs - o.startNs });
    }
  }
  for (const node of nodes) {
    if (node.context?.role !== 'result-run' || node.row < 0 || node.ids.stepUuid === '') continue;
    const visits = worker.get(node.ids.stepUuid) ?? [];
    if (visits.length !== 1 || visits[0]!.process === node.process) continue;
    messages.push({ from: visits[0]!.process, to: node.process, delayNs: node.endNs - visits[0]!.startNs });
  }
  return messages;
}
