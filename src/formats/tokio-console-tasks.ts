import { float64Column, uint32Column } from '../base/column.ts';
import type { Interner } from '../base/interner.ts';
import type { Warnings } from '../base/warnings.ts';
import type { AsyncTaskDelays, AsyncTaskTable, DelayFigures } from '../model/async-tasks.ts';
import { hdrQuantile, readHdrHistogram } from './hdr-histogram.ts';
import type {
  ConsoleField,
  ConsoleHistogram,
  ConsoleMetadata,
  ConsolePolls,
  ConsoleTask,
  ConsoleTaskDetails,
  ConsoleTaskStats,
  ConsoleUpdate,
} from './tokio-console-messages.ts';

/** A waker between two places (handed over, not yet counted) is not lost: that long it has to be gone. */
const LOST_AFTER_NS = 200e6;

/** The tasks of one program, a row each; figures of a task replace the earlier ones. */
export class ConsoleTasks {
  readonly #strings: Interner;
  readonly #warnings: Warnings;
  readonly #rowOf = new Map<bigint, number>();
  readonly #words = {
    program: uint32Column(),
    name: uint32Column(),
    kind: uint32Column(),
    target: uint32Column(),
    file: uint32Column(),
    line: uint32Column(),
    column: uint32Column(),
  };
  readonly #n = {
    taskId: float64Column(),
    createdNs: float64Column(),
    droppedNs: float64Column(),
    untilNs: float64Column(),
    busyNs: float64Column(),
    scheduledNs: float64Column(),
    polls: float64Column(),
    firstPollNs: float64Column(),
    lastWakeNs: float64Column(),
    pollStartedNs: float64Column(),
    pollEndedNs: float64Column(),
    wakes: float64Column(),
    selfWakes: float64Column(),
    wakerClones: float64Column(),
    wakerDrops: float64Column(),
    sizeBytes: float64Column(),
    originalSizeBytes: float64Column(),
    unyieldedNs: float64Column(),
    lostWakerNs: float64Column(),
  };
  /** Rows in their first poll, and rows that nothing can wake: a passing moment, or a finding if it lasts. */
  readonly #inFirstPoll = new Set<number>();
  readonly #unwakeable = new Set<number>();
  /** Living rows that a new connection has not spoken of yet. */
  #unconfirmed = new Set<bigint>();
  #heardNs = Number.NaN;
  readonly delays: Map<number, AsyncTaskDelays> = new Map();

  constructor(strings: Interner, warnings: Warnings) {
    this.#strings = strings;
    this.#warnings = warnings;
  }

  /** A new connection: what its first update does not tell of has ended unseen, or ran in an earlier program. */
  reconnected(heardNs: number): void {
    this.#heardNs = heardNs;
    for (const [id, row] of this.#rowOf) if (Number.isNaN(this.#n.untilNs.get(row))) this.#unconfirmed.add(id);
  }

  apply(update: ConsoleUpdate, metadata: ReadonlyMap<bigint, ConsoleMetadata>, nowNs: number): void {
    const stats = new Map(update.taskStats);
    for (const task of update.tasks) this.#introduce(task, stats.get(task.id), metadata);
    for (const [id, figures] of stats) {
      const row = this.#rowOf.get(id);
      this.#unconfirmed.delete(id);
      if (row === undefined) {
        this.#warnings.add('tasks-unknown', 'figures came of tasks that were never introduced, and were left out');
      } else this.#set(row, figures, nowNs);
    }
    for (const id of this.#unconfirmed) {
      const row = this.#rowOf.get(id)!;
      this.#n.untilNs.set(row, this.#heardNs);
      this.#inFirstPoll.delete(row);
      this.#unwakeable.delete(row);
      this.#rowOf.delete(id);
    }
    this.#unconfirmed.clear();
    for (const row of this.#inFirstPoll) this.#raise(row, nowNs - this.#n.pollStartedNs.get(row));
    for (const row of this.#unwakeable) {
      const since = this.#n.pollEndedNs.get(row);
      if (nowNs - since >= LOST_AFTER_NS) this.#n.lostWakerNs.set(row, since);
    }
  }

  details({ task, poll, scheduled }: ConsoleTaskDetails): void {
    const row = this.#rowOf.get(task);
    const figures = poll === undefined ? undefined : figuresOf(poll);
    if (row === undefined || figures === undefined) return;
    // Without wakes it takes all time before a poll for a queue, as in the sums.
    const queued = scheduled === undefined || this.#n.wakes.get(row) === 0 ? undefined : figuresOf(scheduled);
    this.delays.set(row, { poll: figures, scheduled: queued });
  }

  #introduce(
    task: ConsoleTask,
    stats: ConsoleTaskStats | undefined,
    metadata: ReadonlyMap<bigint, ConsoleMetadata>,
  ): void {
    const known = this.#rowOf.get(task.id);
    // Numbers of spans are used again: the moment of its creation says whether it is the same one.
    if (known !== undefined && (stats === undefined || this.#n.createdNs.get(known) === stats.createdNs)) return;
    if (known !== undefined && Number.isNaN(this.#n.untilNs.get(known))) {
      this.#n.untilNs.set(known, this.#heardNs);
      this.#inFirstPoll.delete(known);
      this.#unwakeable.delete(known);
    }
    const fields = fieldsOf(task, metadata);
    const words = this.#words;
    const s = this.#strings;
    const row = words.program.push(0);
    words.name.push(s.intern(String(fields.get('task.name') ?? '')));
    words.kind.push(s.intern(String(fields.get('kind') ?? (task.kind === 1 ? 'blocking' : 'task'))));
    words.target.push(s.intern(metadata.get(task.metadata)?.target ?? ''));
    words.file.push(s.intern(task.location?.file ?? ''));
    words.line.push(task.location?.line ?? 0);
    words.column.push(task.location?.column ?? 0);
    const n = this.#n;
    for (const column of Object.values(n)) column.push(0);
    const absent = [n.droppedNs, n.untilNs, n.firstPollNs, n.lastWakeNs, n.pollStartedNs, n.pollEndedNs, n.lostWakerNs];
    for (const column of absent) column.set(row, Number.NaN);
    n.createdNs.set(row, stats?.createdNs ?? Number.NaN);
    n.taskId.set(row, numberOf(fields.get('task.id')));
    n.sizeBytes.set(row, numberOf(fields.get('size.bytes')));
    n.originalSizeBytes.set(row, numberOf(fields.get('original_size.bytes')));
    this.#rowOf.set(task.id, row);
  }

  #set(row: number, { poll, ...stats }: ConsoleTaskStats, nowNs: number): void {
    const n = this.#n;
    const wakesBefore = n.wakes.get(row);
    const scheduledNs = this.#scheduled(row, poll, stats);
    if (!Number.isNaN(stats.createdNs)) n.createdNs.set(row, stats.createdNs);
    n.droppedNs.set(row, stats.droppedNs);
    n.untilNs.set(row, stats.droppedNs);
    n.busyNs.set(row, poll.busyNs);
    n.scheduledNs.set(row, scheduledNs);
    n.polls.set(row, poll.polls);
    n.firstPollNs.set(row, poll.firstNs);
    n.lastWakeNs.set(row, stats.lastWakeNs);
    n.pollStartedNs.set(row, poll.startedNs);
    n.pollEndedNs.set(row, poll.endedNs);
    n.wakes.set(row, stats.wakes);
    n.selfWakes.set(row, stats.selfWakes);
    n.wakerClones.set(row, stats.wakerClones);
    n.wakerDrops.set(row, stats.wakerDrops);

    const ended = !Number.isNaN(stats.droppedNs);
    // Dropping it was the second poll, if nothing woke it for another.
    if (ended && poll.polls === 2 && stats.wakes === 0) this.#raise(row, poll.busyNs);
    // A comparison with NaN, which has not happened, is false.
    const isRunning = !Number.isNaN(poll.startedNs) && !(poll.endedNs >= poll.startedNs);
    if (isRunning && poll.polls <= 1 && !ended) this.#inFirstPoll.add(row);
    else {
      this.#inFirstPoll.delete(row);
      if (poll.polls === 1) this.#raise(row, poll.busyNs);
    }
    const isAwakened = poll.polls === 0 || stats.lastWakeNs > poll.startedNs;
    const isUnwakeable = !ended && !isRunning && !isAwakened && stats.wakerClones <= stats.wakerDrops;
    if (isUnwakeable) this.#unwakeable.add(row);
    else {
      this.#unwakeable.delete(row);
      // Whoever could still wake it had a waker that we did not see. Being dropped is no waking.
      if (!ended || stats.wakes > wakesBefore) n.lostWakerNs.set(row, Number.NaN);
    }
    if (Number.isNaN(nowNs)) this.#warnings.add('clock-missing', 'updates came without the program’s clock');
  }

  /**
   * The subscriber takes the dropping of a task for a poll, and all time before a poll for time in a queue. Without a
   * wake there was no queue: an aborted task had been idle, and so is what it cannot see the wakes of (`block_on`).
   */
  #scheduled(row: number, poll: ConsolePolls, stats: Omit<ConsoleTaskStats, 'poll'>): number {
    const n = this.#n;
    if (stats.wakes === 0) return 0;
    const isDrop =
      !Number.isNaN(stats.droppedNs) &&
      poll.polls === n.polls.get(row) + 1 &&
      stats.wakes === n.wakes.get(row) &&
      !(n.lastWakeNs.get(row) > n.pollStartedNs.get(row));
    return isDrop ? n.scheduledNs.get(row) : stats.scheduledNs;
  }

  #raise(row: number, unyieldedNs: number): void {
    if (unyieldedNs > this.#n.unyieldedNs.get(row)) this.#n.unyieldedNs.set(row, unyieldedNs);
  }

  finish(untilNs: number): AsyncTaskTable {
    const n = this.#n;
    const { length } = this.#words.program;
    for (let row = 0; row < length; row++) {
      if (Number.isNaN(n.createdNs.get(row))) n.createdNs.set(row, untilNs);
      if (Number.isNaN(n.untilNs.get(row))) n.untilNs.set(row, Math.max(untilNs, n.createdNs.get(row)));
    }
    const columns = <K extends string, A>(of: Record<K, { finish(): A }>): Record<K, A> =>
      Object.fromEntries(Object.entries<{ finish(): A }>(of).map(([key, column]) => [key, column.finish()])) as Record<
        K,
        A
      >;
    return { length, ...columns(this.#words), ...columns(n) };
  }
}

function figuresOf({ bytes, highestOutlierNs }: ConsoleHistogram): DelayFigures | undefined {
  const histogram = readHdrHistogram(bytes);
  if (histogram === undefined || histogram.total === 0) return undefined;
  // What is longer than the histogram reaches stands in its last bucket.
  const quantile = (q: number): number => hdrQuantile(histogram, q);
  return {
    count: histogram.total,
    p50Ns: quantile(0.5),
    p90Ns: quantile(0.9),
    p99Ns: quantile(0.99),
    maxNs: Math.max(quantile(1), highestOutlierNs),
  };
}

function fieldsOf(
  { fields, metadata: own }: ConsoleTask,
  metadata: ReadonlyMap<bigint, ConsoleMetadata>,
): Map<string, ConsoleField['value']> {
  const values = new Map<string, ConsoleField['value']>();
  for (const { name, value, metadata: other } of fields) {
    const names = typeof name === 'string' ? undefined : (metadata.get(other) ?? metadata.get(own))?.fieldNames;
    const word = typeof name === 'string' ? name : names?.[name];
    if (word !== undefined) values.set(word, value);
  }
  return values;
}

function numberOf(value: ConsoleField['value'] | undefined): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 ? number : -1;
}
