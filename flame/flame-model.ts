import type { ValueType } from '../src/model/profile.ts';

/**
 * What a picture is drawn from: a call tree of distinct function paths and the weights on it. Small enough to travel
 * inside the picture; every view (left-heavy, reversed, one thread, one function) is computed from it on demand by
 * `buildView`, in Node for the still picture and in the browser for the live one.
 *
 *     rows.node[r] ──▶ nodes.parent/frame (preorder, node 0 = everything) ──▶ frames.*
 *     rows.thread[r] ─▶ threads[] ─▶ processes[]     rows.values[v][r] in valueTypes[v].unit
 */
export interface FlameModel {
  readonly title: string;
  /** Facts about the recording, one a line: command, samples, what was lost. */
  readonly facts: readonly string[];
  readonly frames: FlameFrames;
  readonly nodes: FlameNodes;
  readonly rows: FlameRows;
  readonly threads: readonly FlameThread[];
  readonly processes: readonly string[];
  readonly valueTypes: readonly ValueType[];
  readonly defaultValue: number;
  /** Columns to compare; undefined unless the picture is a diff. */
  readonly diff: FlameDiff | undefined;
  /** True where rows stand in the order in which they were sampled: then a time-ordered view is possible. */
  readonly timeOrdered: boolean;
}

/** Functions, sorted by label and place, so that an index is also the rank that breaks ties. Frame 0 is everything. */
export interface FlameFrames {
  readonly length: number;
  /** What is written in the box. */
  readonly labels: readonly string[];
  /** Module and file, index into `places`; 0 = unknown. */
  readonly place: Uint32Array;
  readonly places: readonly string[];
  /** Index into `categories`. */
  readonly category: Uint8Array;
  readonly categories: readonly string[];
  /** 1 = off-CPU: the thread was switched out here. */
  readonly waiting: Uint8Array;
}

/** A tree in preorder: parents precede children and a subtree is one stretch. */
export interface FlameNodes {
  readonly length: number;
  /** -1 for node 0 alone. */
  readonly parent: Int32Array;
  readonly frame: Uint32Array;
}

export interface FlameRows {
  readonly length: number;
  readonly thread: Uint32Array;
  readonly node: Uint32Array;
  readonly values: readonly Float64Array[];
}

export interface FlameThread {
  readonly label: string;
  /** Index into `processes`. */
  readonly process: number;
}

export interface FlameDiff {
  readonly before: number;
  readonly after: number;
}

export type FlameOrder = 'left-heavy' | 'time' | 'name';
export type FlameDirection = 'flame' | 'icicle';
export type FlameRecursion = 'keep' | 'direct' | 'all';
export type FlameGrouping = 'merged' | 'process' | 'thread';
export type FlamePalette = 'category' | 'name' | 'cpu' | 'diff';
/** Width of a box in a diff: the larger of both sides (nothing is hidden), or one side. */
export type FlameDiffWidth = 'both' | 'before' | 'after';

/** Which view of a model, and what is seen of it. Every field can be read from the fragment of the document's address. */
export interface FlameState {
  readonly value: number;
  readonly order: FlameOrder;
  /** Root at the bottom (flame), or at the top (icicle). */
  readonly direction: FlameDirection;
  /** Leaves first: each function with its callers on it. */
  readonly reversed: boolean;
  readonly recursion: FlameRecursion;
  readonly grouping: FlameGrouping;
  /** `''` = all, `p1` = process 1, `t4` = thread 4. */
  readonly only: string;
  /** Frame whose callers and callees are shown; -1 = none. */
  readonly sandwich: number;
  readonly palette: FlamePalette;
  readonly diffWidth: FlameDiffWidth;
  /** Node of the view that fills the width; 0 = everything. */
  readonly zoom: number;
  readonly search: string;
  readonly matchCase: boolean;
}

/**
 * One view, laid out: columns in preorder, so that the subtree of `i` is `i … end[i] - 1`. Offsets and widths are in
 * the unit of the value, exact for whole numbers.
 */
export interface FlameView {
  readonly length: number;
  readonly parent: Int32Array;
  /** Index into `frames`; from `frames.length` on, processes or threads (see `labelOf`). */
  readonly frame: Uint32Array;
  /** Distance from the root; callers of a sandwich count downwards: -1, -2 … */
  readonly level: Int32Array;
  readonly end: Int32Array;
  readonly start: Float64Array;
  /** Width: the sum over the subtree. */
  readonly total: Float64Array;
  readonly self: Float64Array;
  /** Both sides of a diff, over the subtree; otherwise undefined. */
  readonly before: Float64Array | undefined;
  readonly after: Float64Array | undefined;
  readonly minLevel: number;
  readonly maxLevel: number;
  /** Stacks that were cut because a reversed tree of them would not fit; 0 = the view is whole. */
  readonly cutStacks: number;
  readonly cutDepth: number;
}
