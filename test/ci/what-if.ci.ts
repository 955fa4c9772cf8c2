// What-if against what really happens. One operation of the embedded workload is slow in every other round of tasks
// (--slow-in-turn); the replay of the slow rounds without the delay is compared with the rounds that have none. Rounds
// of one recording alternate, so that whatever else the machine does meets both sides, and four other operations take a
// fixed time in all of them, so that it matters less. Once more with two recordings and
// the command line alone, as a user would.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BreakdownResult, BreakdownTask } from '../../analyzers/lifecycle/breakdown-result.ts';
import { type Interval, meanAndDeviation, quantile, quantileInterval, sortedCopy } from '../../analyzers/statistics.ts';
import { parseWhatIf, replayWhatIf, type WhatIfResult } from '../../analyzers/workflow/what-if.ts';
import { analyzeWorkflow } from '../../analyzers/workflow.ts';
import type { E2eResult } from '../../src/cli/e2e-result.ts';

interface Case {
  readonly scenario: string;
  readonly concurrency: number;
  readonly rounds: number;
  readonly operation: string;
  readonly delayMs: number;
}

const CASES: readonly Case[] = [
  { scenario: 'linear', concurrency: 1, rounds: 32, operation: 'complete-transition', delayMs: 20 },
  { scenario: 'linear', concurrency: 4, rounds: 22, operation: 'send-step', delayMs: 20 },
  { scenario: 'diamond', concurrency: 1, rounds: 32, operation: 'start-transition', delayMs: 20 },
  { scenario: 'diamond', concurrency: 4, rounds: 22, operation: 'step-readiness', delayMs: 20 },
  { scenario: 'diamond', concurrency: 4, rounds: 22, operation: 'handler', delayMs: 30 },
];
/** Fixed delays of every round. */
const STEADY = ['hydrate-step', 'fetch-correlation-id', 'submit-most-recent', 'complete-most-recent'].flatMap(name => [
  '--slow',
  `${name}=20ms`,
]);
/** Rounds in which everything is done for the first time. */
const WARM_UP = 2;
const MOST_OFF = 0.05;

