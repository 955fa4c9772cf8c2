import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { run } from '../../src/cli/main.ts';
import { FORMATS } from '../../src/formats/list.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const NODE = fixture('cpuprofile/node24.cpuprofile');

async function tprof(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  const written: Record<'out' | 'err', string> = { out: '', err: '' };
  const sink = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk, _, done) {
        written[name] += String(chunk);
        done();
      },
    });
  const context = {
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    stdout: sink('out'),
    stderr: sink('err'),
    env: {},
    cwd: tmpdir(),
    exitCode: 0,
  };
  await run(['node', 'tprof', ...args], context);
  return { code: context.exitCode, ...written };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-convert-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('convert: every readable format into every writable one, and back', async () => {
  await inFolder(async folder => {
    const inputs = [
      ...['perf-script/mixed.txt', 'collapsed/annotated.folded', 'cpuprofile/node24.cpuprofile', 'pprof/go-heap.pb.gz'],
      ...['speedscope/evented.speedscope.json', 'firefox/v58.firefox.json', 'heapprofile/node24.heapprofile'],
      ...['trace-event/durations.trace.json', 'v8-log/node24.v8log.json', 'dhat/dhat-rs.dhat.json'],
      ...['heaptrack/small.heaptrack', 'tracing-flame/three.tracing-folded'],
    ];
    const writable = FORMATS.filter(format => format.kind === 'profile' && format.write !== undefined);
    assert.equal(writable.length, 6);
    for (const input of inputs) {
      for (const { id, extensions } of writable) {
        const first = join(folder, `first${extensions[0]}`);
        const made = await tprof(['convert', '-q', fixture(input), first]);
        assert.equal(made.code, 0, `${input} to ${id}: ${made.err}`);
        // What was written is recognised as what it is.
        const listed = await tprof(['convert', '--json', first, join(folder, 'again.folded')]);
        assert.equal(listed.code, 0, `${input} as ${id}: ${listed.err}`);
        const result = JSON.parse(listed.out) as { samples: number };
        assert.ok(result.samples > 0, `${input} as ${id} has no samples`);
      }
    }
  });
});

test('convert: packs by name, reads standard input, writes standard output', async () => {
  await inFolder(async folder => {
    const plain = await tprof(['convert', '-q', NODE, '-', '--to', 'speedscope']);
    for (const [extension, unpack] of [
      ['gz', gunzipSync],
      ['zst', zstdDecompressSync],
    ] as const) {
      const out = join(folder, `x.speedscope.json.${extension}`);
      assert.equal((await tprof(['convert', '-q', NODE, out])).code, 0);
      assert.equal(unpack(readFileSync(out)).toString(), plain.out);
    }
    const piped = await tprof(['convert', '-', '--to', 'collapsed'], readFileSync(NODE, 'utf8'));
    assert.equal(piped.code, 0);
    assert.match(piped.out, /^\(anonymous\);.* \d+$/m);
    assert.match(piped.err, /written is cpu, not wall, samples \(--event NAME chooses\)/);
  });
});

test('convert: mistakes are one sentence, an exit code, and no file', async () => {
  await inFolder(async folder => {
    const out = join(folder, 'out.folded');
    const missing = await tprof(['convert', join(folder, 'none'), out]);
    assert.deepEqual([missing.code, /^tprof: .*none/.test(missing.err)], [3, true]);
    const unknown = await tprof(['convert', fileURLToPath(new URL('../../LICENSE', import.meta.url)), out]);
    assert.equal(unknown.code, 3);
    assert.match(unknown.err, /text that begins with/);
    assert.match(unknown.err, /tprof reads: perf-data, perf-script, collapsed/);
    const noFormat = await tprof(['convert', NODE, join(folder, 'out.xyz')]);
    assert.deepEqual([noFormat.code, /--to/.test(noFormat.err)], [2, true]);
    const readOnly = await tprof(['convert', NODE, out, '--to', 'dhat']);
    assert.deepEqual([readOnly.code, /reads dhat and does not write it/.test(readOnly.err)], [2, true]);
    const noEvent = await tprof(['convert', NODE, out, '--event', 'cycles']);
    assert.deepEqual([noEvent.code, /cpu, wall, samples/.test(noEvent.err)], [2, true]);
    const trace = await tprof(['convert', '-', out, '--from', 'otlp'], '{"resourceSpans":[]}');
    assert.deepEqual([trace.code, /found a trace/.test(trace.err)], [3, true]);
    assert.equal(existsSync(out), false);
  });
});

test('convert: --event chooses the weight, and inferno’s options are passed on', async () => {
  const mixed = fixture('perf-script/mixed.txt');
  const other = await tprof(['convert', '-q', mixed, '-', '--to', 'collapsed', '--event', 'instructions']);
  assert.equal(other.out, 'tasker_worker;counted_elsewhere 100\n');
  const all = await tprof(['convert', '-q', mixed, '-', '--to', 'collapsed', '--all']);
  assert.equal(all.out, readFileSync(new URL('../golden/perf-script/mixed-all.folded', import.meta.url), 'utf8'));
});

test('formats: lists every format, as JSON whole', async () => {
  const { out, code } = await tprof(['formats', '--json']);
  assert.equal(code, 0);
  const result = JSON.parse(out) as { schema: string; formats: { id: string; read: boolean; write: boolean }[] };
  assert.equal(result.schema, 'tprof.formats/1');
  assert.deepEqual(
    result.formats.map(({ id }) => id),
    FORMATS.map(({ id }) => id),
  );
  assert.deepEqual(
    result.formats.filter(({ write }) => write).map(({ id }) => id),
    ['collapsed', 'cpuprofile', 'speedscope', 'firefox', 'heapprofile', 'pprof'],
  );
});
