import type { CriticalPathResult, CriticalPathSegment, CriticalPathTrace } from '../../analyzers/critical-path.ts';
import { formatCount, formatDuration, formatShare } from '../base/format-units.ts';
import type { Block, Cell, TableColumn } from './block.ts';
import { warningBlocks } from './warnings-view.ts';

export interface CriticalPathViewOptions {
  /** Rows of each table; the others are counted below it. */
  readonly top?: number;
}

/** What the paths were made of, which were longest, and the longest one from end to end. */
export function criticalPathView(result: CriticalPathResult, options: CriticalPathViewOptions = {}): Block[] {
  const top = options.top ?? 20;
  const longestFirst = [...result.traces].sort(
    (a, b) => b.totalNs - a.totalNs || a.startNs - b.startNs || (a.rootSpanId < b.rootSpanId ? -1 : 1),
  );
  // A root without children (a poll that found nothing) is a path of one segment: nothing to see in order of time.
  const longest = longestFirst.find(trace => trace.segments.length > 1) ?? longestFirst[0];
  const blocks: Block[] = [
    { kind: 'heading', level: 2, text: 'Critical paths' },
    { kind: 'paragraph', text: summary(result) },
    ...warningBlocks(result.warnings),
    operationTable(result, top),
  ];
  if (hasParallelWork(result)) {
    blocks.push({
      kind: 'paragraph',
      text: 'Drag: how much sooner the paths would end without it (less than its time where something else ran beside it). Slack: the least by which a span beside the path missed being on it.',
    });
  }
  if (longestFirst.length > 1) blocks.push(traceTable(longestFirst, top));
  if (longest !== undefined && longest.segments.length > 0) blocks.push(segmentTable(longest, top));
  return blocks;
}

function summary(result: CriticalPathResult): string {
  const total = result.traces.reduce((sum, trace) => sum + trace.totalNs, 0);
  const waits = result.operations.reduce((sum, o) => sum + (o.kind === 'queue-wait' ? o.totalNs : 0), 0);
  const traces = new Set(result.traces.map(trace => trace.traceId)).size;
  const waited = waits === 0 ? '' : `; ${formatShare(waits / total)} of it messages lay in queues`;
  return `${formatCount(result.traces.length)} ${plural(result.traces.length, 'path')} (one a root) in ${formatCount(traces)} ${plural(traces, 'trace')}, ${formatDuration(total)} in all${waited}. Ranked by time on critical paths: what was running, or waited for, while nothing else held the root up.`;
}

/** Whether anything ran beside the paths; where nothing did, drag and slack say nothing new. */
function hasParallelWork(result: CriticalPathResult): boolean {
  return result.operations.some(operation => operation.dragNs < operation.totalNs || operation.besideCount > 0);
}

function operationTable(result: CriticalPathResult, top: number): Block {
  const parallel = hasParallelWork(result);
  const only = <T>(values: readonly T[]): readonly T[] => (parallel ? values : []);
  const right = (title: string): TableColumn => ({ title, align: 'right' });
  return {
    kind: 'table',
    caption: 'Operations by time on critical paths',
    columns: [
      { title: 'service', align: 'left' },
      { title: 'operation', align: 'left', code: true },
      right('spans'),
      ...only([right('drag'), right('beside'), right('slack')]),
      right('on path'),
      { title: 'share', align: 'right', bar: true },
    ],
    rows: result.operations
      .slice(0, top)
      .map(o => [
        o.service,
        o.name,
        formatCount(o.count),
        ...only([
          o.totalNs === 0 ? '' : formatDuration(o.dragNs),
          o.besideCount === 0 ? '' : formatCount(o.besideCount),
          o.slackNs === null ? '' : formatDuration(o.slackNs),
        ]),
        formatDuration(o.totalNs),
        { text: formatShare(o.share), share: o.share },
      ]),
    omitted: { rows: Math.max(0, result.operations.length - top), how: '--top N, or --json for all' },
  };
}

/** As much of a trace id as tells it apart; `--trace` takes it. */
const ID_DIGITS = 12;

function traceTable(longestFirst: readonly CriticalPathTrace[], top: number): Block {
  const most = longestFirst[0]!.totalNs;
  return {
    kind: 'table',
    caption: 'Longest paths (--trace ID shows another one)',
    columns: [
      { title: 'trace', align: 'left', code: true },
      { title: 'service', align: 'left' },
      { title: 'root', align: 'left', code: true },
      { title: 'mostly', align: 'left', code: true },
      { title: 'of it', align: 'right' },
      { title: 'total', align: 'right', bar: true },
    ],
    rows: longestFirst.slice(0, top).map(trace => {
      const { name, share } = heaviest(trace);
      return [
        trace.traceId.slice(0, ID_DIGITS),
        trace.service,
        trace.name,
        name,
        formatShare(share),
        { text: formatDuration(trace.totalNs), share: most === 0 ? 0 : trace.totalNs / most },
      ];
    }),
    omitted: { rows: Math.max(0, longestFirst.length - top), how: '--top N, or --json for all' },
  };
}

function segmentTable(trace: CriticalPathTrace, top: number): Block {
  return {
    kind: 'table',
    caption: `The path of ${trace.traceId}, from ${trace.name}, in order of time`,
    columns: [
      { title: 'at', align: 'right' },
      { title: 'service', align: 'left' },
      { title: 'span', align: 'left', code: true },
      { title: 'took', align: 'right' },
      { title: 'share', align: 'right', bar: true },
    ],
    rows: trace.segments.slice(0, top).map(segment => segmentRow(trace, segment)),
    omitted: { rows: Math.max(0, trace.segments.length - top), how: '--top N, or --json for all' },
  };
}

function segmentRow(trace: CriticalPathTrace, segment: CriticalPathSegment): Cell[] {
  const share = segment.durationNs / trace.totalNs;
  const offset = segment.startNs - trace.startNs;
  const dim = segment.kind !== 'span';
  return [
    offset === 0 ? '0' : `+${formatDuration(offset)}`,
    { text: segment.service, dim },
    { text: segment.name, dim },
    formatDuration(segment.durationNs),
    { text: formatShare(share), share },
  ];
}

/** The name with most time on the path, and its share; the first of equals. */
function heaviest(trace: CriticalPathTrace): { name: string; share: number } {
  const byName = new Map<string, number>();
  for (const { name, durationNs } of trace.segments) byName.set(name, (byName.get(name) ?? 0) + durationNs);
  let best = { name: '', share: 0 };
  for (const [name, sum] of byName) if (sum / trace.totalNs > best.share) best = { name, share: sum / trace.totalNs };
  return best;
}

function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`;
}
