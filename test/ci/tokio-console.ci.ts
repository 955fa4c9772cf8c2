/**
 * Builds a tokio program with console-subscriber, records it with `record --tokio-console` (started late by a shell, and
 * attached to while it runs), and holds the tasks' figures against what the program measured of itself, and the lints
 * against the tasks that were written to deserve them. Run: node test/ci/tokio-console.ci.ts
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AsyncTask, AsyncTasksResult } from '../../analyzers/async-tasks.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';

const CRATE = fileURLToPath(new URL('tokio-console/', import.meta.url));
const TPROF = fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));

/** Which task deserves which lint; every other task deserves none. */
const LINTS: Readonly<Record<string, readonly string[]>> = {
  'lost-waker': ['lost-waker'],
  'never-yields': ['never-yielded'],
  'self-waker': ['self-wakes'],
  'large-future': ['large-future'],
  'boxed-future': ['auto-boxed-future'],
};

/** What the program measures, and the same from tprof's figures: a sleep ends when its task is polled again. */
const FIGURES: readonly (readonly [task: string, state: string, of: (task: AsyncTask) => number])[] = [
  ['spinner', 'busy', task => task.busyNs],
  ['spinner', 'idle', task => task.idleNs + task.scheduledNs],
  ['sleeper', 'idle', task => task.totalNs],
  ['never-yields', 'busy', task => task.busyNs],
  ['digest', 'busy', task => task.busyNs],
  ['queued-first', 'busy', task => task.busyNs],
  ['queued-second', 'busy', task => task.busyNs],
  ['queued-second', 'scheduled', task => task.scheduledNs],
];

/** What the libraries in Cargo.lock ask for. */
const OLDEST_CARGO = 85;

let failures = 0;
function check(what: string, holds: boolean): void {
  if (!holds) failures++;
  process.stdout.write(`${holds ? 'ok' : 'FAILED'}  ${what}\n`);
}

