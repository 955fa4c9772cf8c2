import type { SpanForest } from './span-forest.ts';

/**
 * How much later each span could have ended without making its root later, in ns: 0 = on the critical path of its
 * tree. A span that ran wholly beside a sibling which ended later has the time between the two ends, plus what its
 * parent has. −1: the span is not in the forest, has no length, or lies outside its parent and so holds nobody up.
 * Messages are not followed: consumers stand in trees of their own.
 */
export function spanSlackNs(forest: SpanForest): Float64Array {
  const { length, roots, childStart, children, startNs, endNs } = forest;
  const slack = new Float64Array(length).fill(-1);
  /** Where each span starts and ends as far as its ancestors go. */
  const low = new Float64Array(length);
  const high = new Float64Array(length);
  const stack: number[] = [];
  for (const root of roots) {
    if (startNs[root] === endNs[root]) continue;
    slack[root] = 0;
    low[root] = startNs[root]!;
    high[root] = endNs[root]!;
    stack.push(root);
  }
  /** Ends of the siblings on the path of the span at hand, latest first. */
  const ends: number[] = [];
  for (let span = stack.pop(); span !== undefined; span = stack.pop()) {
    let cursor = high[span]!;
    ends.length = 0;
    for (let c = childStart[span]!; c < childStart[span + 1]!; c++) {
      const child = children[c]!;
      const start = Math.max(low[span]!, startNs[child]!);
      const end = Math.min(high[span]!, endNs[child]!);
      if (start >= end) continue;
      if (start < cursor) {
        cursor = Math.min(end, cursor);
        ends.push(cursor);
        slack[child] = slack[span]!;
        low[child] = start;
        high[child] = cursor;
        cursor = start;
      } else {
        slack[child] = slack[span]! + earliestEndFrom(ends, end) - end;
        low[child] = start;
        high[child] = end;
      }
      if (childStart[child] !== childStart[child + 1]) stack.push(child);
    }
  }
  return slack;
}

/** The smallest of the descending `ends` that is not before `time`. */
function earliestEndFrom(ends: readonly number[], time: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ends[middle]! >= time) low = middle;
    else high = middle - 1;
  }
  return ends[low]!;
}
