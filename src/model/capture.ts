/** The folder that `record` leaves behind: names of its files, in one place. */
export const CaptureFile = {
  manifest: 'capture.json',
  raw: 'raw',
  otlpIndex: 'raw/otlp/index.jsonl',
  traces: 'raw/otlp/traces.pb',
  logs: 'raw/otlp/logs.pb',
  metrics: 'raw/otlp/metrics.pb',
  /** Tables of the orchestrator after the run, where they were given. */
  rows: 'rows.json',
  speedscope: 'profile.speedscope.json',
  flameSvg: 'flame.svg',
  flameHtml: 'flame.html',
  breakdown: 'breakdown.json',
  hotPaths: 'hot-paths.json',
  systemFigures: 'system-figures.json',
  asyncTasks: 'async-tasks.json',
  asyncTasksSvg: 'async-tasks.svg',
  overhead: 'overhead.json',
  reportMarkdown: 'report.md',
  reportHtml: 'report.html',
} as const;

/** `capture.json`. Fields may be added; none is renamed. */
export interface CaptureManifest {
  readonly schema: 'tprof.capture/1';
  /** False until everything is on disk: every command that opens such a capture says so first. */
  readonly complete: boolean;
  /** The tprof that records or recorded here: tells a capture in the making from an abandoned one. */
  readonly recorder?: { readonly pid: number; readonly startTime: string };
  /** Why `complete` stayed false, where tprof lived to say so. */
  readonly incompleteWhy?: string;
  readonly name: string;
  /** Version of tprof. */
  readonly tprof: string;
  readonly command: readonly string[];
  readonly startedAt: string;
  /** How the child ended; undefined while it runs, or where nothing was started. */
  readonly exit?: { readonly code: number | null; readonly signal: string | null };
  readonly durationNs?: number;
  readonly host: {
    readonly platform: string;
    readonly release: string;
    readonly arch: string;
    readonly cpus: number;
    readonly cpuModel: string;
    readonly memoryBytes: number;
    readonly node: string;
  };
  /** Every tool that ran, with the version that it printed. */
  readonly tools: readonly CaptureTool[];
  /** Pairs of the same instant on two clocks, taken at the beginning and the end: profilers use the monotonic one. */
  readonly clocks: readonly ClockAnchor[];
  readonly processes: readonly CaptureProcess[];
  readonly losses: readonly { readonly what: string; readonly count: number; readonly why: string }[];
  /** What watching cost: tprof's own CPU and peak memory while it recorded. */
  readonly self: { readonly cpuUserNs: number; readonly cpuSystemNs: number; readonly peakRssBytes: number };
  /** Files of the folder that hold each thing, relative to it; several where each process writes its own. */
  readonly profiles: readonly {
    readonly file: string;
    readonly format: string;
    readonly pid: number;
    readonly tid: number;
    /** Which clock its samples were timed by, whatever the file says: the host's monotonic one, or none at all. */
    readonly clock?: 'monotonic' | 'none';
    /** Monotonic time of its time 0, where its times count from its own beginning. */
    readonly startNs?: number;
  }[];
  /** What was probed beside: one file of figures over time each. Absent in captures of earlier versions. */
  readonly probes?: readonly CaptureProbe[];
  /** What watching the command costs, where it was asked for: watched and unwatched runs, compared. */
  readonly overhead?: CaptureOverhead;
  /** Recordings of async runtimes, one a program that was listened to. */
  readonly asyncTasks?: readonly {
    readonly file: string;
    readonly format: string;
    readonly address: string;
    /** 0 = not known. */
    readonly pid: number;
    readonly connections: number;
    readonly updates: number;
  }[];
  readonly spans: {
    readonly accepted: number;
    readonly logs: number;
    readonly metrics: number;
    readonly requests: number;
  };
}

export interface CaptureProbe {
  readonly id: string;
  /** Relative to the capture. */
  readonly file: string;
  readonly intervalMs: number;
  readonly readings: number;
  /** How often nothing could be read; `losses` says when and why. */
  readonly missed: number;
}

export interface CaptureTool {
  readonly id: string;
  readonly version: string;
  readonly path: string;
}

export interface ClockAnchor {
  readonly unixNs: string;
  /** CLOCK_MONOTONIC, as `process.hrtime` and perf read it. */
  readonly monotonicNs: string;
}

export interface CaptureProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: readonly string[];
  /** What people call it: `tasker-lite orchestration`, `postgres`. */
  readonly name: string;
  /** Ticks since boot from /proc/PID/stat, as text: with the pid it names a process uniquely. '' = not known. */
  readonly startTime: string;
}

/** Of `record --measure-overhead`; `analyzers/overhead.ts` makes it. */
export interface CaptureOverhead {
  readonly requestedRounds: number;
  /** Rounds that were run to their end, both ways. */
  readonly rounds: number;
  /** Runs whose exit was another than the recording's: their rounds do not count. */
  readonly failedRuns: number;
  /** Ended by a signal before all rounds were done. */
  readonly interrupted: boolean;
  /** Which way came first in each round. */
  readonly order: readonly ('unwatched' | 'watched')[];
  /** What watched: profilers, receivers, probes. */
  readonly watchedBy: readonly string[];
  readonly measures: readonly OverheadMeasure[];
  /** CPU of tprof's own process in a watched run: the receiver, probes, following processes. Median; null without rounds. */
  readonly selfCpuNs: number | null;
}

/** What watching costs, in one measure. */
export interface OverheadMeasure {
  readonly id: string;
  /** What was measured, in a sentence. */
  readonly what: string;
  readonly unit: 'nanoseconds';
  /** By round. */
  readonly unwatched: readonly number[];
  readonly watched: readonly number[];
  readonly unwatchedMedian: number;
  readonly watchedMedian: number;
  /** Watched less unwatched, and the same as a share of unwatched. */
  readonly difference: OverheadChange;
  readonly relative: OverheadChange;
  /** The interval of the share leaves 0 out. */
  readonly significant: boolean;
}

export interface OverheadChange {
  readonly estimate: number;
  /** With 95 % confidence; null with fewer than two rounds. */
  readonly interval: readonly [low: number, high: number] | null;
}
