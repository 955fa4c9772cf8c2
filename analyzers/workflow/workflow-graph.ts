import type { WorkflowPart, WorkflowStep, WorkflowTask } from './workflow-task.ts';

/** The steps of one task as a graph: indices into `steps`, which are in an order where dependencies come first. */
export interface WorkflowGraph {
  readonly task: WorkflowTask;
  readonly steps: readonly WorkflowStep[];
  readonly dependencies: readonly (readonly number[])[];
  /** When a step's completion was on record, so that what depends on it could begin: before its own end, often. */
  readonly doneNs: readonly number[];
  /** From a step's last dependency being done to its own start; it may be a little negative. Roots: from the task's start. */
  readonly lagNs: readonly number[];
  /** Longest way from a root, counted from 1. */
  readonly stages: readonly number[];
  /** No step names a dependency: the edges are those of the order that was observed. */
  readonly observedOrder: boolean;
}

export interface WorkflowGraphOptions {
  /** The operation after which a step counts as done. Default: `complete-transition`, and the commit behind it. */
  readonly doneAfter?: string;
}

export function workflowGraph(task: WorkflowTask, options: WorkflowGraphOptions = {}): WorkflowGraph {
  const all = [...task.steps].sort((a, b) => a.startNs - b.startNs || (a.stepUuid < b.stepUuid ? -1 : 1));
  const done = all.map(step => doneNs(step, options.doneAfter ?? 'complete-transition'));
  const named = namedDependencies(all);
  const observedOrder = all.length > 1 && named.every(list => list.length === 0);
  const raw = observedOrder ? observedDependencies(all, done) : named;
  const order = dependenciesFirst(raw);
  const placeOf = new Map(order.map((index, place) => [index, place]));
  // An edge that does not point backwards in this order closes a cycle: it cannot have held anything up.
  const dependencies = order.map((index, place) => raw[index]!.map(d => placeOf.get(d)!).filter(d => d < place));
  const steps = order.map(index => all[index]!);
  const doneInOrder = order.map(index => done[index]!);
  const stages: number[] = [];
  for (const list of dependencies) stages.push(1 + Math.max(0, ...list.map(d => stages[d]!)));
  const lagNs = steps.map((step, i) => {
    const list = dependencies[i]!;
    return step.startNs - (list.length === 0 ? task.startNs : Math.max(...list.map(d => doneInOrder[d]!)));
  });
  return { task, steps, dependencies, doneNs: doneInOrder, lagNs, stages, observedOrder };
}

/** The dependency that was done last; -1 for a root. Of equals the first. */
export function lastDependency(graph: WorkflowGraph, step: number): number {
  let last = -1;
  for (const d of graph.dependencies[step]!) if (last === -1 || graph.doneNs[d]! > graph.doneNs[last]!) last = d;
  return last;
}

function doneNs(step: WorkflowStep, doneAfter: string): number {
  const at = step.parts.findLastIndex(part => part.id === doneAfter);
  if (at === -1) return step.startNs + step.wallNs;
  const end = (part: WorkflowPart): number => part.startNs + part.durationNs;
  const commit = step.parts.slice(at, at + 4).find(part => part.id === 'commit');
  return end(commit ?? step.parts[at]!);
}

function namedDependencies(steps: readonly WorkflowStep[]): number[][] {
  const indexOf = new Map(steps.map((step, i) => [step.stepUuid, i]));
  return steps.map((step, i) =>
    [...new Set(step.dependsOn)]
      .map(uuid => indexOf.get(uuid) ?? -1)
      .filter(d => d !== -1 && d !== i)
      .sort((a, b) => a - b),
  );
}

/** Each step after the one that was done last before it began. What began before any was done is a root. */
function observedDependencies(steps: readonly WorkflowStep[], done: readonly number[]): number[][] {
  return steps.map((step, i) => {
    let last = -1;
    for (const [d, at] of done.entries()) {
      if (d !== i && at <= step.startNs && (last === -1 || at > done[last]!)) last = d;
    }
    return last === -1 ? [] : [last];
  });
}

/** Kahn's order, the earliest of those that can go first; members of a cycle follow in their own order. */
function dependenciesFirst(dependencies: readonly (readonly number[])[]): number[] {
  const missing = dependencies.map(list => list.length);
  const dependents = dependencies.map((): number[] => []);
  for (const [i, list] of dependencies.entries()) for (const d of list) dependents[d]!.push(i);
  const order: number[] = [];
  const placed = new Uint8Array(missing.length);
  const open = missing.flatMap((count, i) => (count === 0 ? [i] : []));
  let next = 0;
  for (let scan = 0; order.length < missing.length; ) {
    if (next < open.length) {
      const i = open[next++]!;
      if (placed[i] === 1) continue;
      placed[i] = 1;
      order.push(i);
      for (const dependent of dependents[i]!) {
        missing[dependent] = missing[dependent]! - 1;
        if (missing[dependent] === 0) open.push(dependent);
      }
      continue;
    }
    while (placed[scan] === 1) scan++;
    open.push(scan);
  }
  return order;
}
