import { float64Column, int32Column, uint32Column } from '../base/column.ts';
import type { Warnings } from '../base/warnings.ts';
import {
  FrameFlag,
  type FrameIndex,
  type Label,
  NO_STACK,
  type Profile,
  type StackIndex,
  type ThreadIndex,
} from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import { StackInterner } from '../model/stack-interner.ts';
import { type Id, label, line, type RawLabel, valueType } from './pprof-messages.ts';
import type { PprofCursor } from './pprof-wire.ts';

interface Location {
  mapping: Id;
  address: number;
  /** Innermost call first. */
  readonly lines: { readonly func: Id; readonly line: number; readonly column: number }[];
}

const SCALES: Readonly<Record<string, number>> = {
  nanoseconds: 1,
  ns: 1,
  microseconds: 1e3,
  us: 1e3,
  milliseconds: 1e6,
  ms: 1e6,
  seconds: 1e9,
  s: 1e9,
};

/**
 * Collects the messages of a profile, which come in any order (Go writes the names last), and joins them at the end.
 * Stacks are interned as samples pass, over rows of locations.
 */
export class PprofReader {
  readonly #builder: ProfileBuilder;
  readonly #strings: string[] = [];
  readonly #types: { type: number; unit: number }[] = [];
  readonly #mappings = new Map<Id, { start: number; end: number; fileOffset: number; file: number; buildId: number }>();
  readonly #locations = new Map<Id, Location>();
  readonly #functions = new Map<Id, { name: number; systemName: number; file: number }>();
  readonly #rowOf = new Map<Id, number>();
  readonly #idOf: Id[] = [];
  readonly #stacks = new StackInterner();
  readonly #sampleStack = int32Column();
  readonly #sampleLabels = int32Column();
  /** Values of all samples, one behind the other; types may come later than samples. */
  readonly #values = float64Column();
  readonly #firstValue = uint32Column();
  readonly #labelSets: RawLabel[][] = [[]];
  readonly #labelSetOf = new Map<string, number>([['', 0]]);
  readonly #decoder = new TextDecoder();
  readonly #path: number[] = [];
  #period = 0;
  #periodType = { type: 0, unit: 0 };
  #defaultType = 0;
  #dropFrames = 0;
  #keepFrames = 0;
  #timeNanos = 0n;

  constructor(name: string) {
    this.#builder = new ProfileBuilder(name, []);
  }

  get warnings(): Warnings {
    return this.#builder.warnings;
  }

  /** Whether enough came for a profile: without names, samples mean nothing. */
  get isUsable(): boolean {
    return this.#types.length > 0 && this.#strings.length > 1 && this.#locations.size + this.#sampleStack.length > 0;
  }

  /** A length-delimited field of the outermost message. */
  field(message: PprofCursor, field: number): void {
    switch (field) {
      case 1:
        this.#types.push(valueType(message));
        break;
      case 2:
        this.#sample(message);
        break;
      case 3:
        this.#mapping(message);
        break;
      case 4:
        this.#location(message);
        break;
      case 5:
        this.#function(message);
        break;
      case 6:
        this.#strings.push(this.#decoder.decode(message.bytes.subarray(message.at, message.end)));
        break;
      case 11:
        this.#periodType = valueType(message);
        break;
    }
  }

  /** A field that is a number. */
  number(cursor: PprofCursor): void {
    switch (cursor.wire === 0 ? cursor.field : 0) {
      case 7:
        this.#dropFrames = cursor.int();
        break;
      case 8:
        this.#keepFrames = cursor.int();
        break;
      case 9:
        cursor.varint();
        this.#timeNanos = (BigInt(cursor.high | 0) << 32n) | BigInt(cursor.low);
        break;
      case 10: {
        const duration = cursor.int();
        if (duration > 0) this.#builder.durationNs = duration;
        break;
      }
      case 12:
        this.#period = cursor.int();
        break;
      case 14:
        this.#defaultType = cursor.int();
        break;
      default:
        cursor.skip();
    }
  }

