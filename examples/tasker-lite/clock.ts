/**
 * The one clock of a process: milliseconds since the process began, with microseconds behind the point. Spans of the
 * SDK start on whole milliseconds unless they are told otherwise, so every span is told.
 */
export function nowMs(): number {
  return performance.now();
}

const ORIGIN_MS = unixOriginMs();
const ORIGIN_S = Math.floor(ORIGIN_MS / 1000);
const ORIGIN_NS = Math.round((ORIGIN_MS - ORIGIN_S * 1000) * 1e6);

/** Unix time of an instant of this clock, as [seconds, nanoseconds]. */
export function toUnix(ms: number): [number, number] {
  const ns = ORIGIN_NS + Math.round(ms * 1e6);
  const carry = Math.floor(ns / 1e9);
  return [ORIGIN_S + carry, ns - carry * 1e9];
}

/** The instant of this clock for a Unix time in milliseconds, e.g. one that PostgreSQL told. */
export function fromUnixMs(unixMs: number): number {
  return unixMs - ORIGIN_MS;
}

/** Unix time of an instant of this clock in milliseconds, for another process: microseconds of it are exact. */
export function toUnixMs(ms: number): number {
  return ORIGIN_MS + ms;
}

/**
 * Unix time at which this clock was 0. `performance.timeOrigin` says so too, but reads its two clocks one after the
 * other while the process starts: on a busy machine they are milliseconds apart, and two processes of one workload
 * would disagree by as much. So the edge of a millisecond is looked for, and the tightest of a few is kept.
 */
function unixOriginMs(): number {
  let origin = performance.timeOrigin;
  let tightest = Number.POSITIVE_INFINITY;
  for (let edge = 0; edge < 5; edge++) {
    const from = Date.now();
    let before = performance.now();
    let unix = Date.now();
    while (unix === from) {
      before = performance.now();
      unix = Date.now();
    }
    const after = performance.now();
    if (unix !== from + 1 || after - before >= tightest) continue;
    tightest = after - before;
    origin = unix - (before + after) / 2;
  }
  return origin;
}
