import { unreachable } from '../src/base/unreachable.ts';
import { Warnings } from '../src/base/warnings.ts';
import type { ResultHeader } from '../src/model/result.ts';
import type { Trace } from '../src/model/trace.ts';
import { spanIdHex } from '../src/model/trace-read.ts';
import { CriticalPathWalk, type PathTable } from './critical-path-walk.ts';
import { MessageFlow } from './message-flow.ts';
import { findMessages } from './messages.ts';
import { buildSpanForest, type SpanForest, type SpanPredicate } from './span-forest.ts';
import { SpanOperations } from './span-operations.ts';
import { spanSlackNs } from './span-slack.ts';

export interface CriticalPathResult extends ResultHeader<'critical-path'> {
  /** One entry a root, by start: a trace with several roots has several. */
  readonly traces: readonly CriticalPathTrace[];
  /** By time on critical paths, then service, then name. */
  readonly operations: readonly CriticalPathOperation[];
}

export interface CriticalPathTrace {
  readonly traceId: string;
  readonly rootSpanId: string;
  readonly service: string;
  readonly name: string;
  readonly startNs: number;
  /** From the root's start to its end, or to the end of the last consumer that its messages reached. */
  readonly totalNs: number;
  /** In order of time; they touch, do not overlap, and add up to `totalNs` exactly. */
  readonly segments: readonly CriticalPathSegment[];
}

/**
 * `span`: the span ran. `queue-wait`: the message lay between its producer's end and the start of the span. `gap`: the
 * span began after its own parent had ended, so that nobody is known to have run in between.
 */
export type SegmentKind = 'span' | 'queue-wait' | 'gap';

export interface CriticalPathSegment {
  readonly spanId: string;
  readonly service: string;
  /** The span's name; of a wait or gap, `wait for ` or `gap before ` and the name of the span that came next. */
  readonly name: string;
  readonly startNs: number;
  readonly durationNs: number;
  readonly kind: SegmentKind;
  /** How much shorter the path would be without this segment; less than `durationNs` where others ran beside it. */
  readonly dragNs: number;
  /** Of a span in another trace than the root's, reached by a link. */
  readonly traceId?: string;
}

export interface CriticalPathOperation {
  readonly service: string;
  readonly name: string;
  readonly kind: SegmentKind;
  /** Time on critical paths, and its share of all of them. */
  readonly totalNs: number;
  readonly share: number;
  /** Spans (of a wait: messages) on a critical path. */
  readonly count: number;
  readonly dragNs: number;
  /** Spans of this operation that ran beside a critical path, and the least by which one of them missed it. */
  readonly besideCount: number;
  readonly slackNs: number | null;
}

export interface CriticalPathOptions {
  readonly inputs?: readonly string[];
  /** Spans to leave out: an exporter watching itself. */
  readonly exclude?: SpanPredicate | undefined;
  /** Follow messages from producer to consumer where the producer does not go on. Default true. */
  readonly followMessages?: boolean;
  /** Only roots in these traces (indices into `traceIds`). Their messages are followed into other traces all the same. */
  readonly traces?: ReadonlySet<number> | undefined;
}

/**
 * The critical path of every root in a trace, and what it was made of. The rule is in `critical-path-walk.ts`;
 * it needs no tolerance for clocks, since children that overlap or stick out are clipped, never dropped for it.
 */
export function analyzeCriticalPath(trace: Trace, options: CriticalPathOptions = {}): CriticalPathResult {
  const forest = buildSpanForest(trace, options);
  const warnings = new Warnings();
  warnings.merge(trace.warnings);
  warnings.merge(forest.warnings.list());
  const paths = findCriticalPaths(trace, forest, { ...options, warnings });
  const operations = new SpanOperations(trace);
  return {
    schema: 'tprof.critical-path/1',
    epochNs: String(trace.epochNs),
    inputs: options.inputs ?? [trace.name],
    warnings: warnings.list(),
    traces: describePaths(trace, forest, paths, operations),
    operations: sumOperations(trace, forest, paths, operations, options.traces),
  };
}

/** The paths in columns, for callers that need no text. Doubts are added to `warnings`. */
export function findCriticalPaths(
  trace: Trace,
  forest: SpanForest,
  options: Omit<CriticalPathOptions, 'inputs' | 'exclude'> & { readonly warnings?: Warnings } = {},
): PathTable {
  const { traces } = options;
  const roots = traces === undefined ? forest.roots : forest.roots.filter(root => traces.has(trace.spans.trace[root]!));
  const messages = options.followMessages === false ? [] : findMessages(trace, forest);
  if (messages.length === 0) {
    const walk = new CriticalPathWalk(forest);
    for (const root of roots) walk.add(root, false);
    return walk.finish();
  }
  const flow = new MessageFlow(forest, messages);
  const walk = new CriticalPathWalk(forest, flow);
  // Many roots that share one long chain of messages would each walk all of it: the work is bounded instead.
  const most = 100_000 + 64 * messages.length;
  const add = (root: number): void => {
    const follow = flow.work < most;
    if (!follow) {
      options.warnings?.add(
        'messages-not-followed',
        'very many roots share the same messages: for some of them the path ends where the root does',
      );
    }
    walk.add(root, follow);
  };
  for (const root of roots) if (!flow.isConsumer(root)) add(root);
  // Consumers that only reach each other (a circle), or whose producers were not followed or not chosen.
  for (const root of roots) if (flow.isConsumer(root) && !flow.everReached(root)) add(root);
  return walk.finish();
}

