import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { pprof } from '../../src/formats/pprof.ts';
import { PprofBytes } from '../../src/formats/pprof-wire.ts';
import { FrameFlag, NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { fixture, formatContract, written } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(pprof, {
  fixtures: ['inlined.pb', 'go-cpu.pb.gz', 'go-heap.pb.gz'],
  // The first location.
  header: bytes => Buffer.from(bytes).indexOf(Buffer.from([0x22])),
  firstRecordEnd: bytes => bytes.length - 24,
  cutUnseen: (bytes, at) => at === bytes.length - 20,
});

const read = (bytes: Uint8Array): Promise<Profile> => pprof.read!(memorySource('x', bytes), {});

/** A profile as tprof writes it: inlined calls, a label, two weights, a kernel address, two threads. */
function sample(): Profile {
  const builder = new ProfileBuilder('x', [
    { name: 'samples', unit: 'count' },
    { name: 'cpu', unit: 'nanoseconds' },
  ]);
  builder.defaultValue = 1;
  builder.epochNs = 1769086980837853027n;
  builder.durationNs = 2e9;
  builder.intervalNs = 1e7;
  const mapping = builder.mapping({ start: 4096, end: 8192, fileOffset: 0, path: '/srv/bin/worker', buildId: 'abc' });
  const at = { module: '/srv/bin/worker', mapping, address: 5000, file: '/srv/src/main.rs' };
  const main = builder.frame({ ...at, name: 'main', line: 10 });
  const inner = builder.frame({ ...at, name: 'inner', line: 5, column: 3, flags: FrameFlag.inlined });
  const innermost = builder.frame({ ...at, name: 'innermost', line: 2, flags: FrameFlag.inlined });
  const kernel = builder.frame({ name: 'memset', module: '[kernel]', address: -2130706128 });
  const thread = builder.thread({ pid: 7, tid: 8, processName: 'worker', threadName: 'tokio' });
  const other = builder.thread({ pid: 7, tid: 9, processName: 'worker', threadName: 'io' });
  const base = builder.stackOf([main]);
  const deep = builder.stackOf([main, inner, innermost, kernel]);
  const labels = [
    { key: 'step', value: 'validate' },
    { key: 'bytes', value: -5, unit: 'bytes' },
  ];
  builder.aggregate({ thread, stack: deep, values: [3, 3e7], labels });
  builder.aggregate({ thread: other, stack: base, values: [1, -1e7] });
  builder.aggregate({ thread, stack: NO_STACK, values: [1, 2 ** 60] });
  return builder.finish();
}

test('pprof: nothing that it can hold is lost', async () => {
  const profile = sample();
  const bytes = await written(pprof, profile);
  assert.deepEqual(Buffer.from(bytes), Buffer.from(fixture('pprof', 'inlined.pb')));
  const again = await read(bytes);
  assert.deepEqual(stackTexts(again), stackTexts(profile));
  assert.deepEqual(again.threads, profile.threads);
  assert.deepEqual(again.valueTypes, profile.valueTypes);
  assert.deepEqual(again.samples.labelSets, profile.samples.labelSets);
  for (const field of ['defaultValue', 'epochNs', 'durationNs', 'intervalNs'] as const) {
    assert.equal(again[field], profile[field], field);
  }
  // Frames come back in the order of locations.
  for (const column of ['address', 'flags', 'line'] as const) {
    assert.deepEqual([...again.frames[column]].sort(), [...profile.frames[column]].sort(), column);
  }
  assert.deepEqual(
    again.mappings.find(({ path }) => path === '/srv/bin/worker'),
    profile.mappings[0],
  );
});

test('pprof: a Go profile has its labels, its sample types and the default one', async () => {
  const cpu = await read(fixture('pprof', 'go-cpu.pb.gz'));
  assert.deepEqual(
    cpu.valueTypes.map(type => type.name),
    ['samples', 'cpu'],
  );
  assert.equal(cpu.defaultValue, 1);
  assert.equal(cpu.intervalNs, 1e7);
  const sums = new Map<string, number>();
  for (let s = 0; s < cpu.samples.length; s++) {
    const label = cpu.samples.labelSets[cpu.samples.labelSet![s]!]!.find(({ key }) => key === 'step');
    const key = String(label?.value);
    sums.set(key, (sums.get(key) ?? 0) + cpu.samples.values[1]![s]!);
  }
  // What `pprof -tags` prints for this file.
  assert.deepEqual(Object.fromEntries(sums), { first: 490e6, second: 300e6 });
  const heap = await read(fixture('pprof', 'go-heap.pb.gz'));
  assert.equal(heap.valueTypes[heap.defaultValue]!.name, 'inuse_space');
});

test('pprof: drop_frames cuts stacks as pprof does, messages may come in any order, ids may be sparse', async () => {
  const strings = ['', 'cpu', 'ms', 'main', 'malloc_hook', 'inner', 'malloc.*', 'malloc_keep'];
  const out = new PprofBytes();
  const inner = new PprofBytes();
  const line = new PprofBytes();
  const samples: [number[], number][] = [
    [[2 ** 40, 900, 1], 5],
    [[77, 1], 7],
  ];
  for (const [locations, value] of samples) {
    inner.packed(1, locations);
    inner.packed(2, [value]);
    out.message(2, inner);
  }
  for (const [id, name] of [
    [1, 3],
    [900, 4],
    [2 ** 40, 5],
    [77, 7],
  ] as const) {
    line.int(1, id);
    inner.int(1, id);
    inner.message(4, line);
    out.message(4, inner);
    inner.int(1, id);
    inner.int(2, name);
    out.message(5, inner);
  }
  inner.int(1, 1);
  inner.int(2, 2);
  out.message(1, inner);
  for (const text of strings) out.text(6, text);
  out.int(7, 6);
  out.int(8, 7);
  const profile = await read(out.take());
  assert.deepEqual(profile.valueTypes, [{ name: 'cpu', unit: 'nanoseconds' }]);
  assert.deepEqual(stackTexts(profile), ['main 5000000', 'main;malloc_keep 7000000']);
});

test('pprof: locations without functions are addresses, and counted', async () => {
  const out = new PprofBytes();
  const inner = new PprofBytes();
  inner.int(1, 1);
  inner.int(2, 2);
  out.message(1, inner);
  for (const text of ['', 'samples', 'count']) out.text(6, text);
  inner.int(1, 1);
  inner.int(3, -4096);
  out.message(4, inner);
  inner.packed(1, [1]);
  inner.packed(2, [1]);
  out.message(2, inner);
  const profile = await read(out.take());
  assert.deepEqual(stackTexts(profile), ['0xfffffffffffff000 1']);
  assert.deepEqual(
    profile.warnings.map(w => w.code),
    ['symbols-missing'],
  );
});
