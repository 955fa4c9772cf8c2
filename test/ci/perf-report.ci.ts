/**
 * Records programs whose split is known (C, C++, Rust) with frame pointers and with stack copies, and holds what tprof
 * reads against `perf report --stdio --children`: every function over 1 % within half a point, with and without
 * inlined frames. Run: node test/ci/perf-report.ci.ts
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileSource } from '../../collectors/file-source.ts';
import { localObjectFiles } from '../../collectors/object-files.ts';
import { perf } from '../../collectors/profilers/perf.ts';
import { perfData } from '../../src/formats/perf-data.ts';
import { FrameFlag, type Profile } from '../../src/model/profile.ts';

const PROGRAMS = fileURLToPath(new URL('../fixtures/perf-data/programs/', import.meta.url));

interface Language {
  readonly name: string;
  readonly compile: (source: string, output: string) => readonly string[];
  readonly file: string;
  /** Functions and the share of the work that each does. */
  readonly split: readonly (readonly [string, number])[];
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'C',
    file: 'known.c',
    compile: (source, output) => ['gcc', '-O2', '-g', '-fno-omit-frame-pointer', '-o', output, source],
    split: [
      ['burn_sixty', 60],
      ['burn_thirty', 30],
      ['burn_ten', 10],
    ],
  },
  {
    name: 'C++',
    file: 'known.cpp',
    compile: (source, output) => [
      'g++',
      '-std=c++17',
      '-O2',
      '-g',
      '-gdwarf-4',
      '-fno-omit-frame-pointer',
      '-o',
      output,
      source,
    ],
    split: [
      ['known::Sixty::run', 60],
      ['known::burn<3, unsigned long>', 30],
      ['std::_Function_handler<void (unsigned long), main::{lambda(unsigned long)#1}>::_M_invoke', 10],
    ],
  },
  {
    name: 'Rust',
    file: 'known.rs',
    compile: (source, output) => ['rustc', '-O', '-g', '-C', 'force-frame-pointers=yes', '-o', output, source],
    split: [
      ['<known::known::Sixty as known::known::Task>::run', 60],
      ['known::known::thirty', 30],
      ['known::known::ten', 10],
    ],
  },
];

/**
 * Function → shares in percent of samples that have it anywhere on the stack, largest first. An inlined function has
 * one for each function that it is inlined into, as in perf, where each is a symbol of its own.
 */
type Shares = Map<string, number[]>;

/** Marks, versions and clones are left out of names. */
function bare(name: string): string {
  return name
    .replace(/ \(inlined\)$/, '')
    .replace(/@@?[A-Za-z_.0-9]+$/, '')
    .replace(/(\.(part|isra|constprop|cold|llvm)(\.\d+)?)+$/, '')
    .replace(/::h[0-9a-f]{16}$/, '');
}

/**
 * The last part of a name, without template arguments. Where perf expands a stack it takes the name of the function
 * itself from the debug information too, where it is unqualified and of the definition (`__libc_start_main_impl`).
 */
function lastPart(name: string): string {
  let text = name.replace(/::\{closure#\d+\}$/, '::{closure}').replace(/\([^()]*\)( const)?$/, '');
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/(::)?<[^<>]*>/g, '');
  }
  return (text.split('::').at(-1) ?? text).replace(/_impl$/, '');
}

function perfShares(data: string, inline: boolean): Shares {
  const args = ['report', '--stdio', '--children', '-g', 'none', inline ? '--inline' : '--no-inline', '-i', data];
  const text = execFileSync('perf', [...args, '--percent-limit', '0.4'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  });
  const shares: Shares = new Map();
  for (const line of text.split('\n')) {
    const match = /^\s*([\d.]+)%\s+[\d.]+%\s+.*?\[[.kHGgu]\]\s+(.*?)\s*$/.exec(line);
    if (match === null) continue;
    add(shares, inline ? lastPart(bare(match[2]!)) : bare(match[2]!), Number(match[1]));
  }
  return sorted(shares);
}

function add(shares: Shares, name: string, share: number): void {
  const list = shares.get(name);
  if (list === undefined) shares.set(name, [share]);
  else list.push(share);
}

function sorted(shares: Shares): Shares {
  for (const list of shares.values()) list.sort((a, b) => b - a);
  return shares;
}

