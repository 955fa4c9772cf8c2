import type { WhatIfResult } from '../../analyzers/workflow/what-if.ts';
import type { WorkflowOperation, WorkflowResult, WorkflowTaskResult } from '../../analyzers/workflow.ts';
import { formatCount, formatDuration, formatShare } from '../base/format-units.ts';
import type { Block, Cell } from './block.ts';

export interface WorkflowViewOptions {
  /** Rows of each table; the others are counted below it. */
  readonly top?: number;
  /** The steps of each task with drag and slack, and its path part by part. */
  readonly detail?: boolean;
}

/** Tasks as graphs of steps: the critical paths, stages, what waited for what, and what an assumption would change. */
export function workflowView(
  result: Omit<WorkflowResult, 'graphs'>,
  whatIf: readonly WhatIfResult[] = [],
  options: WorkflowViewOptions = {},
): Block[] {
  if (result.tasks.length === 0) return [];
  const top = options.top ?? 20;
  const blocks: Block[] = [
    { kind: 'heading', level: 2, text: 'Critical paths through the steps' },
    { kind: 'paragraph', text: summary(result) },
    ...whatIf.map((answer): Block => ({ kind: 'note', severity: 'info', text: whatIfSentence(answer) })),
  ];
  if (result.tasks.some(task => task.observedOrder)) {
    blocks.push({
      kind: 'note',
      severity: 'notice',
      text: 'no step names what it depends on: the order that was observed is taken for the graph (--rows FILE brings the edges)',
    });
  }
  blocks.push(pathTable(result.operations, top), stageTable(result));
  const convergences = result.tasks.flatMap(task => task.convergences);
  if (convergences.length > 0) blocks.push(convergenceTable(convergences, top));
  if (options.detail === true) for (const task of result.tasks) blocks.push(...taskDetail(task, top));
  return blocks;
}

function summary({ tasks, coordinationTax, shares }: Omit<WorkflowResult, 'graphs'>): string {
  const mean = (of: (task: WorkflowTaskResult) => number): number =>
    tasks.reduce((sum, task) => sum + of(task), 0) / tasks.length;
  const width = Math.max(...tasks.map(task => task.parallelism.width));
  const parallel =
    width === 1
      ? 'The steps form one chain'
      : `Up to ${width} steps can run at once; on average ${mean(task => task.parallelism.average).toFixed(2)} did`;
  return `Of the time on the paths of ${formatCount(tasks.length)} ${tasks.length === 1 ? 'task' : 'tasks'} no handler ran in ${formatShare(coordinationTax)} (coordination tax; waits alone: ${formatShare(shares.wait)}). ${parallel}; the longest chain of work alone, without waits, is ${formatShare(mean(task => task.parallelism.efficiency))} of the wall time.`;
}

function whatIfSentence(answer: WhatIfResult): string {
  const { expression, parts, p50Ns, p95Ns, relativeDelta } = answer;
  const change = `${relativeDelta > 0 ? '+' : ''}${(relativeDelta * 100).toFixed(1)} %`;
  return `what if ${expression} (${formatCount(parts)} parts): median ${formatDuration(p50Ns.before)} → ${formatDuration(p50Ns.after)}, P95 ${formatDuration(p95Ns.before)} → ${formatDuration(p95Ns.after)}, all tasks ${change}. Replayed over the recorded graph: nobody overtakes, and waits whose cause is not known keep their length.`;
}

function pathTable(operations: readonly WorkflowOperation[], top: number): Block {
  return {
    kind: 'table',
    caption: 'On the critical paths (drag: how much sooner the tasks would have ended without it)',
    columns: [
      { title: 'what', align: 'left', code: true },
      { title: 'kind', align: 'left' },
      { title: 'times', align: 'right' },
      { title: 'drag', align: 'right' },
      { title: 'on path', align: 'right' },
      { title: 'share', align: 'right', bar: true },
    ],
    rows: operations
      .slice(0, top)
      .map(o => [
        o.phase === '' ? o.id : `${o.phase}/${o.id}`,
        o.kind,
        formatCount(o.count),
        o.dragNs === null ? '' : formatDuration(o.dragNs),
        formatDuration(o.totalNs),
        { text: formatShare(o.share), share: o.share },
      ]),
    omitted: { rows: Math.max(0, operations.length - top), how: '--top N, or --json for all' },
  };
}

function stageTable({ stages }: Omit<WorkflowResult, 'graphs'>): Block {
  return {
    kind: 'table',
    caption: 'Sequential stages, mean per task; overhead: of the step that was done last, all but its handler',
    columns: [
      { title: 'stage', align: 'right' },
      { title: 'steps', align: 'right' },
      { title: 'wall', align: 'right' },
      { title: 'handler', align: 'right' },
      { title: 'overhead', align: 'right' },
    ],
    rows: stages.map(stage => [
      formatCount(stage.stage),
      (stage.steps / stage.tasks).toFixed(stage.steps % stage.tasks === 0 ? 0 : 1),
      formatDuration(stage.wallNs),
      formatDuration(stage.handlerNs),
      formatDuration(stage.overheadNs),
    ]),
  };
}

function convergenceTable(convergences: WorkflowTaskResult['convergences'], top: number): Block {
  const rows = convergences
    .flatMap(({ step, waitedFor, waits }) =>
      waits.map(({ step: early, waitNs }) => ({ step, early, waitedFor, waitNs })),
    )
    .sort((a, b) => b.waitNs - a.waitNs || (a.early < b.early ? -1 : 1));
  return {
    kind: 'table',
    caption: 'Where branches meet: how long one had been done before the last one was',
    columns: [
      { title: 'step', align: 'left', code: true },
      { title: 'done early', align: 'left', code: true },
      { title: 'waited for', align: 'left', code: true },
      { title: 'waited', align: 'right' },
    ],
    rows: rows.slice(0, top).map(row => [row.step, row.early, row.waitedFor, formatDuration(row.waitNs)]),
    omitted: { rows: Math.max(0, rows.length - top), how: '--top N, or --json for all' },
  };
}

function taskDetail(task: WorkflowTaskResult, top: number): Block[] {
  const segments = task.path.map((segment): Cell[] => [
    `+${formatDuration(segment.startNs - task.startNs)}`,
    segment.step,
    segment.phase === '' ? segment.id : `${segment.phase}/${segment.id}`,
    { text: segment.kind, dim: segment.kind !== 'operation' && segment.kind !== 'handler' },
    formatDuration(segment.durationNs),
  ]);
  return [
    {
      kind: 'table',
      caption: `Steps of ${task.name} ${task.taskUuid}`,
      columns: [
        { title: 'step', align: 'left', code: true },
        { title: 'stage', align: 'right' },
        { title: 'on path', align: 'left' },
        { title: 'drag', align: 'right' },
        { title: 'slack', align: 'right' },
      ],
      rows: task.steps.map(s => [
        s.name,
        formatCount(s.stage),
        s.onPath ? 'yes' : '',
        formatDuration(s.dragNs),
        formatDuration(s.slackNs),
      ]),
    },
    {
      kind: 'table',
      caption: `Its critical path, ${formatDuration(task.wallNs)} in order of time`,
      columns: [
        { title: 'at', align: 'right' },
        { title: 'step', align: 'left', code: true },
        { title: 'what', align: 'left', code: true },
        { title: 'kind', align: 'left' },
        { title: 'took', align: 'right' },
      ],
      rows: segments.slice(0, top),
      omitted: { rows: Math.max(0, segments.length - top), how: '--top N, or --json for all' },
    },
  ];
}
