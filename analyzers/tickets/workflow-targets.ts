import { formatDuration, formatShare } from '../../src/base/format-units.ts';
import type { Repeated } from '../lifecycle/breakdown-result.ts';
import { median, quantile, sortedCopy } from '../statistics.ts';
import { Replay } from '../workflow/replay.ts';
import type { WorkflowGraph } from '../workflow/workflow-graph.ts';
import type { WorkflowPart } from '../workflow/workflow-task.ts';
import type { WorkflowResult, WorkflowSegment } from '../workflow.ts';
import { valuesNeeded } from './needed.ts';
import type { Candidate, Findings, Measure, Member, NotRecommended, Replayed } from './ticket.ts';

/** Fewer complete tasks than this are anecdotes: what they show is a note. */
export const TASKS_FOR_A_TICKET = 3;

/** A target that would not shorten the tasks by this much if it took no time at all is not worth a ticket. */
export const WORTH_A_TICKET = 0.02;

/** Statements of a phase are one target where none of them is this much of it. */
const DOMINANT = 0.4;

/** What is assumed of a target: that it takes half as long. Half of that is asked to be shown. */
const ASSUMED = 0.5;

/** What `analyzeWorkflow` says of the complete tasks. */
type Workflow = Pick<WorkflowResult, 'tasks'> & { readonly graphs: readonly WorkflowGraph[] };

interface Target {
  readonly kind: 'statements' | 'operation' | 'own-code' | 'wait' | 'handler';
  readonly name: string;
  readonly phase: string;
  readonly has: (part: Pick<WorkflowSegment, 'kind' | 'phase' | 'id'>, stepName: string) => boolean;
  /** The same by `--what-if`, where that can say it. */
  readonly whatIf: string | null;
  /** For `tprof diff`. */
  readonly expect: string | null;
}

/** Targets on the critical paths of a workflow's tasks: each is replayed, since a share of time is not what it would bring. */
export function workflowTargets({ graphs, tasks }: Workflow, repeated: readonly Repeated[]): Findings {
  const path = tasks.flatMap(task => task.path);
  const replay = new Replay(graphs);
  const stepNames = new Map(graphs.flatMap(graph => graph.steps.map(step => [step.stepUuid, step.name] as const)));
  const measured = targetsOf(graphs).map(target => measure(target, graphs, replay, stepNames));
  const chosen = withoutOverlap(measured);
  const few = graphs.length < TASKS_FOR_A_TICKET;
  const worthy = chosen.filter(m => m.worth >= WORTH_A_TICKET);
  const notRecommended = [...chosen, ...measured.filter(m => !chosen.includes(m) && m.gone.relativeDelta > -1e-9)]
    .filter(m => m.worth < WORTH_A_TICKET && m.totalNs > 0)
    .sort((a, b) => b.totalNs - a.totalNs || (a.target.name < b.target.name ? -1 : 1))
    .map(leftAlone);
  return {
    candidates: few
      ? []
      : [...worthy.map(m => candidateOf(m, graphs, path, repeated)), ...repeatedWork(repeated, graphs)],
    notRecommended: few ? [] : notRecommended,
    notes: few
      ? worthy.map(
          m =>
            `${m.target.name}: without it the ${graphs.length === 1 ? 'one task' : `${graphs.length} tasks`} would have been ${formatShare(m.worth)} sooner, and ${TASKS_FOR_A_TICKET} complete tasks are the least for a ticket`,
        )
      : [],
  };
}

