import type { Warnings } from '../src/base/warnings.ts';
import type { Profile } from '../src/model/profile.ts';
import { type PhaseIntervals, type ProcessMatch, phaseLookup } from './phase-samples.ts';

/** Weight by phase: of the whole profile, and of each process that the trace knows. */
export interface PhaseSelf {
  readonly phases: ReadonlyMap<string, number>;
  readonly processes: readonly ProcessPhases[];
}

export interface ProcessPhases extends ProcessMatch {
  readonly self: number;
  /** Weight of samples at times at which everything under way there was of one phase. */
  readonly sure: number;
  readonly phases: ReadonlyMap<string, number>;
}

/** Samples that no phase covers: start-up, idle polling, the client, work between steps. */
export const OUTSIDE = 'outside-steps';
/** What the exporter does in threads and calls of its own: it costs, but no step asked for it. */
const EXPORT = 'telemetry-export';
const EXPORT_THREAD = /^OpenTelemetry\b/i;
const EXPORT_FUNCTION = /^<?(?:opentelemetry_otlp|opentelemetry_sdk::\w+::\w*processor|tonic|h2)::/;

/** Joins samples with phases by process and time; `isIdle`: stacks that burn nothing. */
export function phaseSelf(
  profile: Profile,
  value: number,
  isIdle: (stack: number) => boolean,
  intervals: PhaseIntervals | undefined,
  warnings: Warnings,
): PhaseSelf {
  const phases = new Map<string, number>();
  if (intervals === undefined || intervals.intervals.length === 0) return { phases, processes: [] };
  const { samples, threads } = profile;
  if (samples.timeNs === undefined || profile.epochNs === undefined) {
    warnings.add('no-sample-times', 'the samples have no wall-clock times, so they cannot be joined with spans', {});
    return { phases, processes: [] };
  }
  const lookup = phaseLookup(intervals.intervals);
  const shift = Number(profile.epochNs - intervals.epochNs);
  const exporting = exportStacks(profile);
  const of = new Map<number, { self: number; sure: number; phases: Map<string, number> }>();
  const groups = (intervals.matches ?? []).map(match => {
    const group = { match, self: 0, sure: 0, phases: new Map<string, number>() };
    for (const { pid } of match.processes) of.set(pid, group);
    return group;
  });
  for (let s = 0; s < samples.length; s++) {
    const stack = samples.stack[s]!;
    if (stack >= 0 && isIdle(stack)) continue;
    const thread = threads[samples.thread[s]!]!;
    const weight = samples.values[value]![s]!;
    const exports = EXPORT_THREAD.test(thread.threadName) || (stack >= 0 && exporting[stack] === 1);
    const at = exports ? EXPORTING : lookup(thread.pid, samples.timeNs[s]! + shift);
    const phase = at?.phase ?? OUTSIDE;
    phases.set(phase, (phases.get(phase) ?? 0) + weight);
    const group = of.get(thread.pid);
    if (group === undefined) continue;
    group.self += weight;
    if (at?.sure !== false) group.sure += weight;
    group.phases.set(phase, (group.phases.get(phase) ?? 0) + weight);
  }
  return {
    phases,
    processes: groups.map(({ match, self, sure, phases: own }) => ({ ...match, self, sure, phases: own })),
  };
}

const EXPORTING = { phase: EXPORT, sure: true } as const;

/** Stacks that pass through the exporter: a stack does where its parent does. */
function exportStacks({ stacks, frames, strings }: Profile): Uint8Array {
  const ofName = new Map<number, boolean>();
  const found = new Uint8Array(stacks.length);
  for (let i = 0; i < stacks.length; i++) {
    const name = frames.name[stacks.frame[i]!]!;
    let own = ofName.get(name);
    if (own === undefined) {
      own = EXPORT_FUNCTION.test(strings[name]!);
      ofName.set(name, own);
    }
    const parent = stacks.parent[i]!;
    if (own || (parent >= 0 && found[parent] === 1)) found[i] = 1;
  }
  return found;
}
