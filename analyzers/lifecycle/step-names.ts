import type { Attempt } from './attempts.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './evidence/rows.ts';
import type { Joined } from './join.ts';
import { learnDependencies, type OrderedStep } from './learn-dependencies.ts';
import type { ResultRun } from './life.ts';

/** What steps and tasks are called, and how steps depend on each other. */
export interface StepNames {
  readonly nameOf: ReadonlyMap<string, string>;
  readonly taskOf: ReadonlyMap<string, string>;
  readonly tasks: ReadonlyMap<
    string,
    { readonly namespace: string; readonly name: string; readonly startNs: number | undefined }
  >;
  readonly dependsOn: ReadonlyMap<string, readonly string[]>;
  /** When the state of a step was decided for others to see, per attempt. */
  readonly completedNs: ReadonlyMap<string, readonly number[]>;
  readonly stageOf: ReadonlyMap<string, number>;
}

/** From the tables where there are any; else from what names both, and from whose result led to whose enqueueing. */
export function nameSteps(
  joined: Joined,
  attempts: readonly Attempt[],
  rows: Rows | undefined,
  catalog: Catalog,
): StepNames {
  const nameOf = new Map<string, string>();
  const taskOf = new Map<string, string>();
  for (const row of rows?.steps ?? []) {
    if (row.name !== '') nameOf.set(row.stepUuid, row.name);
    if (row.taskUuid !== '') taskOf.set(row.stepUuid, row.taskUuid);
  }
  const take = (ids: { stepUuid: string; stepName: string; taskUuid: string }): void => {
    if (ids.stepUuid === '') return;
    if (ids.stepName !== '' && !nameOf.has(ids.stepUuid)) nameOf.set(ids.stepUuid, ids.stepName);
    if (ids.taskUuid !== '' && !taskOf.has(ids.stepUuid)) taskOf.set(ids.stepUuid, ids.taskUuid);
  };
  for (const ids of joined.distinctIds) take(ids);
  for (const { step, task } of attempts) if (task !== '' && !taskOf.has(step)) taskOf.set(step, task);

  const steps = new Set(attempts.map(a => a.step));
  const dependsOn = new Map<string, string[]>();
  for (const { from, to } of rows?.edges ?? []) dependsOn.set(to, [...(dependsOn.get(to) ?? []), from]);
  const completedNs = new Map<string, number[]>();
  for (const { step, result } of attempts) {
    if (result?.decided !== true) continue;
    completedNs.set(step, [...(completedNs.get(step) ?? []), decidedNs(result, catalog)]);
  }
  const tasks = taskNames(joined, taskOf);
  for (const { ids } of joined.collected.nodes) {
    if (ids.dependsOn.length > 0 && !dependsOn.has(ids.stepUuid)) dependsOn.set(ids.stepUuid, [...ids.dependsOn]);
  }
  if (dependsOn.size === 0) {
    for (const [step, parents] of observedDependencies(attempts, { nameOf, taskOf, tasks, completedNs }))
      dependsOn.set(step, parents);
  }
  return {
    nameOf,
    taskOf,
    tasks,
    dependsOn,
    completedNs,
    stageOf: stages(steps, dependsOn),
  };
}

/** Without tables: whose result's run enqueued the step, and what other tasks of the same workflow show besides. */
function observedDependencies(
  attempts: readonly Attempt[],
  names: Pick<StepNames, 'nameOf' | 'taskOf' | 'tasks' | 'completedNs'>,
): Map<string, string[]> {
  const steps = new Set(attempts.map(a => a.step));
  const ordered = new Map<string, OrderedStep>();
  const dependsOn = new Map<string, string[]>();
  for (const { step, enqueue } of attempts) {
    const parentStep = enqueue?.run.parentStep ?? '';
    const parent = parentStep !== step && steps.has(parentStep) ? parentStep : '';
    if (parent !== '' && !dependsOn.has(step)) dependsOn.set(step, [parent]);
    if (ordered.has(step)) continue;
    const task = names.taskOf.get(step) ?? '';
    const workflow = names.tasks.get(task);
    ordered.set(step, {
      step,
      task,
      workflow:
        workflow === undefined || workflow.namespace + workflow.name === ''
          ? ''
          : `${workflow.namespace}/${workflow.name}`,
      name: names.nameOf.get(step) ?? '',
      parent,
      enqueuedNs: enqueue?.run.startNs,
      completedNs: names.completedNs.get(step)?.[0],
    });
  }
  for (const [step, learned] of learnDependencies([...ordered.values()])) {
    const known = dependsOn.get(step) ?? [];
    dependsOn.set(step, [...known, ...learned.filter(other => !known.includes(other))]);
  }
  return dependsOn;
}

/** The end of the commit after the transition, else the marker that reports it. */
function decidedNs(run: ResultRun, catalog: Catalog): number {
  const { stepTransitions, decides } = catalog.signals;
  const at = run.items.findIndex(o => stepTransitions.includes(o.what));
  if (at !== -1) {
    const commit = run.items.slice(at, at + 4).find(o => o.what === 'commit');
    if (commit !== undefined) return commit.endNs;
  }
  return run.items.find(o => decides.includes(o.what))?.endNs ?? run.endNs;
}

function taskNames(
  joined: Joined,
  taskOf: ReadonlyMap<string, string>,
): Map<string, { namespace: string; name: string; startNs: number | undefined }> {
  const wanted = new Set(taskOf.values());
  const tasks = new Map<string, { namespace: string; name: string; startNs: number | undefined }>();
  for (const task of wanted) tasks.set(task, { namespace: '', name: '', startNs: undefined });
  const roots = new Map(joined.enqueueRuns.filter(run => run.parentStep === '').map(run => [run.taskUuid, run]));
  for (const ids of joined.distinctIds) {
    const task = tasks.get(ids.taskUuid);
    if (task === undefined) continue;
    if (task.namespace === '') task.namespace = ids.namespace;
    if (task.name === '') task.name = ids.taskName;
  }
  // What created the task encloses its first run, and began earlier.
  for (const [uuid, task] of tasks) {
    const run = roots.get(uuid);
    for (let node = run?.node.parent; node !== undefined; node = node.parent) {
      task.startNs = node.row >= 0 ? node.startNs : task.startNs;
      if (task.name === '') task.name = node.ids.taskName;
      if (task.namespace === '') task.namespace = node.ids.namespace;
    }
  }
  return tasks;
}

/** Longest way from a root, from 1; in rounds, so that a cycle in the data ends. */
function stages(steps: ReadonlySet<string>, dependsOn: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const stageOf = new Map<string, number>([...steps].map(step => [step, 1]));
  for (let round = 0; round < steps.size; round++) {
    let changed = false;
    for (const step of steps) {
      for (const dependency of dependsOn.get(step) ?? []) {
        const stage = (stageOf.get(dependency) ?? 0) + 1;
        if (stage <= stageOf.get(step)! || stage > steps.size) continue;
        stageOf.set(step, stage);
        changed = true;
      }
    }
    if (!changed) break;
  }
  return stageOf;
}
