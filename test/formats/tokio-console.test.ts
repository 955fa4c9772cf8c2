import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { tokioConsole } from '../../src/formats/tokio-console.ts';
import { CONSOLE_MAGIC } from '../../src/formats/tokio-console-frames.ts';
import { readConsoleRecording } from '../../src/formats/tokio-console-recording.ts';
import { type AsyncRecording, type AsyncTaskDelays, taskLabel, taskTimes } from '../../src/model/async-tasks.ts';
import { consoleRecording } from './console-updates.ts';
import { fixture, formatContract } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

/** Where frames end; a cut there leaves a whole file. */
function frameEnds(bytes: Uint8Array): number[] {
  const ends = [CONSOLE_MAGIC.length];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = CONSOLE_MAGIC.length; at + 4 <= bytes.length; at = ends.at(-1)!) ends.push(at + 4 + view.getUint32(at));
  return ends;
}

formatContract(tokioConsole, {
  fixtures: ['watched.console'],
  header: bytes => frameEnds(bytes)[1]!,
  firstRecordEnd: bytes => frameEnds(bytes)[3]!,
  cutUnseen: (bytes, at) => frameEnds(bytes).includes(at),
});

const read = (parts: Parameters<typeof consoleRecording>[0]): Promise<AsyncRecording> =>
  readConsoleRecording(memorySource('drawn', consoleRecording(parts)));

test('tokio-console: a real recording as a task flame graph', async () => {
  const bytes = fixture('tokio-console', 'watched.console');
  const profile = await tokioConsole.read!(memorySource('x', bytes), {});
  assert.deepEqual(
    profile.valueTypes.map(({ name, unit }) => `${name} ${unit}`),
    ['wall nanoseconds', 'busy nanoseconds', 'scheduled nanoseconds', 'idle nanoseconds'],
  );
  const msOf = (value: number, pattern: RegExp): number => {
    const found = stackTexts(profile, value).filter(text => pattern.test(text));
    assert.equal(found.length, 1, `${pattern} in\n${stackTexts(profile, value).join('\n')}`);
    return Number(/ (\S+)$/.exec(found[0]!)![1]) / 1e6;
  };
  // What the program does: 10 × 40 ms of work, 10 × 160 ms of sleep; one poll of 1800 ms.
  const busy = msOf(1, /^src\/main\.rs:\d+;spinner;busy /);
  assert.ok(busy >= 400 && busy < 600, `${busy}`);
  assert.ok(msOf(3, /;spinner;idle /) >= 1600);
  assert.ok(msOf(1, /;never-yields;busy /) >= 1800);
  // The second of two tasks on one thread waits while the first works: 20 × 20 ms.
  assert.ok(msOf(2, /;queued-second;scheduled /) >= 400);
  assert.ok(msOf(2, /;queued-first;scheduled /) < 200);
  const text = Buffer.from(bytes).toString('latin1');
  assert.doesNotMatch(
    text,
    /\/(?:root|home|work|tmp|Users)\//,
    'the fixture names folders of the machine it was made on',
  );
});

test('tokio-console: single polls of the busiest tasks, as console-subscriber 0.5 told them', async () => {
  const recording = await readConsoleRecording(memorySource('x', fixture('tokio-console', 'watched.console')));
  const delaysOf = (name: string): AsyncTaskDelays | undefined => {
    const row = Array.from(recording.tasks.name, index => recording.strings[index]).indexOf(name);
    return recording.delays.get(row);
  };
  const ms = (ns: number | undefined): number => (ns ?? Number.NaN) / 1e6;
  // Ten polls of 40 ms at least, one that only ends, and the drop; one poll of 1.8 s, beyond the histogram's reach.
  const spinner = delaysOf('spinner')?.poll;
  assert.equal(spinner?.count, 12);
  assert.ok(ms(spinner?.p50Ns) >= 40 && ms(spinner?.p50Ns) < 60, `${spinner?.p50Ns}`);
  assert.ok(ms(delaysOf('never-yields')?.poll.maxNs) >= 1800);
  assert.ok(ms(delaysOf('queued-second')?.scheduled?.p50Ns) >= 20);
  assert.equal(delaysOf('lost-waker'), undefined, 'what was hardly busy is not asked for');
});

