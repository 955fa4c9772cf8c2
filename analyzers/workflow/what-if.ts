import { TprofError } from '../../src/base/errors.ts';
import { type Interval, quantile, quantileInterval, sortedCopy } from '../statistics.ts';
import { Replay } from './replay.ts';
import { changeParts } from './what-if-parts.ts';
import type { WorkflowGraph } from './workflow-graph.ts';

/** One assumption of the form `NAME=CHANGE`. */
export interface WhatIf {
  readonly expression: string;
  /** A phase, an operation, a wait, `handler`, or `phase/operation`. */
  readonly name: string;
  /** What a part takes then; of a phase, what the phase of one step takes. */
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
  /** Where the true medians lie, with 95 % confidence; null where there are too few tasks to say. */
  readonly p50Interval: { readonly before: Interval | null; readonly after: Interval | null };
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
  const changes = changeParts(graphs, whatIf);
  if (changes.parts === 0) throw unknownName(graphs, whatIf);
  const newWallNs = new Replay(graphs).wallNs(part => changes.durationOf.get(part));
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
    parts: changes.parts,
    partsNs: { before: changes.before, after: changes.after },
    p50Ns: pair(0.5),
    p95Ns: pair(0.95),
    p50Interval: {
      before: quantileInterval(recorded, 0.5) ?? null,
      after: quantileInterval(replayed, 0.5) ?? null,
    },
    relativeDelta: sum(recorded) === 0 ? 0 : sum(replayed) / sum(recorded) - 1,
    tasks,
  };
}

function unknownName(graphs: readonly WorkflowGraph[], whatIf: WhatIf): TprofError {
  const parts = graphs.flatMap(graph => graph.steps.flatMap(step => step.parts));
  const names = [...new Set(parts.flatMap(part => [part.phase, part.id]))].filter(name => name !== '').sort();
  return new TprofError('usage', `--what-if ${whatIf.expression}: nothing recorded is called '${whatIf.name}'`, {
    hint: names.length === 0 ? 'no step was found in the input' : `there are: ${names.join(', ')}`,
  });
}
