// Two builds of one program, of which one does 10 % more in one function: several recordings of each by perf, compared by
// tprof diff. The function must be named first, its interval must hold what the program's own clocks say, the gate must
// exit 1; two sets of recordings of one build must exit 0. Skips where perf or a C compiler cannot be had.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiffResult } from '../../analyzers/diff/diff.ts';

const TPROF = join(import.meta.dirname, '../../bin/tprof.js');
const folder = mkdtempSync(join(tmpdir(), 'tprof-builds-'));
const RUNS = 6;
const FREQUENCY_HZ = 7993;
const GATE = 'self(render) > +0.2pt';

/** Prints how much processor time each of its functions took, by its own clock. */
const PROGRAM = `
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>
#define WORK(name, seed) __attribute__((noinline)) static unsigned long name(long n) { \\
  unsigned long x = seed; \\
  for (long i = 0; i < n; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; } \\
  return x; }
WORK(render, 88172645463325252UL)
WORK(parse, 1181783497276652981UL)
WORK(hash, 7046029254386353131UL)
WORK(send, 3935559000370003845UL)
static double ns(void) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
int main(void) {
  double took[4] = {0, 0, 0, 0};
  unsigned long sum = 0;
  for (long round = 0; round < 12000; round++) {
    /* Rounds of different lengths: equal ones would keep step with the samples. */
    long k = 70 + (round * 7919) % 61;
    double a = ns(); sum += render(RENDER * k);
    double b = ns(); sum += parse(240 * k);
    double c = ns(); sum += hash(160 * k);
    double d = ns(); sum += send(80 * k);
    double e = ns();
    took[0] += b - a; took[1] += c - b; took[2] += d - c; took[3] += e - d;
  }
  printf("{\\"render\\":%.0f,\\"parse\\":%.0f,\\"hash\\":%.0f,\\"send\\":%.0f,\\"sum\\":%lu}\\n", took[0], took[1], took[2], took[3], sum % 10);
  return 0;
}
`;

interface Run {
  readonly file: string;
  /** Of the program's own time, by its own clock. */
  readonly renderShare: number;
}

function run(command: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(command, [...args], { cwd: folder, encoding: 'utf8' });
}

function build(name: string, steps: number): void {
  const { status, stderr } = run('gcc', ['-O1', '-g', '-fno-inline', `-DRENDER=${steps}`, '-o', name, 'program.c']);
  assert.equal(status, 0, stderr);
}

function record(program: string, file: string): Run {
  const recorded = run('perf', [
    'record',
    '-q',
    '-e',
    'cpu-clock',
    '-F',
    `${FREQUENCY_HZ}`,
    '-o',
    file,
    `./${program}`,
  ]);
  assert.equal(recorded.status, 0, recorded.stderr);
  const { render, parse, hash, send } = JSON.parse(recorded.stdout) as Record<string, number>;
  return { file, renderShare: render! / (render! + parse! + hash! + send!) };
}

function diff(before: readonly Run[], after: readonly Run[]): { status: number | null; result: DiffResult } {
  const files = (runs: readonly Run[]): string[] => runs.map(one => one.file);
  const args = [TPROF, 'diff', '--before', ...files(before), '--after', ...files(after), '--fail-on', GATE, '--json'];
  const { status, stdout, stderr } = run(process.execPath, args);
  assert.notEqual(stdout, '', stderr);
  return { status, result: JSON.parse(stdout) as DiffResult };
}

const mean = (runs: readonly Run[]): number => runs.reduce((sum, one) => sum + one.renderShare, 0) / runs.length;
const points = (share: number): string => `${(share * 100).toFixed(2)} pt`;

function compare(): void {
  writeFileSync(join(folder, 'program.c'), PROGRAM);
  build('before', 480);
  build('after', 528);
  const sides = { a: [] as Run[], same: [] as Run[], b: [] as Run[] };
  // In turn, so that a machine that slows down slows all of them.
  for (let r = 0; r < RUNS; r++) {
    sides.a.push(record('before', `a${r}.data`));
    sides.b.push(record('after', `b${r}.data`));
    sides.same.push(record('before', `c${r}.data`));
  }
  const planted = diff(sides.a, sides.b);
  const [first] = planted.result.functions;
  assert.equal(first?.name, 'render', 'the function that does more is named first');
  const truth = mean(sides.b) - mean(sides.a);
  const [low, high] = first.interval;
  console.log(
    `planted +10 % in render: ${points(first.deltaSelf)} (${points(low)} … ${points(high)}), by the program's own clocks ${points(truth)}`,
  );
  // One such interval in 20 misses by right: what fails the check is a truth that lies twice as far out.
  const half = (high - low) / 2;
  assert.ok(Math.abs(first.deltaSelf - truth) <= 2 * half, 'the interval is about what the program measured of itself');
  console.log(`the 95 % interval ${low <= truth && truth <= high ? 'holds' : 'misses'} it`);
  assert.equal(first.significant, true);
  assert.equal(planted.status, 1, planted.result.gates[0]?.reason);
  console.log(`gate ${GATE}: exit 1: ${planted.result.gates[0]?.reason}`);
  const same = diff(sides.a, sides.same);
  assert.equal(same.status, 0, same.result.gates[0]?.reason);
  console.log(`two sets of recordings of one build: exit 0: ${same.result.gates[0]?.reason}`);
}

try {
  const missing = ['perf', 'gcc'].filter(tool => run(tool, ['--version']).status !== 0);
  const perf =
    missing.length > 0 ? undefined : run('perf', ['record', '-q', '-e', 'cpu-clock', '-o', 'try.data', 'true']);
  if (missing.length > 0) console.log(`skipped: no ${missing.join(' and no ')} here, so no two builds were compared`);
  else if (perf?.status !== 0) console.log(`skipped: perf cannot record here: ${perf?.stderr.trim().split('\n')[0]}`);
  else compare();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
