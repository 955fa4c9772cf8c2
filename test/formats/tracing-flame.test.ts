import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { tracingFlame } from '../../src/formats/tracing-flame.ts';
import { fixture, formatContract } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(tracingFlame, {
  fixtures: ['three.tracing-folded', 'merged.tracing-folded'],
  header: () => 0,
  firstRecordEnd: bytes => bytes.indexOf(10) + 1,
  // Between two lines, or within a number.
  cutUnseen: (bytes, at) => /[\d\n]/.test(String.fromCharCode(bytes[at - 1]!)) && !/[(:]\d*$/.test(tail(bytes, at)),
});

function tail(bytes: Uint8Array, at: number): string {
  return new TextDecoder().decode(bytes.subarray(Math.max(0, at - 4), at));
}

test('tracing-flame: time in order, each thread with a clock of its own', async () => {
  const profile = await tracingFlame.read!(memorySource('x', fixture('tracing-flame', 'three.tracing-folded')), {});
  assert.deepEqual(stackTexts(profile), [
    ' 1500',
    'worker::handle 2000',
    'worker::handle;sqlx::query 30000',
    'db::pool 700',
    'worker::handle 500',
    'db::pool;connect 44',
  ]);
  assert.deepEqual([...profile.samples.timeNs!], [0, 1500, 3500, 0, 33_500, 700]);
  assert.deepEqual(profile.threads[1], { pid: 0, tid: 2, processName: '', threadName: 'tokio-runtime-worker' });
  const handle = profile.frames.name.indexOf(profile.strings.indexOf('worker::handle'));
  assert.deepEqual([profile.strings[profile.frames.file[handle]!], profile.frames.line[handle]], ['src/worker.rs', 12]);
});
