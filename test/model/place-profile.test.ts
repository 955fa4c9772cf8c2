import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { placeProfile } from '../../src/model/place-profile.ts';
import { NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';

const UNIX_NS = 1_795_244_557_026_000_000n;
const MONOTONIC_NS = 11_832_551_684_049n;

const manifest = {
  clocks: [
    { unixNs: String(UNIX_NS), monotonicNs: String(MONOTONIC_NS) },
    // The wall clock was slewed by 2 µs in between.
    { unixNs: String(UNIX_NS + 1_000_002_000n), monotonicNs: String(MONOTONIC_NS + 1_000_000_000n) },
  ],
  processes: [{ pid: 7, parentPid: 1, command: ['work'], name: 'worker', startTime: '1' }],
} as unknown as CaptureManifest;

function profile(epochNs: bigint | undefined): Profile {
  const builder = new ProfileBuilder('p', [{ name: 'samples', unit: 'count' }]);
  builder.epochNs = epochNs;
  const thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  builder.sample({ thread, stack: NO_STACK, timeNs: Number(MONOTONIC_NS), values: [1] });
  return builder.finish();
}

const instant = (placed: Profile): bigint => (placed.epochNs ?? 0n) + BigInt(placed.samples.timeNs?.[0] ?? 0);

test('placing: monotonic times stand where the anchors say, and threads get the names of the run', () => {
  const placed = placeProfile(profile(undefined), manifest, { pid: 7, tid: 9 });
  assert.equal(instant(placed), UNIX_NS + 1000n);
  assert.deepEqual(placed.threads, [{ pid: 7, tid: 9, processName: 'worker', threadName: '' }]);
});

test('placing: an epoch of the file stands, unless its times are known to be monotonic', () => {
  const rough = UNIX_NS - MONOTONIC_NS - 174_000_000n;
  assert.equal(placeProfile(profile(rough), manifest, { pid: 7, tid: 9 }).epochNs, rough);
  const placed = placeProfile(profile(rough), manifest, { pid: 7, tid: 9, clock: 'monotonic' });
  assert.equal(instant(placed), UNIX_NS + 1000n);
});

test('placing: times that are a sum of intervals are no times', () => {
  const placed = placeProfile(profile(undefined), manifest, { pid: 7, tid: 9, clock: 'none' });
  assert.equal(placed.samples.timeNs, undefined);
  assert.equal(placed.samples.length, 1);
});
