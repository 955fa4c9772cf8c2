/**
 * The one clock of a process: milliseconds since the process began, with microseconds behind the point. Spans of the
 * SDK start on whole milliseconds unless they are told otherwise, so every span is told.
 */
export function nowMs(): number {
  return performance.now();
}

const ORIGIN_S = Math.floor(performance.timeOrigin / 1000);
const ORIGIN_NS = Math.round((performance.timeOrigin - ORIGIN_S * 1000) * 1e6);

/** Unix time of an instant of this clock, as [seconds, nanoseconds]. */
export function toUnix(ms: number): [number, number] {
  const ns = ORIGIN_NS + Math.round(ms * 1e6);
  const carry = Math.floor(ns / 1e9);
  return [ORIGIN_S + carry, ns - carry * 1e9];
}

/** The instant of this clock for a Unix time in milliseconds, e.g. one that PostgreSQL told. */
export function fromUnixMs(unixMs: number): number {
  return unixMs - performance.timeOrigin;
}