  #sample(cursor: PprofCursor): void {
    const path = this.#path;
    path.length = 0;
    const labels: RawLabel[] = [];
    this.#firstValue.push(this.#values.length);
    while (cursor.next()) {
      if (cursor.field === 1) cursor.repeated(() => path.push(this.#row(cursor.id())));
      else if (cursor.field === 2) cursor.repeated(() => this.#values.push(cursor.int()));
      else if (cursor.field === 3) labels.push(label(cursor.message()));
      else cursor.skip();
    }
    let stack = -1;
    // The leaf comes first.
    for (let i = path.length - 1; i >= 0; i--) stack = this.#stacks.intern(stack, path[i]!);
    this.#sampleStack.push(stack);
    this.#sampleLabels.push(this.#labelSet(labels));
  }

  #row(id: Id): number {
    let row = this.#rowOf.get(id);
    if (row === undefined) {
      row = this.#idOf.push(id) - 1;
      this.#rowOf.set(id, row);
    }
    return row;
  }

  #labelSet(labels: RawLabel[]): number {
    const key = labels.map(l => `${l.key},${l.text},${l.number},${l.unit}`).join(';');
    let index = this.#labelSetOf.get(key);
    if (index === undefined) {
      index = this.#labelSets.push(labels) - 1;
      this.#labelSetOf.set(key, index);
    }
    return index;
  }

