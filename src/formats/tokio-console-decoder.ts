// https://github.com/tokio-rs/console/tree/main/console-api/proto
import type {
  ConsoleAsyncOp,
  ConsoleAsyncOpStats,
  ConsoleField,
  ConsoleHistogram,
  ConsoleLife,
  ConsoleLocation,
  ConsoleMetadata,
  ConsolePollOp,
  ConsolePolls,
  ConsoleResource,
  ConsoleTask,
  ConsoleTaskDetails,
  ConsoleTaskStats,
  ConsoleUpdate,
} from './tokio-console-messages.ts';
import { ConsoleWire } from './tokio-console-wire.ts';

/** Decodes updates; times are counted from `baseSeconds` (Unix), so that doubles keep their nanoseconds. */
export class ConsoleDecoder {
  readonly #w: ConsoleWire;

  constructor(baseSeconds: number) {
    this.#w = new ConsoleWire(baseSeconds);
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
    const isWhole = this.#w.read(bytes, tag => {
      switch (tag) {
        case 0x0a:
          update.nowNs = this.#w.time();
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
          this.#w.message(inner => {
            if (inner !== 0x0a) return false;
            update.metadata.push(this.#newMetadata());
            return true;
          });
          return true;
        default:
          return false;
      }
    });
    return isWhole ? update : undefined;
  }

  /** Undefined where the bytes are no such message. Histograms are copies. */
  details(bytes: Uint8Array): ConsoleTaskDetails | undefined {
    const details: ConsoleTaskDetails = { task: 0n, poll: undefined, scheduled: undefined };
    const isWhole = this.#w.read(bytes, tag => {
      if (tag === 0x0a) details.task = this.#w.id();
      else if (tag === 0x1a) details.poll = { bytes: this.#w.bytes(), highestOutlierNs: -1 };
      else if (tag === 0x22) details.poll = this.#histogram();
      else if (tag === 0x2a) details.scheduled = this.#histogram();
      else return false;
      return true;
    });
    return isWhole ? details : undefined;
  }

  #histogram(): ConsoleHistogram {
    const histogram: ConsoleHistogram = { bytes: new Uint8Array(0), highestOutlierNs: -1 };
    this.#w.message(tag => {
      if (tag === 0x0a) histogram.bytes = this.#w.bytes();
      else if (tag === 0x20) histogram.highestOutlierNs = this.#w.number();
      else return false;
      return true;
    });
    return histogram;
  }

  #taskUpdate(update: ConsoleUpdate): void {
    this.#w.message(tag => {
      if (tag === 0x0a) update.tasks.push(this.#task());
      else if (tag === 0x1a) this.#entry(update.taskStats, () => this.#taskStats());
      else if (tag === 0x20) update.dropped.tasks += this.#w.number();
      else return false;
      return true;
    });
  }

  #resourceUpdate(update: ConsoleUpdate): void {
    this.#w.message(tag => {
      if (tag === 0x0a) update.resources.push(this.#resource());
      else if (tag === 0x12) this.#entry(update.resourceStats, () => this.#life());
      else if (tag === 0x1a) update.pollOps.push(this.#pollOp());
      else if (tag === 0x20) update.dropped.resources += this.#w.number();
      else return false;
      return true;
    });
  }

  #asyncOpUpdate(update: ConsoleUpdate): void {
    this.#w.message(tag => {
      if (tag === 0x0a) update.asyncOps.push(this.#asyncOp());
      else if (tag === 0x12) this.#entry(update.asyncOpStats, () => this.#asyncOpStats());
      else if (tag === 0x18) update.dropped.asyncOps += this.#w.number();
      else return false;
      return true;
    });
  }

  #newMetadata(): ConsoleMetadata {
    const metadata: ConsoleMetadata = { id: 0n, target: '', fieldNames: [] };
    this.#w.message(tag => {
      if (tag === 0x0a) metadata.id = this.#w.id();
      else if (tag === 0x12) {
        this.#w.message(inner => {
          if (inner === 0x12) metadata.target = this.#w.text();
          else if (inner === 0x3a) metadata.fieldNames.push(this.#w.text());
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
    this.#w.message(tag => {
      if (tag === 0x0a) task.id = this.#w.id();
      else if (tag === 0x12) task.metadata = this.#w.id();
      else if (tag === 0x18) task.kind = this.#w.number();
      else if (tag === 0x22) task.fields.push(this.#field());
      else if (tag === 0x32) task.location = this.#location();
      else return false;
      return true;
    });
    return task;
  }

  #field(): ConsoleField {
    const field: ConsoleField = { name: '', value: '', metadata: 0n };
    this.#w.message(tag => {
      if (tag === 0x0a) field.name = this.#w.text();
      else if (tag === 0x10) field.name = this.#w.number();
      else if (tag === 0x1a || tag === 0x22) field.value = this.#w.text();
      else if (tag === 0x28) field.value = this.#w.number();
      else if (tag === 0x30) field.value = this.#w.zigzag();
      else if (tag === 0x38) field.value = this.#w.number() !== 0;
      else if (tag === 0x42) field.metadata = this.#w.id();
      else return false;
      return true;
    });
    return field;
  }

  #location(): ConsoleLocation {
    const location: ConsoleLocation = { file: '', line: 0, column: 0 };
    this.#w.message(tag => {
      if (tag === 0x0a) location.file = this.#w.text();
      else if (tag === 0x18) location.line = this.#w.number();
      else if (tag === 0x20) location.column = this.#w.number();
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
    this.#w.message(tag => {
      if (tag === 0x0a) stats.createdNs = this.#w.time();
      else if (tag === 0x12) stats.droppedNs = this.#w.time();
      else if (tag === 0x18) stats.wakes = this.#w.number();
      else if (tag === 0x20) stats.wakerClones = this.#w.number();
      else if (tag === 0x28) stats.wakerDrops = this.#w.number();
      else if (tag === 0x32) stats.lastWakeNs = this.#w.time();
      else if (tag === 0x3a) stats.poll = this.#polls();
      else if (tag === 0x40) stats.selfWakes = this.#w.number();
      else if (tag === 0x4a) stats.scheduledNs = this.#w.duration();
      else return false;
      return true;
    });
    return stats;
  }

  #polls(): ConsolePolls {
    const polls = noPolls();
    this.#w.message(tag => {
      if (tag === 0x08) polls.polls = this.#w.number();
      else if (tag === 0x1a) polls.firstNs = this.#w.time();
      else if (tag === 0x22) polls.startedNs = this.#w.time();
      else if (tag === 0x2a) polls.endedNs = this.#w.time();
      else if (tag === 0x32) polls.busyNs = this.#w.duration();
      else return false;
      return true;
    });
    return polls;
  }

  #life(): ConsoleLife {
    const life: ConsoleLife = { createdNs: Number.NaN, droppedNs: Number.NaN };
    this.#w.message(tag => {
      if (tag === 0x0a) life.createdNs = this.#w.time();
      else if (tag === 0x12) life.droppedNs = this.#w.time();
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
    this.#w.message(tag => {
      if (tag === 0x0a) resource.id = this.#w.id();
      else if (tag === 0x1a) resource.type = this.#w.text();
      else if (tag === 0x22) {
        this.#w.message(inner => {
          // The one known kind is a timer.
          if (inner === 0x08) resource.kind = this.#w.number() === 0 ? 'timer' : 'other';
          else if (inner === 0x12) resource.kind = this.#w.text();
          else return false;
          return true;
        });
      } else if (tag === 0x2a) resource.location = this.#location();
      else if (tag === 0x32) resource.parent = this.#w.id();
      else if (tag === 0x38) resource.isInternal = this.#w.number() !== 0;
      else return false;
      return true;
    });
    return resource;
  }

  #pollOp(): ConsolePollOp {
    const op: ConsolePollOp = { resource: 0n, name: '', task: 0n, isReady: false };
    this.#w.message(tag => {
      if (tag === 0x1a) op.resource = this.#w.id();
      else if (tag === 0x22) op.name = this.#w.text();
      else if (tag === 0x2a) op.task = this.#w.id();
      else if (tag === 0x38) op.isReady = this.#w.number() !== 0;
      else return false;
      return true;
    });
    return op;
  }

  #asyncOp(): ConsoleAsyncOp {
    const op: ConsoleAsyncOp = { id: 0n, source: '', resource: 0n };
    this.#w.message(tag => {
      if (tag === 0x0a) op.id = this.#w.id();
      else if (tag === 0x1a) op.source = this.#w.text();
      else if (tag === 0x2a) op.resource = this.#w.id();
      else return false;
      return true;
    });
    return op;
  }

  #asyncOpStats(): ConsoleAsyncOpStats {
    const stats: ConsoleAsyncOpStats = { createdNs: Number.NaN, droppedNs: Number.NaN, task: 0n, poll: noPolls() };
    this.#w.message(tag => {
      if (tag === 0x0a) stats.createdNs = this.#w.time();
      else if (tag === 0x12) stats.droppedNs = this.#w.time();
      else if (tag === 0x22) stats.task = this.#w.id();
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
    this.#w.message(tag => {
      if (tag === 0x08) id = this.#w.wide();
      else if (tag === 0x12) stats = read();
      else return false;
      return true;
    });
    if (stats !== undefined) into.push([id, stats]);
  }
}

function noPolls(): ConsolePolls {
  return { polls: 0, firstNs: Number.NaN, startedNs: Number.NaN, endedNs: Number.NaN, busyNs: 0 };
}
