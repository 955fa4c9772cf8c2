import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyzeLatency } from '../../analyzers/latency.ts';
import {
  bootstrap,
  bootstrapQuantiles,
  groupedSample,
  quantile,
  seededRandom,
  sortedCopy,
  weightedQuantile,
} from '../../analyzers/statistics.ts';
import { drawTrace, type SpanRow, traceOfRows } from './trace-drawing.ts';

test('count, errors, total and self time of each operation', () => {
  const { operations, schema } = analyzeLatency(
    drawTrace(`
      A                 [========]
        B svc=db         [=]
        B svc=db error      [==]
      A trace=2                    [====]
    `),
  );
  assert.equal(schema, 'tprof.latency/1');
  assert.deepEqual(
    operations.map(o => [o.service, o.name, o.count, o.traces, o.errors, o.totalNs, o.selfNs, o.minNs, o.maxNs]),
    [
      ['service', 'A', 2, 2, 0, 16, 9, 6, 10],
      ['db', 'B', 2, 1, 1, 7, 7, 3, 4],
    ],
  );
});

test('percentiles are those of all durations; too few spans have no interval', () => {
  const random = seededRandom(8);
  const durations = Array.from({ length: 500 }, () => Math.ceil(random() * 1e6));
  const [only] = analyzeLatency(
    traceOfRows(durations.map((end, i) => ({ name: 'q', start: 0, end, trace: i + 1 }))),
  ).operations;
  const sorted = sortedCopy(durations);
  assert.equal(only?.p50Ns, quantile(sorted, 0.5));
  assert.equal(only?.p95Ns, quantile(sorted, 0.95));
  assert.equal(only?.p99Ns, quantile(sorted, 0.99));
  for (const [value, interval] of [
    [only?.p50Ns, only?.p50IntervalNs],
    [only?.p99Ns, only?.p99IntervalNs],
  ] as const) {
    assert.ok(interval![0] <= value! && value! <= interval![1]);
  }
  const [few] = analyzeLatency(
    traceOfRows(durations.slice(0, 5).map((end, i) => ({ name: 'q', start: 0, end, trace: i + 1 }))),
  ).operations;
  assert.deepEqual([few?.p50IntervalNs, few?.p95IntervalNs, few?.p99IntervalNs], [null, null, null]);
});

test('spans that share traces: the interval is of traces, and wider', () => {
  const random = seededRandom(2);
  const rows: SpanRow[] = [];
  for (let trace = 1; trace <= 40; trace++) {
    const level = Math.ceil(random() * 1e6);
    for (let i = 0; i < 25; i++) rows.push({ name: 'q', start: 0, end: level + i, trace });
  }
  const alone = rows.map((row, i) => ({ ...row, trace: i + 1 }));
  const width = (list: SpanRow[]): number => {
    const [low, high] = analyzeLatency(traceOfRows(list)).operations[0]!.p50IntervalNs!;
    return high - low;
  };
  assert.ok(width(rows) > 2 * width(alone));
});

test('the fast bootstrap of quantiles draws what the general one draws', () => {
  const random = seededRandom(9);
  const sample = groupedSample(
    Array.from({ length: 300 }, () => random()),
    Array.from({ length: 300 }, (_, i) => i % 30),
  );
  const options = { seed: 5, resamples: 300 };
  for (const [i, q] of [0.5, 0.95].entries()) {
    const { low, high } = bootstrap(sample, weightedQuantile(q), options);
    const fast = bootstrapQuantiles(sample, [0.5, 0.95], options)![i]!;
    assert.ok(Math.abs(fast.low - low) < 1e-12 && Math.abs(fast.high - high) < 1e-12);
  }
  assert.equal(bootstrapQuantiles(groupedSample([1, 2], ['a', 'a']), [0.5]), undefined);
});

test('any values: bootstrap intervals lie within the values and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 6 })), {
        minLength: 2,
        maxLength: 40,
      }),
      rows => {
        const sample = groupedSample(
          rows.map(([value]) => value),
          rows.map(([, group]) => group),
        );
        const intervals = bootstrapQuantiles(sample, [0.5, 0.95, 0.99], { resamples: 50 }) ?? [];
        for (const { low, high } of intervals) {
          assert.ok(sample.values[0]! <= low && low <= high && high <= sample.values.at(-1)!);
        }
      },
    ),
  );
});
