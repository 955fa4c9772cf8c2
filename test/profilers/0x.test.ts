import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { zeroX } from '../../collectors/profilers/0x.ts';
import { checkNodeTool, findNodeTool } from '../../collectors/profilers/node-tool.ts';
import { runInProcess } from '../cli/run-tprof.ts';
import { runProfiler } from './run-profiler.ts';
import { notSixtyThirtyTen, readArtefact, SIXTY_THIRTY_TEN, sharesOfThree } from './sixty-thirty-ten.ts';

const options = findNodeTool('0x') === undefined ? { skip: '0x is not installed' } : {};

test('0x: its own graph, 60, 30 and 10 %, deep stacks, forks and workers, exit 3', options, () =>
  runProfiler(
    zeroX,
    `${SIXTY_THIRTY_TEN}
    const { Worker, isMainThread } = require('worker_threads');
    const { fork } = require('child_process');
    function deep(depth) { return depth === 0 ? work(12) : deep(depth - 1); }
    console.log('said by', process.argv[2] ?? (isMainThread ? 'main' : 'worker'));
    if (isMainThread && process.argv[2] !== 'fork') {
      deep(120);
      new Worker(__filename);
      fork(__filename, ['fork']).on('exit', code => { process.exitCode = code === 0 ? 3 : 9; });
    }`,
    async ({ harvest, exit, litter, rawDirectory, stdout, stderr }) => {
      assert.deepEqual([exit, harvest.losses, litter], [{ code: 3, signal: null }, [], []], stderr);
      for (const who of ['main', 'worker', 'fork']) assert.match(stdout, new RegExp(`^said by ${who}$`, 'm'));
      const threads = harvest.artefacts.filter(({ format }) => format === 'v8-log').map(({ tid }) => tid);
      assert.deepEqual([harvest.processes?.length, ...threads.sort()], [2, 0, 0, 1]);
      const shares: (string | undefined)[] = [];
      for (let i = 0; i < 3; i++) {
        const profile = await readArtefact(rawDirectory, harvest, i);
        shares.push(notSixtyThirtyTen(sharesOfThree(profile), 5));
      }
      // The one that worked; the others only began.
      assert.ok(shares.includes(undefined), shares.join('; '));
      assert.ok(existsSync(join(rawDirectory, 'flamegraph/flamegraph.html')));
      assert.equal(harvest.toolTree?.target, harvest.processes?.find(p => p.parentPid === harvest.toolTree?.pid)?.pid);
      assert.ok(readdirSync(rawDirectory).every(name => !name.startsWith('.')));
    },
  ),
);

test('0x: a target that a signal ends is not taken for a good end', options, () =>
  runProfiler(
    zeroX,
    `setInterval(() => {}, 1000); setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100);`,
    ({ exit, litter }) => assert.deepEqual([exit, litter], [{ code: null, signal: 'SIGTERM' }, []]),
  ),
);

test('0x: what is not a Node program is refused', async () => {
  await assert.rejects(
    zeroX.prepare({
      command: ['/bin/sh', '-c', 'true'],
      pids: [],
      rawDirectory: '/nowhere',
      environment: process.env,
      frequencyHz: undefined,
      callGraph: undefined,
      event: undefined,
    }),
    options.skip === undefined
      ? /0x starts Node programs alone, and \/bin\/sh is none/
      : /npm install|in no node_modules/,
  );
});

test('0x: a tool that is nowhere is said with the command that installs it', async () => {
  assert.deepEqual(await checkNodeTool('tprof-no-such-tool', ['--version'], ''), {
    usable: false,
    reason: 'tprof-no-such-tool is in no node_modules and not in PATH',
    hint: 'npm install --save-dev tprof-no-such-tool',
  });
});

test('0x: shares a run with no other profiler, and says what can take an option that it has not', async () => {
  const both = await runInProcess(['record', '--profiler', 'node-cpu,0x', '--', process.execPath, '-e', '0'], tmpdir());
  assert.equal(both.code, 2);
  assert.match(
    both.stderr,
    /0x starts the target in its own way and cannot share a run with node-cpu\n {2}record twice/,
  );
  const event = ['record', '--profiler', '0x', '--event', 'alloc', '--', process.execPath, '-e', '0'];
  assert.match((await runInProcess(event, tmpdir())).stderr, /0x has no --event\n {2}these can: .*node-heap/);
});
