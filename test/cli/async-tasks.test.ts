import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AsyncTasksResult } from '../../analyzers/async-tasks.ts';
import { inFolder, runInProcess, runTprof, theCapture } from './run-tprof.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/tokio-console/watched.console', import.meta.url));
const NO_TASKS = fileURLToPath(new URL('../fixtures/dhat/dhat-rs.dhat.json', import.meta.url));

test('async-tasks: a recording by itself, as text and as JSON', async () => {
  await inFolder(async cwd => {
    const text = await runInProcess(['async-tasks', FIXTURE], cwd);
    assert.equal(text.code, 0, text.stderr);
    for (const lint of ['lost-waker', 'never-yielded', 'self-wakes', 'auto-boxed-future', 'large-future']) {
      assert.ok(text.stdout.includes(`[${lint}]`), `${lint} in\n${text.stdout}`);
    }
    const json = await runInProcess(['async-tasks', FIXTURE, '--json'], cwd);
    const result = JSON.parse(json.stdout) as AsyncTasksResult;
    assert.equal(result.schema, 'tprof.async-tasks/1');
    assert.equal(result.tasks.length, result.totals.tasks);
  });
});

test('async-tasks: what has no tasks is refused in a sentence', async () => {
  await inFolder(async cwd => {
    const run = await runInProcess(['async-tasks', NO_TASKS], cwd);
    assert.equal(run.code, 3);
    assert.match(run.stderr, /expected the tasks of a tokio program, found a profile \(dhat\)/);
    assert.match(run.stderr, /record --tokio-console/);
  });
});

test('record --tokio-console: a program that never listens costs its tasks and nothing else', async () => {
  await inFolder(async cwd => {
    const run = await runTprof(
      [
        'record',
        '--profiler',
        'none',
        '--tokio-console',
        '127.0.0.1:9',
        '--',
        process.execPath,
        '-e',
        'process.exit(3)',
      ],
      { cwd },
    );
    assert.equal(run.code, 3, run.stderr);
    const { manifest } = theCapture(cwd);
    assert.equal(manifest.complete, true);
    assert.deepEqual(
      manifest.asyncTasks?.map(({ address, connections, updates }) => [address, connections, updates]),
      [['127.0.0.1:9', 0, 0]],
    );
    assert.ok(manifest.losses.some(({ what }) => what === 'tasks of the console-subscriber at 127.0.0.1:9'));
    const bad = await runInProcess(['record', '--tokio-console', 'x:y', '--', 'true'], cwd);
    assert.equal(bad.code, 2);
    const clash = await runInProcess(['record', '--profiler', 'perf', '--tokio-console', ':9', '--duration', '1'], cwd);
    assert.equal(clash.code, 2, clash.stderr);
  });
});
