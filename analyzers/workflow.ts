import { OperationNumbers } from './workflow/operation-numbers.ts';
import { Replay } from './workflow/replay.ts';
import {
  lastDependency,
  type WorkflowGraph,
  type WorkflowGraphOptions,
  workflowGraph,
} from './workflow/workflow-graph.ts';
import type { WorkflowPart, WorkflowTask } from './workflow/workflow-task.ts';

/** Tasks seen as graphs of steps: what was on the critical path, what ran beside it, what waiting cost. */
export interface WorkflowResult {
  readonly tasks: readonly WorkflowTaskResult[];
  /** What the critical paths were made of, by time on them; over all tasks. */
  readonly operations: readonly WorkflowOperation[];
  readonly stages: readonly WorkflowStage[];
  /** Shares of the time on critical paths, by kind; they add up to 1. */
  readonly shares: Readonly<Record<WorkflowSegmentKind, number>>;
  /** Share of the critical paths in which no handler ran: what being coordinated costs. */
  readonly coordinationTax: number;
}

export interface WorkflowTaskResult {
  readonly taskUuid: string;
  readonly name: string;
  readonly startNs: number;
  readonly wallNs: number;
  /** From the task's start to its end; they touch and add up to `wallNs` exactly. */
  readonly path: readonly WorkflowSegment[];
  readonly steps: readonly WorkflowStepResult[];
  /** Steps that waited for several others, and how long each of these had been done before the last one was. */
  readonly convergences: readonly Convergence[];
  readonly parallelism: Parallelism;
  /** No step named a dependency: edges were taken from the order that was observed. */
  readonly observedOrder: boolean;
}

/**
 * Kinds of parts, and what lies between steps: `lead-in` until the first step of the path begins, `readiness` from a
 * dependency's end to the start of its dependent, `closing` after the last step.
 */
export type WorkflowSegmentKind = WorkflowPart['kind'] | 'lead-in' | 'readiness' | 'closing';

export interface WorkflowSegment {
  /** '' before the first and after the last step. */
  readonly stepUuid: string;
  readonly step: string;
  readonly kind: WorkflowSegmentKind;
  readonly phase: string;
  readonly id: string;
  readonly startNs: number;
  readonly durationNs: number;
}

export interface WorkflowStepResult {
  readonly stepUuid: string;
  readonly name: string;
  readonly stage: number;
  readonly onPath: boolean;
  /** How much sooner the task would have ended, had this step taken no time. */
  readonly dragNs: number;
  /** How much longer it could have taken without the task ending later. */
  readonly slackNs: number;
}

export interface Convergence {
  readonly stepUuid: string;
  readonly step: string;
  readonly waitedFor: string;
  readonly waits: readonly { readonly step: string; readonly waitNs: number }[];
}

export interface Parallelism {
  /** Most steps in one stage: what the graph allows. */
  readonly width: number;
  /** Work of all steps (operations, handlers, own code; shared work once) over the task's wall time. */
  readonly average: number;
  /** Longest chain of work alone, without waits and gaps, over the task's wall time: 1 = no way to be faster. */
  readonly efficiency: number;
}

export interface WorkflowOperation {
  readonly kind: WorkflowSegmentKind;
  readonly phase: string;
  readonly id: string;
  readonly totalNs: number;
  readonly share: number;
  readonly count: number;
  /** Sum over the tasks of how much sooner each would have ended without it; null where it lies between steps. */
  readonly dragNs: number | null;
}

/** A sequential stage: steps that no longest way of dependencies tells apart. Means over the tasks that have it. */
export interface WorkflowStage {
  readonly stage: number;
  readonly tasks: number;
  /** Steps in it, over all tasks. */
  readonly steps: number;
  /** From its first step's start to the last completion in it. */
  readonly wallNs: number;
  readonly handlerNs: number;
  /** Of the step that was done last in it: everything but its handler. */
  readonly overheadNs: number;
}

/** Reads tasks as graphs. `graphs` of the result are what `replayWhatIf` takes. */
export function analyzeWorkflow(
  tasks: readonly WorkflowTask[],
  options: WorkflowGraphOptions = {},
): WorkflowResult & { readonly graphs: readonly WorkflowGraph[] } {
  const graphs = tasks.filter(task => task.steps.length > 0).map(task => workflowGraph(task, options));
  const results = graphs.map(describeTask);
  const operations = sumOperations(graphs, results);
  const pathNs = operations.reduce((sum, o) => sum + o.totalNs, 0);
  const shares: Record<WorkflowSegmentKind, number> = {
    'lead-in': 0,
    operation: 0,
    handler: 0,
    wait: 0,
    code: 0,
    unattributed: 0,
    readiness: 0,
    closing: 0,
  };
  if (pathNs > 0) for (const o of operations) shares[o.kind] += o.totalNs / pathNs;
  return {
    tasks: results,
    operations,
    stages: sumStages(graphs),
    shares,
    coordinationTax: pathNs === 0 ? 0 : 1 - shares.handler,
    graphs,
  };
}

