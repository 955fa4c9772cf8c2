import { formatCount, formatValue } from '../src/base/format-units.ts';
import { FrameFlag, type Profile, type Thread } from '../src/model/profile.ts';
import type { FlameDiff, FlameModel, FlameNodes, FlameRows, FlameThread } from './flame-model.ts';
import { type CategoryOf, frameTable, sourceCategory } from './frame-table.ts';
import { growTree } from './grow-tree.ts';
import { preorder } from './preorder.ts';

export interface MergeOptions {
  readonly title?: string;
  /** What was run, as the user typed it; stands below the title. */
  readonly command?: string;
  /** Value columns that the picture offers, the first shown first; by default the profile's default one alone. */
  readonly values?: readonly number[];
  /** Makes the picture a comparison of two value columns. */
  readonly diff?: FlameDiff;
  /** Threads to keep; by default all. */
  readonly keepThread?: (thread: Thread) => boolean;
  /** Keep samples apart by thread, for views of one thread, or one beside the other. */
  readonly threads?: boolean;
  /** Keep the samples' order, for the time-ordered view; needs one row a sample. */
  readonly timeOrder?: boolean;
  /** Keep stacks with a frame whose name, file or module matches. */
  readonly focus?: RegExp;
  /** Leave out stacks with such a frame. */
  readonly ignore?: RegExp;
  /** Leave out such frames; their callees hang on their callers. */
  readonly hide?: RegExp;
  readonly categoryOf?: CategoryOf;
}

/**
 * Merges a profile into what pictures are drawn from. One pass over the stack table (parents precede children, so no
 * stack is ever walked) and one over the samples; memory grows with distinct stacks. What is left out is said in `facts`.
 */
