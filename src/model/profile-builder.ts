import { float64Column, int32Column, uint32Column } from '../base/column.ts';
import { Interner } from '../base/interner.ts';
import { Warnings } from '../base/warnings.ts';
import { FrameInterner } from './frame-interner.ts';
import {
  type FrameIndex,
  type Label,
  type Mapping,
  NO_STACK,
  type Profile,
  type StackIndex,
  type Thread,
  type ThreadIndex,
  type ValueType,
} from './profile.ts';
import { RowIndex } from './row-index.ts';
import { StackInterner } from './stack-interner.ts';

/** Beyond every 64-bit count: 10^20 ns are 3,000 years. */
const LARGEST = 1e20;

/** What a frame is made of; only the name is required. */
export interface FrameInput {
  readonly name: string;
  readonly decoration?: string;
  readonly module?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly category?: string;
  readonly address?: number;
  readonly mapping?: number;
  readonly flags?: number;
}

export interface SampleInput {
  readonly thread: ThreadIndex;
  readonly stack: StackIndex;
  readonly timeNs?: number;
  /** One number a value type. */
  readonly values: readonly number[];
  readonly labels?: readonly Label[];
}

/**
 * The way into a `Profile`: interns frames, stacks, threads and labels, so that readers say what they see and memory
 * grows with what is distinct. Samples of one builder either all have times or none has.
 */
export class ProfileBuilder {
  readonly warnings: Warnings = new Warnings();
  epochNs: bigint | undefined;
  durationNs: number | undefined;
  intervalNs: number | undefined;
  lostSamples = 0;
  defaultValue = 0;

  readonly #name: string;
  readonly #valueTypes: ValueType[];
  readonly #strings = new Interner();
  readonly #frames = new FrameInterner();
  readonly #stacks = new StackInterner();
  readonly #threads: Thread[] = [];
  readonly #threadOf = new Map<string, ThreadIndex>();
  readonly #mappings: Mapping[] = [];
  readonly #mappingOf = new Map<string, number>();
  readonly #sampleThread = uint32Column();
  readonly #sampleStack = int32Column();
  readonly #sampleTime = float64Column();
  readonly #sampleLabels = uint32Column();
  readonly #labelSets: (readonly Label[])[] = [[]];
  readonly #labelSetOf = new Map<string, number>([['[]', 0]]);
  readonly #values: ReturnType<typeof float64Column>[];
  readonly #aggregated = new RowIndex();

  constructor(name: string, valueTypes: readonly ValueType[]) {
    this.#name = name;
    this.#valueTypes = [...valueTypes];
    this.#values = valueTypes.map(() => float64Column());
  }

