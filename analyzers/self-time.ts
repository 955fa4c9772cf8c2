import type { SpanForest } from './span-forest.ts';

/**
 * Nanoseconds of each span in which none of its children ran: its length minus the union of its children, as far as
 * they lie within it. Never negative, never longer than the span; children that overlap count once. Rows outside the
 * forest have 0. Children of a producer that consume its message are not its children here: it does not wait for them.
 */
export function selfTimeNs(forest: SpanForest): Float64Array {
  const { length, kept, childStart, children, startNs, endNs } = forest;
  const self = new Float64Array(length);
  for (let span = 0; span < length; span++) {
    if (kept[span] === 0) continue;
    const start = startNs[span]!;
    let cursor = endNs[span]!;
    let alone = 0;
    // Children come latest end first: everything between the cursor and the next end belongs to the span alone.
    for (let c = childStart[span]!; c < childStart[span + 1]! && cursor > start; c++) {
      const child = children[c]!;
      const childEnd = endNs[child]!;
      const childFrom = startNs[child]!;
      if (childFrom >= cursor || childFrom === childEnd) continue;
      if (childEnd <= start) break;
      if (childEnd < cursor) alone += cursor - childEnd;
      cursor = Math.max(start, childFrom);
    }
    self[span] = alone + (cursor - start);
  }
  return self;
}
