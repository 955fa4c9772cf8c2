import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AsyncTasksResult } from '../../analyzers/async-tasks.ts';
import { beginManifest } from '../../src/cli/record/manifest-draft.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { consoleRecording } from '../formats/console-updates.ts';
import { inFolder, runInProcess } from './run-tprof.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/tokio-console/watched.console', import.meta.url));

/** A capture with two recordings of tasks and nothing else. */
function capture(directory: string): void {
  mkdirSync(join(directory, 'raw/tokio-console'), { recursive: true });
  mkdirSync(join(directory, 'raw/otlp'));
  cpSync(FIXTURE, join(directory, 'raw/tokio-console/a.console'));
  const secret = consoleRecording([
    {
      now: 10,
      tasks: [{ id: 1n, name: 'poll postgres://app:hunter2@db/orders', file: '/home/someone/service/src/main.rs' }],
      stats: new Map([[1n, { created: 0 }]]),
    },
  ]);
  writeFileSync(join(directory, 'raw/tokio-console/b.console'), secret);
  const entry = (name: string): NonNullable<CaptureManifest['asyncTasks']>[number] => ({
    file: `raw/tokio-console/${name}.console`,
    format: 'tokio-console',
    address: '127.0.0.1:6669',
    pid: 0,
    connections: 1,
    updates: 1,
  });
  const manifest = {
    ...beginManifest('service', ['./service'], new Date(0)),
    complete: true,
    asyncTasks: [entry('a'), entry('b')],
  };
  writeFileSync(join(directory, 'capture.json'), JSON.stringify(manifest));
}

test('attach takes tasks along without what is secret in them, and derives their results anew', async () => {
  await inFolder(async cwd => {
    capture(join(cwd, 'out'));
    const run = await runInProcess(['attach', 'TAS-1', 'out', '-o', 'bundle'], cwd);
    assert.equal(run.code, 0, run.stderr);
    const raw = readFileSync(join(cwd, 'bundle/capture/raw/tokio-console/b.console'), 'utf8');
    assert.ok(!raw.includes('hunter2') && raw.includes('poll postgres://'), raw);
    const read = async (input: string): Promise<AsyncTasksResult> =>
      JSON.parse((await runInProcess(['async-tasks', input, '--json'], cwd)).stdout) as AsyncTasksResult;
    const [before, after] = [await read('out'), await read('bundle/capture')];
    assert.deepEqual(after.totals, before.totals);
    assert.deepEqual(
      after.findings.map(({ id, name }) => [id, name]),
      before.findings.map(({ id, name }) => [id, name]),
    );
    assert.ok(!JSON.stringify(after).includes('hunter2'));
    assert.match(readFileSync(join(cwd, 'bundle/capture/report.md'), 'utf8'), /Where the tasks/);
  });
});

test('a recording of tasks that is gone or damaged costs its own tasks, and no report', async () => {
  await inFolder(async cwd => {
    capture(join(cwd, 'out'));
    rmSync(join(cwd, 'out/raw/tokio-console/a.console'));
    const json = await runInProcess(['async-tasks', 'out', '--json'], cwd);
    const result = JSON.parse(json.stdout) as AsyncTasksResult;
    assert.equal(result.totals.tasks, 1);
    assert.equal(result.warnings.find(w => w.code === 'damaged-input')?.count, 1);
    writeFileSync(join(cwd, 'out/raw/tokio-console/b.console'), 'tprof.tokio');
    const text = await runInProcess(['async-tasks', 'out'], cwd);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /recordings of tasks could not be read/);
    const attached = await runInProcess(['attach', 'TAS-1', 'out', '-o', 'bundle'], cwd);
    assert.equal(attached.code, 0, attached.stderr);
    assert.match(attached.stderr, /does not have it any more/);
  });
});

test('report of a capture with nothing but tasks is about them', async () => {
  await inFolder(async cwd => {
    capture(join(cwd, 'out'));
    const text = await runInProcess(['report', 'out'], cwd);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /Spawn sites by busy time/);
    const json = await runInProcess(['report', 'out', '--json'], cwd);
    assert.equal((JSON.parse(json.stdout) as AsyncTasksResult).schema, 'tprof.async-tasks/1');
  });
});
