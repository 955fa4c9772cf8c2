/** A step of one task, as far as order is concerned. Times are nanoseconds after the trace's epoch. */
export interface OrderedStep {
  readonly step: string;
  readonly task: string;
  /** Name of the workflow that the task is one of, and of the step in it. '' = not known. */
  readonly workflow: string;
  readonly name: string;
  /** The step whose result's run enqueued this one; '' for a root. */
  readonly parent: string;
  /** Beginning of the run that enqueued it; undefined where that is not in the recording. */
  readonly enqueuedNs: number | undefined;
  /** When its own state was decided; undefined where that is not in the recording. */
  readonly completedNs: number | undefined;
}

/**
 * Which steps a step waits for, learned from many tasks of one workflow: the run that enqueues a step names only the
 * dependency that ended last, and another task another one. Once is enough to suppose it, and one task in which the
 * supposed dependency ended after the step was enqueued is enough to drop it.
 */
export function learnDependencies(steps: readonly OrderedStep[]): Map<string, string[]> {
  const byUuid = new Map(steps.map(step => [step.step, step]));
  const byTask = new Map<string, Map<string, OrderedStep>>();
  const supposed = new Map<string, Set<string>>();
  const key = (workflow: string, name: string): string => `${workflow}\0${name}`;
  for (const step of steps) {
    if (step.task === '' || step.workflow === '' || step.name === '') continue;
    const siblings = byTask.get(step.task) ?? new Map<string, OrderedStep>();
    byTask.set(step.task, siblings.set(step.name, step));
    const parent = byUuid.get(step.parent);
    if (parent === undefined || parent.name === '' || parent.name === step.name) continue;
    const names = supposed.get(key(step.workflow, step.name)) ?? new Set<string>();
    supposed.set(key(step.workflow, step.name), names.add(parent.name));
  }
  for (const siblings of byTask.values()) {
    for (const step of siblings.values()) {
      const names = supposed.get(key(step.workflow, step.name));
      for (const name of names ?? []) {
        const other = siblings.get(name);
        if (other?.completedNs === undefined || step.enqueuedNs === undefined) continue;
        // The run that enqueues begins before it writes what it decided: the parent itself ends within it.
        if (other.step !== step.parent && other.completedNs > step.enqueuedNs) names?.delete(name);
      }
    }
  }
  const result = new Map<string, string[]>();
  for (const siblings of byTask.values()) {
    for (const step of siblings.values()) {
      const names = supposed.get(key(step.workflow, step.name));
      const dependencies = [...(names ?? [])].flatMap(name => siblings.get(name)?.step ?? []);
      if (dependencies.length > 0) result.set(step.step, dependencies);
    }
  }
  return result;
}
