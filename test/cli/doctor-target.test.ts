import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { InspectedBinary } from '../../collectors/inspect-binary.ts';
import { adviceOn, framePointerVerdict } from '../../src/cli/doctor/binary-advice.ts';
import { inspectCommand, type TargetReport } from '../../src/cli/doctor/inspect-command.ts';
import { inFolder, runInProcess } from './run-tprof.ts';

/** A C program for x86-64 with frame pointers, symbols and debug information. */
const KNOWN = fileURLToPath(new URL('../fixtures/perf-data/known', import.meta.url));

/** Without the rest of doctor, which asks every tool of the machine for its version. */
function reportOn(words: readonly string[], cwd: string): Promise<TargetReport> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return inspectCommand(words, {
    stdin: Readable.from([]),
    stdout: nowhere,
    stderr: nowhere,
    env: process.env,
    cwd,
    exitCode: 0,
  });
}

test('doctor -- BINARY: what the file has, and what would make its profiles better', async () => {
  await inFolder(async cwd => {
    copyFileSync(KNOWN, join(cwd, 'known'));
    chmodSync(join(cwd, 'known'), 0o755);
    const { binary, ...report } = await reportOn(['./known', '--fast'], cwd);
    assert.ok(binary !== undefined);
    assert.equal(report.runtime, 'native');
    assert.deepEqual(
      [binary.machine, binary.bits, binary.isStatic, binary.language, binary.stripped, binary.debug.where],
      ['x86-64', 64, false, 'c', false, 'inside'],
    );
    assert.equal(binary.buildId, '080cba7147581c9fa548cead228cdcd6c1371738');
    assert.ok(binary.debug.lines.withLine > 0, JSON.stringify(binary.debug.lines));
    assert.equal(report.framePointers?.verdict, 'yes', report.framePointers?.how);
    assert.match(report.record ?? '', /^tprof record (?:--profiler \S+ )?-- \.\/known --fast$/);
    const run = await runInProcess(['doctor', '--format', 'markdown', '--', './known'], cwd);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /\| frame pointers \| (?:very )?likely yes/);
  });
});

test('doctor -- COMMAND: runtimes by their name, scripts by their first line, and what cannot be run', async () => {
  await inFolder(async cwd => {
    const node = await reportOn([process.execPath, 'server.js'], cwd);
    assert.equal(node.runtime, 'node');
    assert.equal(node.runtimeVersion, process.versions.node);
    assert.deepEqual(node.profilers, ['node-cpu']);

    writeFileSync(join(cwd, 'job'), '#!/usr/bin/env python3\nprint(1)\n', { mode: 0o755 });
    assert.equal((await reportOn(['./job'], cwd)).runtime, 'python');

    const missing = await reportOn(['./not-there'], cwd);
    assert.equal(missing.found, false);
    assert.match(missing.problem?.reason ?? '', /no such file/);

    writeFileSync(join(cwd, 'plain'), 'text', { mode: 0o644 });
    const plain = await reportOn(['./plain'], cwd);
    assert.equal(plain.found, true);
    assert.match(plain.problem?.reason ?? '', /may not be executed/);

    writeFileSync(join(cwd, 'odd'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 9]), { mode: 0o755 });
    const odd = await reportOn(['./odd'], cwd);
    assert.equal(odd.binary, undefined, 'a file that is cut in its header is no ELF program');
  });
});

const BINARY: InspectedBinary = {
  path: '/opt/service',
  realPath: '/opt/service',
  machine: 'x86-64',
  bits: 64,
  isStatic: false,
  buildId: 'ab',
  language: 'rust',
  compilers: [],
  functions: 5000,
  hasSymbols: true,
  stripped: false,
  debug: { where: 'inside', file: undefined, link: '', lookedAt: [], lines: { looked: 60, withLine: 60 } },
  unwindTables: true,
  framePointers: { all: { framed: 1000, withPointer: 990 }, own: { framed: 200, withPointer: 199 } },
  hasConsoleSubscriber: false,
};

test('doctor: a Rust program is judged by its own functions, since its standard library was built elsewhere', () => {
  const without = {
    ...BINARY,
    framePointers: { all: { framed: 1000, withPointer: 900 }, own: { framed: 100, withPointer: 1 } },
  };
  assert.equal(framePointerVerdict(BINARY).verdict, 'yes');
  assert.equal(framePointerVerdict(without).verdict, 'no');
  const nameless = framePointerVerdict({
    ...BINARY,
    framePointers: { all: { framed: 1000, withPointer: 900 }, own: undefined },
  });
  assert.deepEqual([nameless.verdict, nameless.isSure], ['mostly', false]);
  assert.deepEqual(
    [
      framePointerVerdict({ ...BINARY, framePointers: undefined }).verdict,
      framePointerVerdict({ ...BINARY, language: 'go' }).verdict,
    ],
    ['unknown', 'yes'],
  );
});

test('doctor: each lack has the command that mends it, and what lacks nothing gets no advice', () => {
  const advice = (of: Partial<InspectedBinary>, owner?: string): string[] => {
    const binary = { ...BINARY, ...of };
    return adviceOn(binary, framePointerVerdict(binary), owner, './service').map(
      ({ about, command }) => `${about}: ${command}`,
    );
  };
  const noPointers = { framePointers: { all: { framed: 100, withPointer: 2 }, own: { framed: 100, withPointer: 2 } } };
  const noLines = { debug: { ...BINARY.debug, where: 'none' as const, lines: { looked: 60, withLine: 0 } } };
  assert.deepEqual(advice({}), []);
  assert.deepEqual(advice(noPointers), [
    'frame-pointers: RUSTFLAGS="-C force-frame-pointers=yes" cargo build --release',
    'frame-pointers: tprof record --profiler perf --call-graph dwarf -- ./service',
  ]);
  assert.match(advice(noLines)[0] ?? '', /^debug-information: CARGO_PROFILE_RELEASE_DEBUG=1 cargo build --release/);
  assert.match(
    advice({ ...noLines, hasSymbols: false, stripped: true })[0] ?? '',
    /^symbols: CARGO_PROFILE_RELEASE_STRIP=none/,
  );
  assert.match(
    advice({ ...noLines, hasSymbols: false, language: 'c' }, 'bash')[0] ?? '',
    /^symbols: apt-get install bash-dbgsym/,
  );
  assert.deepEqual(advice({ ...noPointers, realPath: '/opt/bin/rustup' }), [
    'program: tprof doctor -- ./target/release/NAME',
  ]);
  assert.deepEqual(advice({ hasConsoleSubscriber: true }), [
    'async-tasks: tprof record --tokio-console :6669 -- ./service',
  ]);
});
