import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { constants, createZstdCompress } from 'node:zlib';
import { TprofError } from '../../src/base/errors.ts';
import { memorySource } from '../../src/base/source.ts';
import { perfData } from '../../src/formats/perf-data.ts';
import { FrameFlag, type Profile } from '../../src/model/profile.ts';
import type { ObjectFiles } from '../../src/symbols/object-files.ts';
import { formatContract } from './contract.ts';
import { concat, PerfDataWriter } from './perf-data-bytes.ts';

/** Object files of a test: a perf map, as the bytes of a file. */
function perfMaps(maps: Readonly<Record<string, string>>): ObjectFiles {
  return {
    candidates: wanted => (wanted.kind === 'perf-map' ? [`perf-${wanted.pid}.map`] : []),
    open: async place => (maps[place] === undefined ? undefined : memorySource(place, maps[place])),
  };
}

const read = (bytes: Uint8Array, objectFiles?: ObjectFiles, event?: string): Promise<Profile> =>
  perfData.read!(memorySource('test.data', bytes), {
    ...(objectFiles === undefined ? {} : { objectFiles }),
    ...(event === undefined ? {} : { event }),
  });

/** Stacks as text, root first: `thread: a;b weight`. */
function folded(profile: Profile): string[] {
  const rows: string[] = [];
  for (let s = 0; s < profile.samples.length; s++) {
    const names: string[] = [];
    for (let k = profile.samples.stack[s]!; k >= 0; k = profile.stacks.parent[k]!) {
      names.unshift(profile.strings[profile.frames.name[profile.stacks.frame[k]!]!]!);
    }
    const thread = profile.threads[profile.samples.thread[s]!]!;
    rows.push(`${thread.threadName}: ${names.join(';')} ${profile.samples.values[profile.defaultValue]![s]}`);
  }
  return rows;
}

const MAP = '1000 100 main\n1100 100 inner loop\n1200 100 JS:*render file:///app/view.js:12:7\n';

function smallRecording(writer: PerfDataWriter): PerfDataWriter {
  writer.comm(10, 10, 'prog', 0, true);
  writer.mmap2(10, 0x1000, 0x1000, 0, '//anon', 0);
  // Out of order within the round, as two CPUs write them.
  writer.sample(10, 10, 5_000_300, 1_000_000, [0x1110, 0x1010]);
  writer.sample(10, 11, 5_000_100, 2_000_000, [0x1210, 0x1010]);
  writer.comm(10, 11, 'helper', 5_000_050);
  writer.round();
  writer.lost(3, 5_000_400);
  writer.sample(10, 10, 5_000_200, 1_000_000, [0x1010]);
  writer.round();
  return writer;
}

const EXPECTED = ['helper: main;render 2000000', 'prog: main 1000000', 'prog: main;inner loop 1000000'];

for (const littleEndian of [true, false]) {
  for (const mode of ['file', 'pipe'] as const) {
    test(`perf.data: ${mode} mode, ${littleEndian ? 'little' : 'big'} endian: in order of time, named by the perf map`, async () => {
      const bytes = smallRecording(new PerfDataWriter(littleEndian))[mode]();
      assert.equal(perfData.detect(bytes.subarray(0, 4096)), 1);
      const profile = await read(bytes, perfMaps({ 'perf-10.map': MAP }));
      assert.deepEqual(folded(profile), EXPECTED);
      assert.equal(profile.lostSamples, 3);
      assert.deepEqual([...profile.samples.timeNs!], [0, 100, 200]);
      assert.deepEqual(profile.valueTypes, [{ name: 'cpu-clock', unit: 'nanoseconds' }]);
      const render = profile.strings.indexOf('render');
      const frame = profile.frames.name.indexOf(render);
      assert.equal(profile.strings[profile.frames.decoration[frame]!], 'JS:*%');
      assert.equal(profile.strings[profile.frames.file[frame]!], '/app/view.js');
      assert.equal(profile.frames.line[frame], 12);
      assert.equal(profile.frames.flags[frame], FrameFlag.jit);
    });
  }
}

/** Flushed pieces of one zstd stream, as perf writes them. */
async function flushedPieces(parts: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const stream = createZstdCompress();
  const out: Uint8Array[] = [];
  stream.on('data', (bytes: Uint8Array) => out.push(bytes));
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    stream.write(part);
    await new Promise<void>(resolve => stream.flush(constants.ZSTD_e_flush, () => resolve()));
    await new Promise<void>(resolve => setImmediate(resolve));
    pieces.push(concat(out.splice(0)));
  }
  stream.destroy();
  return pieces;
}

