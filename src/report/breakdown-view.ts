import type { BreakdownResult, BreakdownTask, NamedFigures } from '../../analyzers/lifecycle/breakdown-result.ts';
import { formatCount, formatDuration, formatShare } from '../base/format-units.ts';
import type { Block, Cell, Table, TableColumn } from './block.ts';
import { taskWaterfall } from './task-waterfall.ts';
import { warningBlocks } from './warnings-view.ts';

export interface BreakdownViewOptions {
  /** Rows of the lists of tasks, repeated work and unknown statements; the others are counted below them. */
  readonly top?: number;
  /** Every part of every step: for one task. */
  readonly detail?: boolean;
}

const FIGURES: readonly TableColumn[] = [
  { title: 'count', align: 'right' },
  { title: 'total', align: 'right' },
  { title: 'P50', align: 'right' },
  { title: 'P95', align: 'right' },
  { title: 'P99', align: 'right' },
  { title: 'share', align: 'right', bar: true },
];

/** Steps into operations: what was found, how sure, where the time went, and what is not known. */
export function breakdownView(result: BreakdownResult, options: BreakdownViewOptions = {}): Block[] {
  const top = options.top ?? 20;
  const { shares } = result;
  const blocks: Block[] = [
    { kind: 'heading', level: 2, text: 'Where the steps’ time went' },
    { kind: 'paragraph', text: summary(result) },
    ...warningBlocks(result.warnings),
    {
      kind: 'table',
      caption: 'All complete steps together, as shares of their wall time',
      columns: [
        { title: 'kind', align: 'left' },
        { title: 'share', align: 'right', bar: true },
      ],
      rows: [
        ['operations', bar(shares.operation)],
        ['handler', bar(shares.handler)],
        ['waits', bar(shares.wait)],
        ['own code between operations', bar(shares.code)],
        [{ text: '  of it in gaps over 5 ms', dim: true }, bar(shares.codeOver5ms)],
        ['unattributed', bar(shares.unattributed)],
      ],
    },
    ...operationsTable(result),
    figuresTable('Phases, per step', 'phase', result.phases, f => f.phase),
  ];
  if (result.waits.length > 0) blocks.push(figuresTable('Waits', 'wait', result.waits, f => f.id));
  if (result.code.length > 0)
    blocks.push(figuresTable('Own code between two operations', 'phase', result.code, f => f.phase));
  blocks.push(countsTable(result), tasksTable(result, top), ...foundTables(result, top));
  if (options.detail === true) for (const task of result.tasks) blocks.push(taskWaterfall(task), ...taskDetail(task));
  return blocks;
}

function summary(result: BreakdownResult): string {
  const { tasks, completeness, handler } = result;
  const walls = tasks.filter(t => t.complete).map(t => t.wallNs);
  const median = [...walls].sort((a, b) => a - b)[Math.floor((walls.length - 1) / 2)];
  const left = completeness.steps - completeness.complete;
  return [
    `${formatCount(tasks.length)} ${tasks.length === 1 ? 'task' : 'tasks'}, ${formatCount(completeness.steps)} steps`,
    left === 0
      ? ', each followed from its enqueueing to its end.'
      : `, ${formatCount(completeness.complete)} of them followed from enqueueing to end; ${formatCount(left)} are left out of percentiles and shares.`,
    median === undefined ? '' : ` Median task: ${formatDuration(median)}.`,
    handler.observed === 0 ? '' : ` The handlers took ${formatShare(handler.share)} of the steps’ time.`,
  ].join('');
}

function operationsTable({ operations }: BreakdownResult): Block[] {
  const rows: Cell[][] = [];
  operations.forEach((f, i) => {
    if (f.phase !== operations[i - 1]?.phase) rows.push([f.phase, '', '', '', '', '', '', '', '']);
    const name = `  ${f.id}`;
    rows.push([
      f.expectedPerStep > 0 ? name : { text: name, dim: true },
      f.expectedPerStep > 0 ? `${f.expectedPerStep}` : '',
      ...figures(f),
      `${seenAs(f.evidence)}${f.standIn === null ? '' : '*'}`,
    ]);
  });
  const standIns = operations.filter(f => f.standIn !== null).map(f => `${f.id}: ${f.standIn}`);
  const table: Table = {
    kind: 'table',
    caption:
      'Operations: what the documents expect at each step, and what was observed; without a number: what runs besides',
    columns: [
      { title: 'operation', align: 'left', code: true },
      { title: 'a step', align: 'right' },
      ...FIGURES,
      { title: 'seen as', align: 'left' },
    ],
    rows,
  };
  if (standIns.length === 0) return [table];
  return [table, { kind: 'paragraph', text: `* Stood in for by what runs instead: ${standIns.join('; ')}.` }];
}

function seenAs(evidence: { span: number; event: number; log: number }): string {
  return (['span', 'event', 'log'] as const).filter(kind => evidence[kind] > 0).join(', ');
}

function figuresTable(
  caption: string,
  title: string,
  rows: readonly NamedFigures[],
  name: (f: NamedFigures) => string,
): Table {
  return {
    kind: 'table',
    caption,
    columns: [{ title, align: 'left' }, ...FIGURES],
    rows: rows.filter(f => f.observed > 0).map(f => [name(f), ...figures(f)]),
  };
}

function figures(f: NamedFigures): Cell[] {
  return [
    formatCount(f.observed),
    formatDuration(f.totalNs),
    formatDuration(f.p50Ns),
    formatDuration(f.p95Ns),
    formatDuration(f.p99Ns),
    bar(f.share),
  ];
}

