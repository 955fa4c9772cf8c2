import { sortByTime } from './by-time.ts';
import type { CatalogSignals } from './catalog.ts';
import type { EnqueueRun } from './life.ts';
import { nearest, type Observation, type SpanNode } from './observation.ts';

/** Everything in the spans below `top`, in order of time; subtrees for which `skip` holds are left out. */
export function itemsBelow(top: SpanNode, skip: (node: SpanNode) => boolean): Observation[] {
  const items: Observation[] = [];
  const stack: SpanNode[] = [top];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    // What a call encloses is that call, told once more.
    for (const item of node.items) if (item.operation !== 'merged') items.push(item);
    for (const child of node.children) if (child !== top && child.call === undefined && !skip(child)) stack.push(child);
  }
  return sortByTime(items);
}

export const isEnqueueRun = (node: SpanNode): boolean => node.context?.role === 'enqueue-run';

/** The outermost enqueue run around `node` within one result run or visit; undefined = not in one. */
export function topRun(node: SpanNode | undefined): SpanNode | undefined {
  let top: SpanNode | undefined;
  for (let at = node; at !== undefined; at = at.parent) {
    if (at.context?.role === 'result-run' || at.context?.role === 'visit') break;
    if (isEnqueueRun(at)) top = at;
  }
  return top;
}

/** Reads one enqueue run: what it did, for whom, and where it cut from one step to the next. */
export function readEnqueueRun(top: SpanNode, signals: CatalogSignals): EnqueueRun {
  const items = itemsBelow(top, () => false);
  let startNs = top.startNs;
  // A run may begin in the span above, with a marker.
  const begins = new Set(top.context?.begins ?? []);
  for (let above = top.parent; above !== undefined && begins.size > 0; above = above.parent) {
    const begin = above.items.findLast(o => begins.has(o.what) && o.startNs <= top.startNs);
    if (begin === undefined) continue;
    startNs = begin.startNs;
    items.unshift(...above.items.filter(o => o.startNs >= startNs && o.endNs <= top.startNs));
    break;
  }
  const resultRun = nearest(top, ['result-run']);
  const parentStep = resultRun === undefined ? '' : stepOfResultRun(resultRun);
  const ownerOf = new Map<Observation, string>();
  const steps = new Map<string, { beginNs: number; sentNs: number; endNs: number }>();
  let current = '';
  for (const item of items) {
    const own = ownStep(item, top, parentStep, signals);
    if (signals.stepBegins.includes(item.what)) current = own;
    ownerOf.set(item, own !== '' ? own : current);
    const step = ownerOf.get(item)!;
    if (signals.stepEnds.includes(item.what)) current = '';
    const sends = signals.sends.includes(item.what);
    if (step === '' || !(sends || signals.enqueues.includes(item.what))) continue;
    const known = steps.get(step);
    if (known === undefined)
      steps.set(step, { beginNs: item.startNs, sentNs: sends ? item.endNs : Number.NaN, endNs: item.endNs });
    else {
      known.endNs = Math.max(known.endNs, item.endNs);
      if (sends) known.sentNs = item.endNs;
    }
  }
  // Found but not enqueued: it belongs to the run as a whole.
  for (const [item, owner] of ownerOf) if (owner !== '' && !steps.has(owner)) ownerOf.set(item, '');
  const taskUuid = items.find(o => o.ids.taskUuid !== '')?.ids.taskUuid ?? idAbove(top, 'taskUuid');
  return { node: top, process: top.process, startNs, endNs: top.endNs, taskUuid, parentStep, items, steps, ownerOf };
}

/** The step that a result run is about: its own attribute, else the first that something in it names. */
export function stepOfResultRun(node: SpanNode): string {
  if (node.ids.stepUuid !== '') return node.ids.stepUuid;
  return node.items.find(o => o.ids.stepUuid !== '')?.ids.stepUuid ?? '';
}

export function idAbove(node: SpanNode | undefined, key: 'taskUuid' | 'stepUuid'): string {
  for (let at = node; at !== undefined; at = at.parent) if (at.ids[key] !== '') return at.ids[key];
  return '';
}

/**
 * The step that an item, or a span between it and the run, names. The step whose result led here stands on much of
 * what is done for its successors; it counts where it is itself enqueued again.
 */
function ownStep(item: Observation, top: SpanNode, parentStep: string, signals: CatalogSignals): string {
  for (let at = item.own ?? item.node; at !== undefined && at !== top.parent; at = at.parent) {
    if (at.context?.role === 'enqueue-step' && at.ids.stepUuid !== '') return at.ids.stepUuid;
  }
  const isCut = item.form === 'marker' && signals.enqueues.includes(item.what);
  if (item.ids.stepUuid !== '' && (isCut || item.ids.stepUuid !== parentStep)) return item.ids.stepUuid;
  for (let at = item.own ?? item.node; at !== undefined && at !== top.parent; at = at.parent) {
    if (at.ids.stepUuid !== '' && at.ids.stepUuid !== parentStep) return at.ids.stepUuid;
  }
  return '';
}
