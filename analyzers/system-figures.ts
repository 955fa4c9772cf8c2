import { type Warning, Warnings } from '../src/base/warnings.ts';
import type { SeriesSource } from '../src/model/series.ts';
import { systemFindings } from './system-figures-findings.ts';
import { histogramFigures } from './system-figures-histograms.ts';
import type { SampledProcess } from './system-figures-off-cpu.ts';
import { postgresFigures } from './system-figures-postgres.ts';
import { processFigures, programFigures } from './system-figures-processes.ts';
import type {
  HostFigures,
  ProcessFigures,
  ProgramFigures,
  SeriesFigures,
  SystemFiguresResult,
} from './system-figures-result.ts';
import { rates, seriesFigures, summarise, sumOf, toJson, totalRise } from './system-figures-series.ts';

export interface SystemFiguresOptions {
  readonly inputs: readonly string[];
  /** Unix nanoseconds that the sources' times count from. */
  readonly epochNs: bigint;
  /** The recorded processes, for their names. */
  readonly processes: readonly { readonly pid: number; readonly startTime: string; readonly name: string }[];
  readonly cpus: number;
  /** Waits that a profiler saw beside. */
  readonly sampled?: readonly SampledProcess[] | undefined;
  /** Of reading. */
  readonly warnings?: readonly Warning[];
}

/** Everything that probes read, as figures over time and what they say. Times of all sources count from `epochNs`. */
export function analyzeSystemFigures(
  sources: readonly SeriesSource[],
  options: SystemFiguresOptions,
): SystemFiguresResult {
  const warnings = new Warnings();
  warnings.merge(options.warnings ?? []);
  const nameOf = namesOf(options.processes);
  const observed = processFigures(sources, nameOf);
  const isRecorded = recordedBy(options.processes);
  const processes = withSampled(observed.processes.filter(isRecorded), options.sampled ?? []);
  const tools = observed.processes.filter(process => !isRecorded(process));
  const all = sources.flatMap((source, index) =>
    source.series.flatMap(series => {
      if (series.kind === 'histogram' && series.labels.le !== undefined) return [];
      const figures = seriesFigures(series, source, index);
      return figures === undefined ? [] : [figures];
    }),
  );
  const sums = programSeries(sources, nameOf, isRecorded);
  const times = sources.flatMap(source =>
    source.timesNs.length === 0 ? [] : [source.timesNs[0]!, source.timesNs.at(-1)!],
  );
  const partial = {
    durationNs: times.length === 0 ? 0 : Math.max(...times) - Math.min(...times),
    sources: sources.map(source => ({
      probe: source.probe,
      target: source.target,
      intervalMs: source.intervalMs,
      readings: source.timesNs.length,
      missed: source.gaps.reduce((sum, gap) => sum + gap.missed, 0),
      gaps: source.gaps,
      timesNs: [...source.timesNs],
    })),
    series: [...sums, ...all],
    histograms: sources.flatMap(histogramFigures),
    host: hostFigures(sources, options.cpus, processes, [observed.observer ?? [], tools].flat()),
    processes,
    programs: withPeaks(programFigures(processes), sums),
    observer: observed.observer,
    tools,
    postgres: sources.flatMap((source, index) => postgresFigures(source, index) ?? []),
  };
  return {
    schema: 'tprof.system-figures/1',
    epochNs: String(options.epochNs),
    inputs: options.inputs,
    warnings: warnings.list(),
    ...partial,
    findings: systemFindings(partial),
  };
}

function namesOf(processes: SystemFiguresOptions['processes']): (pid: number, startTime: string) => string {
  const exact = new Map(processes.map(process => [`${process.pid}:${process.startTime}`, process.name]));
  const byPid = new Map(processes.map(process => [`${process.pid}`, process.name]));
  return (pid, startTime) => exact.get(`${pid}:${startTime}`) ?? byPid.get(`${pid}`) ?? `process ${pid}`;
}

/** A process that the recording does not list was started by tprof to watch; of a recording that lists none, who knows. */
function recordedBy(listed: SystemFiguresOptions['processes']): (process: { readonly pid: number }) => boolean {
  const pids = new Set(listed.map(process => process.pid));
  return ({ pid }) => pids.size === 0 || pids.has(pid);
}