function bar(share: number): Cell {
  return { text: formatShare(share), share };
}

function countsTable({ counts }: BreakdownResult): Table {
  const rows: [string, { expected: number | null; observed: number }][] = [
    ['documented operations', counts.operations],
    ['messages', counts.messages],
    ['step transitions', counts.stepTransitions],
    ['task transitions', counts.taskTransitions],
    ['dependency evaluations', counts.dependencyEvaluations],
  ];
  return {
    kind: 'table',
    caption: 'Counts',
    columns: [
      { title: 'what', align: 'left' },
      { title: 'expected', align: 'right' },
      { title: 'observed', align: 'right' },
    ],
    rows: rows.map(([what, { expected, observed }]) => [
      what,
      expected === null ? '' : formatCount(expected),
      formatCount(observed),
    ]),
  };
}

function tasksTable({ tasks }: BreakdownResult, top: number): Table {
  const slowest = [...tasks].sort((a, b) => b.wallNs - a.wallNs || (a.taskUuid < b.taskUuid ? -1 : 1));
  return {
    kind: 'table',
    caption: 'Tasks, slowest first',
    columns: [
      { title: 'task', align: 'left', code: true },
      { title: 'name', align: 'left' },
      { title: 'steps', align: 'right' },
      { title: 'stages', align: 'right' },
      { title: 'wall', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows: slowest
      .slice(0, top)
      .map(t => [
        t.taskUuid,
        t.name === '' ? t.namespace : t.name,
        formatCount(t.steps.length),
        formatCount(t.steps.reduce((last, s) => Math.max(last, s.stage), 0)),
        formatDuration(t.wallNs),
        t.complete ? '' : 'not whole',
      ]),
    omitted: { rows: Math.max(0, slowest.length - top), how: '--top N, or --json for all' },
  };
}

function foundTables(result: BreakdownResult, top: number): Block[] {
  const blocks: Block[] = [];
  const { repeated, missing, unmatched, completeness } = result;
  if (repeated.length > 0) {
    blocks.push({
      kind: 'table',
      caption: 'Done more than once',
      columns: [
        { title: 'step', align: 'left' },
        { title: 'phase', align: 'left' },
        { title: 'times', align: 'right' },
        { title: 'extra', align: 'right' },
      ],
      rows: repeated
        .slice(0, top)
        .map(r => [r.name || r.stepUuid, r.phase, formatCount(r.times), formatDuration(r.extraNs)]),
      omitted: { rows: Math.max(0, repeated.length - top), how: '--top N, or --json for all' },
    });
  }
  if (completeness.leftOut.length > 0) {
    blocks.push({
      kind: 'table',
      caption: 'Steps left out, and why',
      columns: [
        { title: 'step', align: 'left', code: true },
        { title: 'name', align: 'left' },
        { title: 'reason', align: 'left' },
      ],
      rows: completeness.leftOut.slice(0, top).map(s => [s.stepUuid, s.name, s.reason]),
      omitted: { rows: Math.max(0, completeness.leftOut.length - top), how: '--top N, or --json for all' },
    });
  }
  if (missing.length > 0) {
    blocks.push({
      kind: 'table',
      caption: 'Must have existed, and is not in the recording',
      columns: [
        { title: 'process', align: 'left' },
        { title: 'what', align: 'left', code: true },
        { title: 'count', align: 'right' },
      ],
      rows: missing.slice(0, top).map(m => [m.process, m.what, formatCount(m.count)]),
      omitted: { rows: Math.max(0, missing.length - top), how: '--top N, or --json for all' },
    });
  }
  if (unmatched.length > 0) {
    blocks.push({
      kind: 'table',
      caption: 'Statements that the catalogue does not know',
      columns: [
        { title: 'statement', align: 'left', code: true },
        { title: 'count', align: 'right' },
        { title: 'total', align: 'right' },
      ],
      rows: unmatched
        .slice(0, top)
        .map(u => [
          u.fingerprint.length > 100 ? `${u.fingerprint.slice(0, 99)}…` : u.fingerprint,
          formatCount(u.count),
          formatDuration(u.totalNs),
        ]),
      omitted: { rows: Math.max(0, unmatched.length - top), how: '--top N, or --json for all' },
    });
  }
  return blocks;
}

/** One task, step by step, part by part. */
function taskDetail(task: BreakdownTask): Block[] {
  return task.steps.flatMap((step): Block[] => [
    {
      kind: 'heading',
      level: 3,
      text: `${step.name || step.stepUuid}${step.attempt > 1 ? `, attempt ${step.attempt}` : ''}: ${formatDuration(step.wallNs)}`,
    },
    {
      kind: 'table',
      columns: [
        { title: 'at', align: 'right' },
        { title: 'took', align: 'right' },
        { title: 'kind', align: 'left' },
        { title: 'phase', align: 'left' },
        { title: 'what', align: 'left', code: true },
        { title: 'seen as', align: 'left' },
      ],
      rows: step.parts.map(p => [
        formatDuration(p.startNs - step.startNs),
        formatDuration(p.durationNs),
        p.kind,
        p.phase,
        p.id,
        [
          p.evidence === 'gap' ? '' : p.evidence,
          p.standIn === null ? '' : `stand-in: ${p.standIn}`,
          p.shared ? 'shared' : '',
          p.behind === null ? '' : `behind ${task.steps.find(s => s.stepUuid === p.behind)?.name ?? p.behind}`,
        ]
          .filter(text => text !== '')
          .join(', '),
      ]),
    },
  ]);
}
