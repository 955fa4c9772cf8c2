import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { traceEvent } from '../../src/formats/trace-event.ts';
import type { Profile } from '../../src/model/profile.ts';
import { behind, fixture, formatContract } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(traceEvent, {
  fixtures: ['durations.trace.json', 'chrome.trace.json', 'hermes.trace.json'],
  header: bytes => behind(bytes, '"name": "process_name"'),
  firstRecordEnd: bytes => behind(bytes, '"name": "instant"'),
  // The array may be left open behind a whole event.
  cutUnseen: (bytes, at) => /[}\],]\s*$/.test(new TextDecoder().decode(bytes.subarray(0, at))),
});

const read = (value: unknown): Promise<Profile> =>
  traceEvent.read!(memorySource('x', value instanceof Uint8Array ? value : JSON.stringify(value)), {});

test('trace-event: each stretch of time belongs to the innermost event', async () => {
  const profile = await read(fixture('trace-event', 'durations.trace.json'));
  assert.deepEqual(stackTexts(profile), [
    'outer;inner 40000',
    'outer 10000',
    'outer 10000',
    'outer;phase 30000',
    'outer 10000',
    'late 10000',
  ]);
  assert.deepEqual(profile.threads, [
    { pid: 1, tid: 2, processName: 'web', threadName: 'main' },
    { pid: 1, tid: 3, processName: 'web', threadName: '' },
  ]);
  assert.deepEqual(profile.warnings, []);
});

test('trace-event: CPU samples in chunks out of order, with null data', async () => {
  const profile = await read(fixture('trace-event', 'chrome.trace.json'));
  assert.deepEqual(stackTexts(profile), ['work 100000', 'work 100000', 'work;leaf 50000', '(idle) 0']);
  assert.deepEqual([...profile.samples.timeNs!], [1_100_000, 1_200_000, 1_300_000, 1_350_000]);
  assert.equal(profile.threads[0]!.threadName, 'CrRendererMain');
});

test('trace-event: Hermes samples', async () => {
  const profile = await read(fixture('trace-event', 'hermes.trace.json'));
  assert.deepEqual(stackTexts(profile), ['global;render 500000', 'global 200000', 'global;render 0']);
});

test('trace-event: ends before begins, unbalanced ends, ends without a name', async () => {
  const event = (ph: string, ts: number, name?: string) => ({ ph, ts, pid: 1, tid: 1, ...(name && { name }) });
  const profile = await read([
    event('B', 0, 'a'),
    event('B', 10, 'b'),
    event('E', 20, 'a'),
    event('E', 30, 'b'),
    event('B', 40, 'c'),
    event('E', 50),
    event('E', 60, 'never'),
  ]);
  assert.deepEqual(stackTexts(profile), ['a 10000', 'a;b 10000', 'b 10000', 'c 10000']);
  assert.deepEqual(
    profile.warnings.map(w => [w.code, w.count]),
    [['events-unbalanced', 2]],
  );
});

test('trace-event: an array that was never closed is whole', async () => {
  const text = '[\n{"ph":"X","ts":1,"dur":2,"pid":1,"tid":1,"name":"a"},\n';
  const profile = await traceEvent.read!(memorySource('x', text), {});
  assert.deepEqual(stackTexts(profile), ['a 2000']);
  assert.deepEqual(profile.warnings, []);
});
