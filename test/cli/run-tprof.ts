import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CliContext } from '../../src/cli/context.ts';
import { run } from '../../src/cli/main.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));

export interface TprofRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the real command line in a process group of its own, so that a test can signal all of it, or tprof alone. */
export function startTprof(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): { readonly child: ChildProcess; readonly pid: number; readonly ended: Promise<TprofRun>; output(): string } {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as TprofRun);
  return { child, pid: child.pid as number, ended, output: () => stdout };
}

export async function runTprof(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<TprofRun> {
  return startTprof(args, options).ended;
}

/** The same command line in this process: quick, for what ends before anything is started. */
export async function runInProcess(args: readonly string[], cwd: string): Promise<TprofRun> {
  const text = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        text[name] += chunk;
        done();
      },
    });
  const context: CliContext = {
    stdin: Readable.from([]),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: process.env,
    cwd,
    exitCode: 0,
  };
  await run(['node', 'tprof', ...args], context);
  return { code: context.exitCode, signal: null, ...text };
}

/** Waits until `holds`; says what it waited for when it gives up. */
export async function eventually(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 25));
  }
}

export async function inFolder(work: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'tprof test '));
  try {
    await work(cwd);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** The only capture below `.tprof` of `cwd`. */
export function theCapture(cwd: string): { readonly directory: string; readonly manifest: CaptureManifest } {
  const found = globSync('.tprof/*/capture.json', { cwd });
  if (found.length !== 1) throw new Error(`expected one capture, found ${found.length}`);
  const file = join(cwd, found[0] as string);
  return { directory: file.slice(0, -'/capture.json'.length), manifest: JSON.parse(readFileSync(file, 'utf8')) };
}

/** Pids of live processes whose environment holds `mark`. */
export function processesMarked(mark: string): number[] {
  return globSync('/proc/[0-9]*/environ').flatMap(file => {
    try {
      const pid = Number(file.split('/')[2]);
      if (/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) return [];
      return readFileSync(file, 'latin1').includes(mark) ? [pid] : [];
    } catch {
      return [];
    }
  });
}
