import { TprofError } from '../../src/base/errors.ts';
import { Warnings } from '../../src/base/warnings.ts';
import type { Profile } from '../../src/model/profile.ts';
import type { ResultHeader } from '../../src/model/result.ts';
import type { Incomparable } from './comparability.ts';
import type { Normalisation } from './cost-change.ts';
import { type GateResult, judgeGates } from './gate.ts';
import type { GateExpression } from './gate-expression.ts';
import { diffTimes, type LatencyDiff } from './latency-diff.ts';
import { type Amounts, diffProfiles, type FunctionDiff, type ProfileDiff } from './profile-diff.ts';
import type { RunTimes } from './run-times.ts';
import { diffSubtrees, type SubtreeDiff } from './subtree-diff.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** Below this many samples in all, intervals of shares are many points wide. */
const FEW_SAMPLES = 100;

/** One run of a side: what it holds of each. */
export interface DiffRun {
  readonly name: string;
  readonly profile: Profile | undefined;
  readonly times: RunTimes | undefined;
  /** How long it took by the clock on the wall; undefined where it does not say. */
  readonly wallNs?: number | undefined;
}

export interface DiffOptions {
  readonly weight?: string | undefined;
  /** What functions' weight is counted against. Default: the total. */
  readonly normalise?: Normalisation | undefined;
  readonly gates?: readonly GateExpression[];
  /** Differences in circumstances that the user was told of. */
  readonly incomparable?: readonly Incomparable[];
}

/** `tprof.diff/1`. */
export interface DiffResult extends ResultHeader<'diff'> {
  readonly verdict: Verdict;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** null where no profiles were compared. */
  readonly weight: { readonly name: string; readonly unit: string } | null;
  /** What functions were compared by: their shares of the total, or what they cost for one task or second. */
  readonly normalised: Normalisation;
  readonly functions: readonly FunctionDiff[];
  /** Calls with all below them, on the union of both call trees. */
  readonly subtrees: readonly SubtreeDiff[];
  /** How many functions were tested; the others are too small on both sides. */
  readonly tested: number;
  readonly latencies: LatencyDiff['latencies'];
  readonly operations: LatencyDiff['operations'];
  readonly phases: LatencyDiff['phases'];
  readonly gates: readonly GateResult[];
}

/** What changed between two sets of runs, how sure that is, and whether the gates hold. */
export function analyzeDiff(
  before: readonly DiffRun[],
  after: readonly DiffRun[],
  options: DiffOptions = {},
): DiffResult {
  const warnings = new Warnings();
  for (const { message } of options.incomparable ?? []) {
    warnings.add('incomparable', 'the circumstances of the two sides differ', { example: message });
  }
  const profile = profilesOf(before, after, options, warnings);
  const times = timesOf(before, after, warnings);
  if (before.length === 1 && after.length === 1) {
    warnings.add(
      'one-run',
      'one run a side: how much runs differ by themselves is not in the intervals; --before A… --after B… takes several',
    );
  }
  return {
    schema: 'tprof.diff/1',
    epochNs: '0',
    inputs: [...before, ...after].map(run => run.name),
    warnings: warnings.list(),
    verdict: verdictOf(profile, times),
    before: before.map(run => run.name),
    after: after.map(run => run.name),
    weight: profile?.weight ?? null,
    normalised: options.normalise ?? 'total',
    functions: profile?.functions ?? [],
    subtrees:
      profile === undefined
        ? []
        : diffSubtrees(profiled(before), profiled(after), { weight: options.weight, amounts: profile.amounts }),
    tested: profile?.tested ?? 0,
    latencies: times?.latencies ?? [],
    operations: times?.operations ?? [],
    phases: times?.phases ?? [],
    gates: judgeGates(options.gates ?? [], { profile, times }),
  };
}

function profilesOf(
  before: readonly DiffRun[],
  after: readonly DiffRun[],
  { weight, normalise = 'total' }: DiffOptions,
  warnings: Warnings,
): ProfileDiff | undefined {
  const [b, a] = [before, after].map(profiled);
  if (b!.length === 0 || a!.length === 0) {
    if (b!.length + a!.length > 0) {
      warnings.add('one-sided', 'only one side has profiles: functions are not compared');
    }
    return undefined;
  }
  for (const profile of [...b!, ...a!]) warnings.merge(profile.warnings);
  const amounts = normalise === 'total' ? undefined : amountsOf([...before, ...after], normalise);
  const diff = diffProfiles(b!, a!, { weight, amounts });
  const samples = [diff.beforeSamples, diff.afterSamples].map(sizes => sizes.reduce((sum, n) => sum + n, 0));
  if (Math.min(...samples) < FEW_SAMPLES) {
    warnings.add(
      'low-samples',
      `${Math.round(Math.min(...samples))} samples on one side are few: shares are uncertain by many points`,
    );
  }
  return diff;
}

function profiled(side: readonly DiffRun[]): Profile[] {
  return side.flatMap(run => (run.profile === undefined ? [] : [run.profile]));
}

/** Tasks that each run completed, or its seconds. Runs that do not say cannot be compared by them. */
function amountsOf(runs: readonly DiffRun[], by: Exclude<Normalisation, 'total'>): Amounts {
  const perRun = runs
    .filter(run => run.profile !== undefined)
    .map(run => {
      const amount =
        by === 'wall'
          ? (run.wallNs ?? 0) / 1e9
          : (run.times?.tasks.filter(task => task.latencyNs !== undefined).length ?? 0);
      if (amount > 0) return amount;
      throw new TprofError(
        'usage',
        `--normalise ${by}: expected ${by === 'wall' ? 'a recording that says how long it took' : 'completed tasks of a workflow beside the profile'}, found none in ${run.name}`,
        { hint: '--normalise total compares shares, which every profile has' },
      );
    });
  return { by, perRun };
}

function timesOf(before: readonly DiffRun[], after: readonly DiffRun[], warnings: Warnings): LatencyDiff | undefined {
  const [b, a] = [before, after].map(side => side.flatMap(run => (run.times === undefined ? [] : [run.times])));
  if (b!.length === 0 || a!.length === 0) {
    if (b!.length + a!.length > 0)
      warnings.add('one-sided-times', 'only one side has times of tasks: they are not compared');
    return undefined;
  }
  for (const run of [...b!, ...a!]) {
    if (run.leftOut === 0) continue;
    warnings.add('tasks-left-out', 'tasks that did not complete are left out of the latencies', {
      count: run.leftOut,
      example: run.name,
    });
  }
  return diffTimes(b!, a!);
}
