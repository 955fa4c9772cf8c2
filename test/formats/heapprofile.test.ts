import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { heapprofile } from '../../src/formats/heapprofile.ts';
import { behind, fixture, formatContract, writtenText } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(heapprofile, {
  fixtures: ['node24.heapprofile'],
  header: bytes => behind(bytes, '"selfSize":0'),
  firstRecordEnd: bytes => behind(bytes, '"selfSize":4160,'),
  // Behind the tree stand the single samples, which are not read.
  cutUnseen: () => false,
  mutations: 200,
});

test('heapprofile: sizes belong to the stack alone, not to what it calls', async () => {
  const profile = await heapprofile.read!(memorySource('x', fixture('heapprofile', 'node24.heapprofile')), {});
  assert.deepEqual(profile.valueTypes, [{ name: 'inuse_space', unit: 'bytes' }]);
  const keep = stackTexts(profile).filter(text => text.includes(';keep '));
  assert.deepEqual(
    keep.map(text => Number(text.split(' ').at(-1))).reduce((a, b) => a + b),
    510_128,
  );
});

test('heapprofile: a tree of 20,000 calls is read and written', async () => {
  const callFrame = '{"functionName":"f","url":"","lineNumber":-1,"columnNumber":-1}';
  const text = `{"head":${`{"callFrame":${callFrame},"selfSize":1,"id":1,"children":[`.repeat(20_000)}${']}'.repeat(20_000)}}`;
  const profile = await heapprofile.read!(memorySource('x', text), {});
  assert.equal(profile.stacks.length, 20_000);
  const again = await heapprofile.read!(memorySource('x', await writtenText(heapprofile, profile)), {});
  assert.equal(again.stacks.length, 20_000);
});
