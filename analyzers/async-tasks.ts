import { Warnings } from '../src/base/warnings.ts';
import {
  type AsyncPollOp,
  type AsyncProgram,
  type AsyncRecording,
  type AsyncResource,
  type AsyncWait,
  type DelayFigures,
  shortPath,
  type TaskTimes,
  taskTimes,
} from '../src/model/async-tasks.ts';
import type { ResultHeader } from '../src/model/result.ts';
import { type AsyncTaskFinding, findAsyncTaskFindings, type TaskLint, taskLints } from './async-task-lints.ts';

export interface AsyncTasksResult extends ResultHeader<'async-tasks'> {
  readonly programs: readonly (Omit<AsyncProgram, 'fromNs' | 'untilNs'> & {
    readonly startNs: number;
    /** Until the last update: nothing is known of what came later. */
    readonly durationNs: number;
  })[];
  readonly totals: { readonly tasks: number; readonly alive: number } & Times;
  /** Tasks of one spawn site, name and kind, by busy time. */
  readonly sites: readonly AsyncSite[];
  /** In order of their birth. */
  readonly tasks: readonly AsyncTask[];
  /** What tokio-console warns of, one a spawn site. */
  readonly findings: readonly AsyncTaskFinding[];
  /** Operations on resources, by the time that was waited; those inside of others repeat their waiting. */
  readonly waits: readonly AsyncWait[];
  readonly resources: readonly AsyncResource[];
  readonly pollOps: readonly AsyncPollOp[];
}

type Times = Pick<TaskTimes, 'busyNs' | 'scheduledNs' | 'idleNs'>;

export interface AsyncSite extends Times {
  readonly program: number;
  readonly name: string;
  readonly kind: string;
  /** Where it was spawned; '' and 0 = unknown. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly tasks: number;
  readonly alive: number;
  readonly polls: number;
  readonly wakes: number;
  readonly selfWakes: number;
  /** Of all busy time. */
  readonly busyShare: number;
  /** The longest poll of those tasks whose single polls are known; undefined where none are. */
  readonly longestPollNs: number | undefined;
}

export interface AsyncTask extends TaskTimes {
  /** tokio's own number; undefined where the program does not tell it. */
  readonly id: number | undefined;
  readonly program: number;
  readonly name: string;
  readonly kind: string;
  readonly target: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly startNs: number;
  readonly polls: number;
  readonly wakes: number;
  readonly selfWakes: number;
  /** Wakers that could wake it now. */
  readonly wakers: number;
  readonly sizeBytes: number | undefined;
  readonly originalSizeBytes: number | undefined;
  readonly lints: readonly TaskLint[];
  /** Single polls, and single waits in the queue; of the busiest tasks, where the program told them. */
  readonly pollTimes?: DelayFigures;
  readonly scheduledTimes?: DelayFigures;
}

/** A program that spawns a task a request has millions; those that are listed one by one fit into memory and a file. */
const MOST_LISTED = 100_000;

