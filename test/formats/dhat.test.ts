import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { dhat } from '../../src/formats/dhat.ts';
import { behind, fixture, formatContract } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(dhat, {
  fixtures: ['dhat-rs.dhat.json', 'valgrind.dhat.json'],
  header: bytes => behind(bytes, '"ftbl": ['),
  firstRecordEnd: bytes => behind(bytes, '"[root]", "0x10: alloc::alloc::alloc (alloc/src/alloc.rs:86:14)",'),
});

test('dhat: several weights, the outermost caller at the root', async () => {
  const profile = await dhat.read!(memorySource('x', fixture('dhat', 'dhat-rs.dhat.json')), {});
  assert.deepEqual(
    profile.valueTypes.map(type => type.name),
    ['alloc_space', 'alloc_objects', 'peak_space', 'peak_objects', 'inuse_space', 'inuse_objects'],
  );
  assert.deepEqual(stackTexts(profile), [
    'worker::main;worker::decode;alloc::alloc::alloc 8192',
    'worker::main;<T as Trait<(A, B)>>::call;alloc::alloc::alloc 640',
  ]);
  assert.deepEqual(stackTexts(profile, 4)[1], 'worker::main;<T as Trait<(A, B)>>::call;alloc::alloc::alloc 64');
  assert.equal(profile.durationNs, 250e6);
  const { frames, strings } = profile;
  const decode = frames.name.indexOf(strings.indexOf('worker::decode'));
  assert.deepEqual([strings[frames.file[decode]!], frames.line[decode]], ['src/decode.rs', 12]);
});

test('dhat: what Valgrind 3.19 wrote', async () => {
  const profile = await dhat.read!(memorySource('x', fixture('dhat', 'valgrind.dhat.json')), {});
  const texts = stackTexts(profile);
  assert.ok(
    texts.some(text => /main;fill;malloc 10240$/.test(text)),
    texts.join('\n'),
  );
});
