import type { BreakdownResult } from '../lifecycle/breakdown-result.ts';

/** How long things took in one run, task by task: what is compared between runs and resampled within them. */
export interface RunTimes {
  readonly name: string;
  readonly tasks: readonly TaskTimes[];
  /** Tasks that did not complete, whose times would tell of the failure instead. */
  readonly leftOut: number;
}

export interface TaskTimes {
  readonly id: string;
  /** From the task's beginning to its end; undefined where the recording has only parts of it. */
  readonly latencyNs: number | undefined;
  /** One entry an occurrence, in complete steps. */
  readonly operations: readonly Timed[];
  /** One entry a step and phase. */
  readonly phases: readonly Timed[];
}

export interface Timed {
  readonly phase: string;
  readonly id: string;
  readonly durationNs: number;
}

/** Times of the complete tasks and steps of a breakdown. */
export function timesOfBreakdown(result: BreakdownResult, name: string): RunTimes {
  let leftOut = 0;
  const tasks = result.tasks.map((task): TaskTimes => {
    if (!task.complete) leftOut++;
    const operations: Timed[] = [];
    const phases: Timed[] = [];
    for (const step of task.steps) {
      if (!step.complete) continue;
      const perPhase = new Map<string, number>();
      for (const { kind, phase, id, durationNs, shared } of step.parts) {
        // The handler's run is no phase of the orchestrator's, and what is in no phase is not compared.
        const stretch = kind === 'handler' ? 'handler' : phase;
        if (stretch !== '') perPhase.set(stretch, (perPhase.get(stretch) ?? 0) + durationNs);
        // Shared work stands again, in full, in the step that it was done for.
        if (kind === 'operation' && !shared) operations.push({ phase, id, durationNs });
      }
      for (const [phase, durationNs] of perPhase) phases.push({ phase, id: phase, durationNs });
    }
    return { id: task.taskUuid, latencyNs: task.complete ? task.wallNs : undefined, operations, phases };
  });
  return { name, tasks, leftOut };
}