/** CPU and memory of all processes of one name at each time. */
function programSeries(
  sources: readonly SeriesSource[],
  nameOf: (pid: number, startTime: string) => string,
  isRecorded: (process: { readonly pid: number }) => boolean,
): SeriesFigures[] {
  const result: SeriesFigures[] = [];
  for (const [index, source] of sources.entries()) {
    for (const [from, name, unit] of [
      ['process.cpu', 'program.cpu', 'share'],
      ['process.rss', 'program.rss', 'bytes'],
    ] as const) {
      const members = source.series.filter(
        series =>
          series.name === from &&
          series.labels.observer === undefined &&
          isRecorded({ pid: Number(series.labels.pid) }),
      );
      const byProgram = Map.groupBy(members, ({ labels }) => nameOf(Number(labels.pid), labels.startTime ?? ''));
      for (const [program, series] of [...byProgram].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const { first, values } = sumOf(
          series.map(one => ({
            first: one.first,
            values: from === 'process.cpu' ? rates(one, source.timesNs) : one.values,
          })),
        );
        const summary = summarise(values);
        if (summary === undefined) continue;
        const common = { source: index, name, labels: { program }, kind: 'gauge', unit, first } as const;
        result.push({ ...common, values: toJson(values), ...summary });
      }
    }
  }
  return result;
}

/** The most memory that a program's processes had at once: not each of them at its own time. */
function withPeaks(programs: readonly ProgramFigures[], sums: readonly SeriesFigures[]): ProgramFigures[] {
  const peaks = new Map<string, number>();
  for (const { name, labels, max } of sums) {
    const program = labels.program ?? '';
    if (name === 'program.rss') peaks.set(program, Math.max(max, peaks.get(program) ?? 0));
  }
  return programs.map(program => ({ ...program, peakRssBytes: peaks.get(program.name) ?? program.peakRssBytes }));
}

/** A profiler's waits go to the process of the same pid; where no probe ran, the profiler's processes are all there is. */
function withSampled(
  processes: readonly ProcessFigures[],
  sampled: readonly SampledProcess[],
): readonly ProcessFigures[] {
  if (processes.length === 0) return sampled.map(fromSampled);
  const waits = new Map(sampled.map(process => [process.pid, process.offCpuNs]));
  return processes.map(process => ({ ...process, offCpuNs: waits.get(process.pid) ?? null }));
}

function fromSampled({ pid, name, cpuNs, offCpuNs }: SampledProcess): ProcessFigures {
  return {
    pid,
    startTime: '',
    name: name === '' ? `process ${pid}` : name,
    wallNs: 0,
    cpuNs,
    endedChildrenCpuNs: 0,
    runQueueNs: null,
    blockedNs: null,
    offCpuNs,
    voluntarySwitches: null,
    involuntarySwitches: null,
    peakRssBytes: 0,
    mostThreads: null,
    storageReadBytes: null,
    storageWrittenBytes: null,
    callsReadBytes: null,
    callsWrittenBytes: null,
  };
}

function hostFigures(
  sources: readonly SeriesSource[],
  cpus: number,
  processes: readonly ProcessFigures[],
  observers: readonly ProcessFigures[],
): HostFigures | undefined {
  const source = sources.find(one => one.series.some(series => series.name === 'host.cpu'));
  if (source === undefined || source.timesNs.length < 2) return undefined;
  const wallNs = source.timesNs.at(-1)! - source.timesNs[0]!;
  const find = (name: string, resource?: string) =>
    source.series.find(
      series => series.name === name && (resource === undefined || series.labels.resource === resource),
    );
  const share = (ns: number): number => Math.min(1, Math.max(0, ns / (wallNs * Math.max(1, cpus))));
  const risen = (name: string): number => {
    const series = find(name);
    return series === undefined ? 0 : totalRise(series);
  };
  const pressure = (resource: string): number | null => {
    const series = find('host.pressure', resource);
    return series === undefined ? null : Math.min(1, totalRise(series) / wallNs);
  };
  const recordedNs = processes.reduce((sum, process) => sum + process.cpuNs, 0);
  const observerNs = observers.reduce((sum, process) => sum + process.cpuNs, 0);
  // Processes that lived between two readings count as children that ended, of tprof or of each other.
  const unseenNs = Math.max(0, (observers[0]?.endedChildrenCpuNs ?? 0) - recordedNs - observerNs);
  const busyNs = risen('host.cpu');
  const memory = find('host.memory-available');
  return {
    cpus,
    busyShare: share(busyNs),
    recordedShare: share(recordedNs + unseenNs),
    observerShare: share(observerNs),
    othersShare: share(busyNs - recordedNs - unseenNs - observerNs),
    stolenShare: share(risen('host.cpu-stolen')),
    leastMemoryAvailableBytes: memory === undefined ? null : (summarise(memory.values)?.min ?? null),
    pressure: { cpu: pressure('cpu'), io: pressure('io'), memory: pressure('memory') },
  };
}
