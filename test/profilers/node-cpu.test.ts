import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClockAnchor } from '../../collectors/clock-anchor.ts';
import { nodeCpu } from '../../collectors/profilers/node-cpu.ts';
import { withNodeOption } from '../../collectors/profilers/node-options.ts';
import type { ProfilerHarvest } from '../../collectors/profilers/profiler.ts';

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
  readonly endTime: number;
}

interface Watched {
  readonly harvest: ProfilerHarvest;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  profile(at: number): CpuProfile;
}

/** Runs `source` as a file under the profiler, with tprof's own Node unless `node` names another. */
async function watch<T>(
  source: string,
  use: (watched: Watched) => T,
  options: {
    readonly node?: string;
    readonly agent?: boolean;
    readonly chunkMs?: number;
    readonly environment?: NodeJS.ProcessEnv;
  } = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof test '));
  const environment = options.environment ?? process.env;
  try {
    const script = join(folder, 'program.js');
    await writeFile(script, source);
    const run = await nodeCpu.prepare({
      command: [options.node ?? process.execPath, script],
      pids: [],
      rawDirectory: folder,
      environment,
      frequencyHz: undefined,
      callGraph: undefined,
      event: undefined,
    });
    const [file, ...args] = run.command as [string, ...string[]];
    const child = spawn(file, args, {
      env: options.agent === false ? process.env : { ...environment, ...withChunks(run.environment, options.chunkMs) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    const [code, signal] = await once(child, 'close');
    const harvest = await run.collect();
    const profile = (at: number): CpuProfile =>
      JSON.parse(readFileSync(join(folder, harvest.artefacts[at]?.file ?? ''), 'utf8'));
    return use({ harvest, code, signal, stdout, stderr, profile });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The settings of the agent with another time between two profiles: an hour is too long for a test. */
function withChunks(environment: Readonly<Record<string, string>>, chunkMs: number | undefined): object {
  if (chunkMs === undefined) return environment;
  const settings = JSON.parse(environment.TPROF_NODE_CPU ?? '{}') as object;
  return { ...environment, TPROF_NODE_CPU: JSON.stringify({ ...settings, chunkMs }) };
}

/** Share of each function in the samples of the three, by what was on top of the stack. */
function shares(profile: CpuProfile, names: readonly string[]): number[] {
  const nameOf = new Map(profile.nodes.map(node => [node.id, node.callFrame.functionName]));
  const counts = names.map(name => profile.samples.filter(id => nameOf.get(id) === name).length);
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.map(count => count / total);
}

test('a program that spends 60, 30 and 10 % in three functions is shown so', () => {
  // The same loop in three functions, run 6, 3 and 1 times: shares of work, whatever the machine's speed. Each is
  // compiled on its own, so that none is inlined into its caller.
  const loop = (name: string): string =>
    `function ${name}() { let x = 1; for (let i = 0; i < 1e6; i++) x = (x * 31 + i) % 1000003; return x; }`;
  const source = `${['six', 'three', 'one'].map(loop).join('\n')}
    let sum = 0;
    for (let round = 0; round < 25; round++) {
      for (let i = 0; i < 6; i++) sum += six();
      for (let i = 0; i < 3; i++) sum += three();
      sum += one();
    }
    process.exitCode = sum > 0 ? 0 : 1;`;
  return watch(source, ({ profile, code }) => {
    assert.equal(code, 0);
    const [six, three, one] = shares(profile(0), ['six', 'three', 'one']) as [number, number, number];
    const found = `${six.toFixed(3)} ${three.toFixed(3)} ${one.toFixed(3)}`;
    assert.ok(Math.abs(six - 0.6) < 0.05 && Math.abs(three - 0.3) < 0.05 && Math.abs(one - 0.1) < 0.05, found);
  });
});

test('sample times count on the monotonic clock, as the capture’s anchors do', async () => {
  const before = BigInt(readClockAnchor().monotonicNs);
  await watch('setTimeout(() => {}, 50)', ({ profile }) => {
    const after = BigInt(readClockAnchor().monotonicNs);
    const { startTime, endTime } = profile(0);
    assert.ok(BigInt(startTime) * 1000n > before && BigInt(endTime) * 1000n < after);
    assert.ok(endTime - startTime >= 50_000);
  });
});

/** How programs end, and that tprof changes nothing about it: the same code, signal and output as without. */
const ENDS: Readonly<Record<string, string>> = {
  'by itself': `console.log(1)`,
  'process.exit': `process.exit(3)`,
  'process.exitCode': `process.exitCode = 4`,
  'process.exit within exit': `process.on('exit', () => process.exit(9))`,
  'an uncaught error': `setTimeout(() => { throw new Error('boo'); }, 10)`,
  'an unhandled rejection': `Promise.reject(new Error('boo'))`,
  'SIGTERM without a handler': `setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20); setTimeout(() => {}, 2000)`,
  'SIGINT without a handler': `setTimeout(() => process.kill(process.pid, 'SIGINT'), 20); setTimeout(() => {}, 2000)`,
  'SIGHUP without a handler': `setTimeout(() => process.kill(process.pid, 'SIGHUP'), 20); setTimeout(() => {}, 2000)`,
  'SIGTERM with a handler': `process.on('SIGTERM', () => { console.log('own'); process.exit(7); });
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20); setTimeout(() => {}, 2000)`,
  'SIGTERM after its handler was removed': `const f = () => {}; process.on('SIGTERM', f); process.off('SIGTERM', f);
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20); setTimeout(() => {}, 2000)`,
  'the second SIGTERM after once': `process.once('SIGTERM', () => { console.log('first'); process.kill(process.pid, 'SIGTERM'); });
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20); setTimeout(() => {}, 2000)`,
  'SIGTERM after all listeners were removed': `process.removeAllListeners();
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20); setTimeout(() => {}, 2000)`,
  'what listeners it can count': `console.log(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'exit', 'beforeExit', 'worker']
    .map(name => process.listenerCount(name)).join(), Object.keys(process).includes('emit'))`,
};

/** The Node that runs the tests, and the one that a `node` command means here, where that is another. */
function nodes(): { readonly path: string; readonly version: string }[] {
  const found = [{ path: process.execPath, version: process.versions.node }];
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder, 'node');
    if (folder === '' || !existsSync(path)) continue;
    const version = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout?.trim() ?? '';
    if (Number(version.split('.')[0]) < 18 || found.some(node => node.version === version)) continue;
    found.push({ path, version });
  }
  return found;
}

for (const { path, version } of nodes()) {
  for (const [end, source] of Object.entries(ENDS)) {
    test(`Node ${version}, a program that ends by ${end} is profiled and ends as it would without`, async () => {
      const plain = await watch(source, w => w, { node: path, agent: false });
      await watch(
        source,
        ({ harvest, code, signal, stdout, stderr, profile }) => {
          assert.deepEqual([code, signal, stdout], [plain.code, plain.signal, plain.stdout]);
          assert.equal(withoutPlaces(stderr), withoutPlaces(plain.stderr));
          assert.equal(harvest.artefacts.length, 1);
          assert.deepEqual(harvest.losses, []);
          assert.ok(profile(0).nodes.length > 0);
        },
        { node: path },
      );
    });
  }

  test(`Node ${version}, forks, other children and worker threads are all profiled, however they end`, () =>
    watch(
      `const { Worker, isMainThread, parentPort } = require('worker_threads');
      const { fork, spawnSync } = require('child_process');
      if (process.argv[2] === 'child') process.exit(0);
      const started = [];
      const worker = source => new Promise(resolve => {
        const w = new Worker(source, { eval: true });
        w.on('error', () => {});
        w.once('message', () => resolve(w));
      });
      const hello = "require('worker_threads').parentPort.postMessage(0);";
      fork(__filename, ['child']).on('exit', async () => {
        spawnSync(process.execPath, ['-e', '0']);
        await worker(hello);
        await worker(hello + 'process.exit(5)');
        await worker(hello + 'throw new Error()');
        const idle = await worker(hello + 'setInterval(() => {}, 1000)');
        const busy = await worker(hello + 'for (;;);');
        await worker(\`const { Worker, parentPort } = require('worker_threads');
          const inner = new Worker("require('worker_threads').parentPort.postMessage(0); for (;;);", { eval: true });
          inner.once('message', () => parentPort.postMessage(0));\`);
        await worker(hello + 'for (;;);');
        // Each has begun; their inspectors introduce themselves a moment later.
        setTimeout(async () => {
          await Promise.all([idle.terminate(), busy.terminate()]);
          process.kill(process.pid, 'SIGTERM');
        }, 700);
      });`,
      ({ harvest, signal }) => {
        assert.equal(signal, 'SIGTERM');
        const threads = new Map<number, number[]>();
        for (const { pid, tid } of harvest.artefacts) threads.set(pid, [...(threads.get(pid) ?? []), tid]);
        const perProcess = [...threads.values()].map(tids => tids.length).sort();
        assert.deepEqual(perProcess, [1, 1, 9], JSON.stringify(harvest.losses));
        assert.deepEqual(harvest.losses, []);
        assert.equal(harvest.processes?.length, 3);
        assert.deepEqual(harvest.tools, [{ id: 'node', version, path: realpathSync(path) }]);
      },
      { node: path },
    ));
}

test('kill -9 and abort are losses by name', async () => {
  for (const source of [`process.kill(process.pid, 'SIGKILL')`, 'process.abort()']) {
    await watch(source, ({ harvest }) => {
      assert.equal(harvest.artefacts.length, 0);
      assert.match(harvest.losses[0]?.what ?? '', /^CPU profile of program \(pid \d+\)$/);
    });
  }
});

test('a long run writes now and then, and keeps that when it is killed', () =>
  watch(
    `setInterval(() => { const end = Date.now() + 20; while (Date.now() < end); }, 25);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1500);`,
    ({ harvest, profile }) => {
      assert.ok(harvest.artefacts.length >= 2, `${harvest.artefacts.length} profiles`);
      for (let i = 1; i < harvest.artefacts.length; i++) assert.ok(profile(i).startTime >= profile(i - 1).endTime);
      assert.match(harvest.losses[0]?.why ?? '', /its first \d+ profiles were saved/);
    },
    { chunkMs: 200 },
  ));

test('the parent of node --test has no inspector, which is said; its children are profiled', async () => {
  const source = `if (process.env.NODE_TEST_CONTEXT === undefined) {
      const { spawnSync } = require('child_process');
      process.exitCode = spawnSync(process.execPath, ['--test', __filename], { stdio: 'inherit' }).status;
    } else require('node:test').test('x', () => {});`;
  const { NODE_TEST_CONTEXT, ...environment } = process.env;
  await watch(
    source,
    ({ harvest, code }) => {
      assert.equal(code, 0);
      assert.equal(harvest.artefacts.length, 2);
      assert.match(harvest.losses[0]?.why ?? '', /no inspector/);
      assert.equal(harvest.losses.length, 1);
    },
    { environment },
  );
});

test('a worker that could not be given the agent is a loss by name', () =>
  watch(
    `const { Worker } = require('worker_threads');
    new Worker('setTimeout(() => {}, 50)', { eval: true, env: {} });`,
    ({ harvest }) => {
      assert.equal(harvest.artefacts.length, 1);
      assert.match(harvest.losses[0]?.what ?? '', /worker thread 1 of program/);
    },
  ));

test('NODE_OPTIONS keep what they hold, and paths with blanks, quotes and backslashes survive them', () => {
  assert.equal(withNodeOption(undefined, '--require', '/a'), '--require=/a');
  assert.equal(withNodeOption('--max-old-space-size=99', '--require', '/a'), '--max-old-space-size=99 --require=/a');
  const folder = mkdtempSync(join(tmpdir(), 'tprof "te\\st" '));
  try {
    const file = join(folder, 'a b.cjs');
    const options = withNodeOption('--no-warnings', '--require', file);
    const made = spawnSync(process.execPath, [
      '-e',
      `require('fs').writeFileSync(${JSON.stringify(file)}, 'console.log(42)')`,
    ]);
    assert.equal(made.status, 0);
    const run = spawnSync(process.execPath, ['-e', '0'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: options },
    });
    assert.equal(run.stdout, '42\n', run.stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Error output without what differs from run to run: places in files, pids, addresses. */
function withoutPlaces(text: string): string {
  return text
    .split('\n')
    .filter(line => !/^\s+at |program\.js:|^\s*\^|\(node:\d+\)/.test(line))
    .join('\n');
}
