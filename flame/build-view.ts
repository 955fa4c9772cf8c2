import { collapseRecursion } from './collapse-recursion.ts';
import type { FlameModel, FlameNodes, FlameState, FlameView } from './flame-model.ts';
import { growTree } from './grow-tree.ts';
import { layOut, type SelfWeights } from './lay-out.ts';
import { reverseTree, sandwichTree } from './turn-tree.ts';

/**
 * Computes one view of a model: picks thread and value, collapses recursion, groups, turns or orders in time, and lays
 * out. Pure, and total: the same model and state give the same boxes on every machine, so that an address shared with
 * a colleague shows the same. Part of the program inside the pictures.
 */
export function buildView(model: FlameModel, state: FlameState): FlameView {
  // A few seconds at most, for the largest profiles.
  const maxSteps = 8_000_000;
  const { rows } = model;
  let tree = model.nodes;
  let image: Int32Array | undefined;
  if (state.recursion !== 'keep') {
    const collapsed = collapseRecursion(tree, state.recursion);
    tree = collapsed.tree;
    image = collapsed.image;
  }
  const turned = state.sandwich >= 0 || state.reversed;
  const inTime = state.order === 'time' && model.timeOrdered && !turned;
  const grouping = state.sandwich >= 0 ? 'merged' : state.grouping;

  // Where each row's weight goes: a node of the tree, below its thread's or process's node where these are apart.
  const target = new Int32Array(rows.length).fill(-1);
  const only = state.only === '' ? -1 : Number(state.only.slice(1));
  const groupOf = (thread: number): number => (grouping === 'process' ? model.threads[thread]!.process : thread);
  for (let r = 0; r < rows.length; r++) {
    const thread = rows.thread[r]!;
    const kept =
      only === -1 || (state.only[0] === 'p' ? model.threads[thread]!.process === only : state.only === `t${thread}`);
    if (kept) target[r] = image === undefined ? rows.node[r]! : image[rows.node[r]!]!;
  }
  if (grouping !== 'merged') {
    const grown = growTree(tree.length);
    const groups = grouping === 'process' ? model.processes.length : model.threads.length;
    const rowsOf: number[][] = Array.from({ length: groups }, () => []);
    for (let r = 0; r < rows.length; r++) if (target[r]! >= 0) rowsOf[groupOf(rows.thread[r]!)]!.push(r);
    const copied = new Int32Array(tree.length);
    const path: number[] = [];
    for (let g = 0; g < groups; g++) {
      if (rowsOf[g]!.length === 0) continue;
      copied.fill(-1);
      copied[0] = grown.childOf(0, model.frames.length + (grouping === 'process' ? g : model.processes.length + g));
      for (const r of rowsOf[g]!) {
        let at = target[r]!;
        for (; copied[at] === -1; at = tree.parent[at]!) path.push(at);
        let to = copied[at]!;
        while (path.length > 0) {
          at = path.pop()!;
          to = grown.childOf(to, tree.frame[at]!);
          copied[at] = to;
        }
        target[r] = to;
      }
    }
    tree = grown.finish();
  }
  if (inTime) {
    const instances = timeOrderedTree(tree, target);
    tree = instances.tree;
    target.set(instances.target);
  }

  const column = (values: Float64Array): Float64Array => {
    const self = new Float64Array(tree.length);
    for (let r = 0; r < rows.length; r++) if (target[r]! >= 0) self[target[r]!]! += values[r]!;
    return self;
  };
  const columns: Float64Array[] = [];
  if (model.diff === undefined) columns.push(column(rows.values[state.value]!));
  else columns.push(column(rows.values[model.diff.before]!), column(rows.values[model.diff.after]!));

  let above = tree.length;
  let weighed = columns;
  let cutStacks = 0;
  let cutDepth = 0;
  if (turned) {
    const result =
      state.sandwich >= 0
        ? sandwichTree(tree, columns, state.sandwich, maxSteps)
        : reverseTree(tree, columns, maxSteps);
    tree = result.tree;
    weighed = [...result.columns];
    above = result.above;
    cutStacks = result.cutStacks;
    cutDepth = result.cutDepth;
  }
  const order = inTime ? 'time' : state.order === 'name' ? 'name' : 'left-heavy';
  const view = layOut(tree, selfWeights(weighed, state), order, above);
  if (state.sandwich >= 0) view.frame[0] = state.sandwich;
  return { ...view, cutStacks, cutDepth };
}

/** The width of a box in a diff is the larger of its two sides, each node's own weight taken alone, or one side. */
export function selfWeights(columns: readonly Float64Array[], state: FlameState): SelfWeights {
  const before = columns[0]!;
  const after = columns[1];
  if (after === undefined) return { self: before };
  if (state.diffWidth === 'before') return { self: before, before, after };
  if (state.diffWidth === 'after') return { self: after, before, after };
  return { self: Float64Array.from(before, (b, i) => Math.max(b, after[i]!)), before, after };
}

/**
 * One box for each uninterrupted stretch of a call, in the order of the rows: the boxes of the sample before stay open as
 * far as the next sample has the same callers. `target` holds a node for each row, or -1.
 */
export function timeOrderedTree(tree: FlameNodes, target: Int32Array): { tree: FlameNodes; target: Int32Array } {
  let capacity = 1024;
  let parent = new Int32Array(capacity);
  let frame = new Uint32Array(capacity);
  parent[0] = -1;
  let length = 1;
  /** The open box of each node; -1 = closed. */
  const open = new Int32Array(tree.length).fill(-1);
  open[0] = 0;
  const moved = new Int32Array(target.length).fill(-1);
  const path: number[] = [];
  let previous = 0;
  for (let r = 0; r < target.length; r++) {
    const node = target[r]!;
    if (node === -1) continue;
    let common = node;
    while (open[common] === -1) {
      path.push(common);
      common = tree.parent[common]!;
    }
    for (; previous !== common; previous = tree.parent[previous]!) open[previous] = -1;
    let box = open[common]!;
    while (path.length > 0) {
      const at = path.pop()!;
      if (length === capacity) {
        capacity *= 2;
        const parents = new Int32Array(capacity);
        const frames = new Uint32Array(capacity);
        parents.set(parent);
        frames.set(frame);
        parent = parents;
        frame = frames;
      }
      parent[length] = box;
      frame[length] = tree.frame[at]!;
      box = length++;
      open[at] = box;
    }
    moved[r] = box;
    previous = node;
  }
  return { tree: { length, parent: parent.subarray(0, length), frame: frame.subarray(0, length) }, target: moved };
}
