import { TprofError } from '../../src/base/errors.ts';
import { quantile } from '../statistics/quantile.ts';
import { sortedCopy } from '../statistics.ts';
import { Replay } from './replay.ts';
import type { WorkflowGraph } from './workflow-graph.ts';
import type { WorkflowPart } from './workflow-task.ts';

/** One assumption of the form `NAME=CHANGE`. */
export interface WhatIf {
  readonly expression: string;
  /** A phase, an operation, a wait, `handler`, or `phase/operation`. */
  readonly name: string;
  /** What a part takes then. */
  readonly change: (durationNs: number) => number;
}

export interface WhatIfResult {
  readonly expression: string;
  /** Parts that were changed, and their time in all as recorded and as assumed. */
  readonly parts: number;
  readonly partsNs: { readonly before: number; readonly after: number };
  /** Wall times of tasks, as recorded and replayed. */
  readonly p50Ns: { readonly before: number; readonly after: number };
  readonly p95Ns: { readonly before: number; readonly after: number };
  /** Of the sum over all tasks; negative = sooner. */
  readonly relativeDelta: number;
  readonly tasks: readonly { readonly taskUuid: string; readonly beforeNs: number; readonly afterNs: number }[];
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

/**
 * `result-processing=-30%` (shorter by a third), `send-step=+5ms` (longer by that), `handler=20ms` (takes exactly
 * that), `delete-result-message=0` (not done at all).
 */
export function parseWhatIf(expression: string): WhatIf {
  const match = /^\s*([^=]+?)\s*=\s*([+-]?)(\d+(?:\.\d+)?)\s*(%|ns|us|µs|ms|s)?\s*$/.exec(expression);
  const [, name = '', sign = '', digits = '', unit = ''] = match ?? [];
  const value = Number(digits);
  const fits = match !== null && (unit !== '' || value === 0) && !(unit === '%' && sign === '-' && value > 100);
  if (!fits) {
    throw new TprofError('usage', `--what-if takes NAME=CHANGE, found '${expression}'`, {
      hint: "for example: --what-if 'result-processing=-30%', 'send-step=+5ms', 'handler=20ms', 'delete-result-message=0'",
    });
  }
  const factor = sign === '-' ? -1 : 1;
  if (unit === '%') {
    const scale = sign === '' ? value / 100 : 1 + (factor * value) / 100;
    return { expression, name, change: ns => ns * scale };
  }
  const amount = value * (UNITS[unit] ?? 1);
  if (sign === '') return { expression, name, change: () => amount };
  return { expression, name, change: ns => Math.max(0, ns + factor * amount) };
}

/** Replays the tasks under an assumption. Throws where nothing recorded is of that name. */
export function replayWhatIf(graphs: readonly WorkflowGraph[], whatIf: WhatIf): WhatIfResult {
  let parts = 0;
  let before = 0;
  let after = 0;
  const duration = (part: WorkflowPart): number | undefined =>
    isNamed(part, whatIf.name) ? whatIf.change(part.durationNs) : undefined;
  for (const { steps } of graphs) {
    for (const part of steps.flatMap(step => step.parts)) {
      if (!isNamed(part, whatIf.name)) continue;
      parts++;
      before += part.durationNs;
      after += whatIf.change(part.durationNs);
    }
  }
  if (parts === 0) throw unknownName(graphs, whatIf);
  const newWallNs = new Replay(graphs).wallNs(duration);
  const tasks = graphs.map(({ task }, i) => ({
    taskUuid: task.taskUuid,
    beforeNs: task.wallNs,
    afterNs: newWallNs[i]!,
  }));
  const recorded = sortedCopy(tasks.map(task => task.beforeNs));
  const replayed = sortedCopy(tasks.map(task => task.afterNs));
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const pair = (q: number): { before: number; after: number } => ({
    before: quantile(recorded, q),
    after: quantile(replayed, q),
  });
  return {
    expression: whatIf.expression,
    parts,
    partsNs: { before, after },
    p50Ns: pair(0.5),
    p95Ns: pair(0.95),
    relativeDelta: sum(recorded) === 0 ? 0 : sum(replayed) / sum(recorded) - 1,
    tasks,
  };
}

/** A phase's name means the work of that phase, not the waits in it: those are named by themselves. */
function isNamed(part: WorkflowPart, name: string): boolean {
  if (part.id === name || `${part.phase}/${part.id}` === name) return true;
  if (part.kind === 'handler' && name === 'handler') return true;
  return part.phase === name && part.kind !== 'wait' && part.kind !== 'unattributed';
}

function unknownName(graphs: readonly WorkflowGraph[], whatIf: WhatIf): TprofError {
  const parts = graphs.flatMap(graph => graph.steps.flatMap(step => step.parts));
  const names = [...new Set(parts.flatMap(part => [part.phase, part.id]))].filter(name => name !== '').sort();
  return new TprofError('usage', `--what-if ${whatIf.expression}: nothing recorded is called '${whatIf.name}'`, {
    hint: names.length === 0 ? 'no step was found in the input' : `there are: ${names.join(', ')}`,
  });
}
