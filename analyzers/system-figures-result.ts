import type { ResultHeader } from '../src/model/result.ts';
import type { SeriesGap, SeriesKind } from '../src/model/series.ts';
import type { Finding } from './hot-path-findings.ts';

/** `tprof.system-figures/1`: what the machine, its processes, databases and queues did while something was recorded. */
export interface SystemFiguresResult extends ResultHeader<'system-figures'> {
  /** From the first reading to the last. */
  readonly durationNs: number;
  readonly sources: readonly SourceFigures[];
  /**
   * Everything that was read, and sums over the processes of a program (`program.cpu`, `program.rss`). Of histograms,
   * what was observed and its sum over time; their buckets stand in `histograms`.
   */
  readonly series: readonly SeriesFigures[];
  readonly histograms: readonly HistogramFigures[];
  readonly host: HostFigures | undefined;
  /** By CPU, then name and pid. */
  readonly processes: readonly ProcessFigures[];
  /** The same, summed over processes of one name. */
  readonly programs: readonly ProgramFigures[];
  /** What tprof itself took, out of the same readings. */
  readonly observer: ProcessFigures | undefined;
  /** Profilers that ran as processes of their own: read as well, but no part of what was recorded. */
  readonly tools: readonly ProcessFigures[];
  /** One a server. */
  readonly postgres: readonly PostgresFigures[];
  readonly findings: readonly Finding[];
}

export interface SourceFigures {
  readonly probe: string;
  readonly target: Readonly<Record<string, string | number>>;
  readonly intervalMs: number;
  readonly readings: number;
  readonly missed: number;
  readonly gaps: readonly SeriesGap[];
  /** Of each reading, the missed ones included: what `values` of its series stand beside. */
  readonly timesNs: readonly number[];
}

/** One figure over time. Counters are told as rates: per second, or as a share where they count nanoseconds. */
export interface SeriesFigures {
  /** Index into `sources`. */
  readonly source: number;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: SeriesKind;
  /** Of the values: `nanoseconds`, `bytes`, `count`, `share`, `bytes/s`, `count/s`, or a word of the watched program. */
  readonly unit: string;
  /** Index into the source's `timesNs` of the first value. */
  readonly first: number;
  /** `null` where nothing could be read. Empty where `constant`. */
  readonly values: readonly (number | null)[];
  /** A metric of a program that was the same in every reading: of those there are many. */
  readonly constant?: true;
  /** Over the values; not defined where there are none. */
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly mean: number;
  readonly last: number;
  /** What a counter rose by, in its own unit; undefined for gauges. */
  readonly total?: number;
}

export interface HistogramFigures {
  readonly source: number;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: string;
  /** Observations during the recording. */
  readonly count: number;
  readonly sum: number;
  readonly mean: number;
  /** Interpolated inside a bucket, as Prometheus does; `null` beyond the last bound. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Observations in each bucket alone, up to and with `le`; `null` = no upper bound. */
  readonly buckets: readonly { readonly le: number | null; readonly count: number }[];
}

export interface HostFigures {
  readonly cpus: number;
  /** Of all processors together, 0…1. */
  readonly busyShare: number;
  readonly recordedShare: number;
  readonly observerShare: number;
  /** Busy with neither what was recorded nor tprof. */
  readonly othersShare: number;
  readonly stolenShare: number;
  readonly leastMemoryAvailableBytes: number | null;
  /** Share of the time in which at least one program could not go on for want of it; `null` = the kernel does not say. */
  readonly pressure: { readonly cpu: number | null; readonly io: number | null; readonly memory: number | null };
}

/** Figures of one process while it was read. `null` = not known here. */
export interface ProcessFigures {
  readonly pid: number;
  readonly startTime: string;
  readonly name: string;
  /** How long it was seen; from its birth, where that lies in the recording. */
  readonly wallNs: number;
  readonly cpuNs: number;
  /** Of children that ended: those that lived too short to be read themselves are in it, too. */
  readonly endedChildrenCpuNs: number;
  /** Ready to run, but no processor was free: summed over threads. */
  readonly runQueueNs: number | null;
  /** Waiting for a disk: summed over threads. */
  readonly blockedNs: number | null;
  /** Switched out, as a profiler saw it: summed over threads. */
  readonly offCpuNs: number | null;
  readonly voluntarySwitches: number | null;
  readonly involuntarySwitches: number | null;
  readonly peakRssBytes: number;
  readonly mostThreads: number | null;
  readonly storageReadBytes: number | null;
  readonly storageWrittenBytes: number | null;
  readonly callsReadBytes: number | null;
  readonly callsWrittenBytes: number | null;
}

export interface ProgramFigures extends Omit<ProcessFigures, 'pid' | 'startTime'> {
  readonly processes: number;
  readonly verdict: OnCpuVerdict;
}

/**
 * `on-cpu`: busy most of its time. `short-of-cpu`: ready to run, but waiting for a processor for a fifth or more of that
 * time. `waiting`: for something else: messages, locks, disks, other programs.
 */
export type OnCpuVerdict = 'on-cpu' | 'short-of-cpu' | 'mixed' | 'waiting' | 'unknown';

export interface PostgresFigures {
  readonly source: number;
  readonly version: string;
  readonly connections: { readonly most: number; readonly limit: number | null };
  readonly byApplication: readonly { readonly application: string; readonly most: number }[];
  /** Sessions that were at work and waited, by what for: mean over the readings. */
  readonly waits: readonly { readonly wait: string; readonly mean: number; readonly most: number }[];
  readonly locks: readonly { readonly lock: string; readonly most: number; readonly readings: number }[];
  readonly cacheHitShare: number | null;
  readonly commitsPerSecond: number | null;
  /** Heaviest first; empty where `pg_stat_statements` could not be read: `statementsMissing` says how to switch it on. */
  readonly statements: readonly StatementFigures[];
  readonly otherStatements: { readonly count: number; readonly totalNs: number };
  readonly statementsMissing: { readonly why: string; readonly hint: string } | undefined;
  readonly tables: readonly TableFigures[];
  /** Of the tables that were used during the recording; `unknown` where none was. */
  readonly plannerStatistics: 'fresh' | 'stale' | 'unknown';
}

export interface StatementFigures {
  readonly query: string;
  readonly calls: number;
  readonly totalNs: number;
  readonly meanNs: number;
  readonly rows: number;
  readonly cacheHitShare: number | null;
  readonly tempBlocks: number;
}

export interface TableFigures {
  readonly table: string;
  readonly rows: number;
  readonly deadRows: number;
  readonly changedSinceAnalyze: number;
  /** At so many changes the server itself would analyze it. */
  readonly analyzeDueAt: number;
  readonly lastAnalyze: string | null;
  readonly lastVacuum: string | null;
  readonly used: boolean;
  readonly stale: boolean;
}
