import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { categoryOf } from '../../../analyzers/categories.ts';
import { type Incomparable, incomparable } from '../../../analyzers/diff/comparability.ts';
import type { Normalisation } from '../../../analyzers/diff/cost-change.ts';
import { analyzeDiff } from '../../../analyzers/diff/diff.ts';
import { DIFF_COLUMNS, diffProfile } from '../../../analyzers/diff/diff-profile.ts';
import { parseGate } from '../../../analyzers/diff/gate-expression.ts';
import { renderFlameHtml } from '../../../flame/html.ts';
import { renderFlameSvg } from '../../../flame/svg.ts';
import { TprofError } from '../../base/errors.ts';
import type { Profile } from '../../model/profile.ts';
import { diffView } from '../../report/diff-view.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';
import { type OpenedRun, openRuns } from '../diff/open-runs.ts';
import { emitReport, withCommonOptions, writeFileWhole } from '../output.ts';

interface DiffCommandOptions extends CommonOptions {
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly failOn: readonly string[];
  readonly expect: readonly string[];
  readonly force?: boolean;
  readonly flame?: string;
  readonly weight?: string;
  readonly normalise?: Normalisation;
  readonly event?: string;
  readonly from?: string;
  readonly top: number;
}

/** `tprof diff BEFORE AFTER`, `--before A… --after B…` */
export function diffCommand(context: CliContext): Command {
  const command = new Command('diff')
    .description('Say what changed between two states, and how sure that is; gate a change on it.')
    .argument('[before]', 'capture folder, profile, trace, or a result of tprof e2e --json (.gz, .zst too)')
    .argument('[after]', 'the same of the state after')
    .option('--before <input...>', 'several runs of the state before')
    .option('--after <input...>', 'several runs of the state after')
    .option(
      '--fail-on <expr>',
      "exit 1 where this is shown to be so: 'p50 > +5%', 'p95 > +10ms', 'self(NAME) > +2pt', 'total(NAME) > +10%', 'operation(ID) > +3ms', 'phase(ID) > +5%'; repeatable",
      more,
      [],
    )
    .option(
      '--expect <expr>',
      "exit 1 unless this is shown to be so, as in 'operation(ID) < -25%'; repeatable",
      more,
      [],
    )
    .option('--flame <file>', 'also draw both call trees in one picture: FILE.svg or FILE.html')
    .option('--force', 'compare although the machine, the scenario, the event or the frequency differ')
    .option('--weight <name>', 'the weight whose shares are compared (samples, cpu, wall, off-cpu, …)')
    .addOption(
      new Option(
        '--normalise <by>',
        'compare functions by their share of the total (default), or by what they cost for one task or one second of wall time',
      ).choices(['total', 'task', 'wall']),
    )
    .option('--event <name>', 'of a file with several events: the one to compare')
    .option('--top <n>', 'rows in each table', positiveInteger, 20)
    .option('--from <format>', 'read the inputs as this format instead of detecting it')
    .addHelpText(
      'after',
      `
A gate fails (exit 1) only where the effect is larger than asked and noise does not explain it: the whole interval lies
beyond the threshold. All gates of one call together fail at most once in 100 times by chance where nothing changed.
How much runs differ by themselves is only known from several a side; with one, that is not in the intervals.

Examples:
  $ tprof diff before/ after/                                          two captures
  $ tprof diff old.json.gz new.json.gz --flame diff.html               two profiles, and a picture
  $ tprof e2e linear --tasks 30 --json > a.json                        a benchmark result to compare later
  $ tprof diff --before a1.json a2.json a3.json --after b1.json b2.json b3.json --fail-on 'p50 > +5%'
  $ tprof diff before/ after/ --fail-on 'self(step_enqueuer) > +2pt' --json | jq .gates
  $ tprof diff before/ after/ --expect 'operation(send-step) < -25%'   did the change do what it was for`,
    )
    .action(async (before: string | undefined, after: string | undefined, options: DiffCommandOptions) => {
      await diff(before, after, options, context);
    });
  return withCommonOptions(command);
}

