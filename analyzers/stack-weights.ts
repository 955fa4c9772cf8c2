import type { Profile } from '../src/model/profile.ts';
import type { FunctionTable } from './function-table.ts';

export interface StackWeights {
  /** Weight of the samples whose leaf is this stack. */
  readonly self: Float64Array;
  /** Self plus everything above. */
  readonly total: Float64Array;
  /** Weight of samples without a stack. */
  readonly withoutStack: number;
}

/** Sums one value column over the stack tree. Parents precede children, so one backward pass does it. */
export function stackWeights(profile: Profile, value: number): StackWeights {
  const { samples, stacks } = profile;
  const self = new Float64Array(stacks.length);
  let withoutStack = 0;
  const values = samples.values[value]!;
  for (let s = 0; s < samples.length; s++) {
    const stack = samples.stack[s]!;
    if (stack < 0) withoutStack += values[s]!;
    else self[stack] = self[stack]! + values[s]!;
  }
  const total = Float64Array.from(self);
  for (let i = stacks.length - 1; i >= 0; i--) {
    const parent = stacks.parent[i]!;
    if (parent >= 0) total[parent] = total[parent]! + total[i]!;
  }
  return { self, total, withoutStack };
}

/**
 * Total weight of each function, counting a sample once however often the function recurs on its stack: a stack's
 * subtree counts for its function only where no caller below it is the same function.
 */
export function functionTotals(
  profile: Profile,
  functions: Pick<FunctionTable, 'length' | 'ofFrame'>,
  weights: StackWeights,
): Float64Array {
  const { parent, frame, length } = profile.stacks;
  const firstChild = new Int32Array(length).fill(-1);
  const nextSibling = new Int32Array(length).fill(-1);
  let firstRoot = -1;
  for (let i = length - 1; i >= 0; i--) {
    const p = parent[i]!;
    if (p >= 0) {
      nextSibling[i] = firstChild[p]!;
      firstChild[p] = i;
    } else {
      nextSibling[i] = firstRoot;
      firstRoot = i;
    }
  }
  const totals = new Float64Array(functions.length);
  const onPath = new Uint32Array(functions.length);
  let node = firstRoot;
  while (node >= 0) {
    const f = functions.ofFrame[frame[node]!]!;
    if (onPath[f] === 0) totals[f] = totals[f]! + weights.total[node]!;
    onPath[f] = onPath[f]! + 1;
    if (firstChild[node]! >= 0) {
      node = firstChild[node]!;
      continue;
    }
    // Back up to the nearest node that still has a sibling.
    for (;;) {
      const g = functions.ofFrame[frame[node]!]!;
      onPath[g] = onPath[g]! - 1;
      if (nextSibling[node]! >= 0) {
        node = nextSibling[node]!;
        break;
      }
      node = parent[node]!;
      if (node < 0) break;
    }
  }
  return totals;
}
