/**
 * Builds C, C++ and Rust programs with and without frame pointers, line tables and symbols, and holds what
 * `doctor -- ./program` says of each against how it was built. Run: node test/ci/doctor-binary.ci.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TargetReport } from '../../src/cli/doctor/inspect-command.ts';

const PROGRAMS = fileURLToPath(new URL('../fixtures/perf-data/programs/', import.meta.url));
const TPROF = fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));

interface Build {
  readonly name: string;
  readonly command: readonly string[];
  /** Run on the built program. */
  readonly after?: readonly (readonly string[])[];
  readonly pointers: readonly string[];
  readonly debug: 'inside' | 'separate' | 'none';
  readonly stripped: boolean;
  /** Most of its own functions have lines. */
  readonly lines: boolean;
  readonly language: string;
}

const gcc = (...flags: string[]): readonly string[] => ['gcc', '-O2', ...flags, '-o', 'OUT', 'known.c'];
const gxx = (...flags: string[]): readonly string[] => ['g++', '-std=c++17', '-O2', ...flags, '-o', 'OUT', 'known.cpp'];
const rustc = (...flags: string[]): readonly string[] => ['rustc', '-O', ...flags, '-o', 'OUT', 'known.rs'];
const KEEP = '-fno-omit-frame-pointer';
const FORCE = ['-C', 'force-frame-pointers=yes'];

const BUILDS: readonly Build[] = [
  {
    name: 'c',
    command: gcc('-fomit-frame-pointer'),
    pointers: ['no'],
    debug: 'none',
    stripped: false,
    lines: false,
    language: 'c',
  },
  {
    name: 'c-pointers',
    command: gcc(KEEP),
    pointers: ['yes'],
    debug: 'none',
    stripped: false,
    lines: false,
    language: 'c',
  },
  {
    name: 'c-lines',
    command: gcc('-g', KEEP),
    pointers: ['yes'],
    debug: 'inside',
    stripped: false,
    lines: true,
    language: 'c',
  },
  {
    name: 'c-separate',
    command: gcc('-g', KEEP),
    after: [
      ['objcopy', '--only-keep-debug', 'OUT', 'OUT.debug'],
      ['strip', 'OUT'],
      ['objcopy', '--add-gnu-debuglink=OUT.debug', 'OUT'],
    ],
    pointers: ['yes'],
    debug: 'separate',
    stripped: true,
    lines: true,
    language: 'c',
  },
  {
    name: 'c-stripped',
    command: gcc('-s', KEEP),
    pointers: ['yes'],
    debug: 'none',
    stripped: true,
    lines: false,
    language: 'unknown',
  },
  {
    name: 'cpp',
    command: gxx('-fomit-frame-pointer'),
    pointers: ['no'],
    debug: 'none',
    stripped: false,
    lines: false,
    language: 'c++',
  },
  {
    name: 'cpp-pointers',
    command: gxx(KEEP, '-g'),
    pointers: ['yes'],
    debug: 'inside',
    stripped: false,
    lines: true,
    language: 'c++',
  },
  {
    name: 'rust',
    command: rustc(),
    pointers: ['no'],
    debug: 'inside',
    stripped: false,
    lines: false,
    language: 'rust',
  },
  {
    name: 'rust-pointers',
    command: rustc(...FORCE, '-g'),
    pointers: ['yes'],
    debug: 'inside',
    stripped: false,
    lines: true,
    language: 'rust',
  },
];

let failures = 0;
const folder = mkdtempSync(join(tmpdir(), 'tprof-doctor-'));
try {
  for (const build of BUILDS) check(build);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);

function check(build: Build): void {
  const [compiler = ''] = build.command;
  if (spawnSync(compiler, ['--version']).status !== 0) {
    process.stdout.write(`skipped ${build.name}: no ${compiler} here\n`);
    return;
  }
  const out = join(folder, build.name);
  for (const command of [build.command, ...(build.after ?? [])]) {
    const [file = '', ...words] = command.map(word =>
      word.startsWith('known.') ? join(PROGRAMS, word) : word.replace('OUT', out),
    );
    const run = spawnSync(file, words, { cwd: folder, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`${command.join(' ')}\n${run.stderr}`);
  }
  const run = spawnSync(process.execPath, [TPROF, 'doctor', '--json', '--', out], { encoding: 'utf8' });
  const { target } = JSON.parse(run.stdout) as { target: TargetReport };
  const { binary, framePointers } = target;
  if (binary === undefined || framePointers === undefined) throw new Error(`${build.name}: not looked into`);
  const { looked, withLine } = binary.debug.lines;
  const isRight =
    build.pointers.includes(framePointers.verdict) &&
    binary.debug.where === build.debug &&
    binary.stripped === build.stripped &&
    withLine * 2 > looked === build.lines &&
    binary.language === build.language;
  if (!isRight) failures++;
  process.stdout.write(
    `${isRight ? 'ok' : 'FAILED'}  ${build.name}: ${binary.language}, frame pointers ${framePointers.verdict} (${framePointers.how}), ` +
      `debug information ${binary.debug.where}, lines for ${withLine} of ${looked}, ${binary.stripped ? 'stripped' : 'not stripped'}\n`,
  );
}