for (const kind of [81, 83]) {
  test(`perf.data: records in zstd (type ${kind}), split in the middle of a record`, async () => {
    const plain = concat(smallRecording(new PerfDataWriter()).records.filter(r => r[0] !== 68));
    const pieces = await flushedPieces([plain.subarray(0, 150), plain.subarray(150, 151), plain.subarray(151)]);
    const writer = new PerfDataWriter();
    for (const piece of pieces) {
      const padding = new Uint8Array((8 - (piece.length % 8)) % 8);
      if (kind === 81) writer.record(81, 0, piece);
      else writer.record(83, 0, concat([writer.u64(piece.length), piece, padding]));
    }
    const profile = await read(writer.file(), perfMaps({ 'perf-10.map': MAP }));
    assert.deepEqual(folded(profile), EXPECTED);
    assert.deepEqual(
      profile.warnings.map(w => w.code),
      ['samples-lost'],
    );
  });
}

test("perf.data: a pid that execs is named by the maps it had at that moment; a forked child by its parent's", async () => {
  const w = new PerfDataWriter();
  w.comm(10, 10, 'sh', 0, true);
  w.mmap2(10, 0x1000, 0x1000, 0, '/bin/sh', 0);
  w.sample(10, 10, 100, 1, [0x1010]);
  w.fork(20, 10, 150);
  w.sample(20, 20, 160, 1, [0x1010]);
  w.comm(20, 20, 'app', 200, true);
  w.sample(20, 20, 250, 1, [0x1010]);
  w.mmap2(20, 0x1000, 0x1000, 0, '/bin/app', 300);
  w.sample(20, 20, 400, 1, [0x1010]);
  w.sample(10, 10, 500, 1, [0x1010]);
  const profile = await read(w.file());
  assert.deepEqual(folded(profile), ['sh: [sh] 1', 'sh: [sh] 1', 'app: [unknown] 1', 'app: [app] 1', 'sh: [sh] 1']);
  const frame = profile.frames.name.indexOf(profile.strings.indexOf('[app]'));
  assert.equal(profile.frames.address[frame], 0x1010);
  assert.equal(profile.mappings[profile.frames.mapping[frame]!]!.path, '/bin/app');
});

test('perf.data: cut in its header it is refused; cut in its records it gives what came before', async () => {
  const bytes = smallRecording(new PerfDataWriter()).file();
  for (const length of [8, 40, 100, 150, 240]) {
    await assert.rejects(
      read(bytes.subarray(0, length)),
      (error: unknown) => error instanceof TprofError && error.code === 'input-invalid',
    );
  }
  const cut = await read(bytes.subarray(0, bytes.length - 30), perfMaps({ 'perf-10.map': MAP }));
  assert.ok(cut.warnings.some(w => w.code === 'damaged-input'));
  assert.ok(cut.samples.length >= 2);
});

test('perf.data: an event that is not in the file is an error that names those that are', async () => {
  const bytes = smallRecording(new PerfDataWriter()).file();
  await assert.rejects(read(bytes, undefined, 'cycles'), /expected the event 'cycles', found cpu-clock/);
});

const FIXTURES = new URL('../fixtures/perf-data/', import.meta.url);

/** The program that was recorded, from the fixture folder; nothing of this machine. */
const fixtureObjects: ObjectFiles = {
  candidates: wanted => (wanted.kind === 'image' && wanted.path === '/app/known' ? ['known'] : []),
  open: async place => memorySource(place, readFileSync(new URL(place, FIXTURES))),
};

/** Share of the weight that has each function anywhere on its stack. */
function totals(profile: Profile): Map<string, number> {
  const total = new Map<string, number>();
  let sum = 0;
  const weights = profile.samples.values[profile.defaultValue]!;
  for (let s = 0; s < profile.samples.length; s++) {
    const names = new Set<string>();
    for (let k = profile.samples.stack[s]!; k >= 0; k = profile.stacks.parent[k]!) {
      names.add(profile.strings[profile.frames.name[profile.stacks.frame[k]!]!]!);
    }
    for (const name of names) total.set(name, (total.get(name) ?? 0) + weights[s]!);
    sum += weights[s]!;
  }
  return new Map([...total].map(([name, weight]) => [name, weight / sum]));
}

