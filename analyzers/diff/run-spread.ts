import { studentQuantile, studentTwoSidedP } from '../statistics/student-t.ts';
import { meanAndDeviation } from '../statistics.ts';

/** How far apart the means of two sets of runs may be by the runs' own spread. */
export interface RunSpread {
  readonly standardError: number;
  /** Of Student's distribution. */
  readonly df: number;
}

/**
 * Welch's standard error (1947) of the difference of means, one value a run. A side of one run borrows the spread of
 * the other; undefined where neither side has two, since then nothing tells how much runs differ.
 */
export function runSpread(before: readonly number[], after: readonly number[]): RunSpread | undefined {
  const n = before.length;
  const m = after.length;
  if (n < 1 || m < 1 || (n < 2 && m < 2)) return undefined;
  const b = meanAndDeviation(before).deviation ** 2;
  const a = meanAndDeviation(after).deviation ** 2;
  if (n < 2) return { standardError: Math.sqrt(a * (1 / n + 1 / m)), df: m - 1 };
  if (m < 2) return { standardError: Math.sqrt(b * (1 / n + 1 / m)), df: n - 1 };
  const vb = b / n;
  const va = a / m;
  // Runs that agree to the last digit leave 0 / 0: then the spread is 0 whatever the degrees of freedom.
  const df = vb + va === 0 ? n + m - 2 : (vb + va) ** 2 / (vb ** 2 / (n - 1) + va ** 2 / (m - 1));
  return { standardError: Math.sqrt(vb + va), df };
}

/** Half the width of the interval that the spread of the runs alone asks for; 0 without a spread. */
export function spreadMargin(spread: RunSpread | undefined, confidence: number): number {
  return spread === undefined ? 0 : spread.standardError * studentQuantile(confidence, spread.df);
}

/** Two-sided p of a difference by the spread of the runs alone; 0 without one, so that the other test decides. */
export function spreadP(spread: RunSpread | undefined, difference: number): number {
  if (spread === undefined) return 0;
  if (spread.standardError === 0) return difference === 0 ? 1 : 0;
  return studentTwoSidedP(difference / spread.standardError, spread.df);
}
