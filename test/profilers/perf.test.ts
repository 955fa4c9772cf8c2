import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { localObjectFiles } from '../../collectors/object-files.ts';
import { perf, recordOptions } from '../../collectors/profilers/perf.ts';
import { perfAccess, perfEvents } from '../../collectors/profilers/perf-access.ts';
import type { ProfilerRequest, ProfilerRun } from '../../collectors/profilers/profiler.ts';
import { TprofError } from '../../src/base/errors.ts';
import { perfData } from '../../src/formats/perf-data.ts';

const status = await perf.check();
const skip = status.usable ? false : `perf cannot record here: ${status.reason}`;

function request(rawDirectory: string, more: Partial<ProfilerRequest>): ProfilerRequest {
  return {
    command: [],
    pids: [],
    rawDirectory,
    environment: {},
    frequencyHz: undefined,
    callGraph: undefined,
    event: undefined,
    ...more,
  };
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-perf-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('perf: without it, or without the right to it, check says what mends it', () => {
  if (status.usable) assert.match(status.version, /^\d+\.\d+/);
  else assert.match(status.hint, /^(sudo|run on)/);
});

test('perf: frame pointers and the monotonic clock by default; cpu-clock where there is no PMU', () => {
  const { options } = recordOptions({ event: undefined, frequencyHz: undefined, callGraph: undefined });
  assert.equal(options[options.indexOf('--call-graph') + 1], 'fp');
  assert.equal(options[options.indexOf('-k') + 1], 'CLOCK_MONOTONIC');
  assert.equal(options[options.indexOf('-e') + 1]?.replace(/:u$/, ''), perfEvents().hardware ? 'cycles' : 'cpu-clock');
  const dwarf = recordOptions({ event: 'task-clock', frequencyHz: 99, callGraph: 'dwarf' }).options;
  assert.match(dwarf.join(' '), /-F 99 -e task-clock(:u)? --call-graph dwarf,\d+$/);
});

test('perf: off-cpu is the switch tracepoint where it may be read, else switch records with a word about it', () => {
  const { options, losses } = recordOptions({ event: 'off-cpu', frequencyHz: undefined, callGraph: undefined });
  assert.ok(options.includes('--switch-events'));
  assert.equal(options.includes('sched:sched_switch'), perfEvents().schedSwitch);
  assert.equal(losses.length, perfEvents().schedSwitch ? 0 : 1);
  assert.ok(
    options.some(option => option.startsWith(`${perfEvents().default}/freq=997/`)),
    'CPU time is recorded beside it',
  );
});

/** Runs what a profiler has prepared to its end, as `record` does. */
async function ran(run: ProfilerRun): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const [file = '', ...args] = run.command;
  const child = spawn(file, args, { env: { ...process.env, ...run.environment }, stdio: 'ignore' });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  await run.started?.(child.pid!);
  const exit = await ended;
  await run.stop?.();
  return exit;
}

const PROGRAM = `
function hotLoop(n) { let x = 0; for (let i = 0; i < n; i++) x = (x * 31 + i) | 0; return x; }
let total = 0;
const end = Date.now() + 400;
while (Date.now() < end) total += hotLoop(1e5);
process.exitCode = 7;
`;

test('perf: a Node program: its exit, its functions by name, its scratch files collected', { skip }, async () => {
  await inFolder(async folder => {
    writeFileSync(join(folder, 'program.js'), PROGRAM);
    const raw = join(folder, 'raw');
    execFileSync('mkdir', [raw]);
    const run = await perf.prepare(
      request(raw, { command: [process.execPath, join(folder, 'program.js')], frequencyHz: 499 }),
    );
    assert.deepEqual(readdirSync(raw), [], 'the probe leaves nothing');
    assert.equal((await ran(run)).code, 7);
    const { artefacts, losses } = await run.collect();
    assert.deepEqual(losses, []);
    assert.deepEqual(artefacts[0], { file: 'perf.data', format: 'perf-data', pid: 0, tid: 0 });
    assert.ok(artefacts.some(a => /^perf-\d+\.map$/.test(a.file)));
    assert.ok(
      artefacts.some(a => /^isolate.*v8\.log$/.test(a.file)),
      'V8 log is moved out of the working folder',
    );
    for (const { file: name } of artefacts) {
      assert.ok(existsSync(join(raw, name)));
      if (name.startsWith('isolate')) assert.ok(!existsSync(name));
      if (name.endsWith('.map')) rmSync(join(tmpdir(), name), { force: true });
    }
    const objectFiles = localObjectFiles({ besides: raw });
    const profile = await perfData.read!(await fileSource(join(raw, 'perf.data')), { objectFiles });
    assert.ok(profile.strings.includes('hotLoop'), 'a JavaScript function has its name');
    assert.ok(profile.samples.length > 50);
  });
});

