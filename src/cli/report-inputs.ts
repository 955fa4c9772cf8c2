import { analyzeLifecycle } from '../../analyzers/lifecycle/breakdown.ts';
import type { Rows } from '../../analyzers/lifecycle/evidence/rows.ts';
import { matchProcesses } from '../../analyzers/match-processes.ts';
import type { PhaseIntervals } from '../../analyzers/phase-samples.ts';
import { TprofError } from '../base/errors.ts';
import { readAll, type Source } from '../base/source.ts';
import { type Warning, Warnings } from '../base/warnings.ts';
import type { ProfileReadOptions } from '../formats/format.ts';
import { mergeProfiles } from '../model/merge-profiles.ts';
import type { Profile } from '../model/profile.ts';
import { capturePhases } from './capture-phases.ts';
import type { CliContext } from './context.ts';
import { type OpenOptions, openInput, openProfileInputs, openTraceInputs, type ProfileInputs } from './inputs.ts';
import { isRows, readRowsSource } from './rows-input.ts';

export interface ReportInputs extends ProfileInputs {
  readonly phases: PhaseIntervals | undefined;
  readonly warnings: readonly Warning[];
}

/**
 * Profiles, and the traces, log records, tables and clock that were recorded beside them: files of one run, named
 * together. What is beside is read only where there is a profile to join it with.
 */
export async function openReportInputs(
  words: readonly string[],
  context: CliContext,
  options: OpenOptions & ProfileReadOptions,
): Promise<ReportInputs> {
  const warnings = new Warnings();
  const { own, traces, others } = await sortWords(words, context, options);
  if (own.length === 0 || traces.length + others.length === 0) {
    const opened = await openProfileInputs(words, context, options);
    return { ...opened, phases: await capturePhases(opened.captures), warnings: [] };
  }
  const opened = await openProfileInputs(own, context, options);
  const clock = await readClock(others);
  for (const { name, head } of others) {
    if (isRows(head) || isClock(head)) continue;
    warnings.add('input-unused', 'inputs that say nothing about the samples were passed over', { example: name });
  }
  const profiles = clock === undefined ? opened.profiles : opened.profiles.map(profile => onClock(profile, clock));
  const recorded = await capturePhases(opened.captures);
  if (traces.length === 0) return { ...opened, profiles, phases: recorded, warnings: warnings.list() };
  const { trace } = await openTraceInputs(traces, context);
  warnings.merge(trace.warnings);
  const table = others.find(({ head }) => isRows(head));
  const rows: { readonly rows?: Rows } = table === undefined ? {} : { rows: await readRowsSource(table) };
  const lifecycle = analyzeLifecycle(trace, rows);
  if (lifecycle.timelines.length === 0) {
    warnings.add(
      'no-steps',
      'the traces beside the samples hold no workflow steps, so there are no phases to join them with',
    );
    return { ...opened, profiles, phases: recorded, warnings: warnings.list() };
  }
  const withTimes = profiles.filter(profile => profile.samples.timeNs !== undefined);
  const timed = withTimes.length > 1 ? mergeProfiles(withTimes, 'samples') : withTimes[0];
  if (timed !== undefined && timed.epochNs === undefined) {
    warnings.add(
      'clock-missing',
      'samples and spans are on two clocks that nothing ties: add a file {"CLOCK_MONOTONIC_ns": …, "CLOCK_REALTIME_ns": …}, both read at one moment of the recording',
    );
    return { ...opened, profiles, phases: recorded, warnings: warnings.list() };
  }
  const phases =
    timed === undefined || recorded !== undefined ? recorded : matchProcesses(timed, lifecycle, trace.epochNs);
  if (phases !== undefined && phases !== recorded && phases.intervals.length === 0) {
    warnings.add(
      'no-process-matched',
      'no sampled process could be matched with one of the traces, by name or by time',
    );
  }
  return { ...opened, profiles, phases: phases ?? recorded, warnings: warnings.list() };
}

async function sortWords(
  words: readonly string[],
  context: CliContext,
  options: OpenOptions,
): Promise<{ own: string[]; traces: string[]; others: Source[] }> {
  const own: string[] = [];
  const traces: string[] = [];
  const others: Source[] = [];
  // One word is what it is; standard input can be read once; a forced format is meant for all of them.
  if (words.length < 2 || words.includes('-') || options.from !== undefined) return { own: [...words], traces, others };
  for (const word of words) {
    const input = await openInput(word, context, { accept: isBeside });
    if (input.kind === 'trace') traces.push(word);
    else if (input.kind === 'other') others.push(input.source);
    else own.push(word);
  }
  return { own, traces, others };
}

/** Tables, a pair of clocks, or what a client of the run noted: JSON that is neither profile nor trace. */
function isBeside(head: Uint8Array): boolean {
  return isRows(head) || isClock(head) || isClientTimes(head);
}

function isClock(head: Uint8Array): boolean {
  return clockOf(new TextDecoder().decode(head)) !== undefined;
}

function isClientTimes(head: Uint8Array): boolean {
  return /^\s*\[?\s*\{\s*"task_uuid"\s*:\s*"[^"]*"\s*,\s*"t0"\s*:/.test(new TextDecoder().decode(head));
}

/** Unix time minus monotonic time, in ns. The numbers are larger than a double holds exactly. */
async function readClock(others: readonly Source[]): Promise<bigint | undefined> {
  const files = others.filter(({ head }) => isClock(head));
  const [first, second] = files;
  if (second !== undefined) {
    throw new TprofError('usage', `${second.name}: a pair of clocks was given twice`, { hint: 'name one of them' });
  }
  return first === undefined ? undefined : clockOf(new TextDecoder().decode(await readAll(first)));
}

function clockOf(text: string): bigint | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const monotonic = /"(?:CLOCK_MONOTONIC_ns|monotonicNs)"\s*:\s*"?(\d+)"?/.exec(text)?.[1];
  const unix = /"(?:CLOCK_REALTIME_ns|unixNs)"\s*:\s*"?(\d+)"?/.exec(text)?.[1];
  return monotonic === undefined || unix === undefined ? undefined : BigInt(unix) - BigInt(monotonic);
}

/** A profile whose times are those of the monotonic clock, beside Unix times. One that has its own epoch keeps it. */
function onClock(profile: Profile, offsetNs: bigint): Profile {
  if (profile.epochNs !== undefined || profile.samples.timeNs === undefined) return profile;
  return { ...profile, epochNs: offsetNs };
}
