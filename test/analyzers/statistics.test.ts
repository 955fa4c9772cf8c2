import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bootstrap,
  bootstrapChange,
  groupedSample,
  holm,
  logGamma,
  mannWhitneyU,
  meanAndDeviation,
  medianAbsoluteDeviation,
  normalCdf,
  normalQuantile,
  quantile,
  quantileInterval,
  seededRandom,
  smallestDetectableEffect,
  smallestPossibleP,
  sortedCopy,
  weightedMean,
  weightedQuantile,
} from '../../analyzers/statistics.ts';

// Numbers named "reference" were computed once with SciPy 1.17 and NumPy.

function near(actual: number, expected: number, relative = 1e-12): void {
  const allowed = relative * Math.max(Math.abs(expected), 1e-300);
  assert.ok(Math.abs(actual - expected) <= allowed, `${actual} is not ${expected}`);
}

test('normal distribution and ln Γ agree with the reference in both tails', () => {
  near(normalCdf(-8), 6.22096057427174e-16, 1e-11);
  near(normalCdf(-3.5), 0.00023262907903552502);
  near(normalCdf(-0.5), 0.3085375387259869);
  assert.equal(normalCdf(0), 0.5);
  near(normalCdf(0.3), 0.6179114221889526);
  near(normalCdf(2.5), 0.9937903346742238);
  near(normalCdf(6), 0.9999999990134123);
  near(normalQuantile(1e-12), -7.034483825301131);
  near(normalQuantile(0.001), -3.090232306167813);
  near(normalQuantile(0.3), -0.5244005127080409);
  near(normalQuantile(0.975), 1.959963984540054);
  assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY);
  near(logGamma(0.5), 0.5723649429247);
  near(logGamma(10.5), 13.940625219403763);
  near(logGamma(1000), 5905.220423209181);
});

