import { TprofError } from '../../src/base/errors.ts';
import { formatDuration, formatShare } from '../../src/base/format-units.ts';
import { normalQuantile } from '../statistics.ts';
import { costChange, type RunCosts } from './cost-change.ts';
import type { GateDemand, GateExpression } from './gate-expression.ts';
import type { LatencyDiff } from './latency-diff.ts';
import { normaliseName } from './normalise-name.ts';
import type { FunctionShares, ProfileDiff } from './profile-diff.ts';
import { shareChange } from './share-change.ts';
import { detectableBeyond, type TimeSeries, taskCount, timeChange, timeP } from './time-series.ts';
import { type TypicalChange, typicalChange } from './typical-change.ts';

/** How often a gate may fail although nothing changed; all gates of one call together. */
export const FALSE_ALARMS = 0.01;

/** Tasks a side below which a quantile is not judged: fewer cannot reach a p of 1 % (p50), or have no such tail (p95). */
export const TASKS_NEEDED = { p50: 6, p95: 20 } as const;

/** Independent samples a side below which shares are not judged. */
const SAMPLES_NEEDED = 100;

export interface GateResult {
  readonly demand: GateDemand;
  readonly expression: string;
  /**
   * True = passed. A `fail-on` is false only where the effect is beyond the threshold and noise does not explain it; an
   * `expect` is true only then.
   */
  readonly held: boolean;
  /** What was measured, with its interval; or why nothing can be said. */
  readonly reason: string;
}

/**
 * Judges each expression: it is shown where the whole interval lies beyond the threshold. Intervals are as wide as
 * `FALSE_ALARMS` asks for, divided by the number of questions, so that more gates do not mean more false alarms.
 */
export function judgeGates(
  expressions: readonly GateExpression[],
  evidence: { readonly profile: ProfileDiff | undefined; readonly times: LatencyDiff | undefined },
): GateResult[] {
  const questions = expressions.map(expression =>
    isShare(expression)
      ? { expression, functions: matchingFunctions(expression, evidence.profile), series: [] }
      : { expression, functions: [], series: matchingSeries(expression, evidence.times) },
  );
  const count = questions.reduce((sum, q) => sum + q.functions.length + q.series.length, 0);
  const alpha = FALSE_ALARMS / Math.max(1, count);
  return questions.map(({ expression, functions, series }) => {
    const answers = isShare(expression)
      ? functions.map(f => judgeShare(expression, f, alpha, functions.length > 1))
      : series.map(s => judgeTime(expression, s, alpha, series.length > 1));
    const failed = answers.filter(answer => answer.shown === (expression.demand === 'fail-on'));
    return {
      demand: expression.demand,
      expression: expression.text,
      held: failed.length === 0,
      reason: (failed.length > 0 ? failed : answers).map(answer => answer.reason).join('; '),
    };
  });
}

interface Answer {
  /** That the effect is beyond the threshold, and no noise. */
  readonly shown: boolean;
  readonly reason: string;
}

function isShare({ what }: GateExpression): boolean {
  return what === 'self' || what === 'total';
}

function judgeShare(expression: GateExpression, f: FunctionShares, alpha: number, named: boolean): Answer {
  const costs = expression.what === 'self' ? f.selfCosts : f.totalCosts;
  // Percent of what it was: where costs were asked for, of the cost, which no other function's share disturbs.
  if (costs !== null && expression.threshold.kind === 'relative') return judgeCost(expression, f, costs, alpha, named);
  const sides = expression.what === 'self' ? f.self : f.total;
  // Half of what is allowed: samples of one recording are a little less independent than coins.
  const change = shareChange(...sides, 1 - alpha);
  const { kind, value } = expression.threshold;
  const threshold = kind === 'relative' ? value * change.before : value;
  const few = sides.map(side => side.sizes.reduce((sum, n) => sum + n, 0));
  const who = named ? `${f.name}${f.place === '' ? '' : ` (${f.place})`}: ` : '';
  if (Math.min(...few) < SAMPLES_NEEDED) {
    return {
      shown: false,
      reason: `${who}too few samples to say (${few.map(Math.round).join(' and ')}; ${SAMPLES_NEEDED} a side are needed)`,
    };
  }
  const measured = `${who}${points(change.delta)} (${formatShare(change.before)} → ${formatShare(change.after)}, ${level(alpha / 2)} interval ${points(change.low)} … ${points(change.high)})`;
  return verdict(expression, measured, change, threshold);
}

