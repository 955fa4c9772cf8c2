import type { WorkflowGraph } from './workflow-graph.ts';
import type { WorkflowPart } from './workflow-task.ts';

/** How long a part takes in the replay; what it took, where nothing is changed. */
export type PartDuration = (part: WorkflowPart, step: number) => number;

/**
 * Runs a recorded task again with other durations: each step begins when its last dependency is done, as long after
 * that as it was recorded to; within it everything keeps its order. The task's new wall time, in ns.
 *
 * Waits keep their lengths: a queue that drains sooner because of the change is not foreseen, so for work that others
 * queue behind the answer is on the careful side.
 */
export function replayWallNs(graph: WorkflowGraph, durationOf: PartDuration): number {
  const { task, steps, dependencies, doneNs, lagNs } = graph;
  const newDone: number[] = [];
  let recordedEnd = task.startNs;
  let newEnd = task.startNs;
  for (const [i, step] of steps.entries()) {
    const ready = dependencies[i]!.length === 0 ? task.startNs : Math.max(...dependencies[i]!.map(d => newDone[d]!));
    const start = Math.max(task.startNs, ready + lagNs[i]!);
    let elapsed = 0;
    let untilDone = 0;
    for (const part of step.parts) {
      const duration = durationOf(part, i);
      // The point where the step is done may lie inside a part: then so far into it as it was recorded.
      const before = Math.min(part.durationNs, Math.max(0, doneNs[i]! - part.startNs));
      untilDone += part.durationNs === 0 ? 0 : (duration * before) / part.durationNs;
      elapsed += duration;
    }
    newDone.push(start + untilDone);
    recordedEnd = Math.max(recordedEnd, step.startNs + step.wallNs);
    newEnd = Math.max(newEnd, start + elapsed);
  }
  return newEnd - task.startNs + (task.startNs + task.wallNs - recordedEnd);
}

/** The task as it was recorded. */
export const asRecorded: PartDuration = part => part.durationNs;
