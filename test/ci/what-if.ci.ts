// What-if against what really happens: one operation of the embedded workload is made slow (--slow), recorded, and the
// replay without the delay is compared with recordings in which it is not there. Recordings alternate, so that what else
// the machine does meets both sides; four other operations take a fixed time on both, so that it matters less.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import { type Interval, meanAndDeviation, quantile, quantileInterval, sortedCopy } from '../../analyzers/statistics.ts';
import type { WhatIfResult } from '../../analyzers/workflow/what-if.ts';

interface Case {
  readonly scenario: string;
  readonly tasks: number;
  readonly concurrency: number;
  readonly operation: string;
  readonly delayMs: number;
  /** Fixed delays of both sides. */
  readonly steady: readonly string[];
}

const STEADY = ['step-readiness=15ms', 'send-step=15ms', 'handler=15ms', 'submit-transition=15ms'];
const CASES: readonly Case[] = [
  { scenario: 'linear', tasks: 8, concurrency: 1, operation: 'complete-transition', delayMs: 20, steady: STEADY },
  { scenario: 'linear', tasks: 24, concurrency: 4, operation: 'complete-transition', delayMs: 20, steady: STEADY },
  { scenario: 'diamond', tasks: 8, concurrency: 1, operation: 'fetch-correlation-id', delayMs: 20, steady: STEADY },
  { scenario: 'diamond', tasks: 24, concurrency: 4, operation: 'start-transition', delayMs: 20, steady: STEADY },
  // As it is, with nothing steady in it: what a quiet machine is needed for.
  { scenario: 'linear', tasks: 20, concurrency: 1, operation: 'send-step', delayMs: 10, steady: [] },
];
/** Slow, quick, quick, slow: a machine that becomes busier meets both alike. */
const ORDER = [true, false, false, true];
const MOST_OFF = 0.05;

type Json = BreakdownResult & { readonly whatIf: readonly WhatIfResult[] };

const folder = mkdtempSync(join(tmpdir(), 'tprof-what-if-'));
try {
  for (const one of CASES) check(one);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function check({ scenario, tasks, concurrency, operation, delayMs, steady }: Case): void {
  const captures: Record<'slow' | 'quick', string[]> = { slow: [], quick: [] };
  for (const [i, isSlow] of ORDER.entries()) {
    const capture = join(folder, `${scenario}-${concurrency}-${operation}-${i}`);
    const slow = [...steady, ...(isSlow ? [`${operation}=${delayMs}ms`] : [])].flatMap(word => ['--slow', word]);
    const words = [scenario, '--tasks', String(tasks), '--concurrency', String(concurrency), ...slow];
    run(['record', '-q', '--profiler', 'none', '-o', capture, '--', 'e2e', ...words]);
    captures[isSlow ? 'slow' : 'quick'].push(capture);
  }
  const quick = captures.quick.map(capture => breakdown(capture, []));
  const partsOf = (results: readonly Json[]): Float64Array =>
    sortedCopy(
      results.flatMap(result =>
        result.tasks.flatMap(task =>
          task.steps.flatMap(step => step.parts.filter(part => part.id === operation).map(part => part.durationNs)),
        ),
      ),
    );
  const ownNs = meanAndDeviation(partsOf(quick)).mean;
  const expressions = [`${operation}=-${delayMs}ms`, `${operation}=${ownNs.toFixed(0)}ns`];
  const slow = captures.slow.map(capture => breakdown(capture, expressions));
  const wallNs = (results: readonly Json[]): Float64Array =>
    sortedCopy(results.flatMap(result => result.tasks.map(task => task.wallNs)));
  const predictedNs = (at: number): Float64Array =>
    sortedCopy(slow.flatMap(result => result.whatIf[at]!.tasks.map(task => task.afterNs)));
  const measured = wallNs(quick);
  const reallyNs = meanAndDeviation(partsOf(slow)).mean - ownNs;
  const [asked, real] = [predictedNs(0), predictedNs(1)];
  const off = (values: Float64Array): number => quantile(values, 0.5) / quantile(measured, 0.5) - 1;
  console.log(
    `${scenario}, ${concurrency} in flight, ${operation} without ${delayMs} ms${steady.length === 0 ? ', nothing steady' : ''}: ` +
      `median ${median(wallNs(slow))} slow; measured without ${median(measured)}; predicted ${median(real)} (${percent(off(real))} off) ` +
      `with the operation as it was then (${(reallyNs / 1e6).toFixed(2)} ms shorter), ${median(asked)} (${percent(off(asked))} off) with ${delayMs} ms less`,
  );
  const apart = disjoint(quantileInterval(real, 0.5), quantileInterval(measured, 0.5));
  // Where the two medians are not known to 5 %, nothing was shown to be wrong by more.
  assert.ok(Math.abs(off(real)) < MOST_OFF || !apart, `${scenario}: ${percent(off(real))} off`);
}

function run(words: readonly string[]): string {
  const ran = spawnSync(process.execPath, ['bin/tprof.js', ...words], { encoding: 'utf8', maxBuffer: 2 ** 30 });
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout;
}

function breakdown(capture: string, expressions: readonly string[]): Json {
  const whatIf = expressions.flatMap(expression => ['--what-if', expression]);
  return JSON.parse(run(['breakdown', capture, '--json', ...whatIf])) as Json;
}

function median(values: Float64Array): string {
  const interval = quantileInterval(values, 0.5);
  const range =
    interval === undefined ? '' : ` [${(interval.low / 1e6).toFixed(1)}, ${(interval.high / 1e6).toFixed(1)}]`;
  return `${(quantile(values, 0.5) / 1e6).toFixed(1)} ms${range}`;
}

function disjoint(a: Interval | undefined, b: Interval | undefined): boolean {
  return a === undefined || b === undefined || a.high < b.low || b.high < a.low;
}

function percent(share: number): string {
  return `${share > 0 ? '+' : ''}${(share * 100).toFixed(1)} %`;
}
