// https://github.com/tokio-rs/console/tree/main/console-api/proto
import { MalformedProtobuf, ProtobufCursor } from './protobuf-cursor.ts';

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

/** Takes the field whose tag was just read; false = it is not one that is known, and is skipped. */
type Take = (tag: number) => boolean;

/** Tags are `field number × 8 + wire type`. */
const text = new TextDecoder();

/** Decodes updates; times are counted from `baseSeconds` (Unix), so that doubles keep their nanoseconds. */
export class ConsoleDecoder {
  readonly #c = new ProtobufCursor();
  readonly #baseSeconds: number;

  constructor(baseSeconds: number) {
    this.#baseSeconds = baseSeconds;
  }

  /** Undefined where the bytes are no such message. */
  update(bytes: Uint8Array): ConsoleUpdate | undefined {
    const update: ConsoleUpdate = {
      nowNs: Number.NaN,
      metadata: [],
      tasks: [],
      taskStats: [],
      resources: [],
      resourceStats: [],
      pollOps: [],
      asyncOps: [],
      asyncOpStats: [],
      dropped: { tasks: 0, resources: 0, asyncOps: 0 },
    };
    this.#c.use(bytes);
    this.#c.p = 0;
    try {
      this.#fields(bytes.length, tag => {
        switch (tag) {
          case 0x0a:
            update.nowNs = this.#time();
            return true;
          case 0x12:
            this.#taskUpdate(update);
            return true;
          case 0x1a:
            this.#resourceUpdate(update);
            return true;
          case 0x22:
            this.#asyncOpUpdate(update);
            return true;
          case 0x2a:
            this.#message(inner => {
              if (inner !== 0x0a) return false;
              update.metadata.push(this.#newMetadata());
              return true;
            });
            return true;
          default:
            return false;
        }
      });
    } catch (error) {
      if (error instanceof MalformedProtobuf || error instanceof RangeError) return undefined;
      throw error;
    }
    return update;
  }

  /** Undefined where the bytes are no such message. Histograms are copies. */
  details(bytes: Uint8Array): ConsoleTaskDetails | undefined {
    const details: ConsoleTaskDetails = { task: 0n, poll: undefined, scheduled: undefined };
    this.#c.use(bytes);
    this.#c.p = 0;
    try {
      this.#fields(bytes.length, tag => {
        if (tag === 0x0a) details.task = this.#id();
        else if (tag === 0x1a) details.poll = { bytes: this.#bytes(), highestOutlierNs: -1 };
        else if (tag === 0x22) details.poll = this.#histogram();
        else if (tag === 0x2a) details.scheduled = this.#histogram();
        else return false;
        return true;
      });
    } catch (error) {
      if (error instanceof MalformedProtobuf || error instanceof RangeError) return undefined;
      throw error;
    }
    return details;
  }

  #histogram(): ConsoleHistogram {
    const histogram: ConsoleHistogram = { bytes: new Uint8Array(0), highestOutlierNs: -1 };
    this.#message(tag => {
      if (tag === 0x0a) histogram.bytes = this.#bytes();
      else if (tag === 0x20) histogram.highestOutlierNs = this.#number();
      else return false;
      return true;
    });
    return histogram;
  }

  #bytes(): Uint8Array {
    const c = this.#c;
    const end = c.lengthEnd(this.#end);
    const value = c.bytes.slice(c.p, end);
    c.p = end;
    return value;
  }

  #taskUpdate(update: ConsoleUpdate): void {
    this.#message(tag => {
      if (tag === 0x0a) update.tasks.push(this.#task());
      else if (tag === 0x1a) this.#entry(update.taskStats, () => this.#taskStats());
      else if (tag === 0x20) update.dropped.tasks += this.#number();
      else return false;
      return true;
    });
  }

  #resourceUpdate(update: ConsoleUpdate): void {
    this.#message(tag => {
      if (tag === 0x0a) update.resources.push(this.#resource());
      else if (tag === 0x12) this.#entry(update.resourceStats, () => this.#life());
      else if (tag === 0x1a) update.pollOps.push(this.#pollOp());
      else if (tag === 0x20) update.dropped.resources += this.#number();
      else return false;
      return true;
    });
  }

  #asyncOpUpdate(update: ConsoleUpdate): void {
    this.#message(tag => {
      if (tag === 0x0a) update.asyncOps.push(this.#asyncOp());
      else if (tag === 0x12) this.#entry(update.asyncOpStats, () => this.#asyncOpStats());
      else if (tag === 0x18) update.dropped.asyncOps += this.#number();
      else return false;
      return true;
    });
  }

  #newMetadata(): ConsoleMetadata {
    const metadata: ConsoleMetadata = { id: 0n, target: '', fieldNames: [] };
    this.#message(tag => {
      if (tag === 0x0a) metadata.id = this.#id();
      else if (tag === 0x12) {
        this.#message(inner => {
          if (inner === 0x12) metadata.target = this.#text();
          else if (inner === 0x3a) metadata.fieldNames.push(this.#text());
          else return false;
          return true;
        });
      } else return false;
      return true;
    });
    return metadata;
  }

  #task(): ConsoleTask {
    const task: ConsoleTask = { id: 0n, metadata: 0n, kind: 0, fields: [], location: undefined };
    this.#message(tag => {
      if (tag === 0x0a) task.id = this.#id();
      else if (tag === 0x12) task.metadata = this.#id();
      else if (tag === 0x18) task.kind = this.#number();
      else if (tag === 0x22) task.fields.push(this.#field());
      else if (tag === 0x32) task.location = this.#location();
      else return false;
      return true;
    });
    return task;
  }

  #field(): ConsoleField {
    const field: ConsoleField = { name: '', value: '', metadata: 0n };
    this.#message(tag => {
      if (tag === 0x0a) field.name = this.#text();
      else if (tag === 0x10) field.name = this.#number();
      else if (tag === 0x1a || tag === 0x22) field.value = this.#text();
      else if (tag === 0x28) field.value = this.#number();
      else if (tag === 0x30) field.value = this.#zigzag();
      else if (tag === 0x38) field.value = this.#number() !== 0;
      else if (tag === 0x42) field.metadata = this.#id();
      else return false;
      return true;
    });
    return field;
  }

  #location(): ConsoleLocation {
    const location: ConsoleLocation = { file: '', line: 0, column: 0 };
    this.#message(tag => {
      if (tag === 0x0a) location.file = this.#text();
      else if (tag === 0x18) location.line = this.#number();
      else if (tag === 0x20) location.column = this.#number();
      else return false;
      return true;
    });
    return location;
  }

  #taskStats(): ConsoleTaskStats {
    const stats: ConsoleTaskStats = {
      createdNs: Number.NaN,
      droppedNs: Number.NaN,
      wakes: 0,
      selfWakes: 0,
      wakerClones: 0,
      wakerDrops: 0,
      lastWakeNs: Number.NaN,
      scheduledNs: 0,
      poll: noPolls(),
    };
    this.#message(tag => {
      if (tag === 0x0a) stats.createdNs = this.#time();
      else if (tag === 0x12) stats.droppedNs = this.#time();
      else if (tag === 0x18) stats.wakes = this.#number();
      else if (tag === 0x20) stats.wakerClones = this.#number();
      else if (tag === 0x28) stats.wakerDrops = this.#number();
      else if (tag === 0x32) stats.lastWakeNs = this.#time();
      else if (tag === 0x3a) stats.poll = this.#polls();
      else if (tag === 0x40) stats.selfWakes = this.#number();
      else if (tag === 0x4a) stats.scheduledNs = this.#duration();
      else return false;
      return true;
    });
    return stats;
  }

  #polls(): ConsolePolls {
    const polls = noPolls();
    this.#message(tag => {
      if (tag === 0x08) polls.polls = this.#number();
      else if (tag === 0x1a) polls.firstNs = this.#time();
      else if (tag === 0x22) polls.startedNs = this.#time();
      else if (tag === 0x2a) polls.endedNs = this.#time();
      else if (tag === 0x32) polls.busyNs = this.#duration();
      else return false;
      return true;
    });
    return polls;
  }

  #life(): ConsoleLife {
    const life: ConsoleLife = { createdNs: Number.NaN, droppedNs: Number.NaN };
    this.#message(tag => {
      if (tag === 0x0a) life.createdNs = this.#time();
      else if (tag === 0x12) life.droppedNs = this.#time();
      else return false;
      return true;
    });
    return life;
  }

  #resource(): ConsoleResource {
    const resource: ConsoleResource = {
      id: 0n,
      type: '',
      kind: '',
      location: undefined,
      parent: 0n,
      isInternal: false,
    };
    this.#message(tag => {
      if (tag === 0x0a) resource.id = this.#id();
      else if (tag === 0x1a) resource.type = this.#text();
      else if (tag === 0x22) {
        this.#message(inner => {
          // The one known kind is a timer.
          if (inner === 0x08) resource.kind = this.#number() === 0 ? 'timer' : 'other';
          else if (inner === 0x12) resource.kind = this.#text();
          else return false;
          return true;
        });
      } else if (tag === 0x2a) resource.location = this.#location();
      else if (tag === 0x32) resource.parent = this.#id();
      else if (tag === 0x38) resource.isInternal = this.#number() !== 0;
      else return false;
      return true;
    });
    return resource;
  }

  #pollOp(): ConsolePollOp {
    const op: ConsolePollOp = { resource: 0n, name: '', task: 0n, isReady: false };
    this.#message(tag => {
      if (tag === 0x1a) op.resource = this.#id();
      else if (tag === 0x22) op.name = this.#text();
      else if (tag === 0x2a) op.task = this.#id();
      else if (tag === 0x38) op.isReady = this.#number() !== 0;
      else return false;
      return true;
    });
    return op;
  }

  #asyncOp(): ConsoleAsyncOp {
    const op: ConsoleAsyncOp = { id: 0n, source: '', resource: 0n };
    this.#message(tag => {
      if (tag === 0x0a) op.id = this.#id();
      else if (tag === 0x1a) op.source = this.#text();
      else if (tag === 0x2a) op.resource = this.#id();
      else return false;
      return true;
    });
    return op;
  }

  #asyncOpStats(): ConsoleAsyncOpStats {
    const stats: ConsoleAsyncOpStats = { createdNs: Number.NaN, droppedNs: Number.NaN, task: 0n, poll: noPolls() };
    this.#message(tag => {
      if (tag === 0x0a) stats.createdNs = this.#time();
      else if (tag === 0x12) stats.droppedNs = this.#time();
      else if (tag === 0x22) stats.task = this.#id();
      else if (tag === 0x2a) stats.poll = this.#polls();
      else return false;
      return true;
    });
    return stats;
  }

  /** One entry of a map from ids. */
  #entry<S>(into: [bigint, S][], read: () => S): void {
    let id = 0n;
    let stats: S | undefined;
    this.#message(tag => {
      if (tag === 0x08) id = this.#wide();
      else if (tag === 0x12) stats = read();
      else return false;
      return true;
    });
    if (stats !== undefined) into.push([id, stats]);
  }

  #fields(end: number, take: Take): void {
    const c = this.#c;
    while (c.p < end) {
      const tag = c.varint(end);
      if (c.high !== 0) throw new MalformedProtobuf();
      this.#end = end;
      if (!take(tag)) c.skip(tag, end);
    }
  }

  /** Where the message being read ends: bound of its scalars. */
  #end = 0;

  #message(take: Take): void {
    const end = this.#c.lengthEnd(this.#end);
    this.#fields(end, take);
    if (this.#c.p !== end) throw new MalformedProtobuf();
  }

  #text(): string {
    const c = this.#c;
    const end = c.lengthEnd(this.#end);
    const value = text.decode(c.bytes.subarray(c.p, end));
    c.p = end;
    return value;
  }

  /** An `Id`, `MetaId` or `SpanId`: a message with one number. */
  #id(): bigint {
    let id = 0n;
    this.#message(tag => {
      if (tag !== 0x08) return false;
      id = this.#wide();
      return true;
    });
    return id;
  }

  #wide(): bigint {
    const c = this.#c;
    c.varint(this.#end);
    return c.high === 0 ? BigInt(c.low) : (BigInt(c.high) << 32n) | BigInt(c.low);
  }

  #number(): number {
    const c = this.#c;
    c.varint(this.#end);
    return c.high * 4294967296 + c.low;
  }

  #zigzag(): number {
    const value = this.#wide();
    return Number((value >> 1n) ^ -(value & 1n));
  }

  /** A Timestamp as ns after the base. */
  #time(): number {
    return this.#secondsAndNanos(this.#baseSeconds);
  }

  #duration(): number {
    return this.#secondsAndNanos(0);
  }

  #secondsAndNanos(base: number): number {
    const c = this.#c;
    let seconds = 0;
    let nanos = 0;
    this.#message(tag => {
      if (tag === 0x08) {
        c.varint(this.#end);
        seconds = (c.high | 0) * 4294967296 + c.low;
      } else if (tag === 0x10) {
        c.varint(this.#end);
        nanos = c.low | 0;
      } else return false;
      return true;
    });
    return (seconds - base) * 1e9 + nanos;
  }
}

function noPolls(): ConsolePolls {
  return { polls: 0, firstNs: Number.NaN, startedNs: Number.NaN, endedNs: Number.NaN, busyNs: 0 };
}