async function diff(
  one: string | undefined,
  other: string | undefined,
  options: DiffCommandOptions,
  context: CliContext,
): Promise<void> {
  const { before, after } = sides(one, other, options);
  const gates = [
    ...options.failOn.map(text => parseGate(text)),
    ...options.expect.map(text => parseGate(text, 'expect')),
  ];
  if (options.flame !== undefined && !/\.(svg|html?)$/i.test(options.flame)) {
    throw new TprofError('usage', `${options.flame}: the name does not say which picture to write`, {
      hint: 'end it in .svg or .html',
    });
  }
  const open = { from: options.from, event: options.event };
  const runs = { before: await openRuns(before, context, open), after: await openRuns(after, context, open) };
  const differences = checkComparable([...runs.before, ...runs.after], options);
  const result = analyzeDiff(runs.before, runs.after, {
    weight: options.weight,
    normalise: options.normalise,
    gates,
    incomparable: differences,
  });
  if (options.flame !== undefined) await drawFlame(options.flame, runs, options, context);
  await emitReport(context, options, {
    title: `${before.join(', ')} → ${after.join(', ')}`,
    result,
    blocks: () => diffView(result, { top: options.top }),
  });
  for (const gate of result.gates.filter(g => !g.held)) {
    say(
      context,
      options,
      `${gate.demand === 'fail-on' ? 'gate failed' : 'expected, and not shown'}: ${gate.expression}: ${gate.reason}`,
    );
    context.exitCode = 1;
  }
}

function sides(
  one: string | undefined,
  other: string | undefined,
  options: DiffCommandOptions,
): { before: readonly string[]; after: readonly string[] } {
  const named = options.before !== undefined || options.after !== undefined;
  if (!named && one !== undefined && other !== undefined) return { before: [one], after: [other] };
  if (one === undefined && options.before !== undefined && options.after !== undefined) {
    return { before: options.before, after: options.after };
  }
  throw new TprofError(
    'usage',
    named
      ? one === undefined
        ? `tprof diff needs both sides, and ${options.before === undefined ? '--before' : '--after'} is missing`
        : 'tprof diff takes BEFORE AFTER, or --before A… --after B…, not both'
      : `tprof diff needs two inputs, found ${one === undefined ? 'none' : 'one'}`,
    { hint: 'tprof diff BEFORE AFTER, or tprof diff --before A… --after B…' },
  );
}

/** Refuses what a change of the program cannot be told from; what remains is printed with the result. */
function checkComparable(runs: readonly OpenedRun[], options: DiffCommandOptions): Incomparable[] {
  const found = incomparable(runs.map(run => run.facts)).filter(
    ({ what }) => options.weight === undefined || what !== 'the event',
  );
  const refused = found.filter(difference => difference.severity === 'refuse');
  if (refused.length > 0 && options.force !== true) {
    throw new TprofError('input-invalid', refused.map(difference => difference.message).join('; '), {
      hint: 'a difference between them would say nothing about the program; --force compares them all the same',
    });
  }
  return found;
}

async function drawFlame(
  file: string,
  runs: { readonly before: readonly OpenedRun[]; readonly after: readonly OpenedRun[] },
  options: DiffCommandOptions,
  context: CliContext,
): Promise<void> {
  const [before, after] = [runs.before, runs.after].map(side =>
    side.flatMap((run): Profile[] => (run.profile === undefined ? [] : [run.profile])),
  );
  if (before!.length === 0 || after!.length === 0) {
    throw new TprofError('input-invalid', '--flame: expected profiles on both sides, found none on one', {
      hint: 'leave --flame out, or compare captures that were recorded with a profiler',
    });
  }
  const name = [runs.before, runs.after].map(side => side.map(run => run.name).join(', ')).join(' → ');
  const by = options.normalise ?? 'total';
  const amounts = by === 'total' ? undefined : { before: amountOf(runs.before, by), after: amountOf(runs.after, by) };
  const profile = diffProfile(before!, after!, { name, weight: options.weight, amounts });
  const settings = { title: name, diff: DIFF_COLUMNS, categoryOf };
  const text = /\.svg$/i.test(file) ? renderFlameSvg(profile, settings) : renderFlameHtml(profile, settings);
  await writeFileWhole(resolve(context.cwd, file), text);
  say(context, options, `${file}: both call trees, normalised by ${by}`);
}

/** Tasks or seconds of all runs of a side: that each of them says so was checked by the comparison. */
function amountOf(runs: readonly OpenedRun[], by: 'task' | 'wall'): number {
  return runs
    .filter(run => run.profile !== undefined)
    .reduce(
      (sum, { times, wallNs = 0 }) =>
        sum + (by === 'wall' ? wallNs / 1e9 : (times?.tasks.filter(task => task.latencyNs !== undefined).length ?? 0)),
      0,
    );
}

function more(word: string, words: readonly string[]): readonly string[] {
  return [...words, word];
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
