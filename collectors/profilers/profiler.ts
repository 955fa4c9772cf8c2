import type { CaptureProbe } from '../../src/model/capture.ts';

/**
 * The contract of a profiler: how to run one tool around a command (or beside running processes), what this machine
 * lacks for it, and where it leaves what it saw. One file each in this folder, one line in `list.ts`.
 */
export interface Profiler {
  /** File name, word on the command line, folder below `raw/`. */
  readonly id: string;
  readonly title: string;
  readonly measures: readonly Measure[];
  readonly platforms: readonly NodeJS.Platform[];
  /** Runtimes whose functions it can name. */
  readonly runtimes: readonly Runtime[];
  /** Can watch processes that already run (`--pid`). */
  readonly attaches: boolean;
  /** Which of tprof's options it honours; the others are an error that names the profilers that do. */
  readonly options: readonly ProfilerOption[];
  /** Starts the target itself and in its own way: it shares a run with no other. */
  readonly alone?: boolean;
  /** What it does to the times of its target, where they are no longer the target's own: said beside a CPU profile. */
  readonly distorts?: string;
  /** Looks, runs `--version`, changes nothing. */
  check(): Promise<ProfilerStatus>;
  prepare(request: ProfilerRequest): Promise<ProfilerRun>;
}

export type Measure = 'cpu' | 'off-cpu' | 'heap' | 'async';
export type Runtime = 'node' | 'native' | 'python';
export type ProfilerOption = 'frequency' | 'call-graph' | 'event' | 'children';

export type ProfilerStatus =
  | { readonly usable: true; readonly version: string; readonly path: string; readonly note?: string }
  /** `hint` is the exact command that mends it. */
  | { readonly usable: false; readonly reason: string; readonly hint: string };

export interface ProfilerRequest {
  /** The target; empty when attaching. */
  readonly command: readonly string[];
  /** Running processes to watch; empty when starting `command`. */
  readonly pids: readonly number[];
  /** Absolute; exists and is empty: `CAPTURE/raw/<id>`. */
  readonly rawDirectory: string;
  /** Where the target runs; tprof's own working directory where it is not said. */
  readonly cwd?: string;
  /** Environment of the target as it stands, with what other profilers added. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly frequencyHz: number | undefined;
  readonly callGraph: 'fp' | 'dwarf' | undefined;
  readonly event: string | undefined;
}

export interface ProfilerRun {
  /** What to start in the target's place; the target's own command where the tool needs no wrapper. */
  readonly command: readonly string[];
  /** Added to the target's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called once: the command runs, or the recording of running processes begins. For tools that attach. */
  started?(pid: number): Promise<void>;
  /**
   * A signal that ends programs reached these processes a moment ago, and they still run: time to get the profile out of
   * one that is stuck in a loop. Says what it did, one line each.
   */
  overdue?(pids: readonly number[], signal: NodeJS.Signals): Promise<readonly string[]>;
  /** The recording is to end: stop a tool that runs beside its target. Called once, also after a Ctrl-C. */
  stop?(): Promise<void>;
  /** Who is to get tprof's stop signals, where the tool in front of the target would die of them without a profile. */
  targetPid?(): number | undefined;
  /** The target's own exit where the tool swallows it; undefined = what the wrapper exited with is right. */
  targetExit?(): { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  /** After everything ended: what was written, and what is known to be missing. */
  collect(): Promise<ProfilerHarvest>;
}

export interface ProfilerHarvest {
  /** Paths relative to `rawDirectory`. */
  readonly artefacts: readonly ProfilerArtefact[];
  readonly losses: readonly { readonly what: string; readonly count: number; readonly why: string }[];
  /** Versions that only the run showed: of the runtimes that were profiled. */
  readonly tools?: readonly { readonly id: string; readonly version: string; readonly path: string }[];
  /** The processes whose functions the profile holds, where the tool may miss some: the others are named, with `why`. */
  readonly profiled?: { readonly pids: readonly number[]; readonly why: string };
  /** Processes that the tool saw, the short-lived ones included; `startTime` '' where it does not say. */
  readonly processes?: readonly {
    readonly pid: number;
    readonly parentPid: number;
    readonly command: readonly string[];
    readonly startTime: string;
  }[];
  /**
   * Set by profilers of Node alone: what each Node process should have left (`CPU profile`). A process of the run that is
   * not among `processes` is then named as missing.
   */
  readonly nodeProfile?: string;
  /** Figures over time that the tool read; `file` is relative to `rawDirectory`. */
  readonly probes?: readonly CaptureProbe[];
  /** Processes of the tool itself, which are no part of what was recorded. */
  readonly ownPids?: readonly number[];
  /** Of a tool that starts more than the target: itself and what it starts are no part either, but for the target. */
  readonly toolTree?: { readonly pid: number; readonly target: number };
}

export interface ProfilerArtefact {
  readonly file: string;
  /** Id of the profile format; undefined for artefacts that are kept and not read (a tool's own HTML). */
  readonly format: string | undefined;
  /** 0 where the artefact holds several processes or threads. */
  readonly pid: number;
  readonly tid: number;
  /** Of its samples, where the file does not tell: see `CaptureManifest.profiles`. */
  readonly clock?: 'monotonic' | 'none';
  /** Monotonic time of its time 0, where its times count from its own beginning. */
  readonly startNs?: number;
}