test('perf: attaches to a process that runs, and leaves it running', { skip }, async () => {
  await inFolder(async folder => {
    const child = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    try {
      const run = await perf.prepare(request(folder, { pids: [child.pid!] }));
      await run.started?.(child.pid!);
      await new Promise(resolve => setTimeout(resolve, 500));
      await run.stop?.();
      assert.equal(child.exitCode, null);
      const { artefacts, losses } = await run.collect();
      assert.deepEqual(losses, []);
      assert.equal(artefacts[0]?.file, 'perf.data');
      const profile = await perfData.read!(await fileSource(join(folder, 'perf.data')), {});
      assert.ok(profile.samples.length > 50);
      assert.ok(profile.threads.every(t => t.pid === child.pid));
    } finally {
      child.kill('SIGKILL');
      await new Promise(resolve => child.once('close', resolve));
    }
  });
});

test('perf: an event that this machine does not have is refused before the target is started', { skip }, async () => {
  await inFolder(async folder => {
    await assert.rejects(
      perf.prepare(request(folder, { command: ['true'], event: 'no-such-event' })),
      (error: unknown) => error instanceof TprofError && error.code === 'run-cannot-begin' && error.hint !== undefined,
    );
    assert.deepEqual(readdirSync(folder), []);
  });
});

test('perf: the access rules of the kernel are read, not guessed', {
  skip: process.platform !== 'linux' && 'only Linux has them',
}, () => {
  const access = perfAccess();
  assert.equal(access.allowed ? access.reason : access.reason.length > 0, access.allowed ? '' : true);
});

test('perf: the target is its own: killed it is killed, and a Ctrl-C is its alone to answer', { skip }, async () => {
  await inFolder(async folder => {
    const killed = await perf.prepare(request(folder, { command: ['sh', '-c', 'kill -KILL $$'] }));
    assert.deepEqual(await ran(killed), { code: null, signal: 'SIGKILL' });
  });
  await inFolder(async folder => {
    // It takes its time over an end in good order; a SIGTERM in between would cut that short.
    const script = "trap 'sleep 0.5; exit 9' INT; echo ready; while :; do sleep 0.05; done";
    const run = await perf.prepare(request(folder, { command: ['sh', '-c', script] }));
    const [file = '', ...args] = run.command;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    const ended = new Promise(resolve => child.once('close', resolve));
    const isReady = new Promise(resolve => child.stdout.once('data', resolve));
    await run.started?.(child.pid!);
    await isReady;
    process.kill(-child.pid!, 'SIGINT');
    assert.equal(await ended, 9);
    await run.stop?.();
    assert.deepEqual((await run.collect()).losses, []);
  });
});

test('perf: a target that a signal ends before it was let go is no failure of perf', { skip }, async () => {
  await inFolder(async folder => {
    const run = await perf.prepare(request(folder, { command: ['sleep', '60'] }));
    const [file = '', ...args] = run.command;
    const child = spawn(file, args, { stdio: 'ignore' });
    const ended = new Promise(resolve => child.once('close', (_code, signal) => resolve(signal)));
    child.kill('SIGINT');
    child.kill('SIGKILL');
    await run.started?.(child.pid!);
    assert.match(String(await ended), /^SIG(INT|KILL)$/);
    await run.stop?.();
    assert.match(JSON.stringify((await run.collect()).losses), /perf/);
  });
});

test('perf: off-CPU time of a program that sleeps', { skip }, async () => {
  await inFolder(async folder => {
    const run = await perf.prepare(request(folder, { command: ['sleep', '0.3'], event: 'off-cpu' }));
    assert.equal((await ran(run)).code, 0);
    const profile = await perfData.read!(await fileSource(join(folder, 'perf.data')), {});
    const offCpu = profile.valueTypes.findIndex(t => t.name === 'off-cpu');
    const waited = profile.samples.values[offCpu]!.reduce((sum, ns) => sum + ns, 0);
    assert.ok(waited > 0.29e9, `waited ${waited} ns`);
    assert.ok(profile.valueTypes.every(t => !t.name.includes('/')));
  });
});