const folder = mkdtempSync(join(tmpdir(), 'tprof-what-if-'));
try {
  for (const one of CASES) inTurn(one);
  oneAfterTheOther();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function inTurn({ scenario, concurrency, rounds, operation, delayMs }: Case): void {
  const capture = join(folder, `${scenario}-${concurrency}-${operation}`);
  const tasks = String(rounds * concurrency);
  const words = [
    '--tasks',
    tasks,
    '--concurrency',
    String(concurrency),
    '--slow-in-turn',
    `${operation}=${delayMs}ms`,
    ...STEADY,
  ];
  const e2e = JSON.parse(
    run(['record', '-q', '--profiler', 'none', '-o', capture, '--', 'e2e', scenario, '--json', ...words]),
  ) as E2eResult;
  const { tasks: recorded } = JSON.parse(run(['breakdown', capture, '--json'])) as BreakdownResult;
  const byUuid = new Map(recorded.map(task => [task.taskUuid, task]));
  // In the order in which they began, the first of `concurrency` are the first round.
  const inOrder = [...e2e.tasks].sort((a, b) => a.startNs - b.startNs);
  const rounded = inOrder
    .map((task, i) => ({ ...task, round: Math.floor(i / concurrency) }))
    .slice(WARM_UP * concurrency);
  const of = (slowed: boolean): { round: number; task: BreakdownTask }[] =>
    rounded
      .filter(task => task.slowed === slowed)
      .flatMap(({ taskUuid, round }) => {
        const task = byUuid.get(taskUuid);
        return task === undefined ? [] : [{ round, task }];
      });
  const [slow, quick] = [of(true), of(false)];
  const ownNs = meanAndDeviation(lengths(quick, operation)).mean;
  const reallyNs = meanAndDeviation(lengths(slow, operation)).mean - ownNs;
  const { graphs } = analyzeWorkflow(slow.map(({ task }) => task));
  const roundOf = new Map([...slow, ...quick].map(({ round, task }) => [task.taskUuid, round]));
  const predicted = (expression: string): { round: number; ns: number }[] =>
    replayWhatIf(graphs, parseWhatIf(expression)).tasks.map(({ taskUuid, afterNs }) => ({
      round: roundOf.get(taskUuid)!,
      ns: afterNs,
    }));
  const measured = quick.map(({ round, task }) => ({ round, ns: task.wallNs }));
  const slowNs = sortedCopy(slow.map(({ task }) => task.wallNs));
  const real = predicted(`${operation}=${ownNs.toFixed(0)}ns`);
  const asked = predicted(`${operation}=-${delayMs}ms`);
  const ratio = ratios(real, measured);
  console.log(
    `${scenario}, ${concurrency} in flight, ${operation} without ${delayMs} ms: median ${median(slowNs)} slow; ` +
      `predicted ${median(lengthsOf(real))}, measured ${median(lengthsOf(measured))}: ${percent(ratio.middle)} off, ` +
      `round by round [${percent(ratio.low)}, ${percent(ratio.high)}]; it really was ${(reallyNs / 1e6).toFixed(2)} ms shorter, ` +
      `and as asked for: ${percent(ratios(asked, measured).middle)} off`,
  );
  assert.ok(
    slow.length >= 0.9 * rounded.length * 0.5 && quick.length >= 0.9 * rounded.length * 0.5,
    'tasks are missing',
  );
  // Where the machine is too busy to know the ratio to 5 %, nothing was shown to be wrong by more.
  assert.ok(ratio.low < MOST_OFF && ratio.high > -MOST_OFF, `${scenario}: ${percent(ratio.middle)} off`);
}

/** Two recordings, and nothing but the command line: what the machine did in between is in it. */
function oneAfterTheOther(): void {
  const record = (name: string, ...more: string[]): string => {
    const capture = join(folder, name);
    run([
      'record',
      '-q',
      '--profiler',
      'none',
      '-o',
      capture,
      '--',
      'e2e',
      'linear',
      '--tasks',
      '12',
      ...STEADY,
      ...more,
    ]);
    return capture;
  };
  const before = record('before', '--slow', 'complete-transition=20ms');
  const after = JSON.parse(run(['breakdown', record('after'), '--json'])) as BreakdownResult;
  const ownNs = after.operations.find(operation => operation.id === 'complete-transition')!.meanNs;
  const expression = `complete-transition=${ownNs.toFixed(0)}ns`;
  const { whatIf } = JSON.parse(run(['breakdown', before, '--json', '--what-if', expression])) as {
    whatIf: readonly WhatIfResult[];
  };
  const answer = whatIf[0]!;
  const measured = sortedCopy(after.tasks.map(task => task.wallNs));
  const predicted = sortedCopy(answer.tasks.map(task => task.afterNs));
  const off = answer.p50Ns.after / quantile(measured, 0.5) - 1;
  console.log(
    `linear, one recording after the other, --what-if ${expression}: median ${(answer.p50Ns.before / 1e6).toFixed(1)} ms; ` +
      `predicted ${median(predicted)}, measured ${median(measured)}: ${percent(off)} off`,
  );
  assert.ok(answer.p50Ns.after < answer.p50Ns.before);
  assert.ok(
    Math.abs(off) < MOST_OFF || !disjoint(quantileInterval(predicted, 0.5), quantileInterval(measured, 0.5)),
    `${percent(off)} off`,
  );
}

/** Predicted over measured, less one, of each slow round and the quick one after it: the median, and where it lies. */
function ratios(
  predicted: readonly { readonly round: number; readonly ns: number }[],
  measured: readonly { readonly round: number; readonly ns: number }[],
): { middle: number; low: number; high: number } {
  const sums = new Map<number, { predicted: number[]; measured: number[] }>();
  const at = (round: number): { predicted: number[]; measured: number[] } => {
    const pair = Math.floor(round / 2);
    const known = sums.get(pair) ?? { predicted: [], measured: [] };
    sums.set(pair, known);
    return known;
  };
  for (const { round, ns } of predicted) at(round).predicted.push(ns);
  for (const { round, ns } of measured) at(round).measured.push(ns);
  const all = sortedCopy(
    [...sums.values()]
      .filter(pair => pair.predicted.length > 0 && pair.measured.length > 0)
      .map(
        pair =>
          meanAndDeviation(sortedCopy(pair.predicted)).mean / meanAndDeviation(sortedCopy(pair.measured)).mean - 1,
      ),
  );
  const interval = quantileInterval(all, 0.5);
  return {
    middle: quantile(all, 0.5),
    low: interval?.low ?? Number.NEGATIVE_INFINITY,
    high: interval?.high ?? Infinity,
  };
}

function lengths(tasks: readonly { readonly task: BreakdownTask }[], operation: string): Float64Array {
  return sortedCopy(
    tasks.flatMap(({ task }) =>
      task.steps.flatMap(step =>
        step.parts.filter(part => part.id === operation || part.kind === operation).map(part => part.durationNs),
      ),
    ),
  );
}

function lengthsOf(list: readonly { readonly ns: number }[]): Float64Array {
  return sortedCopy(list.map(({ ns }) => ns));
}

function run(words: readonly string[]): string {
  const ran = spawnSync(process.execPath, ['bin/tprof.js', ...words], { encoding: 'utf8', maxBuffer: 2 ** 30 });
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout;
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
