import { Warnings } from '../../src/base/warnings.ts';
import type { Profile } from '../../src/model/profile.ts';
import type { ResultHeader } from '../../src/model/result.ts';
import type { Incomparable } from './comparability.ts';
import { type GateResult, judgeGates } from './gate.ts';
import type { GateExpression } from './gate-expression.ts';
import { diffTimes, type LatencyDiff } from './latency-diff.ts';
import { diffProfiles, type FunctionDiff, type ProfileDiff } from './profile-diff.ts';
import type { RunTimes } from './run-times.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** Below this many samples in all, intervals of shares are many points wide. */
const FEW_SAMPLES = 100;

/** One run of a side: what it holds of each. */
export interface DiffRun {
  readonly name: string;
  readonly profile: Profile | undefined;
  readonly times: RunTimes | undefined;
}

export interface DiffOptions {
  readonly weight?: string | undefined;
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
  readonly functions: readonly FunctionDiff[];
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
  const profile = profilesOf(before, after, options.weight, warnings);
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
    functions: profile?.functions ?? [],
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
  weight: string | undefined,
  warnings: Warnings,
): ProfileDiff | undefined {
  const [b, a] = [before, after].map(side => side.flatMap(run => (run.profile === undefined ? [] : [run.profile])));
  if (b!.length === 0 || a!.length === 0) {
    if (b!.length + a!.length > 0) {
      warnings.add('one-sided', 'only one side has profiles: functions are not compared');
    }
    return undefined;
  }
  for (const profile of [...b!, ...a!]) warnings.merge(profile.warnings);
  const diff = diffProfiles(b!, a!, { weight });
  const samples = [diff.beforeSamples, diff.afterSamples].map(sizes => sizes.reduce((sum, n) => sum + n, 0));
  if (Math.min(...samples) < FEW_SAMPLES) {
    warnings.add(
      'low-samples',
      `${Math.round(Math.min(...samples))} samples on one side are few: shares are uncertain by many points`,
    );
  }
  return diff;
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