  /** Adds a value column while reading (a second event turns up late): earlier samples have 0 of it. */
  addValueType(type: ValueType): number {
    const column = float64Column();
    for (let s = 0; s < this.#sampleStack.length; s++) column.push(0);
    this.#values.push(column);
    return this.#valueTypes.push(type) - 1;
  }

  get sampleCount(): number {
    return this.#sampleStack.length;
  }

  frame(input: FrameInput): FrameIndex {
    const name = this.#text(input.name);
    const decoration = this.#text(input.decoration);
    const module = this.#text(input.module);
    const file = this.#text(input.file);
    const category = this.#text(input.category);
    const { line = 0, column = 0, address = -1, mapping = -1, flags = 0 } = input;
    return this.#frames.intern({
      name,
      decoration,
      module,
      file,
      line,
      column,
      category,
      address,
      mapping,
      flags,
    });
  }

  #text(text: string | undefined): number {
    return text === undefined || text === '' ? 0 : this.#strings.intern(text);
  }

  /** The stack that calls `frame` from `parent` (`NO_STACK` for a root). */
  stack(parent: StackIndex, frame: FrameIndex): StackIndex {
    return this.#stacks.intern(parent, frame) as StackIndex;
  }

  /** A whole stack at once, root first. */
  stackOf(framesRootFirst: readonly FrameIndex[]): StackIndex {
    let stack = NO_STACK;
    for (const frame of framesRootFirst) stack = this.stack(stack, frame);
    return stack;
  }

  thread(thread: Thread): ThreadIndex {
    const key = `${thread.pid},${thread.tid},${thread.processName}\0${thread.threadName}`;
    let index = this.#threadOf.get(key);
    if (index === undefined) {
      index = (this.#threads.push(thread) - 1) as ThreadIndex;
      this.#threadOf.set(key, index);
    }
    return index;
  }

  mapping(mapping: Mapping): number {
    const key = `${mapping.start},${mapping.end},${mapping.fileOffset},${mapping.buildId},${mapping.path}`;
    let index = this.#mappingOf.get(key);
    if (index === undefined) {
      index = this.#mappings.push(mapping) - 1;
      this.#mappingOf.set(key, index);
    }
    return index;
  }

  /** One row. A time in some samples and not in others is a reader's bug, caught by `integrity.ts`. */
  sample(input: SampleInput): void {
    this.#sampleThread.push(input.thread);
    this.#sampleStack.push(input.stack);
    if (input.timeNs !== undefined) this.#sampleTime.push(this.#sound(input.timeNs));
    this.#sampleLabels.push(input.labels === undefined ? 0 : this.#labelSet(input.labels));
    for (let v = 0; v < this.#values.length; v++) this.#values[v]!.push(this.#sound(input.values[v] ?? 0));
  }

  /** Adds to the row of this thread, stack and labels: for sources without times, so that memory stays distinct. */
  aggregate(input: Omit<SampleInput, 'timeNs'>): void {
    const labels = input.labels === undefined ? 0 : this.#labelSet(input.labels);
    const row = this.#aggregated.find(input.thread, input.stack, labels, this.#sampleStack.length);
    if (row === this.#sampleStack.length) {
      this.sample(input);
      return;
    }
    for (let v = 0; v < this.#values.length; v++) {
      const column = this.#values[v]!;
      column.set(row, this.#sound(column.get(row) + (input.values[v] ?? 0)));
    }
  }

  /** Damaged numbers would make every sum that they enter useless: they count as 0. */
  #sound(value: number): number {
    if (value < LARGEST && value > -LARGEST) return value;
    this.warnings.add('damaged-input', 'weights or times that are no number, or beyond all measure, count as 0');
    return 0;
  }

  #labelSet(labels: readonly Label[]): number {
    const key = JSON.stringify(labels.map(l => [l.key, l.value, l.unit]));
    let index = this.#labelSetOf.get(key);
    if (index === undefined) {
      index = this.#labelSets.push(labels) - 1;
      this.#labelSetOf.set(key, index);
    }
    return index;
  }

  finish(): Profile {
    if (this.lostSamples > 0 && !this.warnings.has('samples-lost')) {
      this.warnings.add('samples-lost', 'the recorder says that it lost samples', { count: this.lostSamples });
    }
    return {
      name: this.#name,
      strings: this.#strings.strings,
      frames: this.#frames.finish(),
      stacks: this.#stacks.finish(),
      threads: this.#threads,
      valueTypes: this.#valueTypes,
      defaultValue: this.defaultValue,
      samples: {
        length: this.#sampleStack.length,
        thread: this.#sampleThread.finish(),
        stack: this.#sampleStack.finish(),
        timeNs: this.#sampleTime.length > 0 ? this.#sampleTime.finish() : undefined,
        values: this.#values.map(column => column.finish()),
        labelSet: this.#labelSets.length > 1 ? this.#sampleLabels.finish() : undefined,
        labelSets: this.#labelSets,
      },
      mappings: this.#mappings,
      epochNs: this.epochNs,
      durationNs: this.durationNs,
      intervalNs: this.intervalNs,
      lostSamples: this.lostSamples,
      warnings: this.warnings.list(),
    };
  }
}
