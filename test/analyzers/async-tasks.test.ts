import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AsyncTasksResult, analyzeAsyncTasks } from '../../analyzers/async-tasks.ts';
import { memorySource } from '../../src/base/source.ts';
import { readConsoleRecording } from '../../src/formats/tokio-console-recording.ts';
import { mergeAsyncRecordings } from '../../src/model/merge-async-tasks.ts';
import { asyncTasksView } from '../../src/report/async-tasks-view.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { consoleRecording, type DrawnStats, type DrawnTask } from '../formats/console-updates.ts';

type Parts = Parameters<typeof consoleRecording>[0];

async function analyzed(parts: Parts, mostListed = 1000): Promise<AsyncTasksResult> {
  const recording = await readConsoleRecording(memorySource('drawn', consoleRecording(parts)));
  return analyzeAsyncTasks(recording, { inputs: ['drawn'], mostListed });
}

/** One task, with figures that change from update to update; what the result says of its lints. */
async function lintsOf(
  task: Omit<DrawnTask, 'id'>,
  updates: readonly (readonly [now: number, stats: DrawnStats | undefined])[],
): Promise<string[]> {
  const { tasks, findings } = await analyzed(
    updates.map(([now, stats], i) => ({
      now,
      ...(i === 0 ? { tasks: [{ id: 9n, ...task }] } : {}),
      ...(stats === undefined ? {} : { stats: new Map([[9n, stats]]) }),
    })),
  );
  assert.deepEqual([...tasks[0]!.lints].sort(), findings.map(({ id }) => id as string).sort());
  return [...tasks[0]!.lints];
}

const waiting: DrawnStats = { created: 0, firstPoll: 1, started: 1, ended: 2, polls: 1, busy: 1, clones: 1 };

test('async tasks: a task that wakes itself more than half of the time', async () => {
  const wakes = (wakes: number, selfWakes: number): DrawnStats => ({ ...waiting, wakes, selfWakes, lastWake: 0 });
  assert.deepEqual(await lintsOf({}, [[100, wakes(100, 51)]]), ['self-wakes']);
  assert.deepEqual(await lintsOf({}, [[100, wakes(100, 50)]]), []);
  assert.deepEqual(await lintsOf({}, [[100, wakes(0, 0)]]), []);
  assert.deepEqual(await lintsOf({ kind: 'block_on' }, [[100, wakes(100, 100)]]), []);
});

test('async tasks: a waker is lost when it stays so, and only while nothing can wake the task', async () => {
  const lost = { ...waiting, clones: 3, drops: 3 };
  assert.deepEqual(await lintsOf({}, [[1000, lost]]), ['lost-waker']);
  // Seen in the moment between two places that keep it.
  assert.deepEqual(await lintsOf({}, [[50, lost]]), []);
  assert.deepEqual(
    await lintsOf({}, [
      [50, lost],
      [1050, { ...lost, clones: 4 }],
    ]),
    [],
  );
  assert.deepEqual(
    await lintsOf({}, [
      [50, lost],
      [1050, undefined],
    ]),
    ['lost-waker'],
  );
  // It was woken after all, by something that we did not count.
  assert.deepEqual(
    await lintsOf({}, [
      [1000, lost],
      [2000, { ...lost, polls: 2, wakes: 1, lastWake: 1500, started: 1501, ended: 1502, clones: 4 }],
    ]),
    [],
  );
  // Dropped as it was: still what kept it from ending by itself.
  assert.deepEqual(
    await lintsOf({}, [
      [1000, lost],
      [2000, { ...lost, polls: 2, started: 1900, ended: 1900, dropped: 1900 }],
    ]),
    ['lost-waker'],
  );
  assert.deepEqual(await lintsOf({}, [[1000, waiting]]), [], 'a waker is kept');
  assert.deepEqual(await lintsOf({}, [[1000, { ...lost, lastWake: 3 }]]), [], 'it has been woken');
  assert.deepEqual(await lintsOf({}, [[1000, { created: 0 }]]), [], 'it has not begun');
  assert.deepEqual(await lintsOf({ kind: 'blocking' }, [[1000, lost]]), []);
});

test('async tasks: never having yielded counts while it runs, and when the one poll is known to have been long', async () => {
  const running: DrawnStats = { created: 0, firstPoll: 0, started: 0, polls: 1 };
  assert.deepEqual(await lintsOf({}, [[900, running]]), []);
  assert.deepEqual(
    await lintsOf({}, [
      [100, running],
      [1100, undefined],
    ]),
    ['never-yielded'],
  );
  assert.deepEqual(
    await lintsOf({}, [
      [100, running],
      [1100, undefined],
      [2000, { ...running, ended: 1500, busy: 1500, polls: 2, dropped: 1501 }],
    ]),
    ['never-yielded'],
  );
  // Dropping a task is told as a poll of its own.
  assert.deepEqual(
    await lintsOf({}, [[2000, { ...running, started: 1501, ended: 1501, busy: 1500, polls: 2, dropped: 1501 }]]),
    ['never-yielded'],
  );
  // Long in all, and it did yield.
  const yielded = {
    ...running,
    polls: 40,
    busy: 1500,
    started: 1490,
    ended: 1500,
    wakes: 39,
    lastWake: 1480,
    clones: 1,
  };
  assert.deepEqual(await lintsOf({}, [[2000, yielded]]), []);
  assert.deepEqual(
    await lintsOf({ kind: 'blocking' }, [
      [100, running],
      [5000, undefined],
    ]),
    [],
  );
});

