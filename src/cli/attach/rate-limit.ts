import type { ApiAnswer } from './exchange.ts';

/** Waits that a person at a terminal sits through; a longer one is said instead. */
export const LONGEST_WAIT_MS = 60_000;

/** Where a server asks to wait without saying how long, GitHub's documentation says at least a minute. */
const DEFAULT_WAIT_MS = 60_000;

/**
 * How long an answer asks to wait before the next request; undefined where it is no rate limit. GitHub: 403 or 429 with
 * `retry-after`, or with `x-ratelimit-remaining: 0` and the second in which it is over. Linear: 400 or 429 with the code
 * RATELIMITED, and the millisecond in which it is over.
 */
export function rateLimitMs({ status, headers, text }: ApiAnswer, nowMs: number): number | undefined {
  const says = /rate.?limit/i.test(text);
  const isLimit =
    status === 429 ||
    (status === 403 && (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0' || says)) ||
    ((status === 400 || status === 200) && /"RATELIMITED"|"ratelimited"/.test(text));
  if (!isLimit) return undefined;
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = Number(after);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - nowMs;
    if (Number.isFinite(ms)) return Math.max(0, ms);
  }
  const resets = [
    headers.get('x-ratelimit-remaining') === '0' ? Number(headers.get('x-ratelimit-reset') ?? Number.NaN) * 1000 : 0,
    headers.get('x-ratelimit-requests-remaining') === '0'
      ? Number(headers.get('x-ratelimit-requests-reset') ?? Number.NaN)
      : 0,
    headers.get('x-ratelimit-complexity-remaining') === '0'
      ? Number(headers.get('x-ratelimit-complexity-reset') ?? Number.NaN)
      : 0,
  ].filter(at => at > 0);
  return resets.length === 0 ? DEFAULT_WAIT_MS : Math.max(0, ...resets.map(at => at - nowMs));
}
