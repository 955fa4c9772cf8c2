import { normalCdf } from './normal.ts';

export interface MannWhitney {
  /** How many pairs (a, b) have a > b, ties counting half. */
  readonly u: number;
  /** Two-sided. 1 where a sample is empty or all values are equal. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
  /** u / (n·m): the chance that a value of `a` is larger than one of `b`; 0.5 = no difference. */
  readonly superiority: number;
}

/** Up to this many values in all, the distribution is counted out instead of approximated. */
const EXACT_LIMIT = 50;

/**
 * Mann and Whitney's test (1947) that neither of two independent samples tends to be larger. Small samples: exact
 * permutation distribution, ties included; larger: normal approximation with tie and continuity correction.
 */
export function mannWhitneyU(a: ArrayLike<number>, b: ArrayLike<number>): MannWhitney {
  const n = a.length;
  const m = b.length;
  if (n === 0 || m === 0) return { u: 0, p: 1, method: 'exact', superiority: 0.5 };
  const { rankSum, ties } = rank(a, b);
  const u = rankSum / 2 - (n * (n + 1)) / 2;
  const superiority = u / (n * m);
  if (n + m <= EXACT_LIMIT) return { u, p: exactP(rankSum, n, ties), method: 'exact', superiority };
  return { u, p: normalP(u, n, m, ties), method: 'normal', superiority };
}

/** The smallest two-sided p that n against m values can reach: 2 / C(n + m, n). Above α no result is possible. */
export function smallestPossibleP(n: number, m: number): number {
  let combinations = 1;
  for (let i = 1; i <= Math.min(n, m); i++) combinations = (combinations * (Math.max(n, m) + i)) / i;
  return Math.min(1, 2 / combinations);
}

/** Sum of the doubled ranks of `a` (midranks of ties are halves, doubled ones whole), and the sizes of the ties. */
function rank(a: ArrayLike<number>, b: ArrayLike<number>): { rankSum: number; ties: number[] } {
  const sortedA = Float64Array.from(a).sort();
  const sortedB = Float64Array.from(b).sort();
  const ties: number[] = [];
  let rankSum = 0;
  let i = 0;
  let j = 0;
  while (i < sortedA.length || j < sortedB.length) {
    const value = Math.min(sortedA[i] ?? Number.POSITIVE_INFINITY, sortedB[j] ?? Number.POSITIVE_INFINITY);
    const before = i + j;
    const firstA = i;
    while (i < sortedA.length && sortedA[i]! <= value) i++;
    while (j < sortedB.length && sortedB[j]! <= value) j++;
    if (i + j === before) throw new RangeError('mannWhitneyU: a value is not a number');
    ties.push(i + j - before);
    rankSum += (i - firstA) * (before + 1 + i + j);
  }
  return { rankSum, ties };
}

/**
 * Counts, tie group by tie group, in how many ways k values of the pooled sample can have a given doubled rank sum:
 * `ways[k][sum]`. Taking t of a group of size s can be done in C(s, t) ways.
 */
function exactP(rankSum: number, n: number, ties: readonly number[]): number {
  const total = ties.reduce((sum, size) => sum + size, 0);
  const largest = 2 * n * total;
  const ways = Array.from({ length: n + 1 }, () => new Float64Array(largest + 1));
  ways[0]![0] = 1;
  let before = 0;
  for (const size of ties) {
    const doubledRank = 2 * before + size + 1;
    for (let k = n; k >= 1; k--) {
      let choose = 1;
      for (let t = 1; t <= Math.min(size, k); t++) {
        choose = (choose * (size - t + 1)) / t;
        const from = ways[k - t]!;
        const to = ways[k]!;
        for (let sum = largest - t * doubledRank; sum >= 0; sum--) {
          if (from[sum] !== 0) to[sum + t * doubledRank] = to[sum + t * doubledRank]! + choose * from[sum]!;
        }
      }
    }
    before += size;
  }
  let atMost = 0;
  let atLeast = 0;
  let all = 0;
  for (let sum = 0; sum <= largest; sum++) {
    const count = ways[n]![sum]!;
    all += count;
    if (sum <= rankSum) atMost += count;
    if (sum >= rankSum) atLeast += count;
  }
  return Math.min(1, (2 * Math.min(atMost, atLeast)) / all);
}

function normalP(u: number, n: number, m: number, ties: readonly number[]): number {
  const total = n + m;
  let tied = 0;
  for (const size of ties) tied += size ** 3 - size;
  const variance = ((n * m) / 12) * (total + 1 - tied / (total * (total - 1)));
  if (variance <= 0) return 1;
  const distance = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5);
  return Math.min(1, 2 * normalCdf(-distance / Math.sqrt(variance)));
}