test('async tasks: large futures, and those that the runtime boxed', async () => {
  assert.deepEqual(await lintsOf({ size: 1024 }, [[10, waiting]]), ['large-future']);
  assert.deepEqual(await lintsOf({ size: 1023 }, [[10, waiting]]), []);
  assert.deepEqual(await lintsOf({ size: 8, originalSize: 20_000 }, [[10, waiting]]), ['auto-boxed-future']);
  assert.deepEqual(await lintsOf({ size: 300, originalSize: 300 }, [[10, waiting]]), []);
});

test('async tasks: sites add their tasks up, and findings name where all of theirs were spawned', async () => {
  const site = { file: '/home/me/.cargo/registry/src/index-1/hyper-1.6.0/src/rt.rs', line: 30, size: 4096 };
  const result = await analyzed([
    {
      now: 1000,
      tasks: [
        { id: 1n, ...site, taskId: 11 },
        { id: 2n, ...site, taskId: 12 },
        { id: 3n, name: 'main loop', file: 'src/main.rs', line: 4, taskId: 10 },
      ],
      stats: new Map([
        [1n, { ...waiting, busy: 30 }],
        [2n, { ...waiting, busy: 50, dropped: 500 }],
        [3n, { ...waiting, created: -4000, busy: 20 }],
      ]),
    },
  ]);
  assert.equal(result.schema, 'tprof.async-tasks/1');
  assert.deepEqual(
    result.sites.map(s => [s.name, s.file, s.line, s.tasks, s.alive, s.busyNs / 1e6, Number(s.busyShare.toFixed(3))]),
    [
      ['', '<cargo>/hyper-1.6.0/src/rt.rs', 30, 2, 1, 80, 0.8],
      ['main loop', 'src/main.rs', 4, 1, 1, 20, 0.2],
    ],
  );
  assert.deepEqual(
    result.findings.map(f => [f.id, f.count, f.taskIds, f.file, f.line]),
    [['large-future', 2, [11, 12], '<cargo>/hyper-1.6.0/src/rt.rs', 30]],
  );
  // Times count from the first thing that is known.
  assert.deepEqual(
    result.tasks.map(t => [t.id, t.startNs / 1e6, t.totalNs / 1e6]),
    [
      [10, 0, 5000],
      [11, 4000, 1000],
      [12, 4000, 500],
    ],
  );
  assert.equal(result.epochNs, `${1_795_219_200n * 1_000_000_000n - 4_000_000_000n}`);
  for (const t of result.tasks) assert.equal(t.busyNs + t.scheduledNs + t.idleNs, t.totalNs);
  const text = renderMarkdown(asyncTasksView(result));
  assert.match(text, /2 tasks spawned at .*rt\.rs:30 are large futures/);
  assert.match(text, /`main loop` \| src\/main\.rs:4/);
});

test('async tasks: of very many, those that ended without a finding are told by their site, and counted', async () => {
  const ids = Array.from({ length: 50 }, (_, i) => BigInt(i + 1));
  const result = await analyzed(
    [
      {
        now: 1000,
        tasks: ids.map(id => ({ id, file: 'src/lib.rs', line: 1, size: id === 50n ? 5000 : 10 })),
        stats: new Map(ids.map(id => [id, { ...waiting, ...(id === 49n ? {} : { dropped: 10 }) }])),
      },
    ],
    20,
  );
  assert.equal(result.totals.tasks, 50);
  assert.equal(
    result.sites.reduce((sum, site) => sum + site.tasks, 0),
    50,
  );
  assert.equal(result.tasks.length, 22, 'the first 20, the living one, and the one with a finding');
  assert.equal(result.warnings.find(w => w.code === 'tasks-folded')?.count, 28);
});

test('async tasks: several programs keep apart what is theirs', async () => {
  const one = (name: string, busy: number): Promise<Awaited<ReturnType<typeof readConsoleRecording>>> =>
    readConsoleRecording(
      memorySource(
        name,
        consoleRecording([
          {
            now: 100,
            tasks: [{ id: 1n, name, file: 'src/main.rs', line: 1 }],
            stats: new Map([[1n, { ...waiting, busy }]]),
            resources: [{ id: 5n, type: 'Mutex', created: 0 }],
            ops: [{ id: 6n, source: `${name}::lock`, resource: 5n, created: 10, dropped: 30 }],
          },
        ]),
      ),
    );
  const merged = mergeAsyncRecordings([await one('a', 10), await one('b', 20)], 'both');
  const result = analyzeAsyncTasks(merged, { inputs: ['both'] });
  assert.deepEqual(
    result.sites.map(site => [site.name, site.program, site.busyNs / 1e6]),
    [
      ['b', 1, 20],
      ['a', 0, 10],
    ],
  );
  assert.deepEqual(
    result.waits.map(wait => [wait.source, wait.program, wait.totalNs / 1e6]),
    [
      ['a::lock', 0, 20],
      ['b::lock', 1, 20],
    ],
  );
  assert.equal(result.programs.length, 2);
});