function describeTask(graph: WorkflowGraph): WorkflowTaskResult {
  const { task, steps, dependencies, doneNs, stages, observedOrder } = graph;
  const { segments, onPath } = criticalPath(graph);
  const replay = new Replay([graph]);
  const slack = slackNs(graph);
  return {
    taskUuid: task.taskUuid,
    name: task.name,
    startNs: task.startNs,
    wallNs: task.wallNs,
    path: segments,
    steps: steps.map((step, i) => ({
      stepUuid: step.stepUuid,
      name: step.name,
      stage: stages[i]!,
      onPath: onPath.has(i),
      dragNs: task.wallNs - replay.wallNs((_, uuid) => (uuid === step.stepUuid ? 0 : undefined))[0]!,
      slackNs: slack[i]!,
    })),
    convergences: steps.flatMap((step, i): Convergence[] => {
      if (dependencies[i]!.length < 2) return [];
      const last = lastDependency(graph, i);
      const waits = dependencies[i]!.filter(d => d !== last).map(d => ({
        step: steps[d]!.name,
        waitNs: doneNs[last]! - doneNs[d]!,
      }));
      return [{ stepUuid: step.stepUuid, step: step.name, waitedFor: steps[last]!.name, waits }];
    }),
    parallelism: parallelismOf(graph),
    observedOrder,
  };
}

/**
 * From the task's end back along the dependency that was done last: never a guess by who happened to finish last, so
 * that a branch which merely ran long beside the path is not on it.
 */
function criticalPath(graph: WorkflowGraph): { segments: WorkflowSegment[]; onPath: ReadonlySet<number> } {
  const { task, steps } = graph;
  const endOf = (i: number): number => steps[i]!.startNs + steps[i]!.wallNs;
  const taskEnd = task.startNs + task.wallNs;
  const backwards: WorkflowSegment[] = [];
  const add = (step: number, part: Pick<WorkflowSegment, 'kind' | 'phase' | 'id'>, from: number, to: number): void => {
    const { stepUuid = '', name = '' } = steps[step] ?? {};
    const { kind, phase, id } = part;
    if (to > from) backwards.push({ stepUuid, step: name, kind, phase, id, startNs: from, durationNs: to - from });
  };
  let at = 0;
  for (let i = 1; i < steps.length; i++) if (endOf(i) > endOf(at)) at = i;
  let cursor = Math.min(taskEnd, endOf(at));
  const onPath = new Set<number>();
  add(-1, { kind: 'closing', phase: '', id: 'closing' }, cursor, taskEnd);
  const unattributed = { kind: 'unattributed', phase: '', id: 'unattributed' } as const;
  for (let next = -1; at !== -1; next = at, at = lastDependency(graph, at)) {
    onPath.add(at);
    const end = Math.max(task.startNs, endOf(at));
    add(next, { kind: 'readiness', phase: '', id: 'readiness' }, end, cursor);
    cursor = Math.min(cursor, end);
    const { parts, startNs } = steps[at]!;
    for (let p = parts.length - 1; p >= 0; p--) {
      const part = parts[p]!;
      const from = Math.max(task.startNs, part.startNs);
      const to = part.startNs + part.durationNs;
      add(at, unattributed, Math.max(from, to), cursor);
      add(at, part, from, Math.min(cursor, to));
      cursor = Math.min(cursor, from);
    }
    add(at, unattributed, Math.max(task.startNs, startNs), cursor);
    cursor = Math.min(cursor, Math.max(task.startNs, startNs));
  }
  add(-1, { kind: 'lead-in', phase: '', id: 'lead-in' }, task.startNs, cursor);
  return { segments: backwards.reverse(), onPath };
}

/** Backward pass: what each step's completion, and its own end, could slip before the task's last end moves. */
function slackNs(graph: WorkflowGraph): number[] {
  const { steps, dependencies, doneNs } = graph;
  const lastEnd = Math.max(...steps.map(step => step.startNs + step.wallNs));
  const slack = steps.map(step => lastEnd - (step.startNs + step.wallNs));
  for (let i = steps.length - 1; i >= 0; i--) {
    const last = lastDependency(graph, i);
    for (const d of dependencies[i]!) {
      slack[d] = Math.min(slack[d]!, slack[i]! + doneNs[last]! - doneNs[d]!);
    }
  }
  return slack;
}

