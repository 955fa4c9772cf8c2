import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyzeOverhead, type OverheadRound } from '../../analyzers/overhead.ts';
import { normalQuantile, seededRandom } from '../../analyzers/statistics.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { overheadLines, overheadView } from '../../src/report/overhead-view.ts';

const WALL = { id: 'wall', what: 'wall time' };
const about = { requestedRounds: 5, failedRuns: 0, interrupted: false, watchedBy: ['perf'], measures: [WALL] };

const rounds = (pairs: readonly (readonly [number, number])[]): OverheadRound[] =>
  pairs.map(([unwatched, watched], i) => ({
    first: i % 2 === 0 ? 'watched' : 'unwatched',
    unwatched: { wall: unwatched },
    watched: { wall: watched, 'self-cpu': 1000 + i },
  }));

test('overhead: the mean of paired differences, with the interval of Student', () => {
  // R: t.test(c(10, 12, 9, 11, 13)) → mean 11, 95 % from 9.036757 to 12.96324.
  const result = analyzeOverhead(
    rounds([
      [100, 110],
      [200, 212],
      [100, 109],
      [300, 311],
      [100, 113],
    ]),
    about,
  );
  const [measure] = result.measures;
  assert.ok(measure !== undefined);
  assert.equal(measure.difference.estimate, 11);
  const [low, high] = measure.difference.interval ?? [0, 0];
  assert.ok(Math.abs(low - 9.036757) < 1e-5 && Math.abs(high - 12.963243) < 1e-5, `${low} ${high}`);
  assert.deepEqual([measure.unwatchedMedian, measure.watchedMedian], [100, 113]);
  assert.equal(measure.significant, true);
  assert.deepEqual(result.order, ['watched', 'unwatched', 'watched', 'unwatched', 'watched']);
  assert.equal(result.selfCpuNs, 1002);
});

test('overhead: one round has no interval, and none has no measure', () => {
  const one = analyzeOverhead(rounds([[100, 120]]), about);
  assert.equal(one.measures[0]?.relative.interval, null);
  assert.equal(one.measures[0]?.significant, false);
  assert.ok(Math.abs((one.measures[0]?.relative.estimate ?? 0) - 0.2) < 1e-12);
  const none = analyzeOverhead([], { ...about, interrupted: true });
  assert.deepEqual([none.measures, none.selfCpuNs], [[], null]);
  assert.match(overheadLines(none).join('\n'), /was not measured: stopped before the first round was done/);
});

test('overhead: intervals hold the true share as often as they promise, and slow rounds do not hide it', () => {
  const random = seededRandom(7);
  const noise = (): number => Math.exp(0.02 * normalQuantile(Math.min(0.999999, Math.max(1e-6, random()))));
  let held = 0;
  let told = 0;
  const trials = 400;
  for (let trial = 0; trial < trials; trial++) {
    const pairs = Array.from({ length: 5 }, (): [number, number] => {
      // The machine is up to three times slower from one round to the next, for both of its runs.
      const speed = 1 + 2 * random();
      return [1e9 * speed * noise(), 1.1e9 * speed * noise()];
    });
    const [measure] = analyzeOverhead(rounds(pairs), about).measures;
    const [low, high] = measure!.relative.interval ?? [0, 0];
    if (low <= 0.1 && 0.1 <= high) held++;
    if (measure!.significant) told++;
  }
  assert.ok(held / trials > 0.92 && held / trials < 0.98, `${held} of ${trials}`);
  assert.ok(told / trials > 0.9, `${told} of ${trials}`);
});

test('overhead: what is not told from none says so, and a measure that some rounds lack is of the others', () => {
  const result = analyzeOverhead(
    [
      ...rounds([
        [100e6, 90e6],
        [100e6, 120e6],
      ]),
      { first: 'watched', unwatched: { wall: 100e6, cpu: 5 }, watched: { wall: 100e6 } },
    ],
    { ...about, measures: [WALL, { id: 'cpu', what: 'CPU' }], failedRuns: 2 },
  );
  assert.deepEqual(
    result.measures.map(({ id }) => id),
    ['wall'],
  );
  const text = renderMarkdown(overheadView(result));
  assert.match(text, /not told from none/);
  assert.match(text, /3 of 5 rounds count: 2 runs ended otherwise/);
});
