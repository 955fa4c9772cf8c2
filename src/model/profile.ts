import type { Brand } from '../base/brand.ts';
import type { Warning } from '../base/warnings.ts';

export type StringIndex = Brand<number, 'StringIndex'>;
export type FrameIndex = Brand<number, 'FrameIndex'>;
export type StackIndex = Brand<number, 'StackIndex'>;
export type ThreadIndex = Brand<number, 'ThreadIndex'>;

/** The stack of a sample that had none, and the parent of a root. */
export const NO_STACK = -1 as StackIndex;

/** Bits of `frames.flags`. */
export const FrameFlag = {
  /** Expanded from an inlined call: shares the machine frame of the non-inlined frame below it (towards the root). */
  inlined: 1,
  kernel: 2,
  /** Compiled or interpreted at run time: V8, a JVM, perf maps. */
  jit: 4,
  /** Stands for stack that was cut off or could not be unwound below this point. */
  truncated: 8,
  /** Off-CPU: the thread was switched out here. */
  waiting: 16,
} as const;

/**
 * Weighted call stacks, columnar. Memory grows with distinct stacks and frames, and by one row a sample (sources
 * without times are aggregated: one row a distinct stack and thread).
 *
 *     samples.stack[s] ──▶ stacks.parent/frame (tree, parent[i] < i) ──▶ frames.* ──▶ strings[]
 *     samples.thread[s] ─▶ threads[]           samples.values[v][s] in valueTypes[v].unit
 */
export interface Profile {
  /** What the user would call it: the file or the command. */
  readonly name: string;
  /** `strings[0]` is ''. */
  readonly strings: readonly string[];
  readonly frames: FrameTable;
  readonly stacks: StackTable;
  readonly threads: readonly Thread[];
  readonly valueTypes: readonly ValueType[];
  /** Index into `valueTypes` of the weight used unless the user names another. */
  readonly defaultValue: number;
  readonly samples: SampleTable;
  readonly mappings: readonly Mapping[];
  /** Unix nanoseconds that `samples.timeNs` counts from; undefined where the source has no wall clock. */
  readonly epochNs: bigint | undefined;
  /** How long was recorded, where the source says it. */
  readonly durationNs: number | undefined;
  /** Nominal sampling interval, where the source says it. */
  readonly intervalNs: number | undefined;
  /** Samples that the recorder says it lost. Also a `samples-lost` warning. */
  readonly lostSamples: number;
  readonly warnings: readonly Warning[];
}

export interface ValueType {
  /** The field's word: `samples`, `cpu`, `wall`, `off-cpu`, `alloc_space`, an event name. */
  readonly name: string;
  readonly unit: 'count' | 'nanoseconds' | 'bytes' | 'none' | (string & {});
}

/** All columns have one element a frame. String columns hold indices into `strings`; 0 (the empty string) = unknown. */
export interface FrameTable {
  readonly length: number;
  /** Bare function name, without what a runtime adds to it. */
  readonly name: Uint32Array;
  /** What the runtime wrote around the name (V8 tier mark, `JS:`, `_[j]`), as a pattern with `%` for the name; 0 = none. */
  readonly decoration: Uint32Array;
  /** Object file, package, or script that the code belongs to. */
  readonly module: Uint32Array;
  readonly file: Uint32Array;
  /** 1-based; 0 = unknown. */
  readonly line: Uint32Array;
  /** 1-based; 0 = unknown. */
  readonly column: Uint32Array;
  /** The source's own category (`JavaScript`, `GC`, `Kernel`), not an analyzer's. */
  readonly category: Uint32Array;
  /** Instruction address as the source gave it; -1 = none. */
  readonly address: Float64Array;
  /** Index into `mappings`; -1 = none. */
  readonly mapping: Int32Array;
  /** Bits of `FrameFlag`. */
  readonly flags: Uint8Array;
}

/** A forest of call stacks: parents precede children, roots have parent -1. */
export interface StackTable {
  readonly length: number;
  readonly parent: Int32Array;
  readonly frame: Uint32Array;
}

export interface Thread {
  /** 0 where the source does not say. */
  readonly pid: number;
  readonly tid: number;
  readonly processName: string;
  readonly threadName: string;
}

export interface SampleTable {
  readonly length: number;
  readonly thread: Uint32Array;
  /** Leaf of the stack; -1 = sample without a stack. */
  readonly stack: Int32Array;
  /**
   * Nanoseconds after `epochNs`; without an epoch, on the recorder's own clock, not shifted (V8 and perf read
   * CLOCK_MONOTONIC, so that a capture's clock anchors lead to Unix time). Undefined where samples have no times.
   */
  readonly timeNs: Float64Array | undefined;
  /** `values[v][s]`, one column a value type. May be negative in a diff. */
  readonly values: readonly Float64Array[];
  /** Index into `labelSets`; 0 = no labels. Undefined where no sample has any. */
  readonly labelSet: Uint32Array | undefined;
  /** Distinct label sets (pprof labels, span ids); `labelSets[0]` is empty. */
  readonly labelSets: readonly (readonly Label[])[];
}

export interface Label {
  readonly key: string;
  readonly value: string | number;
  /** Of a number. */
  readonly unit?: string;
}

/** An object file in memory. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly fileOffset: number;
  readonly path: string;
  /** Lower-case hex; '' = unknown. */
  readonly buildId: string;
}