function isWork({ kind }: WorkflowPart): boolean {
  return kind === 'operation' || kind === 'handler' || kind === 'code';
}

function parallelismOf(graph: WorkflowGraph): Parallelism {
  const { task, steps, dependencies, doneNs, stages } = graph;
  const counts = new Map<number, number>();
  for (const stage of stages) counts.set(stage, (counts.get(stage) ?? 0) + 1);
  let workNs = 0;
  const counted = new Set<string>();
  const chain: number[] = [];
  let longest = 0;
  for (const [i, step] of steps.entries()) {
    let own = 0;
    let untilDone = 0;
    for (const part of step.parts) {
      if (!isWork(part)) continue;
      own += part.durationNs;
      untilDone += Math.min(part.durationNs, Math.max(0, doneNs[i]! - part.startNs));
      if (part.shared === true) {
        const key = `${part.phase}\0${part.id}\0${part.startNs}`;
        if (counted.has(key)) continue;
        counted.add(key);
      }
      workNs += part.durationNs;
    }
    const before = Math.max(0, ...dependencies[i]!.map(d => chain[d]!));
    chain.push(before + untilDone);
    longest = Math.max(longest, before + own);
  }
  return {
    width: Math.max(...counts.values()),
    average: task.wallNs === 0 ? 0 : workNs / task.wallNs,
    efficiency: task.wallNs === 0 ? 1 : Math.min(1, longest / task.wallNs),
  };
}

function sumOperations(graphs: readonly WorkflowGraph[], results: readonly WorkflowTaskResult[]): WorkflowOperation[] {
  type Sum = { kind: WorkflowSegmentKind; phase: string; id: string; totalNs: number; count: number };
  const numbers = new OperationNumbers();
  const sums: Sum[] = [];
  let pathNs = 0;
  for (const { path } of results) {
    for (const segment of path) {
      const { kind, phase, id, durationNs } = segment;
      const number = numbers.numberOf(segment);
      sums[number] ??= { kind, phase, id, totalNs: 0, count: 0 };
      const sum = sums[number];
      sum.totalNs += durationNs;
      sum.count++;
      pathNs += durationNs;
    }
  }
  const replay = new Replay(graphs);
  const wallNs = graphs.reduce((sum, { task }) => sum + task.wallNs, 0);
  return sums
    .map(sum => {
      const between = sum.kind === 'lead-in' || sum.kind === 'readiness' || sum.kind === 'closing';
      const without = between ? [] : replay.wallWithoutNs(sum);
      const dragNs = between ? null : wallNs - without.reduce((total, ns) => total + ns, 0);
      return { ...sum, share: pathNs === 0 ? 0 : sum.totalNs / pathNs, dragNs };
    })
    .sort((a, b) => b.totalNs - a.totalNs || (`${a.phase}/${a.id}` < `${b.phase}/${b.id}` ? -1 : 1));
}

function sumStages(graphs: readonly WorkflowGraph[]): WorkflowStage[] {
  const sums = new Map<number, { tasks: number; steps: number; wall: number; handler: number; overhead: number }>();
  for (const { steps, stages, doneNs } of graphs) {
    for (const stage of new Set(stages)) {
      const members = stages.flatMap((s, i) => (s === stage ? [i] : []));
      const last = members.reduce((best, i) => (doneNs[i]! > doneNs[best]! ? i : best));
      const handler = steps[last]!.parts.reduce((sum, p) => sum + (p.kind === 'handler' ? p.durationNs : 0), 0);
      const sum = sums.get(stage) ?? { tasks: 0, steps: 0, wall: 0, handler: 0, overhead: 0 };
      sums.set(stage, sum);
      sum.tasks++;
      sum.steps += members.length;
      sum.wall += doneNs[last]! - Math.min(...members.map(i => steps[i]!.startNs));
      sum.handler += handler;
      sum.overhead += doneNs[last]! - steps[last]!.startNs - handler;
    }
  }
  return [...sums]
    .map(([stage, { tasks, steps, wall, handler, overhead }]) => ({
      stage,
      tasks,
      steps,
      wallNs: wall / tasks,
      handlerNs: handler / tasks,
      overheadNs: overhead / tasks,
    }))
    .sort((a, b) => a.stage - b.stage);
}
