import { normalQuantile } from './normal.ts';

/**
 * Wilson's score interval of a share that is known from `n` independent samples (1927): sound near 0 and 1, and with few
 * samples. 0…1 where there are none.
 */
export function wilsonInterval(share: number, n: number, confidence = 0.95): { low: number; high: number } {
  if (!(n > 0)) return { low: 0, high: 1 };
  const z = normalQuantile((1 + confidence) / 2);
  const shrink = 1 + (z * z) / n;
  const center = (share + (z * z) / (2 * n)) / shrink;
  const half = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / shrink;
  return { low: Math.max(0, center - half), high: Math.min(1, center + half) };
}