  #mapping(cursor: PprofCursor): void {
    let id: Id = 0;
    const mapping = { start: 0, end: 0, fileOffset: 0, file: 0, buildId: 0 };
    while (cursor.next()) {
      if (cursor.field === 1) id = cursor.id();
      else if (cursor.field === 2) mapping.start = cursor.int();
      else if (cursor.field === 3) mapping.end = cursor.int();
      else if (cursor.field === 4) mapping.fileOffset = cursor.int();
      else if (cursor.field === 5) mapping.file = cursor.int();
      else if (cursor.field === 6) mapping.buildId = cursor.int();
      else cursor.skip();
    }
    this.#mappings.set(id, mapping);
  }

  #location(cursor: PprofCursor): void {
    let id: Id = 0;
    const location: Location = { mapping: 0, address: -1, lines: [] };
    while (cursor.next()) {
      if (cursor.field === 1) id = cursor.id();
      else if (cursor.field === 2) location.mapping = cursor.id();
      else if (cursor.field === 3) location.address = cursor.int();
      else if (cursor.field === 4) location.lines.push(line(cursor.message()));
      else cursor.skip();
    }
    this.#locations.set(id, location);
  }

  #function(cursor: PprofCursor): void {
    let id: Id = 0;
    const func = { name: 0, systemName: 0, file: 0 };
    while (cursor.next()) {
      if (cursor.field === 1) id = cursor.id();
      else if (cursor.field === 2) func.name = cursor.int();
      else if (cursor.field === 3) func.systemName = cursor.int();
      else if (cursor.field === 4) func.file = cursor.int();
      else cursor.skip();
    }
    this.#functions.set(id, func);
  }

  #text(index: number): string {
    const text = this.#strings[index];
    if (text !== undefined) return text;
    this.warnings.add('damaged-input', 'names are missing from the string table', { example: `string ${index}` });
    return '';
  }

  finish(): Profile {
    const builder = this.#builder;
    const types = this.#types.map(({ type, unit }) => ({ name: this.#text(type), unit: this.#text(unit) }));
    const scales = types.map(({ unit }) => SCALES[unit] ?? 1);
    for (const { name, unit } of types) {
      builder.addValueType({
        name: name || 'samples',
        unit: SCALES[unit] === undefined ? unit || 'none' : 'nanoseconds',
      });
    }
    const byName = this.#defaultType === 0 ? -1 : types.findIndex(type => type.name === this.#text(this.#defaultType));
    builder.defaultValue = byName === -1 ? types.length - 1 : byName;
    if (this.#timeNanos > 0n) builder.epochNs = this.#timeNanos;
    const periodScale = SCALES[this.#text(this.#periodType.unit)];
    if (periodScale !== undefined && this.#period > 0) builder.intervalNs = this.#period * periodScale;
    const stackOf = this.#enterStacks();
    const values = types.map(() => 0);
    const threads: { readonly thread: ThreadIndex; readonly labels: Label[] }[] = [];
    for (let s = 0; s < this.#sampleStack.length; s++) {
      const first = this.#firstValue.get(s);
      const end = s + 1 < this.#firstValue.length ? this.#firstValue.get(s + 1) : this.#values.length;
      if (end - first !== types.length) {
        this.warnings.add('damaged-input', 'samples have not as many values as there are sample types');
      }
      for (let v = 0; v < values.length; v++)
        values[v] = first + v < end ? this.#values.get(first + v) * scales[v]! : 0;
      const stack = this.#sampleStack.get(s);
      const set = this.#sampleLabels.get(s);
      threads[set] ??= this.#splitLabels(this.#labelSets[set]!);
      const { thread, labels } = threads[set];
      builder.aggregate({ thread, labels, values, stack: stack < 0 ? NO_STACK : (stackOf[stack]! as StackIndex) });
    }
    return builder.finish();
  }

  /** Splits labels into the thread that they name and the rest. */
  #splitLabels(raw: readonly RawLabel[]): { thread: ThreadIndex; labels: Label[] } {
    const thread = { pid: 0, tid: 0, processName: '', threadName: '' };
    const labels: Label[] = [];
    for (const { key, text, number, unit } of raw) {
      const name = this.#text(key);
      const isId = text === 0 && unit === 0 && number > 0 && number <= 0x7fffffff;
      if (name === 'pid' && isId) thread.pid = number;
      else if (name === 'tid' && isId) thread.tid = number;
      else if (name === 'process' && text !== 0) thread.processName = this.#text(text);
      else if (name === 'thread' && text !== 0) thread.threadName = this.#text(text);
      else if (text !== 0) labels.push({ key: name, value: this.#text(text) });
      else labels.push({ key: name, value: number, ...(unit === 0 ? {} : { unit: this.#text(unit) }) });
    }
    return { thread: this.#builder.thread(thread), labels };
  }

  /**
   * The profile's stack of each interned one. A frame that `drop_frames` matches (and `keep_frames` does not) is left
   * out with all that it calls, as pprof itself does.
   */
  #enterStacks(): Int32Array {
    const frames = this.#idOf.map(id => this.#frames(id));
    const drop = this.#pattern(this.#dropFrames);
    const keep = this.#pattern(this.#keepFrames);
    const isDropped = this.#idOf.map(id =>
      drop === undefined ? false : this.#namesOf(id).some(name => drop.test(name) && keep?.test(name) !== true),
    );
    const result = new Int32Array(this.#stacks.length);
    const ended = new Uint8Array(this.#stacks.length);
    for (let i = 0; i < result.length; i++) {
      const parent = this.#stacks.parent(i);
      const location = this.#stacks.frame(i);
      let stack = (parent < 0 ? NO_STACK : result[parent]!) as StackIndex;
      if (isDropped[location] || (parent >= 0 && ended[parent] === 1)) ended[i] = 1;
      else for (const frame of frames[location]!) stack = this.#builder.stack(stack, frame);
      result[i] = stack;
    }
    return result;
  }

  #pattern(index: number): RegExp | undefined {
    if (index === 0) return undefined;
    try {
      return new RegExp(`^(?:${this.#text(index)})$`);
    } catch {
      this.warnings.add('damaged-input', 'drop_frames or keep_frames is no pattern: no frames were dropped');
      return undefined;
    }
  }

  #namesOf(id: Id): string[] {
    return (this.#locations.get(id)?.lines ?? []).map(({ func }) => this.#text(this.#functions.get(func)?.name ?? 0));
  }

  /** Frames of a location, outermost first: all but the first are inlined into it. */
  #frames(id: Id): FrameIndex[] {
    const location = this.#locations.get(id);
    if (location === undefined) {
      this.warnings.add('damaged-input', 'samples name locations that are not there', { example: `location ${id}` });
      return [this.#builder.frame({ name: '[unknown]' })];
    }
    const mapping = this.#mappings.get(location.mapping);
    const module = mapping === undefined ? '' : this.#text(mapping.file);
    const common = {
      module,
      address: location.address,
      mapping:
        mapping === undefined
          ? -1
          : this.#builder.mapping({
              start: mapping.start,
              end: Math.max(mapping.start, mapping.end),
              fileOffset: mapping.fileOffset,
              path: module,
              buildId: this.#text(mapping.buildId),
            }),
    };
    if (location.lines.length === 0) {
      const name = `0x${hex(location.address)}`;
      this.warnings.add('symbols-missing', 'functions have addresses in place of names', {
        example: `${name} in ${module || 'no mapping'}`,
      });
      return [this.#builder.frame({ ...common, name })];
    }
    return location.lines
      .map(({ func: functionId, line: lineNumber, column }) => {
        const func = this.#functions.get(functionId);
        const name = func === undefined ? '' : this.#text(func.name) || this.#text(func.systemName);
        return {
          ...common,
          name: name || '[unknown]',
          file: func === undefined ? '' : this.#text(func.file),
          line: place(lineNumber),
          column: place(column),
        };
      })
      .reverse()
      .map((frame, depth) => this.#builder.frame(depth === 0 ? frame : { ...frame, flags: FrameFlag.inlined }));
  }
}

function place(value: number): number {
  return Number.isInteger(value) && value > 0 && value <= 0xffffffff ? value : 0;
}

/** Addresses near 2^64 are small negative numbers here. */
function hex(address: number): string {
  return BigInt.asUintN(64, BigInt(Math.trunc(address))).toString(16);
}
