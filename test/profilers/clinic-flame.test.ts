import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clinicFlame } from '../../collectors/profilers/clinic-flame.ts';
import { findNodeTool } from '../../collectors/profilers/node-tool.ts';
import { runProfiler } from './run-profiler.ts';
import { notSixtyThirtyTen, readArtefact, SIXTY_THIRTY_TEN, sharesOfThree } from './sixty-thirty-ten.ts';

const options = findNodeTool('clinic') === undefined ? { skip: 'clinic is not installed' } : {};

test('clinic flame: runs without a question, keeps its page, gives 60, 30 and 10 % and the exit code', options, () =>
  runProfiler(
    clinicFlame,
    `${SIXTY_THIRTY_TEN} work(25); console.log('said'); process.exitCode = 3;`,
    async ({ harvest, exit, litter, rawDirectory, stdout, stderr }) => {
      assert.deepEqual([exit, harvest.losses, litter], [{ code: 3, signal: null }, [], []], stderr);
      // The tool's own words are not the target's output.
      assert.equal(stdout, 'said\n');
      const [log, page] = harvest.artefacts;
      assert.equal(log?.format, 'v8-log');
      assert.match(page?.file ?? '', /^\d+\.clinic-flame\.html$/);
      const profile = await readArtefact(rawDirectory, harvest);
      assert.equal(notSixtyThirtyTen(sharesOfThree(profile), 5), undefined);
    },
  ),
);
