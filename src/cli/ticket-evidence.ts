import { analyzeCriticalPath } from '../../analyzers/critical-path.ts';
import { exporterNoise } from '../../analyzers/exporter-noise.ts';
import { analyzeBreakdown } from '../../analyzers/lifecycle/breakdown.ts';
import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import type { TicketEvidence } from '../../analyzers/tickets.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { Warnings } from '../base/warnings.ts';
import type { Profile } from '../model/profile.ts';
import type { Trace } from '../model/trace.ts';
import { TraceBuilder } from '../model/trace-builder.ts';
import { CaptureModels } from './capture-models.ts';
import type { CliContext } from './context.ts';
import { hotPathsOfInputs } from './hot-paths-of-inputs.ts';
import { openInput, readProfileSource } from './inputs.ts';
import { isRows, readRowsSource } from './rows-input.ts';

/** Reads the inputs into what drafts are made from. Captures are runs of their own; bare files together are one run. */
export async function ticketEvidence(
  words: readonly string[],
  context: CliContext,
  options: { readonly from?: string | undefined; readonly weight?: string | undefined },
): Promise<TicketEvidence> {
  const breakdowns: BreakdownResult[] = [];
  const profiles: Profile[] = [];
  const unexplained: Trace[] = [];
  const builder = new TraceBuilder(words.join(' '));
  let rows: Source | undefined;
  for (const word of words) {
    const input = await openInput(word, context, { from: options.from, accept: isRows });
    if (input.kind === 'capture') {
      const models = new CaptureModels(input.directory, input.manifest);
      const [profile, trace, breakdown] = [await models.profile(), await models.trace(), await models.breakdown()];
      if (profile !== undefined) profiles.push(profile);
      if (breakdown !== undefined) breakdowns.push(breakdown);
      else if (trace !== undefined) unexplained.push(trace);
    } else if (input.kind === 'profile') profiles.push(await readProfileSource(input.source, input.format, {}));
    else if (input.kind === 'trace') await input.format.read(input.source, builder, {});
    else if (rows === undefined) rows = input.source;
    else throw new TprofError('usage', `${word}: tables were given twice`, { hint: 'name one file of tables' });
  }
  if (builder.spanCount + builder.logCount > 0) {
    const trace = builder.finish();
    const known = rows === undefined ? {} : { rows: await readRowsSource(rows) };
    const breakdown = analyzeBreakdown(trace, { inputs: words, ...known });
    if (breakdown.completeness.steps > 0) breakdowns.push(breakdown);
    else unexplained.push(trace);
  }
  const withSpans = unexplained.filter(trace => trace.spans.length > 0);
  if (breakdowns.length === 0 && profiles.length === 0 && withSpans.length === 0) {
    throw new TprofError(
      'input-invalid',
      `${words.join(' ')}: expected spans, workflow steps or a profile, found none`,
      {
        hint: 'record them: tprof record -- COMMAND',
      },
    );
  }
  const warnings = new Warnings();
  for (const breakdown of breakdowns) warnings.merge(breakdown.warnings);
  const [first] = withSpans;
  const hotPaths =
    profiles.length === 0
      ? undefined
      : hotPathsOfInputs({ profiles, names: words, captures: [] }, { weight: options.weight }).result;
  if (hotPaths !== undefined) warnings.merge(hotPaths.warnings);
  return {
    inputs: words,
    epochNs: breakdowns[0]?.epochNs ?? hotPaths?.epochNs ?? '0',
    tasks: breakdowns.flatMap(breakdown => breakdown.tasks.filter(task => task.complete)),
    repeated: breakdowns.flatMap(breakdown => breakdown.repeated),
    hotPaths,
    criticalPath:
      breakdowns.length > 0 || first === undefined
        ? undefined
        : analyzeCriticalPath(first, { inputs: words, exclude: exporterNoise(first) }),
    warnings: warnings.list(),
  };
}
