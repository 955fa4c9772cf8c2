import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffProfile } from '../../../analyzers/diff/diff-profile.ts';
import { diffProfiles } from '../../../analyzers/diff/profile-diff.ts';
import { analyzeHotPaths } from '../../../analyzers/hot-paths.ts';
import { seededRandom } from '../../../analyzers/statistics.ts';
import { checkProfile } from '../../../src/model/integrity.ts';
import type { Profile } from '../../../src/model/profile.ts';
import { drawProfile } from '../profile-drawing.ts';
import { sampledProfile } from './sampled-profile.ts';

const BEFORE = { 'main;parse;scan': 30, 'main;parse': 25, 'main;enqueue;step_enqueuer': 20, 'main;io': 20, main: 5 };
/** The planted regression: `step_enqueuer` takes half as long again, so the whole grows from 100 to 110. */
const AFTER = { ...BEFORE, 'main;enqueue;step_enqueuer': 30 };
const TRUE_DELTA = 30 / 110 - 20 / 100;
const SEEDS = 200;

test('the interval of a planted regression holds the truth in at least 93 % of 200 recordings, and it is named first', () => {
  let covered = 0;
  let first = 0;
  let significant = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const diff = diffProfiles([sampledProfile(BEFORE, 3000, random)], [sampledProfile(AFTER, 3000, random)]);
    const planted = diff.functions.find(f => f.name === 'step_enqueuer')!;
    if (planted.interval[0] <= TRUE_DELTA && TRUE_DELTA <= planted.interval[1]) covered++;
    if (diff.functions[0] === planted) first++;
    if (planted.significant) significant++;
  }
  assert.ok(covered >= 0.93 * SEEDS, `covered ${covered} of ${SEEDS}`);
  assert.ok(first >= 0.95 * SEEDS, `first ${first} of ${SEEDS}`);
  assert.ok(significant >= 0.99 * SEEDS, `significant ${significant} of ${SEEDS}`);
});

test('intervals of rare functions hold the truth too, and their delta is near it on average', () => {
  let covered = 0;
  let sum = 0;
  const rare = { rare: 1, rest: 99 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(1000 + seed);
    const diff = diffProfiles(
      [sampledProfile(rare, 400, random)],
      [sampledProfile({ rare: 2, rest: 98 }, 400, random)],
    );
    const row = diff.functions.find(f => f.name === 'rare')!;
    sum += row.deltaSelf;
    if (row.interval[0] <= 0.01 && 0.01 <= row.interval[1]) covered++;
  }
  assert.ok(covered >= 0.93 * SEEDS, `covered ${covered} of ${SEEDS}`);
  assert.ok(Math.abs(sum / SEEDS - 0.01) < 0.002, `mean delta ${sum / SEEDS}`);
});

test('two recordings of one program: at least one function significant in at most 5 of 100', () => {
  let alarms = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(5000 + seed);
    const diff = diffProfiles([sampledProfile(BEFORE, 2000, random)], [sampledProfile(BEFORE, 2000, random)]);
    if (diff.functions.some(f => f.significant)) alarms++;
  }
  assert.ok(alarms <= 0.05 * SEEDS, `${alarms} of ${SEEDS}`);
});

test('runs that differ among themselves widen the interval, runs that agree do not narrow it below sampling', () => {
  const random = seededRandom(3);
  const one = sampledProfile(BEFORE, 6000, random);
  const width = (before: readonly Profile[], after: readonly Profile[]): number => {
    const [low, high] = diffProfiles(before, after).functions.find(f => f.name === 'step_enqueuer')!.interval;
    return high - low;
  };
  const steady = [1, 2, 3].map(() => sampledProfile(BEFORE, 2000, random));
  const wild = [8, 20, 35].map(w => sampledProfile({ ...BEFORE, 'main;enqueue;step_enqueuer': w }, 2000, random));
  assert.ok(width([one, one, one], [one, one, one]) >= (0.99 * width([one], [one])) / Math.sqrt(3));
  assert.ok(width(wild, steady) > 3 * width(steady, steady));
});

test('removed and new functions are shown, renamed builds of one function are not', () => {
  const before = drawProfile('main > old 60\nmain > work::h0123456789abcdef 40');
  const after = drawProfile('main > fresh 60\nmain > work::hfedcba9876543210 40');
  const diff = diffProfiles([before], [after]);
  const change = Object.fromEntries(diff.functions.map(f => [f.name, f.change]));
  assert.deepEqual(change, { fresh: 'new', old: 'removed', work: 'both', main: 'both' });
});

test('a function that moved to another file, or another build folder, is the same function', () => {
  const drawn = (module: string): Profile =>
    drawProfile('main > work 10\nmain > rest 5', { frames: { work: { module } } });
  const diff = diffProfiles([drawn('/build-a/out/app')], [drawn('/build-b/bin/app')]);
  assert.deepEqual(
    diff.functions.map(f => f.change),
    ['both', 'both', 'both'],
  );
});