function targetsOf(graphs: readonly WorkflowGraph[]): Target[] {
  const targets = new Map<string, Target>();
  const add = (key: string, make: () => Target): void => {
    if (!targets.has(key)) targets.set(key, make());
  };
  for (const step of graphs.flatMap(graph => graph.steps)) {
    for (const { kind, phase, id } of step.parts) {
      switch (kind) {
        case 'operation':
          add(`operation ${phase} ${id}`, () => ({
            kind,
            name: `${phase}/${id}`,
            phase,
            has: part => part.kind === kind && part.phase === phase && part.id === id,
            whatIf: `${phase}/${id}`,
            expect: `operation(${phase}/${id})`,
          }));
          add(`statements ${phase}`, () => ({
            kind: 'statements',
            name: `the statements and messages of ${phase}`,
            phase,
            has: part => part.kind === kind && part.phase === phase,
            whatIf: null,
            expect: `phase(${phase})`,
          }));
          break;
        case 'code':
          add(`code ${phase}`, () => ({
            kind: 'own-code',
            name: `own code between the operations of ${phase}`,
            phase,
            has: part => part.kind === kind && part.phase === phase,
            whatIf: `${phase}/${id}`,
            expect: `phase(${phase})`,
          }));
          break;
        case 'wait':
          add(`wait ${phase} ${id}`, () => ({
            kind,
            name: `the wait ${id}`,
            phase,
            has: part => part.kind === kind && part.phase === phase && part.id === id,
            whatIf: `${phase}/${id}`,
            expect: null,
          }));
          break;
        case 'handler':
          add(`handler ${step.name}`, () => ({
            kind,
            name: `the handler of ${step.name}`,
            phase: '',
            has: (part, name) => part.kind === kind && name === step.name,
            whatIf: null,
            expect: 'phase(handler)',
          }));
          break;
        case 'unattributed':
          break;
      }
    }
  }
  return [...targets.values()];
}

interface Measured {
  readonly target: Target;
  readonly totalNs: number;
  readonly durationsNs: readonly number[];
  readonly members: readonly Member[];
  readonly halved: Replayed;
  readonly gone: Replayed;
  /** What removing it would bring, 0…1. */
  readonly worth: number;
}

function measure(
  target: Target,
  graphs: readonly WorkflowGraph[],
  replay: Replay,
  stepNames: ReadonlyMap<string, string>,
): Measured {
  const byMember = new Map<string, { count: number; total: number }>();
  const durationsNs: number[] = [];
  let totalNs = 0;
  for (const step of graphs.flatMap(graph => graph.steps)) {
    for (const part of step.parts) {
      // Shared work stands again in the step that it was done for.
      if (part.shared === true || !target.has(part, step.name)) continue;
      durationsNs.push(part.durationNs);
      totalNs += part.durationNs;
      const member = byMember.get(part.id) ?? { count: 0, total: 0 };
      byMember.set(part.id, member);
      member.count++;
      member.total += part.durationNs;
    }
  }
  const replayed = (factor: number): Replayed => {
    const afterNs = replay.wallNs((part, uuid) =>
      target.has(part, stepNames.get(uuid) ?? '') ? part.durationNs * factor : undefined,
    );
    const before = sortedCopy(graphs.map(graph => graph.task.wallNs));
    const after = sortedCopy(afterNs);
    const sum = (values: Float64Array): number => values.reduce((all, value) => all + value, 0);
    const perTask = graphs.map((graph, i) => (graph.task.wallNs === 0 ? 0 : afterNs[i]! / graph.task.wallNs - 1));
    return {
      p50Ns: { before: quantile(before, 0.5), after: quantile(after, 0.5) },
      p95Ns: { before: quantile(before, 0.95), after: quantile(after, 0.95) },
      relativeDelta: sum(before) === 0 ? 0 : sum(after) / sum(before) - 1,
      perTask: [Math.min(...perTask), Math.max(...perTask)],
    };
  };
  const gone = replayed(0);
  return {
    target,
    totalNs,
    durationsNs,
    members: [...byMember]
      .map(([name, { count, total }]) => ({
        name,
        count,
        total,
        unit: 'nanoseconds',
        share: totalNs === 0 ? 0 : total / totalNs,
      }))
      .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1)),
    halved: replayed(1 - ASSUMED),
    gone,
    worth: -gone.relativeDelta,
  };
}

/**
 * Either a phase's statements together or single ones of them, never both: together where many small ones make it up,
 * so that doing fewer of them is what would help.
 */
