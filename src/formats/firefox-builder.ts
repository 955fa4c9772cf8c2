import { float64Column } from '../base/column.ts';
import { asArray, asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import {
  FrameFlag,
  type FrameIndex,
  NO_STACK,
  type Profile,
  type StackIndex,
  type ValueType,
} from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import type { FirefoxSymbols } from './firefox-syms.ts';
import { cell, type FxColumn, type FxTables, fxTables } from './firefox-tables.ts';

/** A thread as the file has it, its columns side by side. */
export interface FxThread {
  name: string;
  processName: string;
  pid: string;
  tid: string;
  weightType: string;
  /** Empty where the file has shared tables. */
  readonly tables: FxTables;
  readonly stack: FxColumn;
  readonly time: FxColumn;
  readonly timeDeltas: FxColumn;
  readonly weight: FxColumn;
  readonly threadCPUDelta: FxColumn;
}

export function newFxThread(): FxThread {
  return {
    name: '',
    processName: '',
    pid: '',
    tid: '',
    weightType: 'samples',
    tables: fxTables(),
    stack: float64Column(),
    time: float64Column(),
    timeDeltas: float64Column(),
    weight: float64Column(),
    threadCPUDelta: float64Column(),
  };
}

const WEIGHTS: Readonly<Record<string, ValueType & { readonly scale: number }>> = {
  samples: { name: 'weight', unit: 'count', scale: 1 },
  'tracing-ms': { name: 'time', unit: 'nanoseconds', scale: 1e6 },
  bytes: { name: 'bytes', unit: 'bytes', scale: 1 },
};

const CPU_SCALE: Readonly<Record<string, number>> = { ns: 1, µs: 1e3, ms: 1e6 };

/** `flags` of a frame since version 71. */
const FX_INLINED = 1;
const FX_HAS_ADDRESS = 2;

/** Joins the tables of the file into a Profile, when all of them are known: they come in any order. */
export class FirefoxBuilder {
  symbols: FirefoxSymbols | undefined;

  readonly #builder: ProfileBuilder;
  readonly #libs: readonly JsonObject[];
  readonly #shared: FxTables;
  readonly #categories: readonly string[];
  readonly #cpuScale: number;
  #sharedStacks: Int32Array | undefined;
  readonly #columns = new Map<string, number>();
  #values: number[] = [];

  constructor(name: string, meta: JsonObject, libs: readonly JsonObject[], shared: FxTables) {
    this.#libs = libs;
    this.#shared = shared;
    this.#categories = asArray(meta.categories).map(category => asText(asObject(category).name));
    this.#cpuScale = CPU_SCALE[asText(asObject(meta.sampleUnits).threadCPUDelta)] ?? 1e3;
    this.#builder = new ProfileBuilder(name, [{ name: 'samples', unit: 'count' }]);
    const startMs = asNumber(meta.startTime, 0);
    if (startMs > 0 && startMs < 1e14) {
      const whole = Math.floor(startMs);
      this.#builder.epochNs = BigInt(whole) * 1_000_000n + BigInt(Math.round((startMs - whole) * 1e6));
    }
    const intervalMs = asNumber(meta.interval, 0);
    if (intervalMs > 0) this.#builder.intervalNs = intervalMs * 1e6;
    const lengthMs = asNumber(meta.profilingEndTime, 0) - asNumber(meta.profilingStartTime, 0);
    if (lengthMs > 0) this.#builder.durationNs = lengthMs * 1e6;
  }

  get warnings(): ProfileBuilder['warnings'] {
    return this.#builder.warnings;
  }

  addThread(thread: FxThread, isShared: boolean): void {
    if (thread.stack.length === 0) return;
    // Between versions 56 and 59 the strings are shared and the other tables are not.
    const tables = isShared ? this.#shared : withSharedStrings(thread.tables, this.#shared);
    const stacks = isShared ? (this.#sharedStacks ?? this.#enterStacks(tables)) : this.#enterStacks(tables);
    if (isShared) this.#sharedStacks = stacks;
    const index = this.#builder.thread({
      pid: idOf(thread.pid),
      tid: idOf(thread.tid),
      processName: thread.processName,
      threadName: thread.name,
    });
    const weightType = WEIGHTS[thread.weightType] ?? WEIGHTS.samples!;
    const weightColumn = thread.weight.length > 0 ? this.#column(weightType) : -1;
    const cpuColumn = thread.threadCPUDelta.length > 0 ? this.#column({ name: 'cpu', unit: 'nanoseconds' }) : -1;
    const times = thread.time.length > 0 ? thread.time : undefined;
    const known = Math.max(thread.time.length, thread.timeDeltas.length);
    if (known < thread.stack.length) {
      this.warnings.add('damaged-input', 'samples without a time were left out', {
        count: thread.stack.length - known,
        example: `thread ${thread.name}`,
      });
    }
    let atMs = 0;
    for (let s = 0; s < thread.stack.length && s < known; s++) {
      atMs = times === undefined ? atMs + (cell(thread.timeDeltas, s) || 0) : times.get(s);
      this.#values.fill(0);
      this.#values[0] = 1;
      if (weightColumn !== -1) this.#values[weightColumn] = (cell(thread.weight, s) || 0) * weightType.scale;
      if (cpuColumn !== -1) this.#values[cpuColumn] = (cell(thread.threadCPUDelta, s) || 0) * this.#cpuScale;
      const row = cell(thread.stack, s);
      let stack = Number.isNaN(row) || row < 0 ? NO_STACK : stacks[row];
      if (stack === undefined) {
        this.warnings.add('damaged-input', 'samples name stacks that are not there', { example: `stack ${row}` });
        stack = NO_STACK;
      }
      this.#builder.sample({
        thread: index,
        stack: stack as StackIndex,
        timeNs: Math.round((Number.isNaN(atMs) ? 0 : atMs) * 1e6),
        values: this.#values,
      });
    }
  }

  finish(): Profile {
    const names = [...this.#columns.keys()];
    const preferred = names.includes('cpu') ? 'cpu' : names[0];
    if (preferred !== undefined) this.#builder.defaultValue = this.#columns.get(preferred)!;
    return this.#builder.finish();
  }

  #column(type: ValueType): number {
    let column = this.#columns.get(type.name);
    if (column === undefined) {
      column = this.#builder.addValueType({ name: type.name, unit: type.unit });
      this.#columns.set(type.name, column);
    }
    while (this.#values.length <= column) this.#values.push(0);
    return column;
  }

  /** The profile's stack of each row of the stack table; callers stand before what they call. */
  #enterStacks(tables: FxTables): Int32Array {
    const { frame, prefix, prefixOffset } = tables.stack;
    const frames = new Array<readonly FrameIndex[] | undefined>(tables.frame.func.length);
    const result = new Int32Array(frame.length).fill(NO_STACK);
    for (let i = 0; i < result.length; i++) {
      let parent = cell(prefix, i);
      if (prefixOffset.length > 0) parent = cell(prefixOffset, i) === 0 ? -1 : i - cell(prefixOffset, i);
      const row = frame.get(i);
      let stack = (parent >= 0 && parent < i ? result[parent]! : NO_STACK) as StackIndex;
      if (!(parent < i) && !Number.isNaN(parent)) {
        this.warnings.add('damaged-input', 'stacks are called by later ones', { example: `stack ${i}` });
      }
      if (!(row >= 0 && row < frames.length)) {
        this.warnings.add('damaged-input', 'stacks name frames that are not there', { example: `frame ${row}` });
        result[i] = stack;
        continue;
      }
      frames[row] ??= this.#frames(tables, row);
      for (const index of frames[row]) stack = this.#builder.stack(stack, index);
      result[i] = stack;
    }
    return result;
  }

  /** Frame `row` as frames of the profile, root first: several where symbols beside the file know inlined calls. */
  #frames(tables: FxTables, row: number): FrameIndex[] {
    const { frame, func, resource, sources, strings } = tables;
    const at = cell(frame.func, row);
    const text = (index: number): string => (index >= 0 ? (strings[index] ?? '') : '');
    const name = text(cell(func.name, at)) || '[unknown]';
    const flags = cell(frame.flags, row);
    const address = cell(frame.address, row);
    const hasAddress = address >= 0 && address < 2 ** 64 && (Number.isNaN(flags) || (flags & FX_HAS_ADDRESS) !== 0);
    const resourceRow = cell(func.resource, at);
    const libRow =
      frame.lib.length > 0 ? (hasAddress ? cell(frame.lib, row) : Number.NaN) : cell(resource.lib, resourceRow);
    const lib = this.#libs[libRow];
    const source = cell(func.source, at);
    const file = source >= 0 ? text(cell(sources.filename, source)) : text(cell(func.fileName, at));
    const category = this.#categories[cell(frame.category, row)] ?? '';
    const inlined = cell(frame.inlineDepth, row) > 0 || (flags & FX_INLINED) === FX_INLINED;
    const common = {
      module: lib === undefined ? '' : asText(lib.path) || asText(lib.debugName) || asText(lib.name),
      category,
      address: hasAddress ? address : -1,
      mapping: lib === undefined ? -1 : this.#mapping(lib),
    };
    const kernel = category === 'Kernel' ? FrameFlag.kernel : 0;
    const symbols = lib !== undefined && hasAddress ? this.symbols?.find(lib, address) : undefined;
    if (symbols !== undefined) {
      return symbols.map((symbol, depth) =>
        this.#builder.frame({ ...common, ...symbol, flags: kernel | (depth > 0 ? FrameFlag.inlined : 0) }),
      );
    }
    if (/^0x[0-9a-f]+$/.test(name)) {
      this.warnings.add('symbols-missing', 'functions have addresses in place of names', {
        example: `${name} in ${common.module || 'no library'}`,
      });
    }
    const line = place(cell(frame.line, row)) || place(cell(func.lineNumber, at));
    const column = place(cell(frame.column, row)) || place(cell(func.columnNumber, at));
    return [
      this.#builder.frame({ ...common, name, file, line, column, flags: kernel | (inlined ? FrameFlag.inlined : 0) }),
    ];
  }

  #mapping(lib: JsonObject): number {
    return this.#builder.mapping({
      start: 0,
      end: 0,
      fileOffset: 0,
      path: asText(lib.path) || asText(lib.name),
      buildId: asText(lib.codeId).toLowerCase(),
    });
  }
}

function withSharedStrings(tables: FxTables, shared: FxTables): FxTables {
  const strings = tables.strings.length > 0 ? tables.strings : shared.strings;
  return { ...tables, strings, sources: shared.sources };
}

/** Line or column, 0 where it is none. */
function place(value: number): number {
  return Number.isInteger(value) && value > 0 && value <= 0xffffffff ? value : 0;
}

/** Process ids are text since version 47, and may have a suffix where one was used twice: `1234.1`. */
function idOf(text: string): number {
  const id = Number.parseInt(text, 10);
  return Number.isInteger(id) && id > 0 && id <= 0x7fffffff ? id : 0;
}
