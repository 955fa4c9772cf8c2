import type { Warning } from '../base/warnings.ts';

/**
 * What an async runtime told of its tasks while it was watched (tokio's console-subscriber): columns, one row a task,
 * and what was waited for, folded by what it is. All times are nanoseconds after `epochNs`.
 */
export interface AsyncRecording {
  readonly name: string;
  /** Unix nanoseconds. */
  readonly epochNs: bigint;
  /** `strings[0]` is ''. */
  readonly strings: readonly string[];
  readonly programs: readonly AsyncProgram[];
  readonly tasks: AsyncTaskTable;
  /** By row of `tasks`: of the busiest, whose single polls were asked for. */
  readonly delays: ReadonlyMap<number, AsyncTaskDelays>;
  readonly waits: readonly AsyncWait[];
  readonly resources: readonly AsyncResource[];
  readonly pollOps: readonly AsyncPollOp[];
  readonly warnings: readonly Warning[];
}

/** One program that was listened to. */
export interface AsyncProgram {
  readonly address: string;
  /** 0 = not known. */
  readonly pid: number;
  readonly connections: number;
  readonly updates: number;
  /** Its own clock at the first and the last update: nothing is known of what came later. */
  readonly fromNs: number;
  readonly untilNs: number;
  /** Events that the program says it could not pass on. */
  readonly dropped: { readonly tasks: number; readonly resources: number; readonly asyncOps: number };
}

/** One element a task in each column. Columns of indices into `strings`: 0 = unknown. NaN = has not happened. */
export interface AsyncTaskTable {
  readonly length: number;
  readonly program: Uint32Array;
  /** tokio's own number of the task; -1 = not told. */
  readonly taskId: Float64Array;
  readonly name: Uint32Array;
  /** `task`, `local`, `blocking`, `block_on`. */
  readonly kind: Uint32Array;
  readonly target: Uint32Array;
  readonly file: Uint32Array;
  readonly line: Uint32Array;
  readonly column: Uint32Array;
  readonly createdNs: Float64Array;
  /** NaN: it lived when it was heard of last. */
  readonly droppedNs: Float64Array;
  /** Until when its figures are known: its end, or the last update that could have told of it. */
  readonly untilNs: Float64Array;
  /** Of polls that ended. */
  readonly busyNs: Float64Array;
  /** Between a wake and the poll that followed. */
  readonly scheduledNs: Float64Array;
  readonly polls: Float64Array;
  readonly firstPollNs: Float64Array;
  readonly lastWakeNs: Float64Array;
  readonly pollStartedNs: Float64Array;
  readonly pollEndedNs: Float64Array;
  readonly wakes: Float64Array;
  readonly selfWakes: Float64Array;
  readonly wakerClones: Float64Array;
  readonly wakerDrops: Float64Array;
  /** Bytes of the future, and what they were before the runtime boxed it; -1 = not told. */
  readonly sizeBytes: Float64Array;
  readonly originalSizeBytes: Float64Array;
  /** How long it had run without ever having yielded, at most, at any moment that was seen; 0 = it was never seen so. */
  readonly unyieldedNs: Float64Array;
  /** Since when nothing could wake it any more; NaN = something could. */
  readonly lostWakerNs: Float64Array;
}

/** How long single polls of a task took, and single waits in the queue before them, where it was told. */
export interface AsyncTaskDelays {
  readonly poll: DelayFigures;
  readonly scheduled: DelayFigures | undefined;
}

/** Within one percent, as the histograms have it. */
export interface DelayFigures {
  readonly count: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
}

/** Async operations on resources (`Semaphore::acquire`, `Sleep`), folded by source, resource and place. */
export interface AsyncWait {
  /** Index into `programs`. */
  readonly program: number;
  readonly source: string;
  /** Concrete type of the resource. */
  readonly resource: string;
  /** Inside of another one, whose waiting it repeats: the semaphore in a mutex. */
  readonly isInternal: boolean;
  /** Where the resource was made; '' = unknown. */
  readonly file: string;
  readonly line: number;
  readonly count: number;
  /** Not ended when the program was heard last. */
  readonly open: number;
  /** From creation to the end (or to the last update), added up. */
  readonly totalNs: number;
  readonly longestNs: number;
  readonly busyNs: number;
  readonly polls: number;
}

