import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkProfile } from '../../src/model/integrity.ts';
import { mergeProfiles } from '../../src/model/merge-profiles.ts';
import { NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { stackTexts } from '../formats/stack-texts.ts';

function one(
  name: string,
  options: { times?: number[]; epochNs?: bigint; value?: string; tid?: number; threadName?: string },
): Profile {
  const builder = new ProfileBuilder(name, [{ name: options.value ?? 'cpu', unit: 'nanoseconds' }]);
  if (options.epochNs !== undefined) builder.epochNs = options.epochNs;
  const { tid = 0, threadName = '' } = options;
  const thread = builder.thread({ pid: 1, tid, processName: 'p', threadName });
  const stack = builder.stack(NO_STACK, builder.frame({ name: 'main' }));
  for (const timeNs of options.times ?? []) builder.sample({ thread, stack, timeNs, values: [timeNs + 1] });
  if (options.times === undefined) builder.aggregate({ thread, stack, values: [7] });
  return builder.finish();
}

test('mergeProfiles: times count from the earliest epoch, threads stay apart, columns are joined by name', () => {
  const merged = mergeProfiles(
    [
      one('a', { times: [0, 10], epochNs: 1_000n, tid: 1 }),
      one('b', { times: [5], epochNs: 600n, tid: 2, value: 'wall' }),
    ],
    'both',
  );
  checkProfile(merged);
  assert.equal(merged.name, 'both');
  assert.equal(merged.epochNs, 600n);
  assert.deepEqual([...merged.samples.timeNs!], [400, 410, 5]);
  assert.deepEqual(
    merged.threads.map(t => t.tid),
    [1, 2],
  );
  assert.deepEqual(
    merged.valueTypes.map(t => t.name),
    ['cpu', 'wall'],
  );
  assert.deepEqual(stackTexts(merged, 0), ['main 1', 'main 11', 'main 0']);
  assert.deepEqual(stackTexts(merged, 1), ['main 0', 'main 0', 'main 6']);
  assert.equal(merged.stacks.length, 1);
});

test('mergeProfiles: without epochs the clock is shared; without any clock in common there are no times', () => {
  const shared = mergeProfiles([one('a', { times: [5] }), one('b', { times: [3], tid: 2 })], 'x');
  assert.deepEqual([...shared.samples.timeNs!], [5, 3]);
  const mixed = mergeProfiles([one('a', { times: [5] }), one('b', { times: [3], tid: 2, epochNs: 1n })], 'x');
  checkProfile(mixed);
  assert.equal(mixed.samples.timeNs, undefined);
  assert.deepEqual(
    mixed.warnings.map(w => w.code),
    ['times-missing'],
  );
  const untimed = mergeProfiles([one('a', {}), one('b', { tid: 2 })], 'x');
  assert.deepEqual([untimed.samples.timeNs, untimed.warnings], [undefined, []]);
});

test('mergeProfiles: threads that are named alike are told apart by the name of their profile', () => {
  const { threads } = mergeProfiles([one('a', {}), one('b', {}), one('b', {})], 'x');
  assert.deepEqual(
    threads.map(t => t.threadName),
    ['', 'b', 'b #2'],
  );
});

test('mergeProfiles: a profile without times that counts something else stands at the end of the others', () => {
  const heap = one('heap', { value: 'alloc_space' });
  const merged = mergeProfiles([one('cpu', { times: [10, 20], epochNs: 1_000n }), heap], 'both');
  checkProfile(merged);
  assert.deepEqual(merged.warnings, []);
  assert.equal(merged.epochNs, 1_000n);
  assert.deepEqual([...merged.samples.timeNs!], [10, 20, 20]);
  assert.deepEqual(
    merged.samples.values.map(column => [...column]),
    [
      [11, 21, 0],
      [0, 0, 7],
    ],
  );
  // The same weight without times is no such thing: its samples lie somewhere between the others.
  assert.equal(mergeProfiles([one('cpu', { times: [10] }), one('more', {})], 'both').samples.timeNs, undefined);
});
