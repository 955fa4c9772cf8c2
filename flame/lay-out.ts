import type { FlameNodes, FlameOrder, FlameView } from './flame-model.ts';

/** Weights that stand on each node itself; `before` and `after` in a diff only. */
export interface SelfWeights {
  readonly self: Float64Array;
  readonly before?: Float64Array;
  readonly after?: Float64Array;
}

/**
 * Sums, sorts and places a tree (parents before children, any order otherwise). Nodes without weight are left out.
 *
 * Own arithmetic on columns instead of d3-hierarchy's partition, which the still picture uses: that makes one object a
 * node, and this runs on every change of view in the browser, on a million of them. A test holds the two to the same
 * boxes. Part of the program inside the pictures.
 *
 * `above` = first node of a part that is stacked on the other side of the root (callers in a sandwich), which starts at
 * the root's left edge again; pass `tree.length` for none.
 */
export function layOut(tree: FlameNodes, weights: SelfWeights, order: FlameOrder, above: number): FlameView {
  const n = tree.length;
  const { parent, frame } = tree;
  const sum = (column: Float64Array): Float64Array => {
    const total = column.slice(0, n);
    // Both halves of a sandwich weigh as much as its root: it is one function, not two.
    for (let i = n - 1; i > 0; i--) if (i < above || parent[i] !== 0) total[parent[i]!]! += total[i]!;
    return total;
  };
  const total = sum(weights.self);
  const before = weights.before === undefined ? undefined : sum(weights.before);
  const after = weights.after === undefined ? undefined : sum(weights.after);

  // Children of each node as one stretch of `child`: firstChild[i] … firstChild[i + 1].
  const firstChild = new Int32Array(n + 1);
  for (let i = 1; i < n; i++) if (total[i]! > 0) firstChild[parent[i]! + 1]!++;
  for (let i = 0; i < n; i++) firstChild[i + 1]! += firstChild[i]!;
  const child = new Int32Array(firstChild[n]!);
  const fill = firstChild.slice(0, n);
  for (let i = 1; i < n; i++) if (total[i]! > 0) child[fill[parent[i]!]!++] = i;
  if (order !== 'time') {
    const byName = order === 'name';
    const compare = (a: number, b: number): number => {
      if (parent[a] === 0 && a >= above !== b >= above) return a - b;
      return (byName ? 0 : total[b]! - total[a]!) || frame[a]! - frame[b]! || a - b;
    };
    for (let i = 0; i < n; i++) {
      const from = firstChild[i]!;
      const to = firstChild[i + 1]!;
      if (to - from > 24) child.subarray(from, to).sort(compare);
      else {
        // By insertion: nearly all nodes have a few children, and a call of `sort` for each costs more than the rest.
        for (let at = from + 1; at < to; at++) {
          const node = child[at]!;
          let hole = at;
          for (; hole > from && compare(child[hole - 1]!, node) > 0; hole--) child[hole] = child[hole - 1]!;
          child[hole] = node;
        }
      }
    }
  }

  // Preorder, with an explicit stack: children are pushed last first.
  const length = child.length + 1;
  const place = new Int32Array(n).fill(-1);
  const old = new Int32Array(length);
  const pending = new Int32Array(length + 1);
  let top = 1;
  let placed = 0;
  while (top > 0) {
    const node = pending[--top]!;
    place[node] = placed;
    old[placed++] = node;
    for (let c = firstChild[node + 1]! - 1; c >= firstChild[node]!; c--) pending[top++] = child[c]!;
  }
  // A child whose parent has no weight cannot have any: all were reached.
  const view = {
    parent: new Int32Array(length),
    frame: new Uint32Array(length),
    level: new Int32Array(length),
    end: new Int32Array(length),
    start: new Float64Array(length),
    total: new Float64Array(length),
    self: new Float64Array(length),
  };
  const next = new Float64Array(length);
  let minLevel = 0;
  let maxLevel = 0;
  let aboveBegun = false;
  for (let i = 0; i < length; i++) {
    const node = old[i]!;
    view.frame[i] = frame[node]!;
    view.total[i] = total[node]!;
    view.self[i] = weights.self[node]!;
    view.end[i] = i + 1;
    if (i === 0) {
      view.parent[0] = -1;
      continue;
    }
    const up = place[parent[node]!]!;
    view.parent[i] = up;
    const isAbove = node >= above;
    if (isAbove && up === 0 && !aboveBegun) {
      next[0] = 0;
      aboveBegun = true;
    }
    view.level[i] = view.level[up]! + (isAbove ? -1 : 1);
    view.start[i] = next[up]!;
    next[i] = next[up]!;
    next[up]! += total[node]!;
    if (view.level[i]! > maxLevel) maxLevel = view.level[i]!;
    if (view.level[i]! < minLevel) minLevel = view.level[i]!;
  }
  for (let i = length - 1; i > 0; i--) {
    const up = view.parent[i]!;
    if (view.end[i]! > view.end[up]!) view.end[up] = view.end[i]!;
  }
  const moved = (column: Float64Array | undefined): Float64Array | undefined =>
    column === undefined ? undefined : Float64Array.from(old, node => column[node]!);
  return { length, ...view, before: moved(before), after: moved(after), minLevel, maxLevel, cutStacks: 0, cutDepth: 0 };
}