test('quantiles interpolate as the reference does', () => {
  const sorted = sortedCopy([3.1, 1.2, 5.5, 2.2, 9.9, 4, 4, 7.3]);
  const expected = [1.2, 1.9, 2.875, 4, 8.99, 9.718, 9.9];
  for (const [i, q] of [0, 0.1, 0.25, 0.5, 0.95, 0.99, 1].entries()) near(quantile(sorted, q), expected[i]!);
  near(medianAbsoluteDeviation(sorted), 1.65);
  near(medianAbsoluteDeviation(sorted, { scaled: true }), 2.446293660534243);
  near(meanAndDeviation(sorted).mean, 4.65);
  near(meanAndDeviation(sorted).deviation, 2.8400201206530715);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('order-statistic intervals pick the ranks and the coverage of the reference', () => {
  const ranks: [number, number, number, number, number][] = [
    [6, 0.5, 1, 1, 0.96875],
    [10, 0.5, 2, 2, 0.978515625],
    [20, 0.5, 6, 6, 0.9586105346679688],
    [100, 0.95, 90, 1, 0.9826070607121812],
    [473, 0.99, 464, 1, 0.9689372218041019],
    [1000, 0.99, 983, 4, 0.976094763497977],
    [100000, 0.5, 49690, 49690, 0.9504442853304775],
  ];
  for (const [n, q, fromBelow, fromAbove, coverage] of ranks) {
    const interval = quantileInterval(
      Float64Array.from({ length: n }, (_, i) => i + 1),
      q,
    );
    assert.equal(interval?.low, fromBelow);
    assert.equal(interval?.high, n + 1 - fromAbove);
    near(interval!.confidence, coverage, 1e-9);
  }
});

test('too few values promise no interval', () => {
  const values = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i);
  assert.equal(quantileInterval(values(5), 0.5), undefined);
  assert.notEqual(quantileInterval(values(6), 0.5), undefined);
  assert.equal(quantileInterval(values(71), 0.95), undefined);
  assert.notEqual(quantileInterval(values(72), 0.95), undefined);
  assert.equal(quantileInterval(values(367), 0.99), undefined);
  assert.notEqual(quantileInterval(values(368), 0.99), undefined);
});

test('an order-statistic interval holds the true median as often as it says', () => {
  const random = seededRandom(5);
  let held = 0;
  const runs = 2000;
  for (let r = 0; r < runs; r++) {
    const interval = quantileInterval(Float64Array.from({ length: 20 }, () => random() ** 3).sort(), 0.5)!;
    if (interval.low <= 0.125 && 0.125 <= interval.high) held++;
  }
  // Coverage is 0.9586; three standard deviations of the count.
  assert.ok(Math.abs(held / runs - 0.9586) < 3 * Math.sqrt((0.9586 * 0.0414) / runs), `${held} of ${runs}`);
});

test('Mann-Whitney: exact without ties, exact with ties, normal for large samples', () => {
  // Example of the SciPy documentation: ages at diagnosis.
  assert.deepEqual(mannWhitneyU([19, 22, 16, 29, 24], [20, 11, 17, 12]), {
    u: 17,
    p: 0.1111111111111111,
    method: 'exact',
    superiority: 0.85,
  });
  near(mannWhitneyU([1, 2, 3, 4], [5, 6, 7, 8]).p, 0.02857142857142857);
  // Reference: all permutations counted.
  near(mannWhitneyU([1, 1, 2, 3, 5], [2, 3, 3, 8, 9, 9]).p, 0.10822510822510822);
  assert.equal(mannWhitneyU([1, 1, 2, 3, 5], [2, 3, 3, 8, 9, 9]).u, 5.5);
  near(mannWhitneyU([1, 1, 1], [1, 2, 2, 2]).p, 0.22857142857142856);
  near(mannWhitneyU([7, 7, 8, 10, 10, 12], [7, 8, 8, 9]).p, 0.6095238095238096);
  const a = Array.from({ length: 30 }, (_, i) => 2 * i);
  const b = Array.from({ length: 25 }, (_, i) => 3 * i + 7);
  const large = mannWhitneyU(a, b);
  assert.equal(large.method, 'normal');
  assert.equal(large.u, 238.5);
  near(large.p, 0.021493990918436533, 1e-10);
  const tied = mannWhitneyU(
    Array.from({ length: 40 }, (_, i) => i % 7),
    Array.from({ length: 35 }, (_, i) => (i % 9) + 1),
  );
  assert.equal(tied.u, 392);
  near(tied.p, 0.0010085915772586648, 1e-10);
});

test('Mann-Whitney: nothing to compare, and equal values, are no difference', () => {
  assert.equal(mannWhitneyU([], [1]).p, 1);
  assert.equal(mannWhitneyU([3, 3, 3], [3, 3]).p, 1);
  const same = new Array<number>(100).fill(4);
  assert.equal(mannWhitneyU(same, same).p, 1);
  assert.throws(() => mannWhitneyU([Number.NaN], [1]), RangeError);
});

test('Mann-Whitney is symmetric and its p is a probability', () => {
  const values = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 15 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      const ab = mannWhitneyU(a, b);
      const ba = mannWhitneyU(b, a);
      assert.equal(ab.u + ba.u, a.length * b.length);
      near(ab.p, ba.p, 1e-9);
      assert.ok(ab.p > 0 && ab.p <= 1);
    }),
  );
});

test('the smallest possible p says when a sample can never decide', () => {
  near(smallestPossibleP(3, 3), 0.1);
  near(smallestPossibleP(4, 4), 2 / 70);
  near(smallestPossibleP(5, 5), 2 / 252);
  near(smallestPossibleP(6, 6), 2 / 924);
  assert.equal(smallestPossibleP(1, 0), 1);
});