const cargo = spawnSync('cargo', ['--version'], { encoding: 'utf8' });
const minor = Number(/^cargo 1\.(\d+)/.exec(cargo.stdout ?? '')?.[1] ?? 0);
if (minor < OLDEST_CARGO) {
  const found = cargo.status === 0 ? cargo.stdout.trim() : 'no cargo';
  process.stdout.write(
    `skipped: ${found} here; console-subscriber needs 1.${OLDEST_CARGO}, which this system does not install\n`,
  );
  process.exit(0);
}
const program = build();
if (program === undefined) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), 'tprof-tokio-console-'));
try {
  await launched(program, folder);
  await attached(program, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);

function build(): string | undefined {
  const target = process.env.CARGO_TARGET_DIR ?? join(CRATE, 'target');
  const began = Date.now();
  const run = spawnSync('cargo', ['build', '--locked', '--quiet'], {
    cwd: CRATE,
    encoding: 'utf8',
    env: { ...process.env, CARGO_TARGET_DIR: target, RUSTFLAGS: '--cfg tokio_unstable' },
  });
  const path = join(target, 'debug', 'watched');
  const ok = run.status === 0 && existsSync(path);
  check(`${cargo.stdout.trim()} builds the program (${Math.round((Date.now() - began) / 1000)} s)`, ok);
  if (!ok) process.stdout.write(`${run.stderr}\n`);
  return ok ? path : undefined;
}

/** Started late: the receiver is there a second before the program listens. */
async function launched(program: string, folder: string): Promise<void> {
  const capture = join(folder, 'launched');
  const port = await freePort();
  const record = ['record', '-o', capture, '--profiler', 'none', '--tokio-console', `:${port}`];
  const run = spawnSync(process.execPath, [TPROF, ...record, '--', 'sh', '-c', `sleep 1; exec ${program}`], {
    encoding: 'utf8',
  });
  process.stdout.write(run.stderr);
  check(`launched: exit ${run.status}`, run.status === 0);
  const { manifest, result } = read(capture);
  const [program0] = manifest.asyncTasks ?? [];
  check(`launched: ${program0?.updates} updates over ${program0?.connections} connection`, program0?.connections === 1);
  check('launched: nothing is lost', manifest.losses.length === 0);
  const known = manifest.processes.some(({ pid }) => pid === program0?.pid);
  check(`launched: the process behind the console is one of the capture's`, known);

  for (const [name, state, of] of FIGURES) {
    const own = Number(new RegExp(`^${name} ${state} ([\\d.]+)$`, 'm').exec(run.stdout)?.[1]);
    const seen = of(taskOf(result, name)) / 1e6;
    const ok = Math.abs(seen - own) <= own * 0.05 + 40;
    check(`${name} ${state}: ${seen.toFixed(1)} ms, the program itself says ${own.toFixed(1)} ms`, ok);
  }
  const lost = taskOf(result, 'lost-waker');
  check(`lost-waker: idle for ${ms(lost.idleNs)}, hardly scheduled`, lost.idleNs > 3e9 && lost.scheduledNs < 0.5e9);
  const polls = taskOf(result, 'spinner').pollTimes;
  const median = polls?.p50Ns ?? 0;
  check(`spinner: ${polls?.count} single polls, the median ${ms(median)}`, polls?.count === 12 && median >= 40e6);
  const longest = taskOf(result, 'never-yields').pollTimes?.maxNs ?? 0;
  check(`never-yields: the longest poll ${ms(longest)}`, longest >= 1.8e9);
  for (const task of result.tasks) {
    const expected = LINTS[task.name] ?? [];
    const ok = task.lints.join() === expected.join();
    check(`${task.name === '' ? `task ${task.id}` : task.name}: ${task.lints.join(', ') || 'no lint'}`, ok);
  }
  const lock = result.waits.find(wait => wait.source === 'Mutex::lock');
  check(`Mutex::lock: ${lock?.count} times, the longest ${ms(lock?.longestNs ?? 0)}`, (lock?.longestNs ?? 0) >= 180e6);
  check('the task flame graph is there', readFileSync(join(capture, 'async-tasks.svg'), 'utf8').includes('spinner'));
  const report = readFileSync(join(capture, 'report.md'), 'utf8');
  check('the report names the lost waker', /Task 'lost-waker' has lost its waker/.test(report));
}

/** Beside a program that runs: `--pid` and the console, for a while. */
async function attached(program: string, folder: string): Promise<void> {
  const capture = join(folder, 'attached');
  const port = await freePort();
  const target: ChildProcess = spawn(program, ['stay'], {
    env: { ...process.env, TOKIO_CONSOLE_BIND: `127.0.0.1:${port}` },
    stdio: 'ignore',
  });
  try {
    const words = ['--pid', String(target.pid), '--tokio-console', `127.0.0.1:${port}`, '--duration', '5s'];
    const run = spawnSync(process.execPath, [TPROF, 'record', '-o', capture, '--profiler', 'none', ...words], {
      encoding: 'utf8',
    });
    process.stdout.write(run.stderr);
    check(`attached: exit ${run.status}`, run.status === 0);
    const { manifest, result } = read(capture);
    check(`attached: the program is pid ${target.pid}`, manifest.asyncTasks?.[0]?.pid === target.pid);
    const lost = taskOf(result, 'lost-waker');
    check(
      `attached: lost-waker is ${lost.state}: ${lost.lints.join()}`,
      lost.state === 'idle' && lost.lints.join() === 'lost-waker',
    );
    const spinner = taskOf(result, 'spinner');
    check(`attached: spinner was busy for ${ms(spinner.busyNs)}`, spinner.busyNs >= 399e6);
  } finally {
    target.kill();
    await once(target, 'exit');
  }
}

function read(capture: string): { manifest: CaptureManifest; result: AsyncTasksResult } {
  const json = (file: string): unknown => JSON.parse(readFileSync(join(capture, file), 'utf8'));
  return { manifest: json('capture.json') as CaptureManifest, result: json('async-tasks.json') as AsyncTasksResult };
}

function taskOf(result: AsyncTasksResult, name: string): AsyncTask {
  const task = result.tasks.find(t => t.name === name);
  if (task === undefined) throw new Error(`no task ${name}: ${result.tasks.map(t => t.name).join(', ')}`);
  return task;
}

function ms(ns: number): string {
  return `${(ns / 1e6).toFixed(1)} ms`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
