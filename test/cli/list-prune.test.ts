import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCaptureFolder } from '../../collectors/capture-folder.ts';
import { writeManifest } from '../../collectors/capture-manifest.ts';
import { beginManifest } from '../../src/cli/record/manifest-draft.ts';
import { inFolder, runInProcess } from './run-tprof.ts';

const DAY = 86_400_000;

/** A capture of `daysAgo`, as an ended recording leaves it. */
async function capture(cwd: string, name: string, daysAgo: number, complete = true): Promise<string> {
  const startedAt = new Date(Date.now() - daysAgo * DAY);
  const folder = await createCaptureFolder({ cwd, output: undefined, name, startedAt });
  const manifest = beginManifest(name, ['node', `${name}.js`], startedAt);
  // A process that never was: this recording is not going on.
  await writeManifest(folder.directory, { ...manifest, complete, recorder: { pid: 2 ** 22 + 1, startTime: '1' } });
  await writeFile(join(await folder.raw('node-cpu'), 'CPU.1.0.1.cpuprofile'), 'x'.repeat(1000));
  return folder.directory;
}

test('list shows captures newest first, with size and state, and nothing else that lies there', () =>
  inFolder(async cwd => {
    await capture(cwd, 'old', 2);
    await capture(cwd, 'broken', 1, false);
    await mkdir(join(cwd, '.tprof/not-a-capture'));
    await writeFile(join(cwd, '.tprof/not-a-capture/capture.json'), '{}');
    const run = await runInProcess(['list', '--json'], cwd);
    const { captures } = JSON.parse(run.stdout) as { captures: { name: string; complete: boolean; bytes: number }[] };
    assert.deepEqual(
      captures.map(c => [c.name.replace(/^[\d-]+/, ''), c.complete]),
      [
        ['broken', false],
        ['old', true],
      ],
    );
    assert.ok(captures.every(c => c.bytes > 1000));
    const text = await runInProcess(['list'], cwd);
    assert.match(text.stdout, /incomplete/);
    assert.match(text.stdout, /node old\.js/);
  }));

test('list without captures says how to make one', () =>
  inFolder(async cwd => {
    const run = await runInProcess(['list'], cwd);
    assert.equal(run.code, 0);
    assert.match(run.stdout, /tprof record/);
  }));

test('prune --keep keeps the newest, and never touches what is no capture', () =>
  inFolder(async cwd => {
    for (const days of [1, 2, 3]) await capture(cwd, `c${days}`, days);
    await mkdir(join(cwd, '.tprof/notes'));
    await writeFile(join(cwd, '.tprof/notes/thesis.txt'), '');
    await mkdir(join(cwd, 'elsewhere'));
    await symlink(join(cwd, 'elsewhere'), join(cwd, '.tprof/link'));
    const dry = await runInProcess(['prune', '--keep', '1', '--dry-run'], cwd);
    assert.match(dry.stderr, /would remove 2 of 3 captures/);
    assert.equal(readdirSync(join(cwd, '.tprof')).length, 6);
    const run = await runInProcess(['prune', '--keep', '1'], cwd);
    assert.match(run.stderr, /removed 2 of 3 captures/);
    const left = readdirSync(join(cwd, '.tprof')).map(name => name.replace(/^\d[\d-]+/, ''));
    assert.deepEqual(left.sort(), ['.gitignore', 'c1', 'link', 'notes']);
    assert.ok(existsSync(join(cwd, '.tprof/notes/thesis.txt')));
  }));

test('prune does not follow a link to a capture elsewhere', () =>
  inFolder(async cwd => {
    const far = await capture(join(cwd), 'far', 9);
    await mkdir(join(cwd, 'sub/.tprof'), { recursive: true });
    await symlink(far, join(cwd, 'sub/.tprof/link'));
    await runInProcess(['prune', '--keep', '0'], join(cwd, 'sub'));
    assert.ok(existsSync(join(far, 'capture.json')));
  }));

test('prune --older-than goes by when the recording began', () =>
  inFolder(async cwd => {
    await capture(cwd, 'young', 1);
    await capture(cwd, 'aged', 8);
    const run = await runInProcess(['prune', '--older-than', '7d', '--json'], cwd);
    const result = JSON.parse(run.stdout) as { removed: { name: string }[]; kept: number };
    assert.match(result.removed[0]?.name ?? '', /-aged$/);
    assert.deepEqual([result.removed.length, result.kept], [1, 1]);
  }));

test('prune does not touch a recording that goes on, and wants to know what may go', () =>
  inFolder(async cwd => {
    const startedAt = new Date(Date.now() - 9 * DAY);
    const folder = await createCaptureFolder({ cwd, output: undefined, name: 'going', startedAt });
    await writeManifest(folder.directory, beginManifest('going', ['x'], startedAt));
    const run = await runInProcess(['prune', '--keep', '0'], cwd);
    assert.match(run.stderr, /removed 0 of 1/);
    const neither = await runInProcess(['prune'], cwd);
    assert.equal(neither.code, 2);
    assert.match((await runInProcess(['prune', '--older-than', 'long'], cwd)).stderr, /expected an age/);
  }));