test('Holm: the worked example of four tests', () => {
  assert.deepEqual(
    holm([0.01, 0.04, 0.03, 0.005]).map(p => Math.round(p * 1e9) / 1e9),
    [0.03, 0.06, 0.06, 0.02],
  );
  assert.deepEqual(holm([]), []);
  assert.deepEqual(holm([0.9, 0.8]), [1, 1]);
});

test('a weighted quantile is the quantile of the values written out', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ value: fc.integer({ min: 0, max: 30 }), group: fc.integer({ min: 0, max: 4 }) }), {
        minLength: 1,
        maxLength: 30,
      }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 5, maxLength: 5 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rows, counts, q) => {
        const sample = groupedSample(
          rows.map(row => row.value),
          rows.map(row => row.group),
        );
        const groups = [...new Set(rows.map(row => row.group))];
        const weights = Uint32Array.from(groups, group => counts[group]!);
        const written = rows.flatMap(row => new Array<number>(counts[row.group]!).fill(row.value));
        const expected = quantile(sortedCopy(written), q);
        const actual = weightedQuantile(q)(sample, weights);
        if (Number.isNaN(expected)) assert.ok(Number.isNaN(actual));
        else assert.ok(Math.abs(actual - expected) < 1e-9);
      },
    ),
  );
});

test('bootstrap: repeatable, and its standard error is that of theory', () => {
  const random = seededRandom(11);
  const values = Float64Array.from({ length: 400 }, () => random());
  const sample = groupedSample(values);
  const first = bootstrap(sample, weightedMean);
  assert.deepEqual(first, bootstrap(sample, weightedMean));
  const { mean, deviation } = meanAndDeviation(values);
  near(first.estimate, mean, 1e-9);
  near(first.standardError, deviation / Math.sqrt(400), 0.1);
  assert.ok(first.low < mean && mean < first.high);
});

test('bootstrap by group is wider where values of a group move together', () => {
  const random = seededRandom(3);
  const groups = Array.from({ length: 400 }, (_, i) => Math.floor(i / 20));
  const levels = Array.from({ length: 20 }, () => random() * 10);
  const values = groups.map(group => levels[group]! + random() * 0.1);
  const alone = bootstrap(groupedSample(values), weightedMean);
  const grouped = bootstrap(groupedSample(values, groups), weightedMean);
  assert.ok(grouped.standardError > 3 * alone.standardError);
});

test('bootstrap of one group says that nothing can be said', () => {
  const { low, high, estimate } = bootstrap(groupedSample([1, 2, 3], ['a', 'a', 'a']), weightedMean);
  assert.deepEqual([low, high, estimate], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 2]);
});

test('bootstrap of a change: holds the shift, and excludes none for equal samples', () => {
  const random = seededRandom(21);
  const draw = (shift: number): number[] => Array.from({ length: 200 }, () => random() + shift);
  const before = groupedSample(draw(0));
  const shifted = bootstrapChange(before, groupedSample(draw(0.5)), weightedQuantile(0.5));
  assert.ok(shifted.low > 0.3 && shifted.high < 0.7);
  const same = bootstrapChange(before, before, weightedQuantile(0.5));
  assert.ok(same.low < 0 && same.high > 0);
  const ratio = bootstrapChange(before, before, weightedMean, { change: (b, a) => a / b - 1 });
  near(ratio.estimate + 1, 1);
});

test('smallest detectable effect at 5 % and 80 % is 2.8 standard errors', () => {
  near(smallestDetectableEffect(1), 1.959963984540054 + 0.8416212335729143);
});

test('seeded numbers are uniform and repeat', () => {
  const a = seededRandom(1);
  const b = seededRandom(1);
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 20000; i++) {
    const x = a();
    assert.equal(x, b());
    const bin = Math.floor(x * 10);
    bins[bin] = bins[bin]! + 1;
  }
  for (const count of bins) assert.ok(Math.abs(count - 2000) < 200, String(bins));
  assert.notEqual(seededRandom(1)(), seededRandom(2)());
});
