import { Warnings } from '../src/base/warnings.ts';
import type { Profile } from '../src/model/profile.ts';
import type { ResultHeader } from '../src/model/result.ts';
import { type CategoryId, CLAIMS_RUNTIME, categoryOf } from './categories.ts';
import { type FunctionTable, functionTable } from './function-table.ts';
import { type Finding, findHotPathFindings } from './hot-path-findings.ts';
import type { MatchedProcess, PhaseIntervals } from './phase-samples.ts';
import { phaseSelf } from './phase-self.ts';
import { functionTotals, type StackWeights, stackWeights } from './stack-weights.ts';

/** Below this many samples shares are too uncertain to act on: 10 % ± 6 points at 95 %. */
const FEW_SAMPLES = 100;

export interface HotPathsOptions {
  readonly inputs?: readonly string[];
  /** Name of the weight to rank by; the profile's default otherwise. */
  readonly weight?: string;
  /** Where the lifecycle analyzer knows which process was in which phase when. */
  readonly phases?: PhaseIntervals;
}

/** `tprof.hot-paths/1`. Shares are of `weight.total`, which leaves out waiting: an idle thread burns no CPU. */
export interface HotPathsResult extends ResultHeader<'hot-paths'> {
  readonly weight: Weight;
  /** The other weights that the file holds. */
  readonly weights: readonly Weight[];
  readonly samples: number;
  readonly lost: number;
  /** Weight of samples in which the thread was idle or switched out; not part of `weight.total`. */
  readonly waiting: number;
  /** By self, then total, then name. */
  readonly functions: readonly HotFunction[];
  /** Heaviest stacks, root first, merged over threads. Their totals add up to `weight.total`. */
  readonly paths: readonly { readonly frames: readonly string[]; readonly total: number; readonly share: number }[];
  readonly categories: readonly SelfShare[];
  /** Empty where no spans were recorded beside the samples. */
  readonly phases: readonly SelfShare[];
  /** The same for each process of the trace, where spans name no pid and it had to be found among the sampled ones. */
  readonly phaseProcesses: readonly ProcessPhaseShares[];
  readonly findings: readonly Finding[];
  readonly threads: readonly ThreadShare[];
}

export interface Weight {
  readonly name: string;
  readonly unit: string;
  readonly total: number;
}

export interface HotFunction {
  readonly name: string;
  readonly module: string;
  readonly file: string;
  readonly line: number;
  readonly category: CategoryId;
  readonly self: number;
  readonly total: number;
  readonly selfShare: number;
  readonly totalShare: number;
}

export interface SelfShare {
  readonly id: string;
  readonly self: number;
  readonly share: number;
}

export interface ProcessPhaseShares {
  readonly role: string;
  readonly processes: readonly MatchedProcess[];
  readonly self: number;
  readonly share: number;
  /** Of `self`: at times at which everything under way in that process was of one phase. */
  readonly sureShare: number;
  /** Shares are of the whole profile. */
  readonly phases: readonly SelfShare[];
}

export interface ThreadShare {
  readonly pid: number;
  readonly tid: number;
  readonly processName: string;
  readonly threadName: string;
  readonly self: number;
  readonly share: number;
}

