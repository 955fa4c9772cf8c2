import type { Joined } from './join.ts';
import type { EnqueuedStep, EnqueueRun, ResultRun, Visit } from './life.ts';
import { idAbove } from './runs.ts';

/** One attempt at one step: the run that enqueued it, the worker's visit, the run that processed its result. */
export interface Attempt {
  readonly step: string;
  readonly task: string;
  readonly attempt: number;
  readonly enqueue: { readonly run: EnqueueRun; readonly step: EnqueuedStep } | undefined;
  readonly visit: Visit | undefined;
  readonly result: ResultRun | undefined;
  /** What happened once more than it should have. */
  readonly again: {
    readonly visits: readonly Visit[];
    readonly results: readonly ResultRun[];
    readonly enqueues: number;
  };
}

/** Cuts the life of each step into attempts: a new one begins where it is enqueued after a result was decided. */
export function findAttempts(joined: Joined, executes: readonly string[]): Attempt[] {
  const taskOf = tasksOfSteps(joined);
  const lives = new Map<
    string,
    { enqueues: { run: EnqueueRun; step: EnqueuedStep }[]; visits: Visit[]; results: ResultRun[] }
  >();
  const lifeOf = (step: string) => {
    const known = lives.get(step);
    if (known !== undefined) return known;
    const life = { enqueues: [], visits: [], results: [] };
    lives.set(step, life);
    return life;
  };
  for (const run of joined.enqueueRuns)
    for (const [step, info] of run.steps) lifeOf(step).enqueues.push({ run, step: info });
  for (const visit of joined.visits) lifeOf(visit.step).visits.push(visit);
  for (const run of joined.resultRuns) lifeOf(run.step).results.push(run);

  const attempts: Attempt[] = [];
  for (const [step, life] of lives) {
    const { enqueues, visits, results } = life;
    enqueues.sort((a, b) => a.step.beginNs - b.step.beginNs);
    const starts: typeof enqueues = [];
    for (const enqueue of enqueues) {
      const last = starts.at(-1);
      const decidedBetween = results.some(
        r => r.decided && last !== undefined && r.startNs > last.step.beginNs && r.startNs < enqueue.step.beginNs,
      );
      if (last === undefined || decidedBetween) starts.push(enqueue);
    }
    const count = Math.max(1, starts.length);
    for (let i = 0; i < count; i++) {
      const enqueue = starts[i];
      const fromNs = i === 0 ? Number.NEGATIVE_INFINITY : enqueue!.step.beginNs;
      const toNs = starts[i + 1]?.step.beginNs ?? Number.POSITIVE_INFINITY;
      const within = <T extends { startNs: number }>(list: readonly T[]): T[] =>
        list.filter(x => x.startNs >= fromNs && x.startNs < toNs);
      const myResults = within(results);
      const myVisits = within(visits);
      const result = myResults.find(r => r.decided) ?? myResults[0];
      const visit = myVisits.find(v => v.items.some(o => executes.includes(o.what))) ?? myVisits[0];
      attempts.push({
        step,
        task: taskOf.get(step) ?? '',
        attempt: i + 1,
        enqueue,
        visit,
        result,
        again: {
          visits: myVisits.filter(v => v !== visit),
          results: myResults.filter(r => r !== result),
          enqueues:
            enqueues.filter(e => e.step.beginNs >= fromNs && e.step.beginNs < toNs).length -
            (enqueue === undefined ? 0 : 1),
        },
      });
    }
  }
  return attempts;
}

/** Step → task, from whatever names both, and from the runs that enqueued. */
function tasksOfSteps(joined: Joined): Map<string, string> {
  const taskOf = new Map<string, string>();
  const add = (step: string, task: string): void => {
    if (step !== '' && task !== '' && !taskOf.has(step)) taskOf.set(step, task);
  };
  for (const ids of joined.distinctIds) add(ids.stepUuid, ids.taskUuid);
  for (const run of joined.enqueueRuns) {
    const task = run.taskUuid || idAbove(run.node, 'taskUuid');
    for (const step of run.steps.keys()) add(step, task);
    add(run.parentStep, task);
  }
  return taskOf;
}