function judgeCost(
  expression: GateExpression,
  f: FunctionShares,
  costs: readonly [RunCosts, RunCosts],
  alpha: number,
  named: boolean,
): Answer {
  const who = named ? `${f.name}${f.place === '' ? '' : ` (${f.place})`}: ` : '';
  const few = costs.map(side => side.sizes.reduce((sum, n) => sum + n, 0));
  if (Math.max(...few) < SAMPLES_NEEDED) {
    return { shown: false, reason: `${who}too few samples of it to say (${few.map(Math.round).join(' and ')})` };
  }
  const change = costChange(...costs, 1 - alpha);
  const relative = (value: number): string =>
    percent(change.before === 0 ? Number.POSITIVE_INFINITY : value / change.before);
  const measured = `${who}${relative(change.delta)} of its cost (${level(alpha / 2)} interval ${relative(change.low)} … ${relative(change.high)})`;
  return verdict(expression, measured, change, expression.threshold.value * change.before);
}

function judgeTime(expression: GateExpression, series: TimeSeries, alpha: number, named: boolean): Answer {
  const kind = expression.threshold.kind === 'relative' ? 'relative' : 'absolute';
  const tasks = [taskCount(series.before), taskCount(series.after)];
  const needed = series.q === 0.5 ? TASKS_NEEDED.p50 : TASKS_NEEDED.p95;
  const who = named ? `${series.phase} ${series.id}: ` : '';
  if (Math.min(...tasks) < needed) {
    return { shown: false, reason: `${who}too few tasks to say (${tasks.join(' and ')}; ${needed} a side are needed)` };
  }
  if (series.q !== 0.5) return judgeTail(expression, series, kind, alpha, who);
  const change = typicalChange(series, kind, 1 - 2 * alpha);
  const { direction, threshold } = expression;
  const say = (value: number): string => (kind === 'relative' ? percent(value) : signedDuration(value));
  const how = change.paired ? ', tasks compared place by place' : '';
  const measured = `${who}${say(change.estimate)} for the typical task (median ${formatDuration(change.before)} → ${formatDuration(change.after)}, ${level(alpha)} interval ${say(change.low)} … ${say(change.high)}${how})`;
  const least = detectableBeyond(change, kind, threshold.value, direction === 'more' ? 1 : -1);
  const answer = verdict(
    expression,
    measured,
    change,
    threshold.value,
    `a true ${say(least)} would be caught 4 times in 5${moreTasks(change, kind, threshold.value, direction)}`,
  );
  // What is asked is the median: tasks that moved while it stayed are another question.
  const stayed = direction === 'more' ? change.median <= threshold.value : change.median >= threshold.value;
  if (answer.shown && stayed) {
    return { shown: false, reason: `${measured}: the typical task is beyond the threshold, the median itself is not` };
  }
  return answer;
}

/** A growth that gates are there for: how many tasks would show it, where the ones that there are do not. */
const WORTH_CATCHING = 0.1;

function moreTasks(change: TypicalChange, kind: 'relative' | 'absolute', threshold: number, direction: string): string {
  if (kind !== 'relative' || direction !== 'more' || threshold >= WORTH_CATCHING) return '';
  const reach = Math.log((1 + change.estimate) / (1 + change.low)) + normalQuantile(0.8) * change.standardError;
  const distance = Math.log((1 + WORTH_CATCHING) / (1 + threshold));
  // Intervals narrow with the square root of what they are known from.
  const factor = (reach / distance) ** 2;
  if (!Number.isFinite(factor) || factor <= 1) return '';
  return `; ${percent(WORTH_CATCHING)} with about ${Math.ceil(factor * 10) / 10} times as many tasks`;
}