/** Tasks, where they were spawned, how they spent their lives, and what is wrong with them. */
export function analyzeAsyncTasks(
  recording: AsyncRecording,
  options: { readonly inputs: readonly string[]; readonly mostListed?: number },
): AsyncTasksResult {
  const { tasks: table, strings, programs } = recording;
  const warnings = new Warnings();
  warnings.merge(recording.warnings);
  let firstNs = programs.reduce((first, program) => Math.min(first, program.fromNs), 0);
  for (let row = 0; row < table.length; row++) firstNs = Math.min(firstNs, table.createdNs[row]!);
  firstNs = Math.floor(firstNs);

  const sites = new Map<string, Mutable<AsyncSite>>();
  const tasks: AsyncTask[] = [];
  const totals = { tasks: table.length, alive: 0, busyNs: 0, scheduledNs: 0, idleNs: 0 };
  const flagged = new Map<TaskLint, Map<AsyncSite, number[]>>();
  let listed = 0;
  for (let row = 0; row < table.length; row++) {
    const times = taskTimes(recording, row);
    const lints = taskLints(recording, row);
    const isAlive = times.state !== 'completed' && times.state !== 'unknown';
    const site = siteOf(recording, row, sites);
    site.tasks++;
    site.polls += table.polls[row]!;
    site.wakes += table.wakes[row]!;
    site.selfWakes += table.selfWakes[row]!;
    for (const sum of [site, totals]) {
      if (isAlive) sum.alive++;
      sum.busyNs += times.busyNs;
      sum.scheduledNs += times.scheduledNs;
      sum.idleNs += times.idleNs;
    }
    const delays = recording.delays.get(row);
    if (delays !== undefined) site.longestPollNs = Math.max(site.longestPollNs ?? 0, delays.poll.maxNs);
    for (const lint of lints) {
      const bySite = flagged.get(lint) ?? new Map<AsyncSite, number[]>();
      flagged.set(lint, bySite);
      const rows = bySite.get(site);
      if (rows === undefined) bySite.set(site, [row]);
      else rows.push(row);
    }
    if (++listed > (options.mostListed ?? MOST_LISTED) && lints.length === 0 && !isAlive) {
      warnings.add(
        'tasks-folded',
        'so many tasks came that those which had ended without a finding are told by spawn site alone',
      );
      continue;
    }
    tasks.push({
      id: known(table.taskId[row]!),
      program: site.program,
      name: site.name,
      kind: site.kind,
      target: strings[table.target[row]!]!,
      file: site.file,
      line: site.line,
      column: site.column,
      startNs: table.createdNs[row]! - firstNs,
      ...times,
      polls: table.polls[row]!,
      wakes: table.wakes[row]!,
      selfWakes: table.selfWakes[row]!,
      wakers: Math.max(0, table.wakerClones[row]! - table.wakerDrops[row]!),
      sizeBytes: known(table.sizeBytes[row]!),
      originalSizeBytes: known(table.originalSizeBytes[row]!),
      lints,
      ...(delays === undefined ? {} : { pollTimes: delays.poll }),
      ...(delays?.scheduled === undefined ? {} : { scheduledTimes: delays.scheduled }),
    });
  }
  if (table.length === 0) {
    warnings.add('no-tasks', 'no task was heard of: the program was not reached, or has no console-subscriber');
  }
  const all = [...sites.values()].map(site => ({
    ...site,
    busyShare: totals.busyNs > 0 ? site.busyNs / totals.busyNs : 0,
  }));
  return {
    schema: 'tprof.async-tasks/1',
    epochNs: (recording.epochNs + BigInt(firstNs)).toString(),
    inputs: options.inputs,
    warnings: warnings.list(),
    programs: programs.map(({ fromNs, untilNs, ...program }) => ({
      ...program,
      startNs: fromNs - firstNs,
      durationNs: untilNs - fromNs,
    })),
    totals,
    sites: all.sort((a, b) => b.busyNs - a.busyNs || b.tasks - a.tasks || compareTexts(siteText(a), siteText(b))),
    tasks: tasks.sort((a, b) => a.startNs - b.startNs || (a.id ?? 0) - (b.id ?? 0)),
    findings: findAsyncTaskFindings(recording, flagged),
    waits: recording.waits
      .map(wait => ({ ...wait, file: shortPath(wait.file) }))
      .sort((a, b) => b.totalNs - a.totalNs || compareTexts(waitText(a), waitText(b))),
    resources: recording.resources
      .map(resource => ({ ...resource, file: shortPath(resource.file) }))
      .sort((a, b) => b.created - a.created || compareTexts(resourceText(a), resourceText(b))),
    pollOps: [...recording.pollOps].sort(
      (a, b) => b.polls - a.polls || compareTexts(a.name + a.resource, b.name + b.resource),
    ),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function siteOf(
  { tasks: table, strings }: AsyncRecording,
  row: number,
  sites: Map<string, Mutable<AsyncSite>>,
): Mutable<AsyncSite> {
  const key = [table.program, table.file, table.line, table.column, table.kind, table.name].map(c => c[row]).join();
  let site = sites.get(key);
  if (site === undefined) {
    site = {
      program: table.program[row]!,
      name: strings[table.name[row]!]!,
      kind: strings[table.kind[row]!]!,
      file: shortPath(strings[table.file[row]!]!),
      line: table.line[row]!,
      column: table.column[row]!,
      tasks: 0,
      alive: 0,
      polls: 0,
      wakes: 0,
      selfWakes: 0,
      busyNs: 0,
      scheduledNs: 0,
      idleNs: 0,
      busyShare: 0,
      longestPollNs: undefined,
    };
    sites.set(key, site);
  }
  return site;
}

function known(value: number): number | undefined {
  return value < 0 ? undefined : value;
}

function siteText({ program, file, line, column, kind, name }: AsyncSite): string {
  return [program, file, line, column, kind, name].join('\0');
}

function waitText({ program, source, resource, file, line, isInternal }: AsyncWait): string {
  return [program, source, resource, file, line, isInternal].join('\0');
}

function resourceText({ program, type, kind, file, line, isInternal }: AsyncResource): string {
  return [program, type, kind, file, line, isInternal].join('\0');
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