test('waiting is left out, and recursion counts a sample once: shares are those of the hot-path report', () => {
  const profile = drawProfile('main > f > f > f 30\nmain > g 10\n(idle) 60');
  const report = analyzeHotPaths(profile);
  const diff = diffProfiles([profile], [profile]);
  for (const f of report.functions.filter(({ name }) => name !== '(idle)')) {
    const row = diff.functions.find(({ name }) => name === f.name)!;
    assert.ok(Math.abs(row.beforeSelfShare - f.selfShare) < 1e-12, f.name);
    assert.ok(Math.abs(row.beforeTotalShare - f.totalShare) < 1e-12, f.name);
  }
  assert.equal(diff.functions.find(({ name }) => name === 'f')!.beforeTotalShare, 0.75);
  assert.ok(!diff.functions.some(({ name }) => name === '(idle)'));
});

const stacks = fc.dictionary(
  fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 5 }).map(path => path.join(';')),
  fc.integer({ min: 1, max: 50 }),
  { minKeys: 1, maxKeys: 8 },
);
const profiles = fc
  .tuple(stacks, fc.integer({ min: 1, max: 300 }), fc.nat())
  .map(([shape, count, seed]) => sampledProfile(shape, count, seededRandom(seed)));

test('self shares add up to 1, deltas to 0, intervals hold the delta, and swapping the sides turns every sign', () => {
  fc.assert(
    fc.property(profiles, profiles, (b, a) => {
      const { functions } = diffProfiles([b], [a]);
      const sum = (of: (f: (typeof functions)[number]) => number): number =>
        functions.reduce((all, f) => all + of(f), 0);
      assert.ok(Math.abs(sum(f => f.beforeSelfShare) - 1) < 1e-9);
      assert.ok(Math.abs(sum(f => f.afterSelfShare) - 1) < 1e-9);
      const back = new Map(diffProfiles([a], [b]).functions.map(f => [f.name, f]));
      for (const f of functions) {
        assert.ok(f.interval[0] <= f.deltaSelf + 1e-12 && f.deltaSelf <= f.interval[1] + 1e-12);
        assert.ok(Math.abs(back.get(f.name)!.deltaSelf + f.deltaSelf) < 1e-12);
        assert.ok(Math.abs(back.get(f.name)!.interval[0] + f.interval[1]) < 1e-9);
        assert.equal(back.get(f.name)!.significant, f.significant);
      }
      for (let i = 1; i < functions.length; i++) {
        assert.ok(Math.abs(functions[i - 1]!.deltaSelf) >= Math.abs(functions[i]!.deltaSelf));
      }
    }),
    { numRuns: 150 },
  );
});

test('a profile does not differ from itself', () => {
  fc.assert(
    fc.property(profiles, profile => {
      for (const f of diffProfiles([profile], [profile]).functions) {
        assert.equal(f.deltaSelf, 0);
        assert.equal(f.significant, false);
        assert.equal(f.change, 'both');
      }
    }),
    { numRuns: 60 },
  );
});

test('the union of both call trees is a sound profile with equal sums, and has every function of both sides', () => {
  fc.assert(
    fc.property(profiles, profiles, (b, a) => {
      const union = diffProfile([b], [a], { name: 'union' });
      checkProfile(union);
      const [before, after] = union.samples.values.map(column => column.reduce((sum, v) => sum + v, 0));
      assert.ok(Math.abs(before! - after!) < 1e-6 * after!);
      const names = new Set(Array.from(union.frames.name, n => union.strings[n]));
      for (const f of diffProfiles([b], [a]).functions) assert.ok(names.has(f.name));
    }),
    { numRuns: 80 },
  );
});

test('a stack of 20,000 frames is compared', () => {
  const deep = drawProfile(`${Array.from({ length: 20_000 }, (_, i) => `f${i % 7}`).join(' > ')} 10\nmain 5`);
  const diff = diffProfiles([deep], [deep]);
  assert.equal(diff.functions.find(f => f.name === 'f0')!.beforeTotalShare, 10 / 15);
  assert.equal(diffProfile([deep], [deep], { name: 'deep' }).stacks.length, 20_001);
});

test('sides without a weight in common are refused with what each has', () => {
  const bytes = drawProfile('main 1', { valueTypes: [{ name: 'alloc_space', unit: 'bytes' }] });
  assert.throws(() => diffProfiles([drawProfile('main 1')], [bytes]), /expected the weight 'alloc_space'.*found cpu/);
  assert.throws(() => diffProfiles([bytes], [bytes], { weight: 'wall' }), { code: 'usage' });
});