/** Quantiles other than the median: resampled, and known from few values. */
function judgeTail(
  expression: GateExpression,
  series: TimeSeries,
  kind: 'relative' | 'absolute',
  alpha: number,
  who: string,
): Answer {
  const change = timeChange(series, kind, 1 - 2 * alpha);
  const say = (value: number): string => (kind === 'relative' ? percent(value) : signedDuration(value));
  const measured = `${who}${say(change.estimate)} (${formatDuration(change.before)} → ${formatDuration(change.after)}, ${level(alpha)} interval ${say(change.low)} … ${say(change.high)})`;
  const { direction, threshold } = expression;
  const least = detectableBeyond(change, kind, threshold.value, direction === 'more' ? 1 : -1);
  const caught = `a true ${say(least)} would be caught 4 times in 5`;
  const answer = verdict(expression, measured, change, threshold.value, caught);
  // Resampling few tasks makes intervals too narrow now and then; the exact test of ranks does not have that fault.
  if (answer.shown && timeP(series, kind, threshold.value, change) > 2 * alpha) {
    return {
      shown: false,
      reason: `${measured}: larger than asked, but the ranks of the tasks do not tell it from noise`,
    };
  }
  return answer;
}

function verdict(
  { direction }: GateExpression,
  measured: string,
  change: { readonly low: number; readonly high: number },
  threshold: number,
  caught = '',
): Answer {
  const beyond = direction === 'more' ? change.low > threshold : change.high < threshold;
  if (beyond) return { shown: true, reason: `${measured}: all of it is beyond the threshold` };
  const within = direction === 'more' ? change.high <= threshold : change.low >= threshold;
  return {
    shown: false,
    reason: `${measured}: ${within ? 'within the threshold' : `not shown to be beyond the threshold${caught === '' ? '' : ` (${caught})`}`}`,
  };
}

function matchingFunctions(expression: GateExpression, diff: ProfileDiff | undefined): readonly FunctionShares[] {
  if (diff === undefined)
    throw nothingToJudge(expression, 'profiles on both sides', 'record with a profiler: tprof record');
  const name = normaliseName(expression.name);
  const exact = diff.shares.filter(f => f.name === name);
  const last = exact.length > 0 ? exact : diff.shares.filter(f => isLastPart(f.name, name));
  if (last.length > 0) return last;
  const resembling = diff.shares.filter(f => f.name.includes(name)).map(f => f.name);
  const known = (resembling.length > 0 ? resembling : diff.functions.map(f => f.name)).slice(0, 5);
  throw nothingToJudge(expression, `a function '${expression.name}'`, `there are, for example: ${known.join(', ')}`);
}

/** `step_enqueuer` names `app::step_enqueuer` and `Orchestrator.step_enqueuer`. */
function isLastPart(full: string, name: string): boolean {
  const bare = full.replace(/\(.*\)$/s, '');
  return bare === name || bare.endsWith(`::${name}`) || bare.endsWith(`.${name}`);
}

function matchingSeries(expression: GateExpression, times: LatencyDiff | undefined): readonly TimeSeries[] {
  if (times === undefined) {
    throw nothingToJudge(expression, 'times of tasks', 'compare captures with spans, or results of tprof e2e --json');
  }
  const { what, name } = expression;
  const all =
    what === 'operation' ? times.series.operations : what === 'phase' ? times.series.phases : times.series.latencies;
  const wanted = what === 'operation' || what === 'phase' ? name : what;
  const found = all.filter(series => series.id === wanted || `${series.phase}/${series.id}` === wanted);
  if (found.length > 0) return found;
  throw nothingToJudge(
    expression,
    what === 'operation' || what === 'phase' ? `the ${what} '${name}'` : 'latencies of whole tasks',
    all.length === 0
      ? 'these inputs have none'
      : `there are: ${all
          .slice(0, 20)
          .map(series => series.id)
          .join(', ')}`,
  );
}

/** A gate that cannot be judged must not pass in silence. */
function nothingToJudge(expression: GateExpression, wanted: string, hint: string): TprofError {
  return new TprofError(
    'input-invalid',
    `--${expression.demand} '${expression.text}': expected ${wanted}, found none in the inputs`,
    {
      hint,
    },
  );
}

function level(alpha: number): string {
  return `${Number(((1 - 2 * alpha) * 100).toPrecision(4))} %`;
}

function percent(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-∞' : '+∞';
  return `${value < 0 ? '' : '+'}${(value * 100).toFixed(1)} %`;
}

function points(value: number): string {
  return `${value < 0 ? '' : '+'}${(value * 100).toFixed(2)} pt`;
}

function signedDuration(ns: number): string {
  if (!Number.isFinite(ns)) return ns < 0 ? '-∞' : '+∞';
  return `${ns < 0 ? '' : '+'}${formatDuration(ns)}`;
}
