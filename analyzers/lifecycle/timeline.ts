import type { Attempt } from './attempts.ts';
import type { BusyTimes } from './busy-times.ts';
import type { Catalog } from './catalog.ts';
import type { Observation, SpanNode } from './observation.ts';

export type PartKind = 'operation' | 'handler' | 'wait' | 'code' | 'unattributed';

/** One stretch of a step's life. Times are integer nanoseconds of the trace. */
export interface Part {
  readonly kind: PartKind;
  readonly phase: string;
  readonly id: string;
  readonly startNs: number;
  readonly durationNs: number;
  readonly evidence: 'span' | 'event' | 'log' | 'row' | 'gap';
  readonly standIn: string;
  readonly shared: boolean;
  /** Process that did it, or in which the gap is; -1 = between two. */
  readonly process: number;
  readonly observation: Observation | undefined;
  /** Of a stretch that stands for a whole run: its span. */
  readonly node?: SpanNode | undefined;
  /** Step whose work explains a wait; '' = none. */
  readonly behind: string;
}

export interface Timeline {
  readonly attempt: Attempt;
  readonly startNs: number;
  readonly endNs: number;
  readonly parts: readonly Part[];
  /** Why it is not closed; '' = it is. */
  readonly incomplete: string;
}

/** A place on the path: a call that takes time, or an instant between two gaps. */
interface Point {
  readonly key: string;
  readonly chain: Chain;
  readonly startNs: number;
  readonly endNs: number;
  readonly phase: string;
  readonly process: number;
  /** What fills the time from start to end; undefined for an instant. */
  readonly fill: Omit<Part, 'startNs' | 'durationNs'> | undefined;
  readonly handler?: boolean;
}

type Chain = 'enqueue' | 'worker' | 'result';

export interface TimelineContext {
  readonly catalog: Catalog;
  readonly busy: BusyTimes;
}

/**
 * The life of one attempt: its path from the run that enqueued it to the end of the processing that decided it, every
 * instant given to exactly one part. Calls keep their order; a gap is a wait where the catalogue names its two edges,
 * own code where both edges are of one stretch of work, and unattributed otherwise.
 */
export function buildTimeline(attempt: Attempt, context: TimelineContext): Timeline {
  const points = pathOf(attempt, context);
  const sorted = points.sort((a, b) => a.startNs - b.startNs || b.endNs - a.endNs || (a.key < b.key ? -1 : 1));
  const startNs = attempt.enqueue?.run.startNs ?? sorted[0]?.startNs ?? 0;
  const last = sorted.reduce((end, p) => Math.max(end, p.endNs), startNs);
  const endNs = attempt.result === undefined ? last : Math.max(attempt.result.endNs, startNs);
  const takeover = takeovers(sorted);
  const parts: Part[] = [];
  let cursor = startNs;
  let before: Point | undefined;
  for (const point of sorted) {
    const until = Math.min(point.startNs, endNs);
    if (until > cursor) {
      append(parts, gap(before, point, cursor, until, attempt, context));
      cursor = until;
    }
    const end = Math.min(point.endNs, endNs, takeover[point.chain]);
    if (point.fill !== undefined && end > cursor) {
      parts.push({ ...point.fill, startNs: cursor, durationNs: end - cursor });
      cursor = end;
    }
    before = point;
  }
  if (endNs > cursor) append(parts, gap(before, undefined, cursor, endNs, attempt, context));
  return { attempt, startNs, endNs, parts, incomplete: incompleteness(attempt, context) };
}

/**
 * When the next stretch of a step's life begins. A message is often received before the call that sent it returns:
 * from then on the step's path is with the receiver.
 */
function takeovers(points: readonly Point[]): Readonly<Record<Chain, number>> {
  const first = (chain: Chain): number => points.find(p => p.chain === chain)?.startNs ?? Number.POSITIVE_INFINITY;
  const result = first('result');
  return { enqueue: Math.min(first('worker'), result), worker: result, result: Number.POSITIVE_INFINITY };
}

/** Own code that a marker cuts in two, but nothing else, is one part. */
function append(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  if (part.kind === 'code' && last?.kind === 'code' && last.phase === part.phase) {
    parts[parts.length - 1] = { ...last, durationNs: last.durationNs + part.durationNs };
  } else parts.push(part);
}

function pathOf(attempt: Attempt, { catalog }: TimelineContext): Point[] {
  const points: Point[] = [];
  const beside = new Set(catalog.operations.filter(o => o.beside === true).map(o => o.id));
  const add = (o: Observation, chain: Chain, shared: boolean): void => {
    if (beside.has(o.operation) || o.operation === 'paired') return;
    points.push(pointOf(o, chain, shared));
  };
  const { enqueue, visit, result } = attempt;
  if (enqueue !== undefined) {
    const { run, step } = enqueue;
    const untilNs = Number.isNaN(step.sentNs) ? step.endNs : step.sentNs;
    points.push(instant('enqueue:begin', 'enqueue', run.startNs, run.process, ''));
    for (const item of run.items) {
      const owner = run.ownerOf.get(item)!;
      if (item.startNs > untilNs || item.startNs < run.startNs) continue;
      if (owner === attempt.step) add(item, 'enqueue', false);
      else if (owner === '') add(item, 'enqueue', run.steps.size > 1);
    }
  }
  if (visit !== undefined) {
    const ends = visit.items.filter(o => o.operation === catalog.signals.sendResult).map(o => o.endNs);
    const untilNs = ends.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...ends);
    for (const item of visit.items) if (item.startNs <= untilNs) add(item, 'worker', false);
  }
  if (result !== undefined) {
    const { node } = result;
    if (node !== undefined && node.row >= 0) {
      points.push(instant('result:begin', 'result', node.startNs, node.process, 'result-processing'));
      points.push(instant('result:end', 'result', node.endNs, node.process, 'result-processing'));
    }
    for (const run of result.enqueueRuns) {
      const fill = {
        kind: 'operation' as const,
        phase: 'task-coordination',
        id: catalog.signals.reevaluate,
        evidence: run.node.row >= 0 ? ('span' as const) : ('log' as const),
        standIn: '',
        shared: true,
        process: run.process,
        observation: undefined,
        node: run.node,
        behind: '',
      };
      points.push({
        key: fill.id,
        chain: 'result',
        startNs: run.startNs,
        endNs: run.endNs,
        phase: fill.phase,
        process: run.process,
        fill,
      });
    }
    for (const item of result.items) add(item, 'result', false);
  }
  return points;
}

