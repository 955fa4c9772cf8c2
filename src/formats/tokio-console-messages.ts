// https://github.com/tokio-rs/console/tree/main/console-api/proto

/** `rs.tokio.console.instrument.Update`. Ids are span ids: 64 bits, of which doubles would lose some. */
export interface ConsoleUpdate {
  nowNs: number;
  readonly metadata: ConsoleMetadata[];
  readonly tasks: ConsoleTask[];
  readonly taskStats: [id: bigint, stats: ConsoleTaskStats][];
  readonly resources: ConsoleResource[];
  readonly resourceStats: [id: bigint, stats: ConsoleLife][];
  readonly pollOps: ConsolePollOp[];
  readonly asyncOps: ConsoleAsyncOp[];
  readonly asyncOpStats: [id: bigint, stats: ConsoleAsyncOpStats][];
  readonly dropped: { tasks: number; resources: number; asyncOps: number };
}

export interface ConsoleMetadata {
  id: bigint;
  target: string;
  fieldNames: string[];
}

export interface ConsoleLocation {
  file: string;
  line: number;
  column: number;
}

/** A field's name is text, or a number in the names that its metadata lists. */
export interface ConsoleField {
  name: string | number;
  value: string | number | boolean;
  metadata: bigint;
}

export interface ConsoleTask {
  id: bigint;
  metadata: bigint;
  /** 1 = BLOCKING. console-subscriber writes 0 for all, and tells the kind in a field. */
  kind: number;
  readonly fields: ConsoleField[];
  location: ConsoleLocation | undefined;
}

/** Times are ns after the decoder's base; NaN = has not happened. */
export interface ConsoleLife {
  createdNs: number;
  droppedNs: number;
}

export interface ConsolePolls {
  polls: number;
  firstNs: number;
  startedNs: number;
  endedNs: number;
  busyNs: number;
}

export interface ConsoleTaskStats extends ConsoleLife {
  wakes: number;
  selfWakes: number;
  wakerClones: number;
  wakerDrops: number;
  lastWakeNs: number;
  scheduledNs: number;
  poll: ConsolePolls;
}

export interface ConsoleAsyncOpStats extends ConsoleLife {
  task: bigint;
  poll: ConsolePolls;
}

export interface ConsoleResource {
  id: bigint;
  type: string;
  kind: string;
  location: ConsoleLocation | undefined;
  parent: bigint;
  /** A part of another one: the semaphore in a mutex. */
  isInternal: boolean;
}

export interface ConsoleAsyncOp {
  id: bigint;
  source: string;
  resource: bigint;
}

export interface ConsolePollOp {
  resource: bigint;
  name: string;
  task: bigint;
  isReady: boolean;
}

/** `rs.tokio.console.tasks.TaskDetails`: histograms of one task, in the encoding of HdrHistogram. */
export interface ConsoleTaskDetails {
  task: bigint;
  poll: ConsoleHistogram | undefined;
  scheduled: ConsoleHistogram | undefined;
}

export interface ConsoleHistogram {
  bytes: Uint8Array;
  /** Longer than the histogram reaches; -1 = none was. */
  highestOutlierNs: number;
}
