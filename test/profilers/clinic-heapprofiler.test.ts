import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clinicHeapprofiler } from '../../collectors/profilers/clinic-heapprofiler.ts';
import { clinicSkip } from './prepare-around.ts';
import { runProfiler } from './run-profiler.ts';
import { notSixtyThirtyTen, readArtefact, sharesOfThree } from './sixty-thirty-ten.ts';

const KEEPS = `
  const make = {
    six() { return new Array(6000).fill(1.5); },
    three() { return new Array(3000).fill(1.5); },
    one() { return new Array(1000).fill(1.5); },
  };
  globalThis.kept = [];
  for (let i = 0; i < 1500; i++) for (const name of Object.keys(make)) kept.push(make[name]());
`;

test('clinic heapprofiler: 60, 30 and 10 % of the heap, and the exit code, after process.exit(3)', clinicSkip, () =>
  runProfiler(
    clinicHeapprofiler,
    `${KEEPS} process.exit(3)`,
    async ({ harvest, exit, litter, rawDirectory, stderr }) => {
      assert.deepEqual([exit, harvest.losses, litter], [{ code: 3, signal: null }, [], []], stderr);
      const profile = await readArtefact(rawDirectory, harvest);
      assert.equal(profile.valueTypes[0]?.name, 'inuse_space');
      assert.equal(notSixtyThirtyTen(sharesOfThree(profile), 5), undefined);
      assert.match(harvest.artefacts.at(-1)?.file ?? '', /^\d+\.clinic-heapprofiler\.html$/);
    },
  ),
);
