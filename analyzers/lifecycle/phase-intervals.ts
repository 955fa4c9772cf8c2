import type { Lifecycle } from './breakdown.ts';

/** A stretch in which a process worked for a phase of a step. Times are nanoseconds after the trace's epoch. */
export interface StepPhaseInterval {
  /** 0 = the recording does not say. */
  readonly pid: number;
  /** Index into the result's `processes`. */
  readonly process: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly phase: string;
  readonly stepUuid: string;
}

/**
 * Which process worked for which phase when, for joining CPU samples with phases. Waits are nobody's work; what runs
 * beside a step's path is in, and what one run does for a successor is the successor's: it begins later, and of two
 * that overlap the later one counts.
 */
export function phaseIntervals({ joined, timelines }: Pick<Lifecycle, 'joined' | 'timelines'>): StepPhaseInterval[] {
  const intervals: StepPhaseInterval[] = [];
  const offsets = new Map(joined.skews.map(s => [s.process, s.offsetNs]));
  const add = (process: number, phase: string, stepUuid: string, startNs: number, endNs: number): void => {
    if (process < 0 || phase === '' || endNs <= startNs) return;
    // Samples are on the process's own clock: what was moved to compare processes is moved back.
    const offsetNs = offsets.get(process) ?? 0;
    const { pid } = joined.processes.list[process]!;
    intervals.push({ pid, process, startNs: startNs - offsetNs, endNs: endNs - offsetNs, phase, stepUuid });
  };
  for (const { attempt, parts } of timelines) {
    for (const { kind, process, phase, startNs, durationNs } of parts) {
      if (kind !== 'wait' && kind !== 'unattributed') add(process, phase, attempt.step, startNs, startNs + durationNs);
    }
    const { enqueue, visit, result, again } = attempt;
    const beside = [
      ...(enqueue?.run.items.filter(o => enqueue.run.ownerOf.get(o) === attempt.step) ?? []),
      ...(visit?.items ?? []),
      ...(result?.items ?? []),
      ...again.visits.flatMap(v => v.items),
      ...again.results.flatMap(r => r.items),
    ];
    for (const o of beside) if (o.form === 'call') add(o.process, o.phase, attempt.step, o.startNs, o.endNs);
  }
  return intervals.sort(
    (a, b) => a.startNs - b.startNs || a.endNs - b.endNs || a.process - b.process || (a.phase < b.phase ? -1 : 1),
  );
}