for (const file of ['fp', 'dwarf', 'zstd', 'pipe']) {
  test(`perf.data: a recording of a program with a known split (${file}.data)`, async () => {
    const profile = await read(readFileSync(new URL(`${file}.data`, FIXTURES)), fixtureObjects);
    const total = totals(profile);
    // 50 to 79 samples: two standard deviations are 11 to 14 points.
    for (const [name, share] of [
      ['burn_sixty', 0.6],
      ['burn_thirty', 0.3],
      ['burn_ten', 0.1],
    ] as const) {
      assert.ok(Math.abs((total.get(name) ?? 0) - share) < 0.15, `${name}: ${total.get(name)}`);
    }
    assert.ok(total.get('main')! > 0.95);
    if (file === 'dwarf') assert.ok(total.get('work')! > 0.95, 'the caller that frame pointers miss');
    assert.deepEqual(
      profile.threads.map(t => t.threadName),
      ['known'],
    );
    assert.ok(profile.durationNs! > 1e8 && profile.durationNs! < 1e9);
    assert.ok(profile.epochNs! > 1_700_000_000_000_000_000n);
  });
}

/** Offset of the data section: fields 6 and 7 of the file header. */
const dataOffset = (bytes: Uint8Array): number =>
  Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(40, true));

formatContract(perfData, {
  fixtures: ['fp.data', 'dwarf.data', 'zstd.data', 'pipe.data'],
  header: dataOffset,
  // The first sample stands behind the mappings of what ran before.
  firstRecordEnd: bytes => dataOffset(bytes) + 4000,
  mutations: 240,
});

test('perf.data: inlined functions of a recording, with the places of their calls', async () => {
  const profile = await read(readFileSync(new URL('dwarf.data', FIXTURES)), fixtureObjects);
  const { frames, stacks, strings } = profile;
  const seen = new Set<string>();
  for (let k = 0; k < stacks.length; k++) {
    const frame = stacks.frame[k]!;
    const name = strings[frames.name[frame]!]!;
    if (name !== 'spin') continue;
    assert.equal(frames.flags[frame]! & FrameFlag.inlined, FrameFlag.inlined);
    assert.match(strings[frames.file[frame]!]!, /known\.c$/);
    const caller = stacks.frame[stacks.parent[k]!]!;
    seen.add(strings[frames.name[caller]!]!);
    assert.equal(frames.flags[caller]! & FrameFlag.inlined, 0);
    // The lines of `sink = spin(n)` in the three.
    assert.ok(frames.line[caller]! >= 19 && frames.line[caller]! <= 23, `called in line ${frames.line[caller]}`);
  }
  assert.deepEqual([...seen].sort(), ['burn_sixty', 'burn_ten', 'burn_thirty']);
});

/** SWITCH records: out of the CPU or onto it, with the thread in the trailer. */
function contextSwitch(w: PerfDataWriter, tid: number, timeNs: number, out: boolean): void {
  w.record(14, out ? 0x2000 : 0, w.trailer(10, tid, timeNs));
}

test('perf.data: context switches become off-CPU time at the place where the thread was seen last', async () => {
  const w = new PerfDataWriter();
  w.comm(10, 10, 'prog', 0, true);
  w.mmap2(10, 0x1000, 0x1000, 0, '//anon', 0);
  w.sample(10, 10, 1000, 500, [0x1110, 0x1010]);
  contextSwitch(w, 10, 1500, true);
  contextSwitch(w, 10, 4500, false);
  w.sample(10, 10, 5000, 500, [0x1010]);
  contextSwitch(w, 10, 5500, true);
  contextSwitch(w, 10, 6000, false);
  const profile = await read(w.file(), perfMaps({ 'perf-10.map': MAP }));
  assert.deepEqual(
    profile.valueTypes.map(t => [t.name, t.unit]),
    [
      ['cpu-clock', 'nanoseconds'],
      ['off-cpu', 'nanoseconds'],
    ],
  );
  assert.deepEqual(folded({ ...profile, defaultValue: 1 }), [
    'prog: main;inner loop 0',
    'prog: main;inner loop 3000',
    'prog: main 0',
    'prog: main 500',
  ]);
  const waiting = [...profile.frames.flags].filter(flags => flags & FrameFlag.waiting).length;
  assert.equal(waiting, 2);
});