export interface AsyncResource {
  readonly program: number;
  readonly type: string;
  readonly kind: string;
  readonly file: string;
  readonly line: number;
  readonly isInternal: boolean;
  readonly created: number;
  readonly alive: number;
  /** Added up, until their end or the last update: of timers, the time that was slept. */
  readonly livedNs: number;
}

/** Polls of operations by name (`poll_acquire`), and how many found it ready. */
export interface AsyncPollOp {
  readonly program: number;
  readonly name: string;
  readonly resource: string;
  readonly polls: number;
  readonly ready: number;
}

export interface TaskTimes {
  readonly busyNs: number;
  readonly scheduledNs: number;
  /** What is left of its life. */
  readonly idleNs: number;
  readonly totalNs: number;
  readonly state: 'running' | 'scheduled' | 'idle' | 'completed' | 'unknown';
}

/** How a task spent its life so far: a poll that has not ended counts as far as it is known, and so does a wake. */
export function taskTimes({ tasks, programs }: AsyncRecording, row: number): TaskTimes {
  const untilNs = tasks.untilNs[row]!;
  const started = tasks.pollStartedNs[row]!;
  const ended = tasks.pollEndedNs[row]!;
  const woken = tasks.lastWakeNs[row]!;
  const isCompleted = !Number.isNaN(tasks.droppedNs[row]!);
  // Comparisons with NaN (it has not happened) are false.
  const isRunning = !isCompleted && !Number.isNaN(started) && !(ended >= started);
  const isScheduled = !isCompleted && !isRunning && (tasks.polls[row] === 0 || woken > started);
  const totalNs = Math.max(0, untilNs - tasks.createdNs[row]!) || 0;
  const open = isRunning ? untilNs - started : 0;
  // Woken while it ran, it waits from the end of that poll; before its first poll, from the beginning.
  const since = [tasks.createdNs[row]!, woken, ended].filter(ns => !Number.isNaN(ns));
  const waiting = isScheduled ? untilNs - Math.max(...since) : 0;
  // The subscriber counts from a wake; a task that was spawned waits for its first poll just as well.
  const spawning = Number.isNaN(tasks.firstPollNs[row]!) ? 0 : tasks.firstPollNs[row]! - tasks.createdNs[row]!;
  const busyNs = Math.min(totalNs, tasks.busyNs[row]! + Math.max(0, open));
  const scheduledNs = Math.min(
    totalNs - busyNs,
    tasks.scheduledNs[row]! + Math.max(0, waiting) + Math.max(0, spawning),
  );
  const isSeen = isCompleted || untilNs >= (programs[tasks.program[row]!]?.untilNs ?? 0);
  return {
    busyNs,
    scheduledNs,
    idleNs: totalNs - busyNs - scheduledNs,
    totalNs,
    state: isCompleted ? 'completed' : !isSeen ? 'unknown' : isRunning ? 'running' : isScheduled ? 'scheduled' : 'idle',
  };
}

/** What people call a task: its name; without one, its kind. */
export function taskLabel({ tasks, strings }: AsyncRecording, row: number): string {
  const name = strings[tasks.name[row]!]!;
  const kind = strings[tasks.kind[row]!]!;
  return name === '' ? `(unnamed ${kind === '' || kind === 'task' ? 'task' : `${kind} task`})` : name;
}

/** Where a crate's source lies on the machine that built it says nothing: `registry/src/INDEX/tokio-1.54/src/x.rs`. */
export function shortPath(file: string): string {
  return file.replace(/^.*[/\\](?:registry[/\\]src[/\\][^/\\]+|git[/\\]checkouts)[/\\]/, '<cargo>/');
}
