import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { DiffResult } from '../../analyzers/diff/diff.ts';
import { seededRandom } from '../../analyzers/statistics.ts';
import { simulatedRun } from '../analyzers/diff/simulated-runs.ts';
import { otlpOfTrace } from '../analyzers/lifecycle/otlp-of-trace.ts';
import { SimulatedTasker } from '../analyzers/lifecycle/simulated-tasker.ts';
import { assertWellFormed } from '../flame/well-formed.ts';
import { inFolder, runInProcess } from './run-tprof.ts';

interface E2eOptions {
  readonly scenario?: string;
  readonly failed?: number;
  readonly tasks?: number;
}

/** A result of `tprof e2e --json` with latencies whose truth is known. */
function e2eText(
  seed: number,
  factor: number,
  { scenario = 'linear', failed = 0, tasks = 12 }: E2eOptions = {},
): string {
  const run = simulatedRun(tasks, factor, { within: 0.02, between: 0 }, seededRandom(seed));
  return JSON.stringify({
    schema: 'tprof.e2e/1',
    epochNs: '0',
    inputs: [],
    warnings: [],
    scenario: { id: scenario },
    concurrency: 1,
    aborted: false,
    tasks: run.tasks.map((task, i) => ({
      taskUuid: task.id,
      status: i < failed ? 'error' : 'complete',
      startNs: i,
      latencyNs: task.latencyNs,
    })),
  });
}

const SLOW = 'main;parse 500\nmain;enqueue;step_enqueuer 500\nmain;gone 100\n';
const FAST = 'main;parse 800\nmain;enqueue;step_enqueuer 200\nmain;fresh 100\n';

test('two results of one state exit 0, a planted +10 % fails the gate with exit 1 and says by how much', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'a.json'), e2eText(1, 1));
    await writeFile(join(cwd, 'a2.json.gz'), gzipSync(e2eText(2, 1)));
    await writeFile(join(cwd, 'b.json'), e2eText(3, 1.1));
    const same = await runInProcess(['diff', 'a.json', 'a2.json.gz', '--fail-on', 'p50 > +5%'], cwd);
    assert.equal(same.code, 0, same.stderr);
    assert.match(same.stdout, /gate holds: p50 > \+5%/);
    const worse = await runInProcess(['diff', 'a.json', 'b.json', '--fail-on', 'p50 > +5%', '--json'], cwd);
    assert.equal(worse.code, 1);
    const result = JSON.parse(worse.stdout) as DiffResult;
    assert.equal(result.schema, 'tprof.diff/1');
    assert.equal(result.verdict, 'regressed');
    assert.equal(result.gates[0]!.held, false);
    const [low, high] = result.latencies[0]!.interval!;
    assert.ok(low < 0.1 && 0.1 < high, `${low} … ${high}`);
    assert.match(worse.stderr, /gate failed: p50 > \+5%: \+\d/);
    assert.deepEqual(
      result.warnings.map(w => w.code),
      ['one-run'],
    );
  });
});

test('--expect: exit 0 where the improvement is shown, 1 where it is not', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'a.json'), e2eText(1, 1));
    await writeFile(join(cwd, 'b.json'), e2eText(3, 0.8));
    const shown = await runInProcess(['diff', 'a.json', 'b.json', '--expect', 'p50 < -5%'], cwd);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /expected, and shown: p50 < -5%/);
    const not = await runInProcess(['diff', 'a.json', 'b.json', '--expect', 'p50 < -40%', '--json'], cwd);
    assert.equal(not.code, 1);
    assert.match(not.stderr, /expected, and not shown: p50 < -40%/);
    const { gates } = JSON.parse(not.stdout) as DiffResult;
    assert.deepEqual([gates[0]!.demand, gates[0]!.held], ['expect', false]);
  });
});

test('several runs a side, and tasks that failed are left out and counted', async () => {
  await inFolder(async cwd => {
    for (const i of [1, 2, 3]) {
      await writeFile(join(cwd, `a${i}.json`), e2eText(i, 1));
      await writeFile(join(cwd, `b${i}.json`), e2eText(10 + i, 1.1, { failed: 1 }));
    }
    const run = await runInProcess(
      ['diff', '--before', 'a1.json', 'a2.json', 'a3.json', '--after', 'b1.json', 'b2.json', 'b3.json', '--json'],
      cwd,
    );
    assert.equal(run.code, 0, run.stderr);
    const result = JSON.parse(run.stdout) as DiffResult;
    assert.deepEqual(result.before, ['a1.json', 'a2.json', 'a3.json']);
    assert.deepEqual([result.latencies[0]!.beforeTasks, result.latencies[0]!.afterTasks], [36, 33]);
    assert.deepEqual(
      result.warnings.map(w => [w.code, w.count]),
      [['tasks-left-out', 3]],
    );
  });
});

