import { unreachable } from '../src/base/unreachable.ts';
import { FrameFlag, NO_STACK, type Profile, type StackIndex } from '../src/model/profile.ts';
import { ProfileBuilder } from '../src/model/profile-builder.ts';
import type { Trace } from '../src/model/trace.ts';
import { findCriticalPaths } from './critical-path.ts';
import { selfTimeNs } from './self-time.ts';
import { buildSpanForest, preOrder, type SpanForest, type SpanPredicate } from './span-forest.ts';
import { SpanOperations } from './span-operations.ts';

/**
 * What the width of a frame means. The usual picture, in which a span is as wide as it was long, lies where children
 * run side by side: they are wider than their parent. Two do not:
 * `critical-path` adds up to the time that a person waited, `self-time` to the time that something was at work.
 */
export type TraceProfileMode = 'critical-path' | 'self-time';

export const TRACE_PROFILE_MODES: readonly TraceProfileMode[] = ['critical-path', 'self-time'];

export interface TraceProfileOptions {
  /** One value column a mode; the profile is named after the first, which is its default. */
  readonly modes: readonly TraceProfileMode[];
  readonly exclude?: SpanPredicate | undefined;
  /** Default true; only matters to critical paths. */
  readonly followMessages?: boolean;
  readonly traces?: ReadonlySet<number> | undefined;
}

/**
 * A trace as weighted stacks of spans, root first; a frame is a span's name in its service (the frame's module).
 * Equal stacks are one, unless the profile is one critical path and nothing else: then samples are in order of time.
 */
export function traceProfile(trace: Trace, options: TraceProfileOptions): Profile {
  const { modes } = options;
  const forest = buildSpanForest(trace, options);
  const builder = new ProfileBuilder(
    `${trace.name}: ${meaning(modes[0] ?? 'critical-path')}`,
    modes.map(mode => ({ name: mode, unit: 'nanoseconds' })),
  );
  builder.epochNs = trace.epochNs;
  builder.warnings.merge(trace.warnings);
  builder.warnings.merge(forest.warnings.list());
  const spans = { trace, forest, builder, options, ...spanStacks(trace, forest, builder) };
  for (const mode of modes) {
    switch (mode) {
      case 'critical-path':
        addPaths(spans);
        break;
      case 'self-time':
        addSelfTimes(spans);
        break;
      default:
        unreachable(mode);
    }
  }
  return builder.finish();
}

interface Spans {
  readonly trace: Trace;
  readonly forest: SpanForest;
  readonly builder: ProfileBuilder;
  readonly options: TraceProfileOptions;
  /** Stack of each span of the forest. */
  readonly stackOf: Int32Array;
  readonly operations: SpanOperations;
}

/** One number, in the column of `mode`. */
function inColumn(modes: readonly TraceProfileMode[], mode: TraceProfileMode, value: number): number[] {
  return modes.map(m => (m === mode ? value : 0));
}

function meaning(mode: TraceProfileMode): string {
  switch (mode) {
    case 'critical-path':
      return 'time on critical paths (sums to wall time)';
    case 'self-time':
      return 'self time of spans (sums to work)';
    default:
      return unreachable(mode);
  }
}

/** The stack of every span of the forest: its ancestors' names. Distinct paths of names are one stack. */
function spanStacks(trace: Trace, forest: SpanForest, builder: ProfileBuilder): Pick<Spans, 'stackOf' | 'operations'> {
  const operations = new SpanOperations(trace);
  const stackOf = new Int32Array(forest.length).fill(NO_STACK);
  for (const span of preOrder(forest).order) {
    const parent = forest.parent[span]!;
    const above = (parent === -1 ? NO_STACK : stackOf[parent]!) as StackIndex;
    const frame = builder.frame({ name: operations.nameOf(span), module: operations.serviceOf(span) });
    stackOf[span] = builder.stack(above, frame);
  }
  return { stackOf, operations };
}

function addPaths({ trace, forest, builder, options, stackOf, operations }: Spans): void {
  const { segments, length, totalNs } = findCriticalPaths(trace, forest, { ...options, warnings: builder.warnings });
  const thread = builder.thread({ pid: 0, tid: 0, processName: trace.name, threadName: 'spans' });
  const inOrder = length === 1 && options.modes.length === 1;
  if (length === 1) builder.durationNs = totalNs[0]!;
  for (let s = segments.length - 1; s >= 0; s--) {
    const span = segments.span[s]!;
    let stack = stackOf[span] as StackIndex;
    if (segments.waitFor[s] !== -1) {
      const name = `wait for ${operations.nameOf(span)}`;
      const frame = builder.frame({ name, module: operations.serviceOf(span), flags: FrameFlag.waiting });
      stack = builder.stack(NO_STACK, frame);
    }
    const values = inColumn(options.modes, 'critical-path', segments.durationNs[s]!);
    if (inOrder) builder.sample({ thread, stack, values, timeNs: segments.startNs[s]! });
    else builder.aggregate({ thread, stack, values });
  }
}

function addSelfTimes({ trace, forest, builder, options, stackOf }: Spans): void {
  const self = selfTimeNs(forest);
  const thread = builder.thread({ pid: 0, tid: 0, processName: trace.name, threadName: 'spans' });
  for (let span = 0; span < forest.length; span++) {
    if (self[span] === 0 || options.traces?.has(trace.spans.trace[span]!) === false) continue;
    const values = inColumn(options.modes, 'self-time', self[span]!);
    builder.aggregate({ thread, stack: stackOf[span] as StackIndex, values });
  }
}