function withoutOverlap(all: readonly Measured[]): Measured[] {
  const together = new Set(
    all
      .filter(m => m.target.kind === 'statements' && m.members.length > 2 && m.members[0]!.share < DOMINANT)
      .map(m => m.target.phase),
  );
  return all.filter(({ target }) => {
    if (target.kind === 'statements') return together.has(target.phase);
    return target.kind !== 'operation' || !together.has(target.phase);
  });
}

function candidateOf(
  { target, totalNs, durationsNs, members, halved, gone, worth }: Measured,
  graphs: readonly WorkflowGraph[],
  path: readonly WorkflowSegment[],
  repeated: readonly Repeated[],
): Candidate {
  const wallsNs = graphs.map(graph => graph.task.wallNs);
  const stepCount = graphs.reduce((sum, graph) => sum + graph.steps.length, 0);
  const sorted = sortedCopy(durationsNs);
  const pathNs = path.reduce((sum, segment) => sum + segment.durationNs, 0);
  const onPathNs = path.reduce((sum, s) => sum + (target.has(s, s.step) ? s.durationNs : 0), 0);
  const evidence: Measure[] = [
    { what: 'in all', value: totalNs, unit: 'nanoseconds' },
    { what: 'of it on the critical paths', value: onPathNs, unit: 'nanoseconds' },
    { what: 'times a step', value: durationsNs.length / stepCount, unit: 'count' },
    { what: 'median of one', value: median(sorted), unit: 'nanoseconds' },
    { what: '95th percentile of one', value: quantile(sorted, 0.95), unit: 'nanoseconds' },
    { what: 'the tasks would have ended sooner without it by', value: worth, unit: 'share' },
  ];
  const again = repeated.filter(r => r.phase === target.phase);
  const compared = comparedTimes(target, graphs);
  const of = compared.reduce((sum, ns) => sum + ns, 0);
  // How much of what can be compared the target is: a phase's statements are part of the phase.
  const part = of === 0 ? 0 : Math.min(1, totalNs / of);
  const asked = Math.max(1, Math.round((ASSUMED / 2) * part * 100));
  const expected = target.expect === null ? [] : [`${target.expect} < -${asked}%`];
  return {
    worth,
    ticket: {
      kind: target.kind,
      title: titleOf(target),
      target: sentenceOf(target, members, durationsNs.length / stepCount),
      share: { value: pathNs === 0 ? 0 : onPathNs / pathNs, of: 'the critical paths', interval: null },
      evidence,
      members: members.length > 1 ? members : [],
      impact: {
        method: 'replay',
        tasks: graphs.length,
        halved,
        gone,
        whatIf: target.whatIf === null ? null : `${target.whatIf}=-50%`,
      },
      acceptance: {
        expect: expected,
        failOn: ['p50 > +0%'],
        needs: {
          amount: valuesNeeded(compared, 1 - ASSUMED * part, 1 - asked / 100),
          of: 'tasks',
        },
      },
      doubts: [
        'The replay keeps the recorded order: nobody overtakes, and waits whose cause is not known keep their length.',
        ...(graphs.length < 10 ? [`Known from ${graphs.length} tasks: record more before much is built on it.`] : []),
        ...(again.length > 0
          ? [
              `Part of it was done more than once (${again.length} ${again.length === 1 ? 'step' : 'steps'}, ${formatDuration(again.reduce((sum, r) => sum + r.extraNs, 0))} beyond the first time).`,
            ]
          : []),
        ...(expected[0]?.startsWith('phase(') === true && target.kind !== 'handler'
          ? ['The expectation is on the phase as a whole, since parts of it are not compared by themselves.']
          : []),
        latencyDoubt(wallsNs, halved),
      ],
    },
  };
}

/** Whether a change of the whole that size can be seen at all. */
function latencyDoubt(wallsNs: readonly number[], halved: Replayed): string {
  const tasks = valuesNeeded(wallsNs, 1 + halved.relativeDelta, 1);
  if (tasks === null) return 'How many tasks would show it in the latency of tasks is not known: the spread is not.';
  return `In the latency of whole tasks it would show with about ${tasks} tasks a side, at the spread that was recorded.`;
}

