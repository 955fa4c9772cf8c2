import type { Series, SeriesSource } from '../src/model/series.ts';
import type { OnCpuVerdict, ProcessFigures, ProgramFigures } from './system-figures-result.ts';
import { totalRise } from './system-figures-series.ts';

/** Of the time in which a process was ready to run or ran: from here on, processors were too few. */
const SHORT_OF_CPU = 0.2;
/** Shares of the time of one thread. */
const BUSY = 0.7;
const IDLE = 0.3;
/** Below this share of its time, how long a process waited for a processor says nothing. */
const HARDLY_RUNS = 0.05;

/** A process of the probe, with the series that it has. */
interface Observed {
  readonly pid: number;
  readonly startTime: string;
  readonly observer: boolean;
  readonly series: ReadonlyMap<string, Series>;
  readonly source: SeriesSource;
}

/** What each process used and waited for, by the readings of the process probe. */
export function processFigures(
  sources: readonly SeriesSource[],
  nameOf: (pid: number, startTime: string) => string,
): { readonly processes: readonly ProcessFigures[]; readonly observer: ProcessFigures | undefined } {
  const processes: ProcessFigures[] = [];
  let observer: ProcessFigures | undefined;
  for (const observed of sources.flatMap(observedIn)) {
    const figures = figuresOf(observed, observed.observer ? 'tprof' : nameOf(observed.pid, observed.startTime));
    if (observed.observer) observer = figures;
    else processes.push(figures);
  }
  processes.sort((a, b) => b.cpuNs - a.cpuNs || compare(a.name, b.name) || a.pid - b.pid);
  return { processes, observer };
}

function observedIn(source: SeriesSource): Observed[] {
  const found = new Map<string, Observed & { readonly series: Map<string, Series> }>();
  for (const series of source.series) {
    const { pid, startTime = '', observer } = series.labels;
    if (pid === undefined || !series.name.startsWith('process.')) continue;
    const key = `${pid}:${startTime}`;
    let observed = found.get(key);
    if (observed === undefined) {
      observed = { pid: Number(pid), startTime, observer: observer !== undefined, series: new Map(), source };
      found.set(key, observed);
    }
    // A series that ended and came again (a process that could not be read for a while) goes on.
    if (!observed.series.has(series.name)) observed.series.set(series.name, series);
  }
  return [...found.values()];
}

function figuresOf({ pid, startTime, series, source }: Observed, name: string): ProcessFigures {
  const total = (what: string): number | null => {
    const one = series.get(`process.${what}`);
    return one === undefined ? null : totalRise(one);
  };
  const most = (what: string): number | null => {
    const one = series.get(`process.${what}`);
    return one === undefined ? null : one.values.reduce((max, v) => (v > max ? v : max), 0);
  };
  return {
    pid,
    startTime,
    name,
    wallNs: wallOf(series.get('process.cpu'), source),
    cpuNs: total('cpu') ?? 0,
    endedChildrenCpuNs: total('cpu-of-ended-children') ?? 0,
    runQueueNs: total('run-queue'),
    blockedNs: total('blocked'),
    offCpuNs: null,
    voluntarySwitches: total('switches-voluntary'),
    involuntarySwitches: total('switches-involuntary'),
    peakRssBytes: most('rss') ?? 0,
    mostThreads: most('threads'),
    storageReadBytes: total('storage-read'),
    storageWrittenBytes: total('storage-written'),
    callsReadBytes: total('calls-read'),
    callsWrittenBytes: total('calls-written'),
  };
}

function wallOf(series: Series | undefined, { timesNs }: SeriesSource): number {
  if (series === undefined || series.values.length === 0) return 0;
  const from = series.bornNs ?? timesNs[series.first]!;
  return Math.max(0, timesNs[series.first + series.values.length - 1]! - from);
}

/** Processes of one name as one, heaviest first. */
export function programFigures(processes: readonly ProcessFigures[]): ProgramFigures[] {
  const byName = Map.groupBy(processes, process => process.name);
  const programs = [...byName].map(([name, members]): ProgramFigures => {
    const sum = (of: (process: ProcessFigures) => number | null): number | null => {
      const known = members.map(of).filter(value => value !== null);
      return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
    };
    const figures = {
      name,
      processes: members.length,
      // The longest: with all of them summed, a program of many idle processes would seem to wait for most of its time.
      wallNs: members.reduce((longest, process) => Math.max(longest, process.wallNs), 0),
      cpuNs: sum(p => p.cpuNs) ?? 0,
      endedChildrenCpuNs: sum(p => p.endedChildrenCpuNs) ?? 0,
      runQueueNs: sum(p => p.runQueueNs),
      blockedNs: sum(p => p.blockedNs),
      offCpuNs: sum(p => p.offCpuNs),
      voluntarySwitches: sum(p => p.voluntarySwitches),
      involuntarySwitches: sum(p => p.involuntarySwitches),
      peakRssBytes: sum(p => p.peakRssBytes) ?? 0,
      mostThreads: sum(p => p.mostThreads),
      storageReadBytes: sum(p => p.storageReadBytes),
      storageWrittenBytes: sum(p => p.storageWrittenBytes),
      callsReadBytes: sum(p => p.callsReadBytes),
      callsWrittenBytes: sum(p => p.callsWrittenBytes),
    };
    return { ...figures, verdict: verdictOf(figures) };
  });
  return programs.sort((a, b) => b.cpuNs - a.cpuNs || compare(a.name, b.name));
}

/** By the time of one thread: of a program with several busy threads, `on-cpu` says that one processor's worth was used. */
export function verdictOf({
  wallNs,
  cpuNs,
  runQueueNs,
}: Pick<ProcessFigures, 'wallNs' | 'cpuNs' | 'runQueueNs'>): OnCpuVerdict {
  if (wallNs <= 0) return 'unknown';
  const ready = cpuNs + (runQueueNs ?? 0);
  if (ready / wallNs > HARDLY_RUNS && (runQueueNs ?? 0) / ready >= SHORT_OF_CPU) return 'short-of-cpu';
  const share = cpuNs / wallNs;
  return share >= BUSY ? 'on-cpu' : share <= IDLE ? 'waiting' : 'mixed';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