function describePaths(
  trace: Trace,
  forest: SpanForest,
  paths: PathTable,
  operations: SpanOperations,
): CriticalPathTrace[] {
  const { segments } = paths;
  const { idHigh, idLow, trace: traceOf } = trace.spans;
  const rows = Array.from({ length: paths.length }, (_, p) => p).sort(
    (a, b) => paths.startNs[a]! - paths.startNs[b]! || paths.root[a]! - paths.root[b]!,
  );
  return rows.map(p => {
    const root = paths.root[p]!;
    const own: CriticalPathSegment[] = [];
    for (let s = paths.segmentStart[p + 1]! - 1; s >= paths.segmentStart[p]!; s--) {
      const span = segments.span[s]!;
      const kind = kindOf(forest, span, segments.waitFor[s]!);
      const segment: CriticalPathSegment = {
        spanId: spanIdHex(idHigh[span]!, idLow[span]!),
        service: operations.serviceOf(span),
        name: segmentName(kind, operations.nameOf(span)),
        startNs: segments.startNs[s]!,
        durationNs: segments.durationNs[s]!,
        kind,
        dragNs: segments.dragNs[s]!,
      };
      const elsewhere = traceOf[span] !== traceOf[root];
      own.push(elsewhere ? { ...segment, traceId: trace.traceIds.hex(traceOf[span]!) } : segment);
    }
    return {
      traceId: trace.traceIds.hex(traceOf[root]!),
      rootSpanId: spanIdHex(idHigh[root]!, idLow[root]!),
      service: operations.serviceOf(root),
      name: operations.nameOf(root),
      startNs: paths.startNs[p]!,
      totalNs: paths.totalNs[p]!,
      segments: own,
    };
  });
}

const VARIANTS: readonly SegmentKind[] = ['span', 'queue-wait', 'gap'];

function kindOf(forest: SpanForest, span: number, waitFor: number): SegmentKind {
  if (waitFor === -1) return 'span';
  return forest.parent[span] === waitFor ? 'gap' : 'queue-wait';
}

function segmentName(kind: SegmentKind, name: string): string {
  switch (kind) {
    case 'span':
      return name;
    case 'queue-wait':
      return `wait for ${name}`;
    case 'gap':
      return `gap before ${name}`;
    default:
      return unreachable(kind);
  }
}

function sumOperations(
  trace: Trace,
  forest: SpanForest,
  paths: PathTable,
  operations: SpanOperations,
  traces: ReadonlySet<number> | undefined,
): CriticalPathOperation[] {
  const { segments } = paths;
  type Sum = {
    -readonly [K in keyof Omit<CriticalPathOperation, 'service' | 'name' | 'share'>]: CriticalPathOperation[K];
  };
  const sums: Sum[] = [];
  const sumOf = (span: number, kind: SegmentKind): Sum => {
    const index = operations.indexOf(span, VARIANTS.indexOf(kind), name => segmentName(kind, name));
    sums[index] ??= { kind, totalNs: 0, count: 0, dragNs: 0, besideCount: 0, slackNs: null };
    return sums[index];
  };
  // A span counts once for each path that it is on, however many segments it has there.
  const countedFor = new Int32Array(forest.length).fill(-1);
  let pathsNs = 0;
  for (let p = 0; p < paths.length; p++) {
    pathsNs += paths.totalNs[p]!;
    for (let s = paths.segmentStart[p]!; s < paths.segmentStart[p + 1]!; s++) {
      const span = segments.span[s]!;
      const kind = kindOf(forest, span, segments.waitFor[s]!);
      const sum = sumOf(span, kind);
      sum.totalNs += segments.durationNs[s]!;
      sum.dragNs += segments.dragNs[s]!;
      if (kind !== 'span') sum.count++;
      else if (countedFor[span] !== p) {
        countedFor[span] = p;
        sum.count++;
      }
    }
  }
  const slack = spanSlackNs(forest);
  for (let span = 0; span < forest.length; span++) {
    if (countedFor[span] !== -1 || slack[span]! <= 0) continue;
    if (traces?.has(trace.spans.trace[span]!) === false) continue;
    const sum = sumOf(span, 'span');
    sum.besideCount++;
    if (sum.slackNs === null || slack[span]! < sum.slackNs) sum.slackNs = slack[span]!;
  }
  return sums
    .map((sum, index) => {
      const { service, name } = operations.list[index]!;
      const { kind, totalNs, ...rest } = sum;
      return { service, name, kind, totalNs, share: pathsNs === 0 ? 0 : totalNs / pathsNs, ...rest };
    })
    .sort((a, b) => b.totalNs - a.totalNs || compareText(a.service, b.service) || compareText(a.name, b.name));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
