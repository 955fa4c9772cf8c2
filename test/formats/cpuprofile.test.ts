import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { cpuprofile } from '../../src/formats/cpuprofile.ts';
import { NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { behind, fixture, formatContract, writtenText } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(cpuprofile, {
  fixtures: ['node24.cpuprofile', 'unordered.cpuprofile', 'old-head.cpuprofile'],
  header: bytes => behind(bytes, '"samples":['),
  firstRecordEnd: bytes => behind(bytes, '"timeDeltas":[') + 20,
});

const read = (text: string | Uint8Array, name = 'x'): Promise<Profile> =>
  cpuprofile.read!(memorySource(name, text), {});

test('cpuprofile: a sample lasts until the next one, the last to the end; idle time is not CPU time', async () => {
  const profile = await read(fixture('cpuprofile', 'unordered.cpuprofile'));
  assert.deepEqual(stackTexts(profile, 1), [
    '(anonymous) 100000',
    '(anonymous);leaf 0',
    '(anonymous);leaf 100000',
    '(garbage collector) 100000',
    '(idle) 200000',
    '(anonymous);leaf 100000',
  ]);
  assert.deepEqual([...profile.samples.values[0]!], [100000, 0, 100000, 100000, 0, 100000]);
  assert.equal(profile.samples.timeNs![0], 5000100_000);
  assert.equal(profile.durationNs, 700_000);
  assert.deepEqual(
    profile.warnings.map(w => [w.code, w.count]),
    [['negative-deltas', 1]],
  );
});

test('cpuprofile: files are paths, packages are modules, lines count from 1', async () => {
  const profile = await read(fixture('cpuprofile', 'unordered.cpuprofile'));
  const { frames, strings } = profile;
  const leaf = frames.name.indexOf(strings.indexOf('leaf'));
  assert.equal(strings[frames.file[leaf]!], '/srv/a b/leaf.js');
  assert.deepEqual([frames.line[leaf], frames.column[leaf]], [10, 5]);
  const anonymous = frames.name.indexOf(strings.indexOf('(anonymous)'));
  assert.equal(strings[frames.module[anonymous]!], '@scope/pkg');
});

test('cpuprofile: the process and thread stand in the name that Node gives', async () => {
  const text = fixture('cpuprofile', 'node24.cpuprofile');
  const main = await read(text, 'a/CPU.20261121.042203.17564.0.001.cpuprofile');
  assert.deepEqual(main.threads, [{ pid: 17564, tid: 0, processName: '', threadName: '' }]);
  const worker = await read(text, 'CPU.20261121.042203.17564.2.001.cpuprofile');
  assert.deepEqual(worker.threads, [{ pid: 17564, tid: 2, processName: '', threadName: 'worker 2' }]);
});

test('cpuprofile: a tree of 20,000 calls is read and written', async () => {
  const nodes = Array.from({ length: 20_000 }, (_, i) => ({
    id: i + 1,
    callFrame: { functionName: i === 0 ? '(root)' : `f${i}`, url: '', lineNumber: -1, columnNumber: -1 },
    children: i === 19_999 ? [] : [i + 2],
  }));
  const profile = await read(JSON.stringify({ nodes, startTime: 0, endTime: 10, samples: [20_000], timeDeltas: [1] }));
  assert.equal(profile.stacks.length, 19_999);
  assert.equal((await read(await writtenText(cpuprofile, profile))).stacks.length, 19_999);
});

test('cpuprofile: a node that is its own ancestor is reported, not followed', async () => {
  const frame = (functionName: string) => ({ functionName, url: '', lineNumber: -1, columnNumber: -1 });
  const nodes = [
    { id: 1, callFrame: frame('a'), children: [2] },
    { id: 2, callFrame: frame('b'), children: [1] },
  ];
  const profile = await read(JSON.stringify({ nodes, startTime: 0, endTime: 9, samples: [1, 2], timeDeltas: [1, 1] }));
  assert.deepEqual(
    profile.warnings.map(w => w.code),
    ['damaged-input'],
  );
});

test('cpuprofile: gaps between samples are written as (idle), other threads below (root)', async () => {
  const builder = new ProfileBuilder('x', [{ name: 'cpu', unit: 'nanoseconds' }]);
  const stack = builder.stack(NO_STACK, builder.frame({ name: 'work' }));
  const thread = builder.thread({ pid: 1, tid: 1, processName: '', threadName: 'a' });
  builder.sample({ thread, stack, timeNs: 1_000_000, values: [5_000_000] });
  builder.sample({ thread, stack, timeNs: 21_000_000, values: [5_000_000] });
  const again = await read(await writtenText(cpuprofile, builder.finish()));
  assert.deepEqual(stackTexts(again, 1), ['work 5000000', '(idle) 15000000', 'work 5000000']);

  const other = builder.thread({ pid: 1, tid: 2, processName: 'p', threadName: 'b' });
  builder.sample({ thread: other, stack, timeNs: 2_000_000, values: [1_000_000] });
  const profile = builder.finish();
  assert.equal(cpuprofile.losses!(profile, {}).length, 1);
  const merged = await read(await writtenText(cpuprofile, profile));
  assert.deepEqual(stackTexts(merged, 1), ['a [1/1];work 10000000', 'p › b [1/2];work 1000000']);
});

test('cpuprofile: without samples the hit counts share the recorded time', async () => {
  const callFrame = { functionName: 'a', url: '', lineNumber: -1, columnNumber: -1 };
  const nodes = [
    { id: 1, callFrame, hitCount: 3 },
    { id: 2, callFrame: { ...callFrame, functionName: 'b' }, hitCount: 1 },
  ];
  const profile = await read(JSON.stringify({ nodes, startTime: 0, endTime: 8 }));
  assert.deepEqual(stackTexts(profile, 0), ['a 6000', 'b 2000']);
  assert.deepEqual(stackTexts(profile, 2), ['a 3', 'b 1']);
});
