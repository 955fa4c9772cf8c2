import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { accepts, INSPECTOR_PORT } from '../../collectors/profilers/inspector-client.ts';
import { nodeHeap } from '../../collectors/profilers/node-heap.ts';
import { heapprofile } from '../../src/formats/heapprofile.ts';
import type { Profile } from '../../src/model/profile.ts';
import { eventually } from '../cli/run-tprof.ts';
import { nodesHere, type Ran, runProfiler } from './run-profiler.ts';

/**
 * Three functions that allocate 6, 3 and 1 parts, a hundred times over. Called by name at run time: V8 counts what it
 * inlined for the caller.
 */
const ALLOCATES = `
  const kept = [];
  const make = {
    six() { return new Array(6000).fill(1.5); },
    three() { return new Array(3000).fill(1.5); },
    one() { return new Array(1000).fill(1.5); },
  };
  for (let round = 0; round < 1500; round++) {
    for (const name of ['six', 'three', 'one']) {
      const made = make[name]();
      if (process.argv[2] === 'keep') kept.push(made);
    }
  }
  globalThis.kept = kept;
`;

async function profileOf(ran: Ran, at = 0): Promise<Profile> {
  const source = await fileSource(join(ran.rawDirectory, ran.harvest.artefacts[at]?.file ?? ''));
  return (await heapprofile.read?.(source, {})) as Profile;
}

/** Share of each function among the three. */
function shares({ frames, strings, stacks, samples }: Profile): number[] {
  const bytes = ['six', 'three', 'one'].map(name => {
    let sum = 0;
    for (let s = 0; s < samples.length; s++) {
      const stack = samples.stack[s] ?? -1;
      if (strings[frames.name[stacks.frame[stack] ?? 0] ?? 0] === name) sum += samples.values[0]?.[s] ?? 0;
    }
    return sum;
  });
  const total = bytes.reduce((a, b) => a + b, 0);
  assert.ok(total > 50e6, `the three allocated ${total} bytes of 120 MB`);
  return bytes.map(b => b / total);
}

for (const { path, version } of nodesHere()) {
  for (const [event, argument, weight] of [
    ['alloc', 'drop', 'alloc_space'],
    ['inuse', 'keep', 'inuse_space'],
  ] as const) {
    test(`Node ${version}, --event ${event}: a program that allocates 60, 30 and 10 % in three functions is shown so`, () =>
      runProfiler(
        nodeHeap,
        ALLOCATES,
        async ran => {
          assert.deepEqual(ran.exit, { code: 0, signal: null });
          assert.deepEqual(ran.harvest.losses, []);
          assert.deepEqual(ran.litter, []);
          const profile = await profileOf(ran);
          assert.deepEqual(profile.valueTypes, [
            { name: weight, unit: 'bytes' },
            { name: 'sampled_allocations', unit: 'count' },
          ]);
          const [six = 0, three = 0, one = 0] = shares(profile);
          const found = [six, three, one].map(share => share.toFixed(3)).join(' ');
          assert.ok(Math.abs(six - 0.6) < 0.05 && Math.abs(three - 0.3) < 0.05 && Math.abs(one - 0.1) < 0.05, found);
        },
        { node: path, event, arguments: [argument] },
      ));
  }

  test(`Node ${version}: children and worker threads leave heap profiles, however they end`, () =>
    runProfiler(
      nodeHeap,
      `const { Worker } = require('worker_threads');
      const { fork } = require('child_process');
      if (process.argv[2] === 'child') process.exit(3);
      fork(__filename, ['child']).on('exit', code => {
        const source = "const allocate = () => { for (let i = 0; i < 1000; i++) globalThis.x = new Array(1000); };" +
          "setInterval(allocate, 1); require('worker_threads').parentPort.postMessage(0);";
        const worker = new Worker(source, { eval: true });
        worker.once('message', () => setTimeout(() => process.kill(process.pid, 'SIGTERM'), 700));
      });`,
      ({ harvest, exit }) => {
        assert.deepEqual(exit, { code: null, signal: 'SIGTERM' });
        assert.deepEqual(harvest.losses, []);
        const threads = harvest.artefacts.map(({ tid }) => tid).sort();
        assert.deepEqual([harvest.processes?.length, ...threads], [2, 0, 0, 1]);
        assert.equal(harvest.nodeProfile, 'heap profile');
      },
      { node: path },
    ));
}

test('node-heap: a kill -9 is a loss by name', () =>
  runProfiler(nodeHeap, `process.kill(process.pid, 'SIGKILL')`, ({ harvest, exit }) => {
    assert.equal(exit.signal, 'SIGKILL');
    assert.deepEqual(harvest.artefacts, []);
    assert.match(harvest.losses[0]?.what ?? '', /^heap profile of program \(pid \d+\)$/);
  }));

test('node-heap: profiles are whole JSON that says what was counted', () =>
  runProfiler(nodeHeap, 'globalThis.x = Array.from({ length: 1e5 }, () => ({}))', ({ harvest, rawDirectory }) => {
    const text = readFileSync(join(rawDirectory, harvest.artefacts[0]?.file ?? ''), 'utf8');
    const { head, weight } = JSON.parse(text);
    assert.deepEqual([head.callFrame.functionName, weight], ['(root)', 'alloc_space']);
  }));

test('node-heap: another event is refused, with those that there are', async () => {
  await assert.rejects(
    runProfiler(nodeHeap, '', () => {}, { event: 'cycles' }),
    /node-heap knows no event 'cycles'/,
  );
});

const attachable =
  process.platform === 'linux' && !(await accepts(INSPECTOR_PORT))
    ? {}
    : { skip: 'needs Linux, and port 9229 free, where Node opens its inspector' };

test(
  'node-heap: a running process is attached to, with its worker thread, and left as it was',
  attachable,
  async () => {
    const rawDirectory = mkdtempSync(join(tmpdir(), 'tprof test '));
    const source = `const allocate = () => { for (let i = 0; i < 100; i++) globalThis.x = new Array(5000).fill(1.5); };
    setInterval(allocate, 5);
    const { Worker, isMainThread } = require('worker_threads');
    if (isMainThread) new Worker('setInterval(() => { globalThis.y = new Array(50000).fill(0.5); }, 5)', { eval: true })
      .on('online', () => console.log('ready'));`;
    const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await once(child.stdout, 'data');
      const run = await nodeHeap.prepare({
        command: [],
        pids: [child.pid as number],
        rawDirectory,
        environment: process.env,
        frequencyHz: undefined,
        callGraph: undefined,
        event: undefined,
      });
      await run.started?.(child.pid as number);
      await new Promise(resolve => setTimeout(resolve, 1000));
      await run.stop?.();
      const { artefacts, losses } = await run.collect();
      assert.deepEqual(losses, []);
      assert.deepEqual(artefacts.map(({ pid, tid, format }) => [pid, tid, format]).sort(), [
        [child.pid, 0, 'heapprofile'],
        [child.pid, 1, 'heapprofile'],
      ]);
      const source = await fileSource(join(rawDirectory, artefacts[0]?.file ?? ''));
      const profile = await heapprofile.read?.(source, {});
      assert.ok(profile?.strings.includes('allocate'));
      assert.equal(child.exitCode, null);
    } finally {
      child.kill('SIGKILL');
      await eventually('the program has ended', () => child.exitCode !== null || child.signalCode !== null);
      rmSync(rawDirectory, { recursive: true, force: true });
    }
  },
);
