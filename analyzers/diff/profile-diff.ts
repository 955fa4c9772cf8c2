import { TprofError } from '../../src/base/errors.ts';
import type { Profile } from '../../src/model/profile.ts';
import { holm } from '../statistics.ts';
import { type CostChange, costChange, type Normalisation, type RunCosts } from './cost-change.ts';
import { matchFunctions } from './match-functions.ts';
import { runWeights } from './run-weights.ts';
import { type RunShares, shareChange } from './share-change.ts';

/**
 * Functions with less self share than this on both sides are shown and not tested: each test more makes every other
 * one less able to tell, and nobody acts on less.
 */
export const TESTED_SHARE = 0.005;

/** Of the functions; shares are 0…1 of the weight of a side's runs, waiting left out. */
export interface FunctionDiff {
  readonly name: string;
  /** Last parts of its file or module; '' = unknown. */
  readonly place: string;
  readonly change: 'new' | 'removed' | 'both';
  readonly beforeSelfShare: number;
  readonly afterSelfShare: number;
  readonly deltaSelf: number;
  /** 95 %, of `deltaSelf`. */
  readonly interval: readonly [low: number, high: number];
  /** Corrected for how many functions were tested (Holm); null = too small on both sides to be tested. */
  readonly p: number | null;
  readonly significant: boolean;
  readonly beforeTotalShare: number;
  readonly afterTotalShare: number;
  readonly deltaTotal: number;
  readonly totalInterval: readonly [low: number, high: number];
  /** What its own code cost for one task, or one second; null where shares of the total are compared. */
  readonly cost: FunctionCost | null;
}

export interface FunctionCost {
  readonly before: number;
  readonly after: number;
  readonly delta: number;
  /** 95 %, of `delta`. */
  readonly interval: readonly [low: number, high: number];
  readonly significant: boolean;
}

/** What each run's weight is divided by: tasks, or seconds; one element a run, those before first. */
export interface Amounts {
  readonly by: Exclude<Normalisation, 'total'>;
  readonly perRun: readonly number[];
}

/** Both sides of one function, a share a run: what a gate asks other questions of. */
export interface FunctionShares {
  readonly name: string;
  readonly place: string;
  readonly self: readonly [before: RunShares, after: RunShares];
  readonly total: readonly [before: RunShares, after: RunShares];
  /** Self and total for one task or second, where that was asked for. */
  readonly selfCosts: readonly [before: RunCosts, after: RunCosts] | null;
  readonly totalCosts: readonly [before: RunCosts, after: RunCosts] | null;
}

export interface ProfileDiff {
  readonly weight: { readonly name: string; readonly unit: string };
  /** Independent samples that each side's shares are known from, one a run. */
  readonly beforeSamples: readonly number[];
  readonly afterSamples: readonly number[];
  readonly tested: number;
  /** By change of self share, largest first; then of total share, name, place. */
  readonly functions: readonly FunctionDiff[];
  readonly shares: readonly FunctionShares[];
  /** What the weight was divided by; undefined: shares of the total. */
  readonly amounts: Amounts | undefined;
}

