import type { Reading } from '../../src/formats/probe-log.ts';
import type { ProcessId } from '../process-table.ts';

/**
 * The contract of a probe: reads figures of one target every now and then while something is recorded. One file each
 * in this folder, one line in `list.ts`. A probe never stops a recording: `sample` throws `ProbeFailure` where nothing
 * can be read just now, and is asked again at the next turn.
 */
export interface Probe {
  /** File name, and the file below `raw/probes`. */
  readonly id: string;
  readonly title: string;
  /** What switches it on; undefined where it is on in every recording. */
  readonly flag: string | undefined;
  /** Looks whether it would work here, and at `target` where one is given; changes nothing. */
  check(target?: string): Promise<ProbeStatus>;
  /** Throws `TprofError` (`usage`) where `target` is no address of its kind. Connects to nothing yet. */
  open(request: ProbeRequest): ProbeRun;
}

export type ProbeStatus =
  | { readonly usable: true; readonly version: string; readonly usableFor: string; readonly note?: string }
  /** `hint` is the exact command that mends it. */
  | { readonly usable: false; readonly reason: string; readonly hint: string };

export interface ProbeRequest {
  /** What the flag was given; '' where there is none. */
  readonly target: string;
  readonly intervalMs: number;
  /** What is looked at belongs to the workload and ends with it: nobody could change how it is set up. */
  readonly endsWithTarget?: boolean;
  /** Processes of the recording, as they are known at the time of asking. */
  readonly processes: () => readonly ProcessId[];
}

export interface ProbeRun {
  /** Without credentials: goes into the capture. */
  readonly target: Readonly<Record<string, string | number>>;
  /** Everything at once. Throws `ProbeFailure`. */
  sample(): Promise<ProbeSample>;
  /** The recording ends: last documents, and what is known to be missing. */
  close(): Promise<ProbeEnd>;
}

export interface ProbeSample {
  readonly readings: readonly Reading[];
  /** Turns to leave out, so that reading costs no more than it may. */
  readonly restTurns?: number;
  readonly documents?: readonly { readonly name: string; readonly value: unknown }[];
}

export interface ProbeEnd {
  readonly documents: readonly { readonly name: string; readonly value: unknown }[];
  readonly losses: readonly { readonly what: string; readonly count: number; readonly why: string }[];
}

/** Nothing could be read this time. `why` goes into the capture: no host names, no users, no secrets in it. */
export class ProbeFailure extends Error {
  readonly why: string;
  /** What mends it, where that is known; for the terminal alone. */
  readonly hint: string | undefined;

  constructor(why: string, options: { hint?: string; cause?: unknown } = {}) {
    super(why, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ProbeFailure';
    this.why = why;
    this.hint = options.hint;
  }
}
