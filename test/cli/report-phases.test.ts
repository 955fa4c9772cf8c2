import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HotPathsResult } from '../../analyzers/hot-paths.ts';
import { analyzeLifecycle } from '../../analyzers/lifecycle/breakdown.ts';
import { phaseIntervals } from '../../analyzers/lifecycle/phase-intervals.ts';
import { otlpOfTrace } from '../analyzers/lifecycle/otlp-of-trace.ts';
import { SimulatedTasker } from '../analyzers/lifecycle/simulated-tasker.ts';
import { inFolder, runInProcess } from './run-tprof.ts';

/** Unix time minus the monotonic time of the made-up machine. */
const OFFSET_NS = 1_789_999_000_123_456_789n;
const { trace } = new SimulatedTasker({
  seed: 11,
  tasks: Array.from({ length: 12 }, () => [[], [0], [1]]),
  everyNs: 6e8,
  backend: 'pgmq',
  logs: true,
}).run();
const FILES = otlpOfTrace(trace);
const lifecycle = analyzeLifecycle(trace);
const SQL = new Set(lifecycle.catalog.statements.map(({ id }) => id));

/** One sample of `perf script`, at a time after the trace's epoch. */
function sample(name: string, pid: number, timeNs: number, thread = name, tid = pid): string {
  const monotonicUs = (trace.epochNs - OFFSET_NS + BigInt(Math.round(timeNs))) / 1000n;
  const time = `${monotonicUs / 1_000_000n}.${String(monotonicUs % 1_000_000n).padStart(6, '0')}`;
  return `${thread} ${pid}/${tid} [000] ${time}: 1000000 cpu-clock: \n\t1000 work+0x10 (/app/${name})\n\n`;
}

interface Planned {
  readonly text: string;
  /** Samples by process and phase, as they were put there. */
  readonly truth: Map<string, Map<string, number>>;
}

/** Samples in the middle of everything that each process did, and of its statements in sessions of PostgreSQL. */
function plan(): Planned {
  const truth = new Map<string, Map<string, number>>();
  const lines: string[] = [];
  const put = (role: string, phase: string, line: string): void => {
    lines.push(line);
    const phases = truth.get(role) ?? new Map<string, number>();
    truth.set(role, phases.set(phase, (phases.get(phase) ?? 0) + 1));
  };
  const names = lifecycle.joined.processes.list.map(({ name }) => name);
  const pidOf = (name: string): [string, number] =>
    name.includes('worker') ? ['rust-worker', 102] : ['tasker-server', 101];
  for (const { process, phase, startNs, endNs } of phaseIntervals(lifecycle)) {
    const role = names[process]!;
    const [program, pid] = pidOf(role);
    if (endNs - startNs > 10_000) put(role, phase, sample(program, pid, (startNs + endNs) / 2));
  }
  for (const o of lifecycle.joined.observations) {
    if (o.form !== 'call' || !SQL.has(o.what) || o.phase === '' || o.endNs - o.startNs < 10_000) continue;
    const role = names[o.process]!;
    const session = (role.includes('worker') ? 220 : 210) + (lines.length % 2);
    put(`PostgreSQL for ${role}`, o.phase, sample('postgres', session, (o.startNs + o.endNs) / 2));
  }
  for (let i = 0; i < 40; i++) lines.push(sample('redis-server', 300, i * 1.7e8));
  for (let i = 0; i < 9; i++)
    put('tasker-orchestration', 'telemetry-export', sample('tasker-server', 101, i * 5e8, 'OpenTelemetry.T', 103));
  return { text: lines.join(''), truth };
}

async function report(files: Readonly<Record<string, string>>, words: readonly string[]) {
  let ran: Awaited<ReturnType<typeof runInProcess>> | undefined;
  await inFolder(async cwd => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
    ran = await runInProcess(['report', ...words], cwd);
  });
  return ran!;
}

const CLOCK = `{"CLOCK_MONOTONIC_ns": 1000000000000, "CLOCK_REALTIME_ns": ${1_000_000_000_000n + OFFSET_NS}}`;

