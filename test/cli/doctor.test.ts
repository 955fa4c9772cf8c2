import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROFILERS } from '../../collectors/profilers/list.ts';
import { runInProcess } from './run-tprof.ts';

interface DoctorResult {
  readonly schema: string;
  readonly profilers: readonly { readonly id: string; readonly usable: boolean; readonly hint?: string }[];
}

test('doctor tells of every profiler whether it works, and how to mend it where not', async () => {
  const run = await runInProcess(['doctor', '--json'], process.cwd());
  const { schema, profilers } = JSON.parse(run.stdout) as DoctorResult;
  assert.equal(schema, 'tprof.doctor/1');
  assert.deepEqual(
    profilers.map(p => p.id),
    PROFILERS.map(p => p.id),
  );
  for (const { id, usable, hint } of profilers) assert.ok(usable || (hint ?? '') !== '', `${id} has no hint`);
  assert.ok(profilers.some(p => p.id === 'node-cpu' && p.usable));
});

test('doctor --need exits 0 where it is met, and 2 for a name that it does not know', async () => {
  const met = await runInProcess(['doctor', '--need', 'node-cpu'], process.cwd());
  assert.equal(met.code, 0);
  assert.match(met.stdout, /node-cpu\s+yes/);
  assert.equal((await runInProcess(['doctor', '--need', 'magic'], process.cwd())).code, 2);
});

test('doctor --need exits 1 where it is not met', async t => {
  const unusable = [];
  for (const profiler of PROFILERS) {
    const fits = profiler.platforms.includes(process.platform);
    if (!fits || !(await profiler.check()).usable) unusable.push(profiler.id);
  }
  const [id] = unusable;
  if (id === undefined) {
    t.skip('every profiler works on this machine');
    return;
  }
  assert.equal((await runInProcess(['doctor', '--need', id], process.cwd())).code, 1);
});
