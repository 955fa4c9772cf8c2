import type { FlameNodes } from './flame-model.ts';
import { growTree } from './grow-tree.ts';

/** A tree with weights on its nodes, one column for each of the input's. */
export interface WeighedTree {
  readonly tree: FlameNodes;
  readonly columns: readonly Float64Array[];
  /** First node of the callers' half of a sandwich; `tree.length` where there is none. */
  readonly above: number;
  readonly cutStacks: number;
  readonly cutDepth: number;
}

/**
 * The tree from its leaves: under the root stand the functions where the weight is, above each its callers. The number
 * of steps is the sum of the depths of all weighed nodes, which for deep recursion grows with the square of the depth;
 * so past `maxSteps` all stacks are cut at one depth, and the result says how many and where.
 * Part of the program inside the pictures.
 */
export function reverseTree(nodes: FlameNodes, columns: readonly Float64Array[], maxSteps: number): WeighedTree {
  const { length, parent } = nodes;
  const starts: number[] = [];
  for (let i = 1; i < length; i++) if (columns.some(column => column[i] !== 0)) starts.push(i);
  const rootSelf = columns.map(column => column[0]!);
  return growCallers(nodes, starts, columns, rootSelf, growTree(length), 0, Number.MAX_SAFE_INTEGER, maxSteps, parent);
}

/**
 * Callers and callees of one function: under the root (the function itself) the subtrees of its outermost calls, merged;
 * from `above` on its callers, nearest first. A call below another call of the same function is part of the outer one,
 * so nothing counts twice. Part of the program inside the pictures.
 */
export function sandwichTree(
  nodes: FlameNodes,
  columns: readonly Float64Array[],
  focus: number,
  maxSteps: number,
): WeighedTree {
  const { length, parent, frame } = nodes;
  const grown = growTree(1024);
  const image = new Int32Array(length).fill(-1);
  const outermost: number[] = [];
  for (let i = 1; i < length; i++) {
    const up = image[parent[i]!]!;
    if (up >= 0) image[i] = grown.childOf(up, frame[i]!);
    else if (frame[i] === focus) {
      image[i] = 0;
      outermost.push(i);
    }
  }
  const above = grown.finish().length;
  const totals = columns.map(column => {
    const total = column.slice(0, length);
    for (let i = length - 1; i > 0; i--) total[parent[i]!]! += total[i]!;
    return total;
  });
  // Callers hang on the same root; what is below `above` keeps its numbers, and a caller's frame is moved past all
  // callees' frames while growing, so that a function that is both is not found in the wrong half.
  const result = growCallers(nodes, outermost, totals, [], grown, 1, above, maxSteps, parent);
  const callees = result.columns.map(() => new Float64Array(result.tree.length));
  for (let i = 0; i < length; i++) {
    if (image[i]! < 0) continue;
    for (let c = 0; c < columns.length; c++) callees[c]![image[i]!]! += columns[c]![i]!;
  }
  for (let c = 0; c < columns.length; c++) {
    for (let i = 0; i < above; i++) result.columns[c]![i] = callees[c]![i]!;
  }
  return { ...result, above };
}

/** Walks up from each start, merging equal paths; the weight of a start stands on the last step of its path. */
export function growCallers(
  nodes: FlameNodes,
  starts: readonly number[],
  weights: readonly Float64Array[],
  rootSelf: readonly number[],
  grown: ReturnType<typeof growTree>,
  skip: number,
  above: number,
  maxSteps: number,
  parent: Int32Array,
): WeighedTree {
  const depth = new Int32Array(nodes.length);
  let steps = 0;
  for (let i = 1; i < nodes.length; i++) depth[i] = depth[parent[i]!]! + 1;
  for (const start of starts) steps += depth[start]!;
  let limit = Number.MAX_SAFE_INTEGER;
  let cutStacks = 0;
  if (steps > maxSteps) {
    // The largest depth at which all stacks together stay within the budget: walk the sorted depths once.
    const sorted = starts.map(start => depth[start]!).sort((a, b) => a - b);
    let spent = 0;
    for (let i = 0; i < sorted.length; i++) {
      const fair = Math.floor((maxSteps - spent) / (sorted.length - i));
      if (sorted[i]! > fair) {
        limit = Math.max(1, fair);
        cutStacks = sorted.length - i;
        break;
      }
      spent += sorted[i]!;
    }
  }
  const OTHER_HALF = 0x40000000;
  const mark = above === Number.MAX_SAFE_INTEGER ? 0 : OTHER_HALF;
  const last = new Int32Array(starts.length);
  for (let s = 0; s < starts.length; s++) {
    let at = starts[s]!;
    for (let k = 0; k < skip; k++) at = parent[at]!;
    let to = 0;
    for (let taken = 0; at > 0 && taken < limit; taken++) {
      to = grown.childOf(to, nodes.frame[at]! + mark);
      at = parent[at]!;
    }
    last[s] = to;
  }
  const tree = grown.finish();
  if (mark !== 0) for (let i = above; i < tree.length; i++) tree.frame[i]! -= mark;
  const columns = weights.map((weight, c) => {
    const column = new Float64Array(tree.length);
    if (rootSelf[c] !== undefined) column[0] = rootSelf[c];
    for (let s = 0; s < starts.length; s++) column[last[s]!]! += weight[starts[s]!]!;
    return column;
  });
  return { tree, columns, above: Math.min(above, tree.length), cutStacks, cutDepth: cutStacks === 0 ? 0 : limit };
}
