import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClockAnchor } from '../../collectors/clock-anchor.ts';
import { nodeProf } from '../../collectors/profilers/node-prof.ts';
import { nodesHere, runProfiler } from './run-profiler.ts';
import { notSixtyThirtyTen, readArtefact, SIXTY_THIRTY_TEN, sharesOfThree } from './sixty-thirty-ten.ts';

for (const { path, version } of nodesHere()) {
  test(`Node ${version}: a program that spends 60, 30 and 10 % in three functions is shown so`, () => {
    const before = Number(readClockAnchor().monotonicNs);
    return runProfiler(
      nodeProf,
      `${SIXTY_THIRTY_TEN} work(25); process.exitCode = 3;`,
      async ({ harvest, exit, rawDirectory, litter }) => {
        assert.deepEqual([exit.code, harvest.losses, litter], [3, [], []]);
        assert.deepEqual(
          harvest.artefacts.map(({ format, tid }) => [format, tid]),
          [['v8-log', 0]],
        );
        const profile = await readArtefact(rawDirectory, harvest);
        assert.equal(notSixtyThirtyTen(sharesOfThree(profile), 5), undefined);
        // The log counts from its own beginning; the mark in it says when that was.
        const startNs = harvest.artefacts[0]?.startNs ?? 0;
        assert.ok(startNs > before && startNs < Number(readClockAnchor().monotonicNs));
      },
      { node: path },
    );
  });
}

test('node-prof: a program that is killed leaves the ticks until then', () =>
  runProfiler(
    nodeProf,
    `${SIXTY_THIRTY_TEN} work(20); process.kill(process.pid, 'SIGKILL');`,
    async ({ harvest, exit, rawDirectory }) => {
      assert.equal(exit.signal, 'SIGKILL');
      const profile = await readArtefact(rawDirectory, harvest);
      assert.ok(profile.samples.length > 50, `${profile.samples.length} ticks`);
    },
  ));

test('node-prof: stacks of over 1,024 characters are there', () =>
  runProfiler(
    nodeProf,
    `${SIXTY_THIRTY_TEN}
      function deep(depth) { return depth === 0 ? work(8) : deep(depth - 1); }
      deep(120);`,
    async ({ harvest, rawDirectory }) => {
      const { stacks, samples } = await readArtefact(rawDirectory, harvest);
      let deepest = 0;
      for (const stack of samples.stack) {
        let depth = 0;
        for (let at = stack; at >= 0; at = stacks.parent[at] ?? -1) depth++;
        deepest = Math.max(deepest, depth);
      }
      assert.ok(deepest > 100, `${deepest} frames`);
    },
  ));

test('node-prof: forks, children of shells, and worker threads are there', () =>
  runProfiler(
    nodeProf,
    `${SIXTY_THIRTY_TEN}
      const { Worker, isMainThread } = require('worker_threads');
      const { fork, execSync } = require('child_process');
      work(2);
      if (isMainThread && process.argv[2] === undefined) {
        new Worker(__filename);
        fork(__filename, ['fork']);
        execSync('node -p 1');
      }`,
    ({ harvest, exit, litter }) => {
      assert.deepEqual([exit.code, harvest.losses, litter], [0, [], []]);
      const threads = harvest.artefacts.map(({ tid }) => tid).sort();
      assert.deepEqual([harvest.processes?.length, ...threads], [3, 0, 0, 0, 1]);
    },
  ));
