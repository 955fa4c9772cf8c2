import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clinicFlame } from '../../collectors/profilers/clinic-flame.ts';
import { clinicSkip, prepareAround } from './prepare-around.ts';

test('clinic flame: a path to a node is given to it as the word `node`, and no question is asked', clinicSkip, () =>
  prepareAround(clinicFlame, [process.execPath, '--no-warnings', 'app.js', '--port', '1'], {}, run => {
    const at = run.command.lastIndexOf('--');
    const [node, interval, ...rest] = run.command.slice(at + 1);
    assert.deepEqual([node, rest], ['node', ['--no-warnings', 'app.js', '--port', '1']]);
    assert.match(interval ?? '', /^--prof-sampling-interval=1000$/);
    assert.equal(run.environment.NO_INSIGHT, '1');
    const settings = JSON.parse(run.environment.TPROF_WRAPPER ?? '');
    assert.equal(settings.node, process.execPath);
    // The target does not get what is meant for the tool.
    assert.deepEqual([settings.environment.NO_INSIGHT, settings.environment.CI], [null, null]);
  }),
);

test('clinic flame: the target has the user’s own NODE_OPTIONS, the tool has not', clinicSkip, () =>
  prepareAround(
    clinicFlame,
    ['node', 'app.js'],
    { NODE_OPTIONS: '--max-old-space-size=99', NO_INSIGHT: 'mine' },
    run => {
      const settings = JSON.parse(run.environment.TPROF_WRAPPER ?? '');
      assert.equal(run.environment.NODE_OPTIONS, '');
      assert.equal(settings.usersNodeOptions, '--max-old-space-size=99');
      assert.equal(settings.environment.NO_INSIGHT, 'mine');
    },
  ),
);

test('clinic flame: what is not a Node program is refused', clinicSkip, () =>
  assert.rejects(
    prepareAround(clinicFlame, ['/bin/sh', '-c', 'true'], {}, () => {}),
    /clinic-flame starts Node programs alone, and \/bin\/sh is none/,
  ),
);