test('processes that spans do not name are found by name and time, and each sample is in its phase', async () => {
  const { text, truth } = plan();
  const files = { 'perf.txt': text, 'traces.jsonl': FILES.traces, 'logs.jsonl': FILES.logs, 'clock.json': CLOCK };
  const { code, stdout, stderr } = await report(files, [...Object.keys(files), '--json']);
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout) as HotPathsResult;
  assert.deepEqual(
    result.phaseProcesses.map(({ role, processes }) => [role, processes.map(({ pid, by }) => `${pid} ${by}`).sort()]),
    [
      ['tasker-orchestration', ['101 name and time']],
      ['tasker-worker', ['102 name and time']],
      ['PostgreSQL for tasker-orchestration', ['210 time', '211 time']],
      ['PostgreSQL for tasker-worker', ['220 time', '221 time']],
    ],
  );
  for (const { role, phases, self, sureShare } of result.phaseProcesses) {
    const expected = truth.get(role)!;
    let wrong = 0;
    for (const id of new Set([...expected.keys(), ...phases.map(phase => phase.id)])) {
      const found = (phases.find(phase => phase.id === id)?.self ?? 0) / 1e6;
      wrong += Math.abs(found - (expected.get(id) ?? 0)) / 2;
    }
    const all = self / 1e6;
    assert.equal(
      all,
      [...expected.values()].reduce((sum, n) => sum + n, 0),
      role,
    );
    // What two steps do at once in one process cannot be told apart by time alone, and is said to be so.
    assert.ok(wrong / all <= 1 - sureShare + 0.02, `${role}: ${wrong} of ${all} in another phase, ${sureShare} sure`);
    assert.ok(sureShare > 0.8, `${role}: ${sureShare}`);
  }
  const whole = result.phases.reduce((sum, phase) => sum + phase.share, 0);
  assert.ok(Math.abs(whole - 1) < 1e-9);
});

test('without the pair of clocks it says what is missing, and ranks all the same', async () => {
  const files = { 'perf.txt': plan().text, 'traces.jsonl': FILES.traces };
  const { code, stdout } = await report(files, [...Object.keys(files), '--json']);
  const result = JSON.parse(stdout) as HotPathsResult;
  assert.equal(code, 0);
  assert.deepEqual(result.phases, []);
  assert.ok(result.warnings.some(warning => warning.code === 'clock-missing'));
  assert.ok(result.functions.length > 0);
});

test('on a clock of another day nothing is matched by time, and it says so', async () => {
  const clock = CLOCK.replace(/: 1000000000000,/, ': 99000000000000,');
  const files = {
    'perf.txt': plan().text,
    'traces.jsonl': FILES.traces,
    'logs.jsonl': FILES.logs,
    'clock.json': clock,
  };
  const { code, stdout } = await report(files, [...Object.keys(files), '--json']);
  const result = JSON.parse(stdout) as HotPathsResult;
  assert.equal(code, 0);
  assert.ok(result.phaseProcesses.every(({ processes }) => processes.every(({ inside }) => inside === 0)));
  assert.ok(result.phases.every(({ id }) => id === 'outside-steps' || id === 'telemetry-export'));
});

const RECORDING = fileURLToPath(new URL('../../../shared/captures/tasker/perf-linear-pgmq', import.meta.url));
test('a real recording: which phase burns CPU, in Tasker and in PostgreSQL', {
  skip: existsSync(RECORDING) ? false : 'the recordings of a running Tasker are not beside this checkout',
}, async () => {
  const words = readdirSync(RECORDING).map(name => join(RECORDING, name));
  const { code, stdout, stderr } = await runInProcess(['report', ...words, '--json'], RECORDING);
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout) as HotPathsResult;
  const of = new Map(result.phaseProcesses.map(process => [process.role, process]));
  const names = (role: string): string[] => of.get(role)!.processes.map(({ name, pid, by }) => `${name} ${pid} ${by}`);
  assert.deepEqual(names('tasker-orchestration'), ['tasker-server 25302 name and time']);
  assert.deepEqual(names('tasker-rust-worker'), ['rust-worker 25316 name and time']);
  assert.equal(result.samples, 1790);
  const database = ['PostgreSQL for tasker-orchestration', 'PostgreSQL for tasker-rust-worker'].map(
    role => of.get(role)!,
  );
  // 1,097 of the samples are PostgreSQL's; the rest of them are its own background work and what no statement explains.
  assert.ok(database.reduce((sum, { self }) => sum + self, 0) / 5_025_125 > 1000);
  for (const { processes } of database) {
    for (const { samples, inside, chance } of processes) assert.ok(inside / samples > chance);
  }
  const phase = (id: string): number => result.phases.find(found => found.id === id)?.share ?? 0;
  assert.ok(phase('result-processing') > phase('discovery') && phase('discovery') > phase('result-submission'));
  assert.ok(phase('execution') < 0.01);
  // Worker's phases are in the worker and its sessions alone.
  for (const role of ['tasker-orchestration', 'PostgreSQL for tasker-orchestration']) {
    assert.ok(of.get(role)!.phases.every(({ id }) => !id.startsWith('worker-') && id !== 'result-submission'));
  }
});