function instant(key: string, chain: Chain, timeNs: number, process: number, phase: string): Point {
  return { key, chain, startNs: timeNs, endNs: timeNs, phase, process, fill: undefined };
}

function pointOf(o: Observation, chain: Chain, shared: boolean): Point {
  if (o.form === 'marker') return instant(o.what, chain, o.startNs, o.process, '');
  const isHandler = o.what === 'handler';
  return {
    key: o.operation,
    chain,
    startNs: o.startNs,
    endNs: o.endNs,
    phase: o.phase,
    process: o.process,
    fill: {
      kind: isHandler ? 'handler' : 'operation',
      phase: o.phase,
      id: o.operation,
      evidence: o.kind === 'enclosing' ? 'span' : o.kind,
      standIn: o.standIn,
      shared,
      process: o.process,
      observation: o,
      behind: '',
    },
  };
}

function gap(
  before: Point | undefined,
  after: Point | undefined,
  startNs: number,
  endNs: number,
  attempt: Attempt,
  context: TimelineContext,
): Part {
  const part = (kind: PartKind, phase: string, id: string, behind = ''): Part => ({
    kind,
    phase,
    id,
    startNs,
    durationNs: endNs - startNs,
    evidence: 'gap',
    standIn: '',
    shared: false,
    process: before !== undefined && before.process === after?.process ? before.process : -1,
    observation: undefined,
    behind,
  });
  if (before === undefined || after === undefined) return part('unattributed', '', 'not-recorded');
  const wait = context.catalog.waits.find(w => w.after.includes(before.key) && w.before.includes(after.key));
  if (wait !== undefined) {
    const behind = wait.behind === true ? whoRan(after, startNs, endNs, attempt, context) : '';
    return part(wait.kind === 'handler' ? 'handler' : 'wait', wait.phase, wait.id, behind);
  }
  if (before.chain === 'enqueue' && after.chain === 'enqueue') {
    const sibling = siblingAt(attempt, startNs, endNs);
    if (sibling !== '') return part('wait', 'enqueueing', 'enqueue-turn', sibling);
  }
  if (before.chain === after.chain)
    return part('code', before.phase || after.phase || phaseOf(before.chain), 'own-code');
  const worker = before.chain === 'enqueue' && after.chain === 'result';
  return part('unattributed', '', worker ? 'worker-not-recorded' : 'not-recorded');
}

function phaseOf(chain: Chain): string {
  return chain === 'enqueue' ? 'enqueueing' : chain === 'worker' ? 'execution' : 'result-processing';
}

/** The step that the run was enqueueing meanwhile. */
function siblingAt(attempt: Attempt, startNs: number, endNs: number): string {
  for (const [step, { beginNs, endNs: doneNs }] of attempt.enqueue?.run.steps ?? []) {
    if (step !== attempt.step && beginNs < endNs && doneNs > startNs) return step;
  }
  return '';
}

/** Whose run or visit kept the receiving process busy for most of the wait; '' where nobody's did. */
function whoRan(
  after: Point,
  startNs: number,
  endNs: number,
  attempt: Attempt,
  { busy }: Pick<TimelineContext, 'busy'>,
): string {
  let most = 0;
  let behind = '';
  for (const other of busy.during(after.chain === 'result' ? 'result' : 'worker', after.process, startNs, endNs)) {
    if (other.step === attempt.step && after.chain === 'worker') continue;
    if (other.run !== undefined && other.run === attempt.result) continue;
    const overlap = Math.min(endNs, other.endNs) - Math.max(startNs, other.startNs);
    if (overlap <= most) continue;
    most = overlap;
    behind = other.step;
  }
  return most * 2 > endNs - startNs ? behind : '';
}

function incompleteness(attempt: Attempt, { catalog }: TimelineContext): string {
  const { enqueue, visit, result } = attempt;
  if (enqueue === undefined) return 'the run that enqueued it is not in the recording';
  if (result === undefined) {
    return visit === undefined
      ? 'nothing after its enqueueing is in the recording'
      : 'no processing of its result is in the recording';
  }
  if (!result.decided) return 'no processing of its result that changed its state is in the recording';
  if (result.node?.row === -1 && !result.items.some(o => catalog.signals.ends.includes(o.what))) {
    return 'the span of the processing of its result was lost, and nothing else tells when it ended';
  }
  return '';
}