for (const littleEndian of [true, false]) {
  const order = littleEndian ? 'little' : 'big';
  test(`perf.data: two events are two columns; --event chooses (${order} endian)`, async () => {
    const w = new PerfDataWriter(littleEndian);
    // Side-band records end with the identifier too: 8 bytes behind TID and TIME.
    w.record(3, 0x2000, concat([w.u32(10), w.u32(10), w.text('prog'), w.trailer(10, 10, 0), w.u64(7)]));
    w.sample(10, 10, 100, 1000, [0x1010], 7);
    w.sample(10, 10, 200, 3, [0x1010], 8);
    w.sample(10, 10, 300, 2000, [0x1010], 7);
    const profile = await read(w.fileOfTwoEvents());
    assert.deepEqual(profile.valueTypes, [
      { name: 'cpu-clock', unit: 'nanoseconds' },
      { name: 'page-faults', unit: 'count' },
    ]);
    assert.deepEqual(
      profile.samples.values.map(column => [...column]),
      [
        [1000, 0, 2000],
        [0, 3, 0],
      ],
    );
    assert.equal(profile.defaultValue, 0);
    assert.equal(profile.threads[0]!.threadName, 'prog');
    assert.equal((await read(w.fileOfTwoEvents(), undefined, 'page-faults')).defaultValue, 1);
  });
}

for (const littleEndian of [true, false]) {
  const order = littleEndian ? 'little' : 'big';
  test(`perf.data: trace data, other namespaces and unknown records are counted (${order} endian)`, async () => {
    const w = new PerfDataWriter(littleEndian);
    const namespaces = (pid: number, mount: number): void => {
      const pairs = [1, 2, 3, 4, 5, mount, 7].flatMap(inode => [w.u64(0), w.u64(inode)]);
      w.record(16, 0, concat([w.u32(pid), w.u32(pid), w.u64(7), ...pairs, w.trailer(pid, pid, 10)]));
    };
    w.comm(10, 10, 'prog', 0, true);
    namespaces(10, 4026531841);
    namespaces(11, 4026531841);
    namespaces(12, 4026532999);
    w.record(11, 0, concat([w.u64(0), w.u64(4096), w.u64(1), w.trailer(10, 10, 20)]));
    w.record(40, 0, w.trailer(10, 10, 30));
    w.sample(10, 10, 100, 1000, [0x1010]);
    const { warnings, samples } = await read(w.file());
    assert.equal(samples.length, 1);
    const counts = Object.fromEntries(warnings.map(warning => [warning.code, warning.count]));
    assert.deepEqual([counts.namespaces, counts['aux-data'], counts['unknown-records']], [1, 1, 1]);
  });
}

test('perf.data: a chain as deep as the kernel records is marked as cut off', async () => {
  const w = new PerfDataWriter();
  w.comm(10, 10, 'prog', 0, true);
  w.sample(
    10,
    10,
    100,
    1,
    Array.from({ length: 127 }, (_, i) => 0x1000 + i),
  );
  w.sample(
    10,
    10,
    200,
    1,
    Array.from({ length: 20 }, (_, i) => 0x1000 + i),
  );
  const profile = await read(w.file());
  const outermost = (s: number): number => {
    let stack = profile.samples.stack[s]!;
    while (profile.stacks.parent[stack]! >= 0) stack = profile.stacks.parent[stack]!;
    return profile.frames.flags[profile.stacks.frame[stack]!]!;
  };
  assert.equal(outermost(0) & FrameFlag.truncated, FrameFlag.truncated);
  assert.equal(outermost(1) & FrameFlag.truncated, 0);
});

test('perf.data: chains that begin like the one before, end elsewhere, and meet the kernel', async () => {
  const w = new PerfDataWriter();
  w.comm(10, 10, 'prog', 0, true);
  w.mmap2(10, 0x1000, 0x1000, 0, '//anon', 0);
  const map = '1000 10 a\n1010 10 b\n1020 10 c\n1030 10 d\n';
  // Leaf first; an address that is returned to may be the first one behind its function.
  const chains = [
    [0x1028, 0x1018, 0x1008],
    [0x1018, 0x1008],
    [0x1030, 0x1018, 0x1008],
    [0x1028, 0x1020, 0x1008],
    [0x1018, 0x1018, 0x1008],
  ];
  chains.forEach((chain, i) => {
    w.sample(10, 10, 100 + i, 1, chain);
  });
  const profile = await read(w.file(), perfMaps({ 'perf-10.map': map }));
  assert.deepEqual(folded(profile), [
    'prog: a;b;c 1',
    'prog: a;b 1',
    'prog: a;b;d 1',
    'prog: a;b;c 1',
    'prog: a;b;b 1',
  ]);
});
