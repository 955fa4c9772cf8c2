import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyzeDiff, type DiffRun } from '../../../analyzers/diff/diff.ts';
import { judgeGates } from '../../../analyzers/diff/gate.ts';
import { parseGate } from '../../../analyzers/diff/gate-expression.ts';
import { diffProfiles } from '../../../analyzers/diff/profile-diff.ts';
import { diffSubtrees } from '../../../analyzers/diff/subtree-diff.ts';
import { seededRandom } from '../../../analyzers/statistics.ts';
import { sampledProfile } from './sampled-profile.ts';

const N = 20_000;
const find = (rows: ReturnType<typeof diffSubtrees>, path: string): (typeof rows)[number] => {
  const row = rows.find(one => one.path.join(';') === path);
  assert.ok(row !== undefined, `${path} among ${rows.map(one => one.path.join(';')).join(' ')}`);
  return row;
};

test('the call under which the difference came in is named, not those above it, nor what is in a new call', () => {
  const random = seededRandom(1);
  const before = { 'main;serve;parse': 0.4, 'main;serve;query;read': 0.4, 'main;old;x': 0.1, 'main;old;y': 0.1 };
  const after = { 'main;serve;parse': 0.4, 'main;serve;query;read': 0.2, 'main;fresh;a;b': 0.2, 'main;fresh;c': 0.2 };
  const rows = diffSubtrees([sampledProfile(before, N, random)], [sampledProfile(after, N, random)]);
  const fresh = find(rows, 'main;fresh');
  assert.deepEqual([fresh.change, fresh.significant], ['new', true]);
  assert.ok(fresh.interval[0] < 0.4 && 0.4 < fresh.interval[1]);
  assert.equal(find(rows, 'main;old').change, 'removed');
  const read = find(rows, 'main;serve;query;read');
  assert.ok(Math.abs(read.delta + 0.2) < 0.02);
  const paths = rows.map(row => row.path.join(';'));
  for (const told of ['main;serve;query', 'main;fresh;a', 'main;fresh;c', 'main;old;x'])
    assert.ok(!paths.includes(told), told);
  assert.equal(rows[0], fresh, 'the largest change first');
});

test('two recordings of one program: no subtree is significant in most', () => {
  let alarms = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const stacks = { 'main;a;x': 0.3, 'main;a;y': 0.2, 'main;b;x': 0.3, 'main;c': 0.2 };
    const rows = diffSubtrees([sampledProfile(stacks, 2000, random)], [sampledProfile(stacks, 2000, random)]);
    if (rows.some(row => row.significant)) alarms++;
  }
  assert.ok(alarms <= 6, `${alarms} of 60`);
});

test('swapping the sides turns every sign, and nothing differs from itself', () => {
  const stacks = fc.dictionary(
    fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map(path => path.join(';')),
    fc.integer({ min: 1, max: 9 }),
    { minKeys: 1, maxKeys: 6 },
  );
  fc.assert(
    fc.property(stacks, stacks, (one, other) => {
      const random = seededRandom(2);
      const a = sampledProfile(one, 300, random);
      const b = sampledProfile(other, 300, random);
      const forth = diffSubtrees([a], [b]);
      for (const row of forth) {
        assert.ok(row.interval[0] <= row.delta + 1e-12 && row.delta <= row.interval[1] + 1e-12);
        assert.ok(Math.abs(row.afterShare - row.beforeShare - row.delta) < 1e-12);
      }
      const total = (rows: typeof forth): number => rows.reduce((sum, row) => sum + row.delta, 0);
      assert.ok(Math.abs(total(forth) + total(diffSubtrees([b], [a]))) < 1e-9);
      assert.deepEqual(diffSubtrees([a], [a]), []);
    }),
    { numRuns: 60, seed: 4 },
  );
});

/** Twice the tasks at the same cost a task, but one function that costs half as much again. */
function perTask(seed: number): { before: DiffRun; after: DiffRun } {
  const random = seededRandom(seed);
  const run = (name: string, tasks: number, hot: number): DiffRun => ({
    name,
    profile: sampledProfile({ 'main;hot': hot, 'main;rest': 1 }, Math.round(tasks * 100 * (1 + hot)), random),
    wallNs: tasks * 1e9,
    times: {
      name,
      leftOut: 0,
      tasks: Array.from({ length: tasks }, (_, i) => ({ id: `${i}`, latencyNs: 1e8, operations: [], phases: [] })),
    },
  });
  return { before: run('before', 40, 1), after: run('after', 80, 1.5) };
}

test('by task: what one function costs is not moved by how many tasks there were, nor by the others', () => {
  const { before, after } = perTask(3);
  const result = analyzeDiff([before], [after], { normalise: 'task' });
  assert.equal(result.normalised, 'task');
  const [first] = result.functions;
  assert.equal(first!.name, 'hot');
  assert.equal(first!.significant, true);
  const { cost } = first!;
  assert.ok(Math.abs(cost!.before - 100) < 8 && Math.abs(cost!.after - 150) < 8, `${cost!.before} → ${cost!.after}`);
  assert.ok(cost!.interval[0] < 50 && 50 < cost!.interval[1]);
  const rest = result.functions.find(f => f.name === 'rest');
  assert.equal(rest!.significant, false, 'its share fell, its cost did not');
  assert.ok(rest!.deltaSelf < -0.05);
  assert.equal(result.verdict, 'unchanged', 'latencies decide where there are any');
  const hot = result.subtrees.find(s => s.path.at(-1) === 'hot');
  assert.ok(Math.abs(hot!.cost!.delta - 50) < 10);
  // By second of wall time it is the same here: a task takes one.
  const wall = analyzeDiff([before], [after], { normalise: 'wall' });
  assert.ok(Math.abs(wall.functions[0]!.cost!.delta - cost!.delta) < 1e-9);
});

test('a gate in percent is about the cost where costs are compared', () => {
  const { before, after } = perTask(5);
  const diff = (amounts: { by: 'task'; perRun: number[] } | undefined): ReturnType<typeof diffProfiles> =>
    diffProfiles([before.profile!], [after.profile!], { amounts });
  const gates = [parseGate('self(rest) > +5%'), parseGate('self(hot) > +30%'), parseGate('self(hot) > +60%')];
  const judged = judgeGates(gates, { profile: diff({ by: 'task', perRun: [40, 80] }), times: undefined });
  assert.deepEqual(
    judged.map(gate => gate.held),
    [true, false, true],
  );
  assert.match(judged[1]!.reason, /of its cost/);
});

test('what a side does not say cannot be divided by', () => {
  const random = seededRandom(1);
  const bare: DiffRun = { name: 'bare', profile: sampledProfile({ f: 1 }, 100, random), times: undefined };
  for (const normalise of ['task', 'wall'] as const) {
    assert.throws(() => analyzeDiff([bare], [bare], { normalise }), { code: 'usage', message: /found none in bare/ });
  }
});
