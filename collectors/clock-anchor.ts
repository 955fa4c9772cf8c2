import type { ClockAnchor } from '../src/model/capture.ts';

/** How many edges of the millisecond are waited for; the tightest is kept. */
const EDGES = 3;

/**
 * One instant on the Unix clock and on CLOCK_MONOTONIC (`process.hrtime`, perf's `-k mono`, V8's profiles), to a few
 * microseconds: the Unix clock of JavaScript counts whole milliseconds, so its edge is what is looked for. Takes about
 * 3 ms. `performance.timeOrigin` would be finer, but was read when this process began and knows of no clock step since.
 */
export function readClockAnchor(): ClockAnchor {
  let unixMs = 0;
  let monotonicNs = 0n;
  let tightest = 1n << 62n;
  for (let edge = 0; edge < EDGES; edge++) {
    const from = Date.now();
    let before = process.hrtime.bigint();
    let now = Date.now();
    while (now === from) {
      before = process.hrtime.bigint();
      now = Date.now();
    }
    const after = process.hrtime.bigint();
    if (now === from + 1 && after - before < tightest) {
      tightest = after - before;
      unixMs = now;
      monotonicNs = before + tightest / 2n;
    }
  }
  // Every edge was a clock step or a descheduled millisecond: coarse is still honest to a millisecond.
  if (unixMs === 0) {
    unixMs = Date.now();
    monotonicNs = process.hrtime.bigint();
  }
  return { unixNs: (BigInt(unixMs) * 1_000_000n).toString(), monotonicNs: monotonicNs.toString() };
}
