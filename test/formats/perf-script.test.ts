import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { memorySource } from '../../src/base/source.ts';
import { collapsed } from '../../src/formats/collapsed.ts';
import { perfScript } from '../../src/formats/perf-script.ts';
import { FrameFlag, type Profile } from '../../src/model/profile.ts';
import { behind, fixture, formatContract, writtenText } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(perfScript, {
  fixtures: ['mixed.txt'],
  header: bytes => behind(bytes, 'cycles:u: '),
  firstRecordEnd: bytes => behind(bytes, 'java 12688/12764 6544038.708352:'),
  // Between two lines, behind a whole one, or within the space before a frame.
  cutUnseen: (bytes, at) => '\n) \t'.includes(String.fromCharCode(bytes[at - 1]!)),
});

const read = (text: string | Uint8Array, options: { event?: string; flags?: Set<string> } = {}): Promise<Profile> =>
  perfScript.read!(memorySource('x', text), options);

const MIXED = fixture('perf-script', 'mixed.txt');

for (const flag of ['', 'all', 'pid', 'tid', 'addrs']) {
  const golden = `../golden/perf-script/mixed${flag === '' ? '' : `-${flag}`}.folded`;
  test(`perf-script: collapsed with ${flag === '' ? 'no option' : `--${flag}`} is what inferno 0.12.8 printed`, async () => {
    const flags = new Set(flag === '' ? [] : [flag]);
    const text = await writtenText(collapsed, await read(MIXED, { flags }), { flags });
    assert.equal(text, readFileSync(new URL(golden, import.meta.url), 'utf8'));
  });
}

function frameNamed(profile: Profile, name: string): Record<string, unknown> {
  const { frames: f, strings } = profile;
  const i = f.name.indexOf(strings.indexOf(name));
  assert.ok(i >= 0, `no frame ${name}`);
  const text = (column: Uint32Array): string => strings[column[i]!]!;
  return {
    decoration: text(f.decoration),
    module: text(f.module),
    file: text(f.file),
    line: f.line[i],
    category: text(f.category),
    flags: f.flags[i],
  };
}

test('perf-script: names are bare, what runtimes add to them is decoration', async () => {
  const profile = await read(MIXED);
  assert.deepEqual(frameNamed(profile, 'work'), {
    decoration: 'LazyCompile:*% /srv/app/work.js:12:5',
    module: '/tmp/perf-25607.map',
    file: '/srv/app/work.js',
    line: 12,
    category: 'JavaScript',
    flags: FrameFlag.jit,
  });
  assert.equal(frameNamed(profile, '(anonymous)').file, '/srv/app/a b.js');
  assert.equal(frameNamed(profile, 'handle').decoration, 'py::%:/srv/app/worker.py');
  assert.equal(frameNamed(profile, 'handle').file, '/srv/app/worker.py');
  assert.equal(frameNamed(profile, 'memset_orig').flags, FrameFlag.kernel);
  assert.equal(frameNamed(profile, 'old_code').module, '/usr/lib/libgone.so (deleted)');
  const inlined = frameNamed(profile, 'core::ptr::drop_in_place<T>');
  assert.deepEqual([inlined.flags, inlined.module], [FrameFlag.inlined, '/srv/bin/tasker']);
});

test('perf-script: every event is a value column, the first or the named one the default', async () => {
  const profile = await read(MIXED);
  assert.deepEqual(
    profile.valueTypes.map(type => type.name),
    ['cycles', 'instructions'],
  );
  assert.equal(profile.defaultValue, 0);
  assert.deepEqual([...profile.samples.values[1]!], [0, 0, 0, 0, 100, 0]);
  assert.equal((await read(MIXED, { event: 'instructions' })).defaultValue, 1);
  assert.deepEqual(profile.threads[0], { pid: 25607, tid: 25610, processName: '', threadName: 'V8 WorkerThread' });
  assert.equal(profile.samples.timeNs![0], 94564_109216000);
});

test('perf-script: a last stack without an empty line behind it counts, a cut line does not', async () => {
  const one = 'a 1 1.5: 7 cycles: \n\t  10 f+0x1 (/bin/a)\n';
  assert.deepEqual(stackTexts(await read(`${one}\n${one.trimEnd()}`)), ['f 7', 'f 7']);
  const cut = await read(`${one}\n${one.slice(0, -4)}`);
  assert.deepEqual(stackTexts(cut), ['f 7']);
  assert.deepEqual(
    cut.warnings.map(w => w.code),
    ['damaged-input', 'lines-skipped'],
  );
});

test('perf-script: clock events are time; tabs, CRLF and UTF-16 are read', async () => {
  const text = 'app\t100\t[000]\t5.000000001: 5025125 cpu-clock: \r\n\t10 main (/bin/a)\r\n\r\n';
  const utf16 = new Uint8Array([0xff, 0xfe, ...Buffer.from(text, 'utf16le')]);
  for (const input of [text, utf16]) {
    const profile = await read(input);
    assert.deepEqual(profile.valueTypes, [{ name: 'cpu-clock', unit: 'nanoseconds' }]);
    assert.deepEqual(stackTexts(profile), ['main 5025125']);
    assert.equal(profile.samples.timeNs![0], 5_000_000_001);
  }
});

test('perf-script: source lines below frames are their place; --context prints it, --inline marks inlined frames', async () => {
  const text = [
    'app 100/100 [000] 5.5: 7 cycles: ',
    '\t10 inner+0x1 (inlined)',
    '  inner.h:12',
    '\t10 main+0x5 (/bin/app)',
    '  /srv/app/main.c:40',
    '\t20 _start+0x5 (/bin/app)',
    '',
    '',
  ].join('\n');
  const profile = await read(text);
  assert.deepEqual(profile.warnings, []);
  assert.equal(await writtenText(collapsed, profile), 'app;_start;main;inner 7\n');
  assert.equal(
    await writtenText(collapsed, profile, { flags: new Set(['context', 'inline']) }),
    'app;_start;main:main.c:40;inner:inner.h:12_[i] 7\n',
  );
  assert.equal(frameNamed(profile, 'inner').module, '/bin/app');
});

const CAPTURE = new URL('../../../shared/captures/tasker/perf-linear-pgmq/perf-script.txt.gz', import.meta.url);

test('perf-script: a recorded Tasker, 1,790 samples with inlined frames', async t => {
  if (!existsSync(CAPTURE)) return t.skip('the recording is not in ../shared');
  const profile = await read(gunzipSync(readFileSync(CAPTURE)));
  assert.equal(profile.samples.length, 1790);
  assert.deepEqual(profile.warnings, []);
  assert.ok(profile.frames.flags.some(flags => (flags & FrameFlag.inlined) !== 0));
});