test('tokio-console: what is under way when the recording ends counts as far as it is known', async () => {
  const recording = await read([
    {
      now: 1000,
      tasks: [
        { id: 1n, name: 'running' },
        { id: 2n, name: 'woken' },
        { id: 3n, name: 'unpolled' },
      ],
      stats: new Map([
        [
          1n,
          {
            created: 0,
            firstPoll: 0,
            polls: 2,
            started: 400,
            ended: 100,
            busy: 100,
            wakes: 1,
            lastWake: 390,
            scheduled: 10,
          },
        ],
        [2n, { created: 0, firstPoll: 0, polls: 1, started: 0, ended: 50, busy: 50, wakes: 1, lastWake: 700 }],
        [3n, { created: 800 }],
      ]),
    },
    { now: 2000 },
  ]);
  const rows = [0, 1, 2].map(row => {
    const { busyNs, scheduledNs, idleNs, state } = taskTimes(recording, row);
    return [taskLabel(recording, row), state, busyNs / 1e6, scheduledNs / 1e6, idleNs / 1e6];
  });
  assert.deepEqual(rows, [
    ['running', 'running', 1700, 10, 290],
    ['woken', 'scheduled', 50, 1300, 650],
    ['unpolled', 'scheduled', 0, 1200, 0],
  ]);
});

test('tokio-console: a task that is dropped while it waits was idle, not scheduled', async () => {
  const before = {
    created: 0,
    firstPoll: 0,
    polls: 2,
    started: 100,
    ended: 110,
    busy: 20,
    wakes: 1,
    lastWake: 90,
    clones: 1,
    scheduled: 10,
  };
  const recording = await read([
    { now: 1000, tasks: [{ id: 1n }], stats: new Map([[1n, before]]) },
    // The subscriber counts dropping as a poll, and all of the time before as scheduled.
    {
      now: 3000,
      stats: new Map([
        [1n, { ...before, polls: 3, started: 2500, ended: 2500, dropped: 2500, scheduled: 2400, drops: 1 }],
      ]),
    },
  ]);
  const { busyNs, scheduledNs, idleNs, state } = taskTimes(recording, 0);
  assert.deepEqual([state, busyNs / 1e6, scheduledNs / 1e6, idleNs / 1e6], ['completed', 20, 10, 2470]);
});

test('tokio-console: after a lost connection what is told again is known again, and what is not has ended unseen', async () => {
  const going = { created: 100, firstPoll: 100, polls: 1, started: 100, ended: 110, busy: 10, clones: 1 };
  const resource = { id: 8n, type: 'Mutex', created: 50 };
  const recording = await read([
    {
      now: 1000,
      tasks: [
        { id: 1n, name: 'stays' },
        { id: 2n, name: 'goes' },
      ],
      stats: new Map([
        [1n, going],
        [2n, going],
      ]),
      resources: [resource],
      ops: [
        { id: 20n, source: 'Mutex::lock', resource: 8n, created: 200, dropped: 300 },
        { id: 21n, source: 'Mutex::lock', resource: 8n, created: 400 },
      ],
    },
    'reconnect',
    {
      now: 5000,
      // The number of `goes` names another task now.
      tasks: [
        { id: 1n, name: 'stays' },
        { id: 2n, name: 'newcomer' },
      ],
      stats: new Map([
        [1n, going],
        [2n, { ...going, created: 4000 }],
      ]),
      resources: [resource],
      ops: [
        { id: 20n, source: 'Mutex::lock', resource: 8n, created: 200, dropped: 300 },
        { id: 21n, source: 'Mutex::lock', resource: 8n, created: 400 },
      ],
    },
  ]);
  const rows = Array.from({ length: recording.tasks.length }, (_, row) => {
    const { state, totalNs } = taskTimes(recording, row);
    return [taskLabel(recording, row), state, totalNs / 1e6];
  });
  assert.deepEqual(rows, [
    ['stays', 'idle', 4900],
    ['goes', 'unknown', 900],
    ['newcomer', 'idle', 1000],
  ]);
  const [wait] = recording.waits;
  assert.deepEqual([wait?.count, wait?.open, (wait?.totalNs ?? 0) / 1e6], [2, 1, 4700]);
  assert.deepEqual(
    recording.resources.map(({ created, alive }) => [created, alive]),
    [[1, 1]],
  );
  assert.equal(recording.programs[0]?.connections, 2);
});

test('tokio-console: ids beyond what a double holds are told apart, and events that were dropped are counted', async () => {
  const recording = await read([
    {
      now: 10,
      tasks: [
        { id: 0xffff_ffff_ffff_fffen, name: 'a' },
        { id: 0xffff_ffff_ffff_ffffn, name: 'b' },
      ],
      stats: new Map([
        [0xffff_ffff_ffff_fffen, { created: 0, busy: 1, polls: 1, firstPoll: 0, started: 0, ended: 1 }],
        [0xffff_ffff_ffff_ffffn, { created: 0, busy: 2, polls: 1, firstPoll: 0, started: 0, ended: 2 }],
        [5n, { created: 0 }],
      ]),
      droppedEvents: 12,
    },
  ]);
  assert.deepEqual(
    [0, 1].map(row => taskTimes(recording, row).busyNs / 1e6),
    [1, 2],
  );
  assert.deepEqual(
    recording.warnings.map(({ code, count }) => [code, count]),
    [
      ['events-dropped', 12],
      ['tasks-unknown', 1],
    ],
  );
});