/** `by`: the name under which a frame is compared, and the function that it is inlined into ('' = it is not). */
function ourShares(profile: Profile, inline: boolean, by: (name: string) => string): Shares {
  const sums = new Map<string, number>();
  let all = 0;
  const weights = profile.samples.values[profile.defaultValue]!;
  const { parent, frame: frameOf } = profile.stacks;
  const nameOf = (frame: number): string => bare(profile.strings[profile.frames.name[frame]!]!);
  for (let s = 0; s < profile.samples.length; s++) {
    const names = new Set<string>();
    for (let k = profile.samples.stack[s]!; k >= 0; k = parent[k]!) {
      const frame = frameOf[k]!;
      const flags = profile.frames.flags[frame]!;
      if (flags & FrameFlag.truncated) continue;
      const inlined = (flags & FrameFlag.inlined) !== 0;
      if (inlined && !inline) continue;
      let base = k;
      while (base >= 0 && profile.frames.flags[frameOf[base]!]! & FrameFlag.inlined) base = parent[base]!;
      names.add(`${by(nameOf(frame))}\0${inlined ? nameOf(frameOf[base]!) : ''}`);
    }
    for (const name of names) sums.set(name, (sums.get(name) ?? 0) + weights[s]!);
    all += weights[s]!;
  }
  const shares: Shares = new Map();
  for (const [key, sum] of sums) add(shares, key.split('\0')[0]!, (100 * sum) / all);
  return sorted(shares);
}

function missingTool(word: string): boolean {
  return spawnSync(word, ['--version'], { stdio: 'ignore' }).error !== undefined;
}

let failures = 0;
const status = await perf.check();
if (!status.usable) {
  console.log(`skipped: ${status.reason} (${status.hint})`);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-perf-report-'));
  try {
    for (const language of LANGUAGES) {
      const program = join(folder, language.file.replace('.', '-'));
      const [compiler = '', ...args] = language.compile(join(PROGRAMS, language.file), program);
      if (missingTool(compiler)) {
        console.log(`${language.name}: skipped, ${compiler} is not installed`);
        continue;
      }
      execFileSync(compiler, args, { stdio: 'inherit' });
      for (const callGraph of ['fp', 'dwarf']) {
        const data = join(folder, `${language.file}.${callGraph}.data`);
        execFileSync(
          'perf',
          [
            'record',
            '-q',
            '-k',
            'CLOCK_MONOTONIC',
            '-e',
            'cpu-clock',
            '-F',
            '997',
            '--call-graph',
            callGraph,
            '-o',
            data,
            program,
          ],
          { stdio: ['ignore', 'ignore', 'inherit'] },
        );
        const objectFiles = localObjectFiles({ home: homedir() });
        const profile = await perfData.read!(await fileSource(data), { objectFiles });
        check(language, callGraph, profile, data);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(failures === 0 ? 'perf report and tprof agree' : `${failures} differences`);
  process.exitCode = failures === 0 ? 0 : 1;
}

function check(language: Language, callGraph: string, profile: Profile, data: string): void {
  const report: string[] = [];
  // perf expands inlined functions of stacks that it unwinds itself, and of no others (6.1).
  for (const inline of callGraph === 'dwarf' ? [false, true] : [false]) {
    const theirs = perfShares(data, inline);
    const ours = ourShares(profile, inline, inline ? lastPart : name => name);
    let compared = 0;
    let widest = 0;
    for (const name of new Set([...theirs.keys(), ...ours.keys()])) {
      const a = theirs.get(name) ?? [];
      const b = ours.get(name) ?? [];
      for (let i = 0; i < Math.max(a.length, b.length); i++) {
        const [x, y] = [a[i] ?? 0, b[i] ?? 0];
        if (Math.max(x, y) <= 1) continue;
        // perf lists one function twice where its symbol and its debug information do not name it alike.
        if (inline && y === 0 && i > 0 && Math.abs(x - a[i - 1]!) < 0.5) continue;
        compared++;
        widest = Math.max(widest, Math.abs(x - y));
        if (Math.abs(x - y) < 0.5) continue;
        failures++;
        report.push(`  ${inline ? 'inlined' : 'plain'}: ${name}: perf ${x.toFixed(2)} %, tprof ${y.toFixed(2)} %`);
      }
    }
    if (theirs.size === 0) {
      failures++;
      report.push('  perf report printed no function');
    }
    const what = `${inline ? 'with' : 'without'} inlined frames`;
    report.unshift(`  ${what}: ${compared} functions over 1 %, widest difference ${widest.toFixed(2)} points`);
  }
  const ours = ourShares(profile, true, name => name);
  for (const [name, share] of language.split) {
    const found = Math.max(0, ...(ours.get(name) ?? []));
    // A thousand samples and more: three standard deviations are under five points.
    if (Math.abs(found - share) < 5) continue;
    failures++;
    report.push(`  ${name}: expected ${share} %, found ${found.toFixed(1)} %`);
  }
  console.log([`${language.name}, ${callGraph}: ${profile.samples.length} samples`, ...report].join('\n'));
}