export function mergeProfile(profile: Profile, options: MergeOptions = {}): FlameModel {
  const { stacks, samples } = profile;
  const values =
    options.diff === undefined ? (options.values ?? [profile.defaultValue]) : [options.diff.before, options.diff.after];
  const columns = values.map(v => samples.values[v]!);
  const keptThread = profile.threads.map(thread => options.keepThread?.(thread) ?? true);
  const keptStack = stackFilter(profile, options);
  const keepsStackless = options.focus === undefined;

  // Samples that count, and the stacks that they need: what is filtered away does not travel.
  const keptSample = new Uint8Array(samples.length);
  const used = new Uint8Array(stacks.length);
  let left = 0;
  let negative = 0;
  for (let s = 0; s < samples.length; s++) {
    const stack = samples.stack[s]!;
    if (!keptThread[samples.thread[s]!] || !(stack < 0 ? keepsStackless : keptStack?.[stack] !== 0)) {
      left++;
      continue;
    }
    let least = 0;
    let most = 0;
    for (let c = 0; c < columns.length; c++) {
      const value = columns[c]![s]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    if (least < 0) negative++;
    else {
      keptSample[s] = 1;
      if (stack >= 0 && most > 0) used[stack] = 1;
    }
  }
  for (let s = stacks.length - 1; s >= 0; s--) if (used[s] === 1 && stacks.parent[s]! >= 0) used[stacks.parent[s]!] = 1;

  const hidden = frameMatcher(profile, options.hide);
  const shown = new Uint8Array(profile.frames.length);
  for (let s = 0; s < stacks.length; s++) {
    const frame = stacks.frame[s]!;
    if (used[s] === 1 && hidden?.[frame] !== 1) shown[frame] = 1;
  }
  const { frames, of, distinct } = frameTable(profile, shown, options.categoryOf ?? sourceCategory, 'all');
  const { nodes, nodeOf } = nodesOf(profile, used, of, distinct, hidden);
  // Samples without a stack count for the whole: they stand on the root.
  const kept = new Int32Array(samples.length);
  for (let s = 0; s < kept.length; s++) {
    const stack = samples.stack[s]!;
    kept[s] = keptSample[s] === 0 ? -1 : stack < 0 || used[stack] === 0 ? 0 : nodeOf[stack]!;
  }
  const { threads, processes, threadOf } = threadTable(profile, options.threads === true);
  const diff = options.diff === undefined ? undefined : { before: 0, after: 1 };
  const timeOrdered = options.timeOrder === true && samples.timeNs !== undefined;
  const thread = new Uint32Array(samples.length);
  for (let s = 0; s < thread.length; s++) thread[s] = threadOf[samples.thread[s]!]!;
  const rows = timeOrdered
    ? timeRows(kept, thread, columns, samples.timeNs!)
    : mergedRows(kept, thread, columns, nodes.length, threads.length);

  return {
    title: options.title ?? profile.name,
    facts: facts(profile, options, columns, values, kept, left, negative),
    frames,
    nodes,
    rows,
    threads,
    processes,
    valueTypes: values.map(v => profile.valueTypes[v]!),
    defaultValue: 0,
    diff,
    timeOrdered,
  };
}

/** For each stack 0 where `focus` and `ignore` leave it out; undefined where they leave out nothing. */
function stackFilter(profile: Profile, options: MergeOptions): Uint8Array | undefined {
  if (options.focus === undefined && options.ignore === undefined) return undefined;
  const { stacks } = profile;
  const matchesFocus = frameMatcher(profile, options.focus);
  const matchesIgnore = frameMatcher(profile, options.ignore);
  const focused = new Uint8Array(stacks.length);
  const ignored = new Uint8Array(stacks.length);
  for (let s = 0; s < stacks.length; s++) {
    const parent = stacks.parent[s]!;
    const frame = stacks.frame[s]!;
    focused[s] = (matchesFocus?.[frame] ?? 1) | (parent < 0 ? 0 : focused[parent]!);
    ignored[s] = (matchesIgnore?.[frame] ?? 0) | (parent < 0 ? 0 : ignored[parent]!);
  }
  return focused.map((flag, s) => flag & (1 - ignored[s]!));
}

/**
 * The stacks in use as a tree of box frames, and the node of each. Where every frame is a box of its own and none is
 * hidden, the stack table is that tree already; otherwise stacks that look the same are merged.
 */
function nodesOf(
  profile: Profile,
  used: Uint8Array,
  of: Uint32Array,
  distinct: boolean,
  hidden: Uint8Array | undefined,
): { nodes: FlameNodes; nodeOf: Int32Array } {
  const { stacks } = profile;
  const nodeOf = new Int32Array(stacks.length);
  if (distinct && hidden === undefined) {
    let length = 1;
    for (let s = 0; s < stacks.length; s++) if (used[s] === 1) nodeOf[s] = length++;
    const parent = new Int32Array(length);
    const frame = new Uint32Array(length);
    parent[0] = -1;
    for (let s = 0; s < stacks.length; s++) {
      if (used[s] === 0) continue;
      parent[nodeOf[s]!] = stacks.parent[s]! < 0 ? 0 : nodeOf[stacks.parent[s]!]!;
      frame[nodeOf[s]!] = of[stacks.frame[s]!]!;
    }
    const { tree, image, twins } = preorder({ length, parent, frame });
    if (!twins) return { nodes: tree, nodeOf: nodeOf.map(node => image[node]!) };
  }
  const grown = growTree(stacks.length + 1);
  for (let s = 0; s < stacks.length; s++) {
    if (used[s] === 0) continue;
    const frame = stacks.frame[s]!;
    const up = stacks.parent[s]! < 0 ? 0 : nodeOf[stacks.parent[s]!]!;
    nodeOf[s] = hidden?.[frame] === 1 ? up : grown.childOf(up, of[frame]!);
  }
  const { tree, image } = preorder(grown.finish());
  return { nodes: tree, nodeOf: nodeOf.map(node => image[node]!) };
}

/** For each profile frame 1 where its name, file or module matches; undefined without a pattern. */
function frameMatcher(profile: Profile, pattern: RegExp | undefined): Uint8Array | undefined {
  if (pattern === undefined) return undefined;
  const { frames, strings } = profile;
  // Each string is tried once. Without `g` and `y`, which make `test` remember where it stopped.
  const expression = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  const matches = Uint8Array.from(strings, text => (text !== '' && expression.test(text) ? 1 : 0));
  const result = new Uint8Array(frames.length);
  for (let f = 0; f < frames.length; f++) {
    result[f] = matches[frames.name[f]!]! | matches[frames.file[f]!]! | matches[frames.module[f]!]!;
  }
  return result;
}

/** Threads in order of process, then number; or one that stands for all. */
function threadTable(
  profile: Profile,
  apart: boolean,
): { threads: FlameThread[]; processes: string[]; threadOf: Uint32Array } {
  const threadOf = new Uint32Array(profile.threads.length);
  if (!apart) return { threads: [{ label: 'all threads', process: 0 }], processes: ['all processes'], threadOf };
  const order = profile.threads.map((_, index) => index);
  order.sort((a, b) => {
    const [x, y] = [profile.threads[a]!, profile.threads[b]!];
    return x.pid - y.pid || x.tid - y.tid || a - b;
  });
  const processes: string[] = [];
  const processOf = new Map<string, number>();
  const threads: FlameThread[] = [];
  for (const index of order) {
    const { pid, tid, processName, threadName } = profile.threads[index]!;
    const key = pid === 0 ? `name ${processName}` : `pid ${pid}`;
    if (!processOf.has(key)) {
      // Where a source names threads alone, a process is called what its main thread is.
      const main = profile.threads.find(thread => thread.pid === pid && thread.tid === pid);
      const name = processName || main?.threadName || threadName || 'process';
      processOf.set(key, processes.length);
      processes.push(pid === 0 ? name : `${name} (pid ${pid})`);
    }
    threadOf[index] = threads.length;
    const label = [
      threadName || (tid === 0 ? 'thread' : `thread ${tid}`),
      threadName !== '' && tid !== 0 ? `(tid ${tid})` : '',
    ];
    threads.push({ label: label.filter(Boolean).join(' '), process: processOf.get(key)! });
  }
  return { threads, processes, threadOf };
}

/** One row a node and thread that was sampled, in order of node, then thread. */
function mergedRows(
  kept: Int32Array,
  thread: Uint32Array,
  columns: readonly Float64Array[],
  nodeCount: number,
  threadCount: number,
): FlameRows {
  // Samples in order of their node, by counting; within a node by thread, then as recorded.
  const first = new Int32Array(nodeCount + 1);
  for (let s = 0; s < kept.length; s++) if (kept[s]! >= 0) first[kept[s]! + 1]!++;
  for (let i = 0; i < nodeCount; i++) first[i + 1]! += first[i]!;
  const sorted = new Uint32Array(first[nodeCount]!);
  const fill = first.slice(0, nodeCount);
  for (let s = 0; s < kept.length; s++) if (kept[s]! >= 0) sorted[fill[kept[s]!]!++] = s;
  if (threadCount > 1) {
    for (let i = 0; i < nodeCount; i++) {
      if (first[i + 1]! - first[i]! > 1) {
        sorted.subarray(first[i]!, first[i + 1]!).sort((a, b) => thread[a]! - thread[b]! || a - b);
      }
    }
  }
  return joinedRows(sorted, kept, thread, columns);
}

/** Rows of samples in the given order; neighbours of one thread and node are one row. */
function joinedRows(
  order: Uint32Array,
  kept: Int32Array,
  thread: Uint32Array,
  columns: readonly Float64Array[],
): FlameRows {
  const node = new Uint32Array(order.length);
  const threads = new Uint32Array(order.length);
  const values = columns.map(() => new Float64Array(order.length));
  let length = 0;
  for (const s of order) {
    if (length === 0 || node[length - 1] !== kept[s] || threads[length - 1] !== thread[s]) {
      node[length] = kept[s]!;
      threads[length] = thread[s]!;
      length++;
    }
    for (let c = 0; c < columns.length; c++) values[c]![length - 1]! += columns[c]![s]!;
  }
  return {
    length,
    node: node.subarray(0, length),
    thread: threads.subarray(0, length),
    values: values.map(column => column.subarray(0, length)),
  };
}

/** Samples in order of time (ties as recorded); neighbours of the same thread and stack are one row. */
function timeRows(
  kept: Int32Array,
  thread: Uint32Array,
  columns: readonly Float64Array[],
  timeNs: Float64Array,
): FlameRows {
  const order = Uint32Array.from(kept.keys()).filter(s => kept[s]! >= 0);
  order.sort((a, b) => timeNs[a]! - timeNs[b]! || a - b);
  return joinedRows(order, kept, thread, columns);
}

/** What a reader must know to trust the picture: weight, samples, losses, and what was left out of it. */
function facts(
  profile: Profile,
  options: MergeOptions,
  columns: readonly Float64Array[],
  values: readonly number[],
  kept: Int32Array,
  left: number,
  negative: number,
): string[] {
  const lines: string[] = [];
  if (options.command !== undefined) lines.push(options.command);
  const weights = columns.map((column, c) => {
    const type = profile.valueTypes[values[c]!]!;
    let total = 0;
    for (let s = 0; s < kept.length; s++) if (kept[s]! >= 0) total += column[s]!;
    return `${type.name} ${formatValue(total, type.unit)}${type.unit === 'count' || type.unit === 'none' ? '' : ` (${type.unit})`}`;
  });
  const counted = profile.valueTypes.findIndex(type => type.name === 'samples' && type.unit === 'count');
  let count = 0;
  for (let s = 0; s < kept.length; s++) {
    if (kept[s]! >= 0) count += counted === -1 ? 1 : profile.samples.values[counted]![s]!;
  }
  const what = profile.samples.timeNs === undefined && counted === -1 ? 'distinct stacks' : 'samples';
  const shown = options.diff === undefined ? weights.slice(0, 1) : [weights.join(' · ')];
  const line = [`width: ${shown[0]}`, `${formatCount(count)} ${what}`];
  if (profile.lostSamples > 0) line.push(`${formatCount(profile.lostSamples)} samples were lost`);
  lines.push(line.join(' · '));
  const filters = (['focus', 'ignore', 'hide'] as const).flatMap(id => {
    const pattern = options[id];
    return pattern === undefined ? [] : [`${id} /${pattern.source}/`];
  });
  if (left > 0) filters.push(`${formatCount(left)} ${what === 'samples' ? 'sample rows' : what} left out`);
  if (negative > 0) filters.push(`rows with a negative weight, not drawn: ${formatCount(negative)}`);
  if (filters.length > 0) lines.push(filters.join(' · '));
  const truncated = truncatedCount(profile);
  if (truncated > 0) lines.push(`${formatCount(truncated)} stacks are cut off at their root`);
  return lines;
}

function truncatedCount(profile: Profile): number {
  let count = 0;
  for (let s = 0; s < profile.stacks.length; s++) {
    if (
      profile.stacks.parent[s] === -1 &&
      (profile.frames.flags[profile.stacks.frame[s]!]! & FrameFlag.truncated) !== 0
    ) {
      count++;
    }
  }
  return count;
}
