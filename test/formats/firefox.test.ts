import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { memorySource } from '../../src/base/source.ts';
import { firefox } from '../../src/formats/firefox.ts';
import { FrameFlag, type Profile } from '../../src/model/profile.ts';
import { behind, fixture, formatContract } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

const VERSIONS = ['v66', 'v71', 'v58', 'v47'];

formatContract(firefox, {
  fixtures: VERSIONS.map(version => `${version}.firefox.json`),
  header: bytes => behind(bytes, '"samples": {"length": 5, "weightType": "samples", "stack": ['),
  firstRecordEnd: bytes => behind(bytes, '"timeDeltas": [10.5'),
  roundTripWarnings: ['symbols-missing'],
});

const read = (bytes: Uint8Array | string, companion?: string): Promise<Profile> =>
  firefox.read!(memorySource('x', bytes), {
    companion: async extension =>
      companion === undefined || extension !== '.syms.json' ? undefined : memorySource('syms', companion),
  });

test('firefox: all layouts of one profile read alike', async () => {
  const [first, ...others] = await Promise.all(
    VERSIONS.map(version => read(fixture('firefox', `${version}.firefox.json`))),
  );
  assert.deepEqual(stackTexts(first!, 0), [
    'main;handle_step;sqlx::query 1',
    'main;handle_step;memcpy 1',
    'main;handle_step 1',
    ' 1',
    '0x1234;render 1',
    'main;handle_step;sqlx::query 1',
    '0x1234 1',
  ]);
  // Tables of each thread are entered once a thread, shared ones once: what is missing is met as often.
  for (const other of others) assert.deepEqual({ ...other, warnings: [] }, { ...first, warnings: [] });
});

test('firefox: three weights rank differently; CPU time is the default', async () => {
  const profile = await read(fixture('firefox', 'v58.firefox.json'));
  assert.deepEqual(profile.valueTypes, [
    { name: 'samples', unit: 'count' },
    { name: 'weight', unit: 'count' },
    { name: 'cpu', unit: 'nanoseconds' },
  ]);
  assert.equal(profile.defaultValue, 2);
  assert.deepEqual([...profile.samples.values[1]!], [1, 1, 90, 1, 1, 0, 0]);
  assert.deepEqual([...profile.samples.values[2]!], [100_000, 900_000, 30_000, 0, 1_000_000, 0, 0]);
  assert.equal(profile.epochNs, 1769086980837853027n);
  assert.deepEqual([...profile.samples.timeNs!].slice(0, 4), [10_500_000, 11_500_000, 12_500_000, 13_750_000]);
  assert.deepEqual(profile.threads[0], { pid: 50100, tid: 50101, processName: 'worker', threadName: 'tokio-worker' });
});

test('firefox: libraries, files, lines, inlined and kernel frames', async () => {
  const { frames: f, strings, warnings, mappings } = await read(fixture('firefox', 'v66.firefox.json'));
  const row = (name: string): number => f.name.indexOf(strings.indexOf(name));
  assert.equal(strings[f.module[row('sqlx::query')]!], '/srv/bin/worker');
  assert.equal(f.flags[row('sqlx::query')], FrameFlag.inlined);
  assert.equal(f.flags[row('memcpy')], FrameFlag.kernel);
  assert.equal(f.line[row('main')], 10);
  assert.equal(strings[f.file[row('render')]!], 'worker.ts');
  assert.deepEqual([f.line[row('render')], f.column[row('render')]], [9, 3]);
  assert.equal(f.address[row('main')], 100);
  assert.equal(mappings[f.mapping[row('main')]!]!.buildId, 'abcdef');
  assert.deepEqual(
    warnings.map(w => [w.code, w.examples]),
    [['symbols-missing', ['0x1234 in /lib/libc.so.6']]],
  );
});

test('firefox: symbols that samply left beside the profile, inlined calls included', async () => {
  const file = JSON.parse(new TextDecoder().decode(fixture('firefox', 'v66.firefox.json'))) as {
    meta: { symbolicated: boolean };
  };
  file.meta.symbolicated = false;
  const strings = ['clone3', 'start_thread', 'spawn', 'a.rs', 'outer'];
  const data = [
    {
      debug_name: 'libc.so.6',
      debug_id: 'b-0',
      code_id: '',
      symbol_table: [
        { rva: 290, size: 20, symbol: 0 },
        {
          rva: 4600,
          size: 100,
          symbol: 4,
          frames: [
            { function: 2, file: 3, line: 12 },
            { function: 4, file: 3, line: 40 },
          ],
        },
      ],
      known_addresses: [[4660, 1]],
    },
  ];
  const profile = await read(JSON.stringify(file), JSON.stringify({ string_table: strings, data }));
  assert.deepEqual(profile.warnings, []);
  assert.deepEqual(stackTexts(profile, 0)[1], 'main;handle_step;clone3 1');
  assert.deepEqual(stackTexts(profile, 0)[6], 'outer;spawn 1');
});

test('firefox: symbols beside the profile name their library by an id without dashes or age, or with both', async () => {
  const file = JSON.parse(new TextDecoder().decode(fixture('firefox', 'v66.firefox.json'))) as {
    meta: { symbolicated: boolean };
    libs: { debugName: string; breakpadId: string }[];
  };
  file.meta.symbolicated = false;
  const libc = file.libs.find(lib => lib.debugName === 'libc.so.6')!;
  const symbols = (id: string): string =>
    JSON.stringify({
      string_table: ['renderer'],
      data: [
        { debug_name: 'libc.so.6', debug_id: id, code_id: '', symbol_table: [{ rva: 4600, size: 100, symbol: 0 }] },
      ],
    });
  const uuid = '119a1747-d750-7212-edbc-c910789bef76';
  for (const [age, id] of [
    ['0', uuid],
    ['0', `${uuid}-0`],
    ['1A', `${uuid}-1a`],
  ] as const) {
    libc.breakpadId = `119A1747D7507212EDBCC910789BEF76${age}`;
    const profile = await read(JSON.stringify(file), symbols(id));
    assert.equal(stackTexts(profile, 0)[6], 'renderer 1', `age ${age} by ${id}`);
  }
  const other = await read(JSON.stringify(file), symbols(uuid));
  assert.equal(stackTexts(other, 0)[6], '0x1234 1', 'another age is another library');
});

const CAPTURE = new URL('../../../shared/captures/samply-rust-worker-macos.json.gz', import.meta.url);

test('firefox: a real recording by samply ranks as its three weights say', async t => {
  if (!existsSync(CAPTURE)) return t.skip('the recording is not in ../shared');
  const profile = await read(gunzipSync(readFileSync(CAPTURE)));
  const { samples, stacks, frames, strings, threads } = profile;
  const share = (name: string, value: number): number => {
    let own = 0;
    let all = 0;
    for (let s = 0; s < samples.length; s++) {
      if (threads[samples.thread[s]!]!.threadName !== 'tokio-runtime-worker') continue;
      const weight = samples.values[value]![s]!;
      all += weight;
      const stack = samples.stack[s]!;
      if (stack >= 0 && strings[frames.name[stacks.frame[stack]!]!] === name) own += weight;
    }
    return Math.round((own / all) * 1000) / 10;
  };
  assert.equal(profile.defaultValue, 2);
  assert.deepEqual([share('kevent', 2), share('__psynch_cvwait', 2)], [51.7, 38.8]);
  assert.deepEqual([share('kevent', 0), share('__psynch_cvwait', 0)], [34.1, 60.6]);
  assert.deepEqual([share('kevent', 1), share('__psynch_cvwait', 1)], [8, 91.8]);
});