/** Compares functions between two sets of runs of one weight; one profile a run. */
export function diffProfiles(
  before: readonly Profile[],
  after: readonly Profile[],
  options: { readonly weight?: string | undefined; readonly amounts?: Amounts | undefined } = {},
): ProfileDiff {
  const weight = commonWeight([...before, ...after], options.weight);
  const matched = matchFunctions(before, after);
  const runs = [...before, ...after].map((profile, p) =>
    runWeights(profile, valueIndex(profile, weight.name), matched.ofFrame[p]!, matched.length),
  );
  const sides = [runs.slice(0, before.length), runs.slice(before.length)];
  const sharesOf = (f: number, what: 'self' | 'total'): [RunShares, RunShares] => {
    const [b, a] = sides.map(side => ({
      shares: side.map(run => (run.all === 0 ? 0 : run[what][f]! / run.all)),
      sizes: side.map(run => run.size),
    }));
    return [b!, a!];
  };
  const { amounts } = options;
  const costsOf = (f: number, what: 'self' | 'total'): [RunCosts, RunCosts] | null => {
    if (amounts === undefined) return null;
    const costs = runs.map((run, r) => run[what][f]! / amounts.perRun[r]!);
    const sizes = runs.map(run => (run.all === 0 ? 0 : (run.size * run[what][f]!) / run.all));
    const side = (from: number, to: number): RunCosts => ({
      costs: costs.slice(from, to),
      sizes: sizes.slice(from, to),
    });
    return [side(0, before.length), side(before.length, runs.length)];
  };
  const shares: FunctionShares[] = [];
  type Draft = Omit<FunctionDiff, 'p' | 'significant' | 'cost'> & { rawP: number; costs: CostChange | undefined };
  const rows: Draft[] = [];
  for (let f = 0; f < matched.length; f++) {
    const total = sharesOf(f, 'total');
    if (total.every(side => side.shares.every(share => share === 0))) continue;
    const self = sharesOf(f, 'self');
    const name = matched.names[f]!;
    const place = matched.places[f]!;
    const selfCosts = costsOf(f, 'self');
    shares.push({ name, place, self, total, selfCosts, totalCosts: costsOf(f, 'total') });
    const cost = selfCosts === null ? undefined : costChange(...selfCosts);
    const s = shareChange(...self);
    const t = shareChange(...total);
    rows.push({
      name,
      place,
      change: t.before === 0 ? 'new' : t.after === 0 ? 'removed' : 'both',
      beforeSelfShare: s.before,
      afterSelfShare: s.after,
      deltaSelf: s.delta,
      interval: [s.low, s.high],
      beforeTotalShare: t.before,
      afterTotalShare: t.after,
      deltaTotal: t.delta,
      totalInterval: [t.low, t.high],
      rawP: cost?.p ?? s.p,
      costs: cost,
    });
  }
  const tested = rows.filter(row => Math.max(row.beforeSelfShare, row.afterSelfShare) >= TESTED_SHARE);
  const corrected = new Map(holm(tested.map(row => row.rawP)).map((p, i) => [tested[i]!, p]));
  return {
    weight,
    beforeSamples: sides[0]!.map(run => run.size),
    afterSamples: sides[1]!.map(run => run.size),
    tested: tested.length,
    functions: rows
      .map(row => {
        const { rawP: _, costs: change, ...rest } = row;
        const p = corrected.get(row) ?? null;
        const isShown = (low: number, high: number): boolean => p !== null && p < 0.05 && (low > 0 || high < 0);
        const cost =
          change === undefined
            ? null
            : {
                before: change.before,
                after: change.after,
                delta: change.delta,
                interval: [change.low, change.high] as const,
                significant: isShown(change.low, change.high),
              };
        return { ...rest, p, cost, significant: cost?.significant ?? isShown(...row.interval) };
      })
      .sort(
        (x, y) =>
          Math.abs(y.cost?.delta ?? 0) - Math.abs(x.cost?.delta ?? 0) ||
          Math.abs(y.deltaSelf) - Math.abs(x.deltaSelf) ||
          Math.abs(y.deltaTotal) - Math.abs(x.deltaTotal) ||
          compare(x.name, y.name) ||
          compare(x.place, y.place),
      ),
    shares,
    amounts,
  };
}

/** The weight that was named, or the default of the last profile that all of them have. */
export function commonWeight(
  profiles: readonly Profile[],
  name: string | undefined,
): { readonly name: string; readonly unit: string } {
  const last = profiles.at(-1)!;
  const wanted = name === undefined ? last.valueTypes[last.defaultValue]! : { name, unit: undefined };
  const inAll = (type: { name: string; unit: string | undefined }): boolean =>
    profiles.every(p =>
      p.valueTypes.some(own => own.name === type.name && (type.unit === undefined || own.unit === type.unit)),
    );
  // A diff of the default weights is meant; where they differ, the weight that all have in common is the question left.
  const found = inAll(wanted) ? wanted : name === undefined ? last.valueTypes.find(inAll) : undefined;
  if (found === undefined) {
    const without = profiles.find(p => !p.valueTypes.some(own => own.name === wanted.name)) ?? profiles[0]!;
    throw new TprofError(
      name === undefined ? 'input-invalid' : 'usage',
      `${without.name}: expected the weight '${wanted.name}' that the other side has, found ${without.valueTypes.map(type => type.name).join(', ')}`,
      { hint: 'compare recordings of one profiler and event, or name a weight that all have with --weight' },
    );
  }
  const { unit } = last.valueTypes.find(type => type.name === found.name)!;
  return { name: found.name, unit };
}

export function valueIndex(profile: Profile, weight: string): number {
  return profile.valueTypes.findIndex(type => type.name === weight);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
