import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { heaptrack } from '../../src/formats/heaptrack.ts';
import { FrameFlag } from '../../src/model/profile.ts';
import { behind, fixture, formatContract } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(heaptrack, {
  fixtures: ['small.heaptrack', 'recorded.heaptrack'],
  header: bytes => behind(bytes, '\na 64 1') - 6,
  firstRecordEnd: bytes => behind(bytes, '\na 64 1\n'),
  // Between two lines.
  cutUnseen: (bytes, at) => bytes[at - 1] === 10,
});

test('heaptrack: at the peak, in total, and what was never freed', async () => {
  const profile = await heaptrack.read!(memorySource('x', fixture('heaptrack', 'small.heaptrack')), {});
  const at = (value: number): string[] => stackTexts(profile, value);
  assert.deepEqual(at(0), ['main 100', 'main;with space;decode 8192', 'main;[worker] 0']);
  assert.deepEqual(at(1), ['main 100', 'main;with space;decode 8192', 'main;[worker] 32']);
  assert.deepEqual(at(4), ['main 0', 'main;with space;decode 0', 'main;[worker] 1']);
  const decode = profile.frames.name.indexOf(profile.strings.indexOf('decode'));
  assert.equal(profile.frames.flags[decode], FrameFlag.inlined);
  assert.equal(profile.frames.line[decode], 12);
  assert.equal(profile.durationNs, 20e6);
});

test('heaptrack: what heaptrack 1.4 recorded', async () => {
  const profile = await heaptrack.read!(memorySource('x', fixture('heaptrack', 'recorded.heaptrack')), {});
  const texts = stackTexts(profile, 1);
  assert.ok(
    texts.some(text => /;main;fill 10240$/.test(text)),
    texts.join('\n'),
  );
});