/** Where the weight of a profile went: by function, path, category, thread, and lifecycle phase. */
export function analyzeHotPaths(profile: Profile, options: HotPathsOptions = {}): HotPathsResult {
  const value = valueIndex(profile, options.weight);
  const type = profile.valueTypes[value]!;
  const functions = functionTable(profile);
  const frameCategory = frameCategories(profile);
  const stackCategory = stackCategories(profile, frameCategory);
  const weights = stackWeights(onCpu(profile, stackCategory, value), 0);
  const all = sum(profile.samples.values[value]!);
  const total = sum(weights.self) + weights.withoutStack;
  const share = (part: number): number => (total === 0 ? 0 : part / total);

  const hot = hotFunctions(profile, functions, weights, frameCategory, share);
  const paths = hotPaths(profile, functions, weights).map(path => ({ ...path, share: share(path.total) }));
  const categories = sharesOf(categorySelf(profile, stackCategory, weights), share);
  const warnings = new Warnings();
  warnings.merge(profile.warnings);
  const samples = sampleCount(profile);
  if (samples < FEW_SAMPLES) {
    warnings.add('low-samples', `${samples} samples are few: shares are uncertain by many points`, {
      count: samples,
    });
  }
  const isIdle = (stack: number): boolean => stackCategory[stack] === 'waiting';
  const joined = phaseSelf(profile, value, isIdle, options.phases, warnings);
  const partial = {
    weight: { name: type.name, unit: type.unit, total },
    weights: profile.valueTypes
      .map((t, v) => ({ name: t.name, unit: t.unit, total: sum(profile.samples.values[v]!) }))
      .filter((_, v) => v !== value),
    samples,
    lost: profile.lostSamples,
    waiting: all - total,
    functions: hot,
    paths,
    categories,
    phases: sharesOf(joined.phases, share),
    phaseProcesses: joined.processes.map(({ phases, self, sure, ...match }) => ({
      ...match,
      self,
      share: share(self),
      sureShare: self === 0 ? 0 : sure / self,
      phases: sharesOf(phases, share),
    })),
    threads: threadShares(profile, stackCategory, value, share),
  };
  return {
    schema: 'tprof.hot-paths/1',
    epochNs: String(profile.epochNs ?? 0n),
    inputs: options.inputs ?? [profile.name],
    warnings: warnings.list(),
    ...partial,
    findings: findHotPathFindings(partial, warnings),
  };
}

/** Rows are samples, or sums of them (collapsed stacks), which then are counted in a column. */
function sampleCount({ samples, valueTypes }: Profile): number {
  const counts = valueTypes.findIndex(
    type => /^(samples|sampled_allocations)$/.test(type.name) && type.unit === 'count',
  );
  return counts === -1 ? samples.length : Math.round(sum(samples.values[counts]!));
}

function valueIndex(profile: Profile, name: string | undefined): number {
  if (name === undefined) return profile.defaultValue;
  const index = profile.valueTypes.findIndex(type => type.name === name);
  return index === -1 ? profile.defaultValue : index;
}

function frameCategories(profile: Profile): readonly CategoryId[] {
  const { frames, strings } = profile;
  return Array.from({ length: frames.length }, (_, f) =>
    categoryOf({
      name: strings[frames.name[f]!]!,
      module: strings[frames.module[f]!]!,
      file: strings[frames.file[f]!]!,
      category: strings[frames.category[f]!]!,
      flags: frames.flags[f]!,
    }),
  );
}

/**
 * Category of a sample with this stack: its leaf's own. Runtime code belongs to the nearest caller that claims it
 * (a socket write below the database client), so that "runtime" is what nobody below asked for by name.
 */
function stackCategories(profile: Profile, frameCategory: readonly CategoryId[]): readonly CategoryId[] {
  const { parent, frame, length } = profile.stacks;
  const claimed: CategoryId[] = new Array(length);
  const result: CategoryId[] = new Array(length);
  for (let i = 0; i < length; i++) {
    const own = frameCategory[frame[i]!]!;
    const below = parent[i]! >= 0 ? claimed[parent[i]!]! : 'runtime';
    // WebAssembly has no file to tell by: below a claiming caller (Node's own parser of types) it is that caller's.
    const borrowed =
      own === 'runtime' || (own === 'application' && isWebAssembly(profile, frame[i]!) && below !== 'runtime');
    claimed[i] = CLAIMS_RUNTIME.has(own) ? own : own === 'application' && !borrowed ? 'runtime' : below;
    result[i] = borrowed ? claimed[i]! : own;
  }
  return result;
}

function isWebAssembly(profile: Profile, frame: number): boolean {
  return profile.strings[profile.frames.category[frame]!] === 'WebAssembly';
}

/** The same profile with one value column, in which waiting samples weigh nothing. */
function onCpu(profile: Profile, stackCategory: readonly CategoryId[], value: number): Profile {
  const values = Float64Array.from(profile.samples.values[value]!);
  for (let s = 0; s < values.length; s++) {
    const stack = profile.samples.stack[s]!;
    if (stack >= 0 && stackCategory[stack] === 'waiting') values[s] = 0;
  }
  return { ...profile, samples: { ...profile.samples, values: [values] } };
}

