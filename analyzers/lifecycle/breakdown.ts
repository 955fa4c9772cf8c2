import { Warnings } from '../../src/base/warnings.ts';
import type { Trace } from '../../src/model/trace.ts';
import { spanIdHex } from '../../src/model/trace-read.ts';
import { type Attempt, findAttempts } from './attempts.ts';
import type { BreakdownPart, BreakdownResult, BreakdownStep, BreakdownTask, Repeated } from './breakdown-result.ts';
import { BusyTimes } from './busy-times.ts';
import type { Catalog } from './catalog.ts';
import { findMissing } from './completeness.ts';
import { addWarnings } from './doubts.ts';
import type { Rows } from './evidence/rows.ts';
import { gatherFigures } from './figures.ts';
import { type Joined, join } from './join.ts';
import { nameSteps, type StepNames } from './step-names.ts';
import { TASKER_CATALOG } from './tasker-catalog.ts';
import { buildTimeline, type Part, type Timeline } from './timeline.ts';

export interface BreakdownOptions {
  readonly inputs?: readonly string[];
  readonly catalog?: Catalog;
  readonly rows?: Rows;
  /** Only this task (its id, or the beginning of it). */
  readonly task?: string;
}

/** The lifecycle of each step of each task: joined, laid out, and counted. */
export interface Lifecycle {
  readonly joined: Joined;
  readonly timelines: readonly Timeline[];
  readonly names: StepNames;
  readonly catalog: Catalog;
}

/** Reads a trace as lives of workflow steps. */
export function analyzeLifecycle(trace: Trace, options: BreakdownOptions = {}): Lifecycle {
  const catalog = options.catalog ?? TASKER_CATALOG;
  const joined = join(trace, catalog);
  const attempts = findAttempts(joined, catalog.signals.executes);
  const names = nameSteps(joined, attempts, options.rows, catalog);
  const context = { catalog, busy: new BusyTimes(joined.resultRuns, joined.visits) };
  const timelines = attempts
    .map(attempt => ({ ...attempt, task: names.taskOf.get(attempt.step) ?? attempt.task }))
    .filter(attempt => options.task === undefined || attempt.task.startsWith(options.task))
    .map(attempt => buildTimeline(attempt, context))
    .sort((a, b) => a.startNs - b.startNs || (a.attempt.step < b.attempt.step ? -1 : 1));
  return { joined, timelines, names, catalog };
}

/** `tprof breakdown`: every step's time, given to operations, the handler, waits, own code, or said to be unknown. */
export function analyzeBreakdown(trace: Trace, options: BreakdownOptions = {}): BreakdownResult {
  return breakdownOf(analyzeLifecycle(trace, options), trace, options);
}

/** The result of a lifecycle that was analysed already. */
export function breakdownOf(lifecycle: Lifecycle, trace: Trace, options: BreakdownOptions = {}): BreakdownResult {
  const { joined, timelines, names, catalog } = lifecycle;
  const tasks = tasksOf(timelines, names);
  const figures = gatherFigures(lifecycle);
  const repeated = timelines.flatMap(t => repeatedIn(t.attempt, names, catalog));
  const missing = findMissing(joined, options.rows, trace.epochNs);
  const leftOut = timelines
    .filter(t => t.incomplete !== '')
    .map(t => ({ stepUuid: t.attempt.step, name: names.nameOf.get(t.attempt.step) ?? '', reason: t.incomplete }));
  const unseen = unseenSteps(timelines, names, options.rows);
  const completeness = {
    steps: timelines.length + unseen.length,
    complete: timelines.length - leftOut.length,
    leftOut: [...leftOut, ...unseen],
  };
  const offsets = new Map(joined.skews.map(s => [s.process, s.offsetNs]));
  const processes = joined.processes.list.map(({ name, pid }, i) => ({
    name,
    pid,
    clockOffsetNs: offsets.get(i) ?? 0,
  }));
  const warnings = new Warnings();
  warnings.merge(trace.warnings);
  addWarnings(warnings, { lifecycle, trace, repeated, missing, completeness, unmatched: figures.unmatchedInSteps });
  return {
    schema: 'tprof.breakdown/1',
    epochNs: String(trace.epochNs),
    inputs: options.inputs ?? [trace.name],
    warnings: warnings.list(),
    tasks,
    operations: figures.operations,
    phases: figures.phases,
    waits: figures.waits,
    code: figures.code,
    handler: figures.handler,
    shares: figures.shares,
    counts: figures.counts,
    completeness,
    repeated,
    missing,
    unmatched: figures.unmatched,
    outside: figures.outside,
    noise: joined.collected.noise,
    processes,
  };
}

