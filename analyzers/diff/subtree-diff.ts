import type { Profile } from '../../src/model/profile.ts';
import { holm } from '../statistics.ts';
import { costChange } from './cost-change.ts';
import { matchFunctions } from './match-functions.ts';
import { type Amounts, commonWeight, type FunctionCost, TESTED_SHARE, valueIndex } from './profile-diff.ts';
import { runWeights, withoutWaiting } from './run-weights.ts';
import { shareChange } from './share-change.ts';

/** A call and everything below it, on the union of both sides' call trees. */
export interface SubtreeDiff {
  /** Root first; the last is the call itself. */
  readonly path: readonly string[];
  readonly change: 'new' | 'removed' | 'both';
  /** 0…1 of the weight of a side's runs, waiting left out. */
  readonly beforeShare: number;
  readonly afterShare: number;
  readonly delta: number;
  /** 95 %, of `delta`. */
  readonly interval: readonly [low: number, high: number];
  /** For one task, or one second; null where shares of the total are compared. */
  readonly cost: Omit<FunctionCost, 'significant'> | null;
  /** Corrected for how many subtrees were tested (Holm). */
  readonly p: number;
  readonly significant: boolean;
}

/** A child that has this much of its parent's change tells of it better than the parent does. */
const EXPLAINS = 0.9;

/**
 * The subtrees that changed, largest change first: where in the program the difference came in. Of a chain of calls that
 * changed by the same, the deepest is listed; of one that is new or gone as a whole, the topmost.
 */
export function diffSubtrees(
  before: readonly Profile[],
  after: readonly Profile[],
  options: { readonly weight?: string | undefined; readonly amounts?: Amounts | undefined } = {},
): SubtreeDiff[] {
  const profiles = [...before, ...after];
  const weight = commonWeight(profiles, options.weight);
  const matched = matchFunctions(before, after);
  const tree = unionTree(profiles, weight.name, matched.ofFrame, matched.length);
  const sizes = profiles.map(
    (profile, p) => runWeights(profile, valueIndex(profile, weight.name), matched.ofFrame[p]!, matched.length).size,
  );
  const rows: (SubtreeDiff & { node: number })[] = [];
  for (let node = 0; node < tree.parent.length; node++) {
    const shares = tree.totals.map((totals, p) => (tree.all[p] === 0 ? 0 : totals[node]! / tree.all[p]!));
    if (Math.max(...shares) < TESTED_SHARE) continue;
    const side = (from: number, to: number): { shares: number[]; sizes: number[] } => ({
      shares: shares.slice(from, to),
      sizes: sizes.slice(from, to),
    });
    const change = shareChange(side(0, before.length), side(before.length, profiles.length));
    const costs = options.amounts?.perRun.map((amount, p) => tree.totals[p]![node]! / amount);
    const counted = shares.map((share, p) => share * sizes[p]!);
    const cost =
      costs === undefined
        ? undefined
        : costChange(
            { costs: costs.slice(0, before.length), sizes: counted.slice(0, before.length) },
            { costs: costs.slice(before.length), sizes: counted.slice(before.length) },
          );
    rows.push({
      node,
      path: [],
      change: change.before === 0 ? 'new' : change.after === 0 ? 'removed' : 'both',
      beforeShare: change.before,
      afterShare: change.after,
      delta: change.delta,
      interval: [change.low, change.high],
      cost:
        cost === undefined
          ? null
          : { before: cost.before, after: cost.after, delta: cost.delta, interval: [cost.low, cost.high] },
      p: cost?.p ?? change.p,
      significant: false,
    });
  }
  const corrected = holm(rows.map(row => row.p));
  const pathOf = (node: number): string[] => {
    const path: string[] = [];
    for (let at = node; at >= 0; at = tree.parent[at]!) path.push(matched.names[tree.functionOf[at]!]!);
    return path.reverse();
  };
  return telling(rows, tree.parent)
    .map(row => {
      const { node, ...rest } = row;
      const p = corrected[rows.indexOf(row)]!;
      const [low, high] = row.cost?.interval ?? row.interval;
      return { ...rest, p, significant: p < 0.05 && (low > 0 || high < 0), path: pathOf(node) };
    })
    .sort(
      (a, b) =>
        Math.abs(changeOf(b)) - Math.abs(changeOf(a)) ||
        a.path.length - b.path.length ||
        (a.path.join('\0') < b.path.join('\0') ? -1 : 1),
    );
}

function changeOf({ cost, delta }: SubtreeDiff): number {
  return cost?.delta ?? delta;
}

interface UnionTree {
  /** −1 for a root; parents come before their children. */
  readonly parent: readonly number[];
  readonly functionOf: readonly number[];
  /** Weight of each node with all below it, one column a profile. */
  readonly totals: readonly Float64Array[];
  readonly all: readonly number[];
}

/** Both sides' call trees as one: calls of the same function from the same place are one node. */
function unionTree(
  profiles: readonly Profile[],
  weight: string,
  ofFrame: readonly Uint32Array[],
  functionCount: number,
): UnionTree {
  const parent: number[] = [];
  const functionOf: number[] = [];
  const known = new Map<number, number>();
  const nodeOfStack = profiles.map(({ stacks }, p) => {
    const nodes = new Int32Array(stacks.length);
    for (let i = 0; i < stacks.length; i++) {
      const above = stacks.parent[i]! < 0 ? -1 : nodes[stacks.parent[i]!]!;
      const f = ofFrame[p]![stacks.frame[i]!]!;
      const key = (above + 1) * functionCount + f;
      let node = known.get(key);
      if (node === undefined) {
        node = parent.push(above) - 1;
        functionOf.push(f);
        known.set(key, node);
      }
      nodes[i] = node;
    }
    return nodes;
  });
  const all: number[] = [];
  const totals = profiles.map((profile, p) => {
    const { samples } = withoutWaiting(profile, valueIndex(profile, weight));
    const column = new Float64Array(parent.length);
    let sum = 0;
    for (let s = 0; s < samples.length; s++) {
      const value = samples.values[0]![s]!;
      sum += value;
      if (samples.stack[s]! < 0) continue;
      const node = nodeOfStack[p]![samples.stack[s]!]!;
      column[node] = column[node]! + value;
    }
    all.push(sum);
    for (let node = parent.length - 1; node >= 0; node--) {
      if (parent[node]! >= 0) column[parent[node]!] = column[parent[node]!]! + column[node]!;
    }
    return column;
  });
  return { parent, functionOf, totals, all };
}

type Row = SubtreeDiff & { readonly node: number };

/** Leaves out what another row says better: calls above the one that changed, and what is below a new or removed one. */
function telling(rows: readonly Row[], parent: readonly number[]): Row[] {
  const rowOf = new Map(rows.map(row => [row.node, row]));
  const explained = new Set<number>();
  for (const row of rows) {
    const above = rowOf.get(parent[row.node]!);
    if (above === undefined || above.change !== 'both') continue;
    const [own, whole] = [changeOf(row), changeOf(above)];
    if (Math.sign(whole) === Math.sign(own) && Math.abs(own) >= EXPLAINS * Math.abs(whole)) {
      explained.add(above.node);
    }
  }
  return rows.filter(row => {
    const above = rowOf.get(parent[row.node]!);
    const isPartOfWhole = row.change !== 'both' && above?.change === row.change;
    return changeOf(row) !== 0 && !explained.has(row.node) && !isPartOfWhole;
  });
}