test('profiles: the changed function first, removed and new ones shown, both trees in one picture', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'before.txt'), FAST);
    await writeFile(join(cwd, 'after.txt'), SLOW);
    const args = ['diff', 'before.txt', 'after.txt', '--fail-on', 'self(step_enqueuer) > +2pt', '--json'];
    const run = await runInProcess([...args, '--flame', 'diff.svg'], cwd);
    assert.equal(run.code, 1, run.stderr);
    const { functions, weight } = JSON.parse(run.stdout) as DiffResult;
    assert.equal(weight?.name, 'samples');
    assert.ok(['parse', 'step_enqueuer'].includes(functions[0]!.name));
    assert.deepEqual(
      functions.filter(f => f.change !== 'both').map(f => [f.name, f.change]),
      [
        ['fresh', 'removed'],
        ['gone', 'new'],
      ],
    );
    const svg = await readFile(join(cwd, 'diff.svg'), 'utf8');
    assertWellFormed(svg);
    for (const name of ['fresh', 'gone', 'step_enqueuer']) assert.ok(svg.includes(name), name);
    const markdown = await runInProcess(['diff', 'before.txt', 'after.txt', '--format', 'markdown'], cwd);
    assert.match(markdown.stdout, /\| `?step_enqueuer`? /);
    assert.equal(markdown.code, 0);
  });
});

test('traces of a workflow: latencies, phases and operations, with detectable effects', async () => {
  await inFolder(async cwd => {
    for (const [name, seed] of [
      ['a', 3],
      ['b', 4],
    ] as const) {
      const tasks = Array.from({ length: 8 }, () => [[], [0]]);
      const { trace } = new SimulatedTasker({ seed, tasks, everyNs: 1e9, backend: 'pgmq', logs: true }).run();
      await writeFile(join(cwd, `${name}.jsonl`), otlpOfTrace(trace).traces);
    }
    const run = await runInProcess(
      ['diff', 'a.jsonl', 'b.jsonl', '--json', '--fail-on', 'phase(discovery) > +900%'],
      cwd,
    );
    assert.equal(run.code, 0, run.stderr);
    const result = JSON.parse(run.stdout) as DiffResult;
    assert.deepEqual(
      result.latencies.map(row => row.id),
      ['p50', 'p95'],
    );
    assert.equal(result.latencies[0]!.beforeTasks, 8);
    assert.ok(result.operations.length >= 10);
    assert.ok(result.phases.every(row => row.id !== ''));
    for (const row of [...result.operations, ...result.phases]) {
      if (row.interval === null || row.relativeDelta === null) continue;
      assert.ok(row.interval[0] <= row.relativeDelta && row.relativeDelta <= row.interval[1], row.id);
      assert.ok(row.detectable! >= 0);
    }
    assert.ok(result.operations.some(row => row.detectable !== null && row.detectable > 0));
  });
});

test('another scenario is refused with both named, and compared with --force', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'a.json'), e2eText(1, 1));
    await writeFile(join(cwd, 'b.json'), e2eText(2, 1, { scenario: 'diamond' }));
    const refused = await runInProcess(['diff', 'a.json', 'b.json'], cwd);
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /the scenario differs: linear in a\.json, diamond in b\.json/);
    assert.match(refused.stderr, /--force/);
    const forced = await runInProcess(['diff', 'a.json', 'b.json', '--force', '--json'], cwd);
    assert.equal(forced.code, 0);
    assert.ok((JSON.parse(forced.stdout) as DiffResult).warnings.some(w => w.code === 'incomparable'));
  });
});

test('wrong use is 2, what cannot be judged or read is 3; nothing is written then', async () => {
  await inFolder(async cwd => {
    await writeFile(join(cwd, 'a.json'), e2eText(1, 1));
    await writeFile(join(cwd, 'cut.json'), e2eText(1, 1).slice(0, 300));
    await writeFile(join(cwd, 'p.txt'), FAST);
    const cases: [readonly string[], number, RegExp][] = [
      [['a.json'], 2, /needs two inputs, found one/],
      [['--before', 'a.json'], 2, /--after is missing/],
      [['a.json', '--before', 'a.json', '--after', 'a.json'], 2, /not both/],
      [['a.json', 'a.json', '--fail-on', 'p50 > 5'], 2, /needs a unit/],
      [['a.json', 'a.json', '--flame', 'x.png'], 2, /\.svg or \.html/],
      [['a.json', 'a.json', '--flame', 'x.svg'], 3, /profiles on both sides/],
      [['a.json', 'cut.json'], 3, /damaged or cut/],
      [['a.json', 'nope.json'], 3, /nope\.json/],
      [['a.json', 'a.json', '--fail-on', 'self(x) > +2pt'], 3, /expected profiles on both sides/],
      [['p.txt', 'p.txt', '--fail-on', 'self(enqueuer) > +2pt'], 3, /step_enqueuer/],
      [['p.txt', 'p.txt', '--fail-on', 'p50 > +5%'], 3, /times of tasks/],
    ];
    for (const [args, code, message] of cases) {
      const run = await runInProcess(['diff', ...args], cwd);
      assert.equal(run.code, code, `${args.join(' ')}: ${run.stderr}`);
      assert.match(run.stderr, message);
      assert.equal(run.stdout, '');
    }
  });
});
