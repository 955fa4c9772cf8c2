import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mannWhitneyU, seededRandom, shiftBetween, shiftOfPairs } from '../../analyzers/statistics.ts';
import { normal } from './diff/sampled-profile.ts';

const draw = (n: number, random: () => number, shift = 0): number[] =>
  Array.from({ length: n }, () => shift + normal(random));

test('the estimate is the median of all differences, of pairs the median of their means', () => {
  assert.equal(shiftBetween([1, 2, 4], [3, 7], 0.5).estimate, 2.5); // 2 1 −1 6 5 3
  assert.equal(shiftOfPairs([1, 2, 6], 0.5).estimate, 2.75); // 1 1.5 3.5 2 4 6
});

test('intervals hold the truth as often as they say, from few values and from many', () => {
  for (const [n, m, confidence] of [
    [10, 10, 0.98],
    [8, 12, 0.95],
    [50, 50, 0.95],
  ] as const) {
    let missed = 0;
    let missedPairs = 0;
    const runs = 600;
    for (let seed = 1; seed <= runs; seed++) {
      const random = seededRandom(seed);
      const a = draw(n, random);
      const b = draw(m, random, 0.5);
      const { low, high } = shiftBetween(a, b, confidence);
      if (low > 0.5 || high < 0.5) missed++;
      if (n !== m) continue;
      const pairs = shiftOfPairs(
        b.map((value, i) => value - a[i]!),
        confidence,
      );
      if (pairs.low > 0.5 || pairs.high < 0.5) missedPairs++;
    }
    const allowed = (1 - confidence) * runs + 3 * Math.sqrt((1 - confidence) * confidence * runs);
    assert.ok(missed <= allowed && missedPairs <= allowed, `${n} and ${m}: ${missed}, ${missedPairs} of ${runs}`);
  }
});

test('an interval excludes 0 exactly where the test of the same values rejects it', () => {
  const value = fc.double({ min: -5, max: 5, noNaN: true });
  const sample = fc.array(value, { minLength: 5, maxLength: 12 });
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      // Ties are counted by the test and not by the interval.
      fc.pre(new Set([...a, ...b]).size === a.length + b.length);
      const { low, high } = shiftBetween(a, b, 0.95);
      assert.equal(low > 0 || high < 0, mannWhitneyU(a, b).p <= 0.05);
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('what both values of a pair share is gone, however large', () => {
  const random = seededRandom(5);
  const shared = draw(20, random).map(value => 100 * value);
  const before = shared.map(value => value + normal(random));
  const after = shared.map(value => value + 3 + normal(random));
  const paired = shiftOfPairs(
    after.map((value, i) => value - before[i]!),
    0.98,
  );
  assert.ok(paired.low > 1.5 && paired.high < 4.5, `${paired.low} … ${paired.high}`);
  const unpaired = shiftBetween(before, after, 0.98);
  assert.ok(unpaired.high - unpaired.low > 20);
});

test('too few values leave no interval; very many are thinned without losing the place', () => {
  assert.deepEqual(
    [shiftBetween([1, 2], [3, 4], 0.95).low, shiftOfPairs([1, 2], 0.95).high],
    [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  );
  const random = seededRandom(9);
  const many = shiftBetween(draw(5000, random), draw(5000, random, 1), 0.95);
  assert.ok(many.low < 1 && 1 < many.high && many.high - many.low < 0.12, `${many.low} … ${many.high}`);
});