/** Steps of the recorded tasks that the tables say were enqueued, and of which nothing was recorded. */
function unseenSteps(
  timelines: readonly Timeline[],
  names: StepNames,
  rows: Rows | undefined,
): BreakdownResult['completeness']['leftOut'] {
  if (rows === undefined) return [];
  const seen = new Set(timelines.map(t => t.attempt.step));
  const tasks = new Set(timelines.map(t => t.attempt.task));
  const enqueued = new Set(rows.transitions.filter(t => t.toState === 'enqueued').map(t => t.stepUuid));
  return rows.steps
    .filter(({ stepUuid, taskUuid }) => tasks.has(taskUuid) && enqueued.has(stepUuid) && !seen.has(stepUuid))
    .map(({ stepUuid }) => ({
      stepUuid,
      name: names.nameOf.get(stepUuid) ?? '',
      reason: 'the tables say that it was enqueued; nothing of it is in the recording',
    }));
}

function tasksOf(timelines: readonly Timeline[], names: StepNames): BreakdownTask[] {
  const byTask = new Map<string, Timeline[]>();
  for (const timeline of timelines) {
    const list = byTask.get(timeline.attempt.task);
    if (list === undefined) byTask.set(timeline.attempt.task, [timeline]);
    else list.push(timeline);
  }
  return [...byTask].map(([taskUuid, own]) => {
    const task = names.tasks.get(taskUuid);
    const startNs = own.reduce((first, t) => Math.min(first, t.startNs), task?.startNs ?? Number.POSITIVE_INFINITY);
    const endNs = own.reduce((last, t) => Math.max(last, t.endNs), Number.NEGATIVE_INFINITY);
    return {
      taskUuid,
      namespace: task?.namespace ?? '',
      name: task?.name ?? '',
      complete: own.every(t => t.incomplete === ''),
      startNs,
      wallNs: endNs - startNs,
      steps: own.map(t => stepOf(t, names)),
    };
  });
}

function stepOf(timeline: Timeline, names: StepNames): BreakdownStep {
  const { attempt, startNs, endNs } = timeline;
  const dependsOn = names.dependsOn.get(attempt.step) ?? [];
  const completions = dependsOn.flatMap(step => names.completedNs.get(step) ?? []).filter(t => t <= startNs);
  return {
    stepUuid: attempt.step,
    name: names.nameOf.get(attempt.step) ?? '',
    stage: names.stageOf.get(attempt.step) ?? 1,
    attempt: attempt.attempt,
    complete: timeline.incomplete === '',
    reason: timeline.incomplete === '' ? null : timeline.incomplete,
    dependsOn,
    eligibleNs: completions.length === 0 ? startNs : Math.max(...completions),
    startNs,
    wallNs: endNs - startNs,
    parts: timeline.parts.map(partOf),
  };
}

function partOf(part: Part): BreakdownPart {
  const node = part.observation?.own ?? part.observation?.node ?? part.node;
  return {
    kind: part.kind,
    phase: part.phase,
    id: part.id,
    startNs: part.startNs,
    durationNs: part.durationNs,
    evidence: part.evidence,
    standIn: part.standIn === '' ? null : part.standIn,
    shared: part.shared,
    spanIds: node === undefined ? [] : [spanIdHex(node.idHigh, node.idLow)],
    behind: part.behind === '' ? null : part.behind,
  };
}

/** What happened to this attempt more than once, and what that cost. */
function repeatedIn({ step, again, visit }: Attempt, names: StepNames, catalog: Catalog): Repeated[] {
  const name = names.nameOf.get(step) ?? '';
  const found: Repeated[] = [];
  const lengthOf = (items: readonly { startNs: number; endNs: number }[]): number =>
    items.reduce((last, o) => Math.max(last, o.endNs), Number.NEGATIVE_INFINITY) -
    items.reduce((first, o) => Math.min(first, o.startNs), Number.POSITIVE_INFINITY);
  if (again.results.length > 0) {
    const extraNs = again.results.reduce(
      (sum, r) => sum + lengthOf([...r.items, { startNs: r.startNs, endNs: r.endNs }]),
      0,
    );
    found.push({ stepUuid: step, name, phase: 'result-processing', times: again.results.length + 1, extraNs });
  }
  const { claims, executes } = catalog.signals;
  const did = (what: readonly string[]) => again.visits.filter(v => v.items.some(o => what.includes(o.what)));
  const executed = did([...claims, ...executes]);
  const delivered = again.visits.filter(v => !executed.includes(v));
  if (executed.length > 0 && visit !== undefined) {
    const extraNs = executed.reduce((sum, v) => sum + lengthOf(v.items), 0);
    found.push({ stepUuid: step, name, phase: 'execution', times: executed.length + 1, extraNs });
  }
  if (delivered.length > 0) {
    const extraNs = delivered.reduce((sum, v) => sum + lengthOf(v.items), 0);
    found.push({ stepUuid: step, name, phase: 'worker-claim', times: delivered.length + 1, extraNs });
  }
  if (again.enqueues > 0)
    found.push({ stepUuid: step, name, phase: 'enqueueing', times: again.enqueues + 1, extraNs: 0 });
  return found;
}
