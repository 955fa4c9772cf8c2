import { factsOfCapture, factsOfProfile, type RunFacts } from '../../../analyzers/diff/comparability.ts';
import type { DiffRun } from '../../../analyzers/diff/diff.ts';
import { type RunTimes, timesOfBreakdown } from '../../../analyzers/diff/run-times.ts';
import { analyzeBreakdown } from '../../../analyzers/lifecycle/breakdown.ts';
import { plannerStatisticsOf } from '../../../analyzers/system-figures-postgres.ts';
import { TprofError } from '../../base/errors.ts';
import type { Profile } from '../../model/profile.ts';
import { CaptureModels } from '../capture-models.ts';
import type { CliContext } from '../context.ts';
import { openInput, openTraceInputs, readProfileSource } from '../inputs.ts';
import { isE2eResult, readE2eTimes } from './times-of-e2e.ts';

export interface OpenedRun extends DiffRun {
  readonly facts: RunFacts;
}

/** Each word is one run: a capture, a profile, a trace, or a result of `tprof e2e --json`. */
export async function openRuns(
  words: readonly string[],
  context: CliContext,
  options: { readonly from?: string | undefined; readonly event?: string | undefined },
): Promise<OpenedRun[]> {
  const runs: OpenedRun[] = [];
  for (const word of words) runs.push(await openRun(word, context, options));
  return runs;
}

async function openRun(
  word: string,
  context: CliContext,
  options: { readonly from?: string | undefined; readonly event?: string | undefined },
): Promise<OpenedRun> {
  const input = await openInput(word, context, { from: options.from, accept: isE2eResult });
  switch (input.kind) {
    case 'capture': {
      const models = new CaptureModels(input.directory, input.manifest);
      const profile = named(await models.profile(), word);
      const breakdown = await models.breakdown();
      if (profile === undefined && breakdown === undefined) {
        throw new TprofError(
          'input-invalid',
          `${word}: expected a profile or workflow steps to compare, found neither`,
          {
            hint: 'tprof critical-path shows spans that are of no workflow',
          },
        );
      }
      const figures = await models.systemFigures();
      const plannerStatistics = figures === undefined ? undefined : plannerStatisticsOf(figures.postgres);
      const facts = { ...factsOfCapture(input.manifest), name: word, plannerStatistics };
      return {
        name: word,
        profile,
        times: breakdown === undefined ? undefined : timesOfBreakdown(breakdown, word),
        wallNs: input.manifest.durationNs ?? (profile === undefined ? undefined : spanOf(profile)),
        facts: profile === undefined ? facts : { ...facts, ...factsOfProfile(profile) },
      };
    }
    case 'profile': {
      const { source, format } = input;
      const read = await readProfileSource(source, format, options.event === undefined ? {} : { event: options.event });
      const profile = { ...read, name: word };
      return {
        name: word,
        profile,
        times: undefined,
        wallNs: spanOf(profile),
        facts: { name: word, ...factsOfProfile(profile) },
      };
    }
    case 'trace': {
      if (word === '-') {
        throw new TprofError('usage', 'a trace to compare cannot come from standard input', {
          hint: 'write it to a file',
        });
      }
      return {
        name: word,
        profile: undefined,
        times: await timesOfTrace(word, context, options.from),
        facts: { name: word },
      };
    }
    case 'other': {
      const { times, facts } = await readE2eTimes(input.source);
      return { name: word, profile: undefined, times, facts };
    }
  }
}

async function timesOfTrace(word: string, context: CliContext, from: string | undefined): Promise<RunTimes> {
  const { trace } = await openTraceInputs([word], context, { from });
  const result = analyzeBreakdown(trace, { inputs: [word] });
  if (result.completeness.steps === 0) {
    throw new TprofError(
      'input-invalid',
      `${word}: expected the steps of a workflow to compare, found spans without any`,
      {
        hint: `tprof critical-path ${word} says where the time of any trace went`,
      },
    );
  }
  return timesOfBreakdown(result, word);
}

/** From the first sample to the last; undefined where samples have no times. */
function spanOf({ samples }: Profile): number | undefined {
  const { timeNs, length } = samples;
  if (timeNs === undefined || length === 0) return undefined;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (let s = 0; s < length; s++) {
    first = Math.min(first, timeNs[s]!);
    last = Math.max(last, timeNs[s]!);
  }
  return last > first ? last - first : undefined;
}

function named(profile: Profile | undefined, name: string): Profile | undefined {
  return profile === undefined ? undefined : { ...profile, name };
}