function hotFunctions(
  profile: Profile,
  functions: FunctionTable,
  weights: StackWeights,
  frameCategory: readonly CategoryId[],
  share: (part: number) => number,
): HotFunction[] {
  const self = new Float64Array(functions.length);
  for (let i = 0; i < profile.stacks.length; i++) {
    const f = functions.ofFrame[profile.stacks.frame[i]!]!;
    self[f] = self[f]! + weights.self[i]!;
  }
  const total = functionTotals(profile, functions, weights);
  const { frames, strings } = profile;
  const result: HotFunction[] = [];
  for (let f = 0; f < functions.length; f++) {
    if (self[f] === 0 && total[f] === 0) continue;
    const frame = functions.frame[f]!;
    result.push({
      name: strings[frames.name[frame]!]!,
      module: strings[frames.module[frame]!]!,
      file: strings[frames.file[frame]!]!,
      line: functions.line[f]!,
      category: frameCategory[frame]!,
      self: self[f]!,
      total: total[f]!,
      selfShare: share(self[f]!),
      totalShare: share(total[f]!),
    });
  }
  return result.sort(
    (a, b) =>
      b.self - a.self || b.total - a.total || compare(a.name, b.name) || compare(a.file, b.file) || a.line - b.line,
  );
}

function hotPaths(
  profile: Profile,
  functions: FunctionTable,
  weights: StackWeights,
): { frames: string[]; total: number }[] {
  const { parent, frame, length } = profile.stacks;
  // Stacks that differ only in line or address are one path: rename each to the first with the same functions.
  const pathOf = new Int32Array(length);
  const known = new Map<number, number>();
  const total = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const below = parent[i]! >= 0 ? pathOf[parent[i]!]! : -1;
    const key = (below + 1) * 0x4000000 + functions.ofFrame[frame[i]!]!;
    const path = known.get(key) ?? i;
    if (path === i) known.set(key, i);
    pathOf[i] = path;
    total[path] = total[path]! + weights.self[i]!;
  }
  const result: { frames: string[]; total: number }[] = [];
  for (let i = 0; i < length; i++) {
    if (pathOf[i] !== i || total[i] === 0) continue;
    const frames: string[] = [];
    for (let at = i; at >= 0; at = parent[at]!) frames.push(profile.strings[profile.frames.name[frame[at]!]!]!);
    result.push({ frames: frames.reverse(), total: total[i]! });
  }
  if (weights.withoutStack !== 0) result.push({ frames: [], total: weights.withoutStack });
  return result.sort((a, b) => b.total - a.total || compare(a.frames.join('\0'), b.frames.join('\0')));
}

function categorySelf(
  profile: Profile,
  stackCategory: readonly CategoryId[],
  weights: StackWeights,
): Map<string, number> {
  const self = new Map<string, number>();
  for (let i = 0; i < profile.stacks.length; i++) {
    if (weights.self[i] !== 0) self.set(stackCategory[i]!, (self.get(stackCategory[i]!) ?? 0) + weights.self[i]!);
  }
  if (weights.withoutStack !== 0) self.set('unknown', (self.get('unknown') ?? 0) + weights.withoutStack);
  return self;
}

function threadShares(
  profile: Profile,
  stackCategory: readonly CategoryId[],
  value: number,
  share: (part: number) => number,
): ThreadShare[] {
  const self = new Float64Array(profile.threads.length);
  for (let s = 0; s < profile.samples.length; s++) {
    const stack = profile.samples.stack[s]!;
    if (stack >= 0 && stackCategory[stack] === 'waiting') continue;
    const thread = profile.samples.thread[s]!;
    self[thread] = self[thread]! + profile.samples.values[value]![s]!;
  }
  return profile.threads
    .map((thread, t) => ({ ...thread, self: self[t]!, share: share(self[t]!) }))
    .sort((a, b) => b.self - a.self || a.pid - b.pid || a.tid - b.tid);
}

function sharesOf(self: ReadonlyMap<string, number>, share: (part: number) => number): SelfShare[] {
  return [...self]
    .map(([id, weight]) => ({ id, self: weight, share: share(weight) }))
    .sort((a, b) => b.self - a.self || compare(a.id, b.id));
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