/** What `tprof diff` compares for the target, in each task that has it: tasks are what is independent. */
function comparedTimes({ expect, phase, has }: Target, graphs: readonly WorkflowGraph[]): number[] {
  const counts = (part: WorkflowPart, step: string): boolean =>
    expect?.startsWith('phase(') === true && phase !== '' ? part.phase === phase : has(part, step);
  return graphs
    .map(({ steps }) =>
      steps.reduce(
        (all, step) => all + step.parts.reduce((sum, p) => sum + (counts(p, step.name) ? p.durationNs : 0), 0),
        0,
      ),
    )
    .filter(ns => ns > 0);
}

/** Work that was done again. It is on no step's own path, so that a replay without it is the recording itself. */
function repeatedWork(repeated: readonly Repeated[], graphs: readonly WorkflowGraph[]): Candidate[] {
  const stepCount = graphs.reduce((sum, graph) => sum + graph.steps.length, 0);
  const stepsNs = graphs.reduce((sum, graph) => sum + graph.steps.reduce((all, step) => all + step.wallNs, 0), 0);
  return [...new Set(repeated.map(r => r.phase))].sort().map(phase => {
    const of = repeated.filter(r => r.phase === phase);
    const extraNs = of.reduce((sum, r) => sum + r.extraNs, 0);
    return {
      worth: 0,
      ticket: {
        kind: 'repeated-work',
        title: `Do ${phase} once a step`,
        target: `${of.length} of ${stepCount} steps went through it more than once: ${[...new Set(of.map(r => r.name))].sort().slice(0, 5).join(', ')}.`,
        share: {
          value: stepsNs === 0 ? 0 : extraNs / stepsNs,
          of: 'the time of the steps, beyond the first time',
          interval: null,
        },
        evidence: [
          { what: 'steps', value: of.length, unit: 'count' },
          { what: 'beyond the first time', value: extraNs, unit: 'nanoseconds' },
          { what: 'most often for one step', value: Math.max(...of.map(r => r.times)), unit: 'count' },
        ],
        members: [],
        impact: {
          method: 'unknown',
          why: 'what was done again is on no step’s own path, so that a replay without it is the recording itself; it takes processor, connections and locks from what is',
        },
        acceptance: { expect: [], failOn: ['p50 > +0%'], needs: { amount: null, of: 'tasks' } },
        doubts: ['Seen as often as it was recorded: the breakdown lists it under repeated.'],
      },
    };
  });
}

function titleOf({ kind, name, phase }: Target): string {
  switch (kind) {
    case 'statements':
      return `Fewer or quicker statements in ${phase}`;
    case 'operation':
      return `Shorten ${name}`;
    case 'own-code':
      return `Less own code between the operations of ${phase}`;
    case 'wait':
      return `Shorten ${name}`;
    case 'handler':
      return `Shorten ${name}`;
  }
}

function sentenceOf(target: Target, members: readonly Member[], perStep: number): string {
  const times = perStep === 1 ? 'once' : `${Number(perStep.toFixed(1))} times`;
  switch (target.kind) {
    case 'statements':
      return `${members.length} kinds of statements and messages, ${Number(perStep.toFixed(1))} of them a step, none of which is most of it: doing fewer at once would help more than making one quicker.`;
    case 'own-code':
      return `What the process does between two operations of ${target.phase}, about ${Number(perStep.toFixed(1))} stretches a step.`;
    case 'wait':
      return `A wait, ${times} a step: what it waits for is to be sooner, or more of it at once.`;
    case 'handler':
      return 'The step’s own work, as its author wrote it.';
    case 'operation':
      return `One statement, message or call, ${times} a step.`;
  }
}

function leftAlone({ target, totalNs, worth, durationsNs }: Measured): NotRecommended {
  const measured = `${formatDuration(totalNs)} in all, ${durationsNs.length} times`;
  const beside = worth < 1e-3;
  return {
    what: target.name,
    measured,
    why: beside
      ? 'it runs beside the critical paths: no task would have ended sooner without it'
      : `the tasks would have been ${formatShare(worth)} sooner without it at all`,
  };
}
