import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readBubbleprof } from '../../collectors/profilers/bubbleprof-profile.ts';
import { clinicBubbleprof } from '../../collectors/profilers/clinic-bubbleprof.ts';
import { double, framed, message, text, whole } from './clinic-bytes.ts';
import { clinicSkip, prepareAround } from './prepare-around.ts';

test('clinic bubbleprof: starts the Node that the target names', clinicSkip, () =>
  prepareAround(clinicBubbleprof, [process.execPath, 'app.js'], {}, run => {
    assert.deepEqual(run.command.slice(-2), ['node', 'app.js']);
    assert.equal(JSON.parse(run.environment.TPROF_WRAPPER ?? '').node, process.execPath);
  }),
);

test('clinic bubbleprof: operations wait under the stack that began them, each thread for itself', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tprof test '));
  try {
    const main = { name: '9.clinic-bubbleprof', pid: 9, tid: 0 };
    const worker = { name: '9-worker-1.clinic-bubbleprof', pid: 9, tid: 1 };
    for (const { name, tid } of [main, worker]) {
      mkdirSync(join(directory, name));
      const frame = (called: string, line: number): Buffer =>
        message(2, text(1, called), text(2, ''), text(8, '/app.js'), whole(9, line), whole(10, 3));
      const start = framed(double(1, 2), frame('listen', 300), frame(tid === 0 ? 'main' : 'worker', 1));
      writeFileSync(join(directory, name, `${name}-stacktrace`), start);
    }
    const event = (ph: string, name: string, ts: number, tid: number): object => ({
      ...{ ph, name, ts, tid, pid: 9, cat: 'node,node.async_hooks', id: '0x2', args: {} },
    });
    const traceEvents = [9, 12].flatMap(tid => [
      event('b', 'Timeout', 1000, tid),
      event('b', 'Timeout_CALLBACK', 6000, tid),
      event('e', 'Timeout_CALLBACK', tid === 9 ? 8000 : 7000, tid),
      event('e', 'Timeout', 9000, tid),
    ]);
    const never = { ...event('b', 'PROMISE', 1000, 9), id: '0x3' };
    const trace = join(directory, main.name, `${main.name}-traceevent`);
    writeFileSync(trace, JSON.stringify({ traceEvents: [...traceEvents, never] }));

    const profiles = await readBubbleprof(directory, main, [worker]);
    const rows = profiles.map(({ data, profile: { strings, frames, stacks, samples } }) => [
      data.tid,
      [...samples.stack].map((stack, s) => {
        const names: (string | undefined)[] = [];
        for (let at = stack; at >= 0; at = stacks.parent[at] ?? -1) {
          names.push(strings[frames.name[stacks.frame[at] ?? 0] ?? 0]);
        }
        return [names.reverse().join(';'), ...samples.values.map(column => column[s])];
      }),
    ]);
    assert.deepEqual(rows, [
      [
        0,
        [
          ['main;listen;Timeout', 5e6, 2e6, 1],
          ['PROMISE', 0, 0, 1],
        ],
      ],
      [1, [['worker;listen;Timeout', 5e6, 1e6, 1]]],
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
