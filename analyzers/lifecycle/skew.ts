import type { Catalog } from './catalog.ts';
import { nearest, type Observation, type SpanNode } from './observation.ts';

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
  /** Whose clock the others are compared with: it creates tasks and decides over them. */
  readonly orchestration: number;
  readonly worker: number;
  readonly toWorker: boolean;
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
  catalog: Catalog,
): Skew[] {
  const messages = findMessages(observations, nodes, catalog);
  const offsets = new Map<number, { offsetNs: number; messages: number }>();
  const pairs = new Map<string, { a: number; b: number; there: number; back: number; violated: number }>();
  for (const { orchestration: a, worker: b, toWorker, delayNs } of messages) {
    const pair = pairs.get(`${a} ${b}`) ?? { a, b, there: Infinity, back: Infinity, violated: 0 };
    pairs.set(`${a} ${b}`, pair);
    if (toWorker) pair.there = Math.min(pair.there, delayNs);
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
  return [...offsets].map(([process, { offsetNs, messages: count }]) => ({ process, offsetNs, messages: count }));
}

/** When each side first and last had a step in hand, and when each message about it was sent. */
function findMessages(observations: readonly Observation[], nodes: readonly SpanNode[], catalog: Catalog): Message[] {
  const { sends, stepBegins, stepEnds } = catalog.signals;
  const by = new Map(catalog.markers.map(m => [m.id, m.by]));
  const heard = { worker: new Map<string, Place>(), orchestration: new Map<string, Place>() };
  const sent = { worker: new Map<string, Place>(), orchestration: new Map<string, Place>() };
  /** Of several (a redelivery, a retry) nothing is known: only steps that met one process once are used. */
  const ambiguous = new Set<string>();
  const note = (map: Map<string, Place>, step: string, process: number, timeNs: number): void => {
    if (step === '') return;
    const known = map.get(step);
    if (known === undefined) map.set(step, { process, timeNs });
    else if (known.process !== process) ambiguous.add(step);
    else known.timeNs = Math.min(known.timeNs, timeNs);
  };
  const turns = new Map<SpanNode | undefined, string>();
  for (const o of observations) {
    const step = o.ids.stepUuid || o.windowStep;
    if (o.form === 'marker') {
      const side = by.get(o.what);
      if (side !== undefined && o.node === undefined) note(heard[side], step, o.process, o.startNs);
      if (stepBegins.includes(o.what)) turns.set(o.node, step);
      if (stepEnds.includes(o.what)) turns.delete(o.node);
      continue;
    }
    const visit = nearest(o.node, ['visit', 'result-run']);
    if (sends.includes(o.what)) {
      const inVisit = visit?.context?.role === 'visit' || o.windowStep !== '';
      note(inVisit ? sent.worker : sent.orchestration, step || (turns.get(o.node) ?? ''), o.process, o.startNs);
    }
  }
  for (const node of nodes) {
    if (node.row < 0 || node.ids.stepUuid === '') continue;
    if (node.context?.role === 'visit') note(heard.worker, node.ids.stepUuid, node.process, node.startNs);
    if (node.context?.role === 'result-run') note(heard.orchestration, node.ids.stepUuid, node.process, node.startNs);
  }
  const messages: Message[] = [];
  const pair = (from: Map<string, Place>, to: Map<string, Place>, toWorker: boolean): void => {
    for (const [step, place] of from) {
      const other = to.get(step);
      if (other === undefined || other.process === place.process || ambiguous.has(step)) continue;
      const [orchestration, worker] = toWorker ? [place.process, other.process] : [other.process, place.process];
      messages.push({ orchestration, worker, toWorker, delayNs: other.timeNs - place.timeNs });
    }
  };
  pair(sent.orchestration, heard.worker, true);
  pair(sent.worker, heard.orchestration, false);
  return messages;
}

interface Place {
  readonly process: number;
  timeNs: number;
}
