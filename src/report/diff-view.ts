import type { DiffResult } from '../../analyzers/diff/diff.ts';
import type { TimeDiff } from '../../analyzers/diff/latency-diff.ts';
import type { FunctionDiff } from '../../analyzers/diff/profile-diff.ts';
import { formatDuration, formatShare } from '../base/format-units.ts';
import type { Block } from './block.ts';
import { warningBlocks } from './warnings-view.ts';

/** What changed: verdict and gates first, then times, then functions. */
export function diffView(result: DiffResult, options: { readonly top?: number } = {}): Block[] {
  const top = options.top ?? 20;
  const blocks: Block[] = [
    { kind: 'heading', level: 1, text: `${result.before.join(', ')} → ${result.after.join(', ')}` },
    { kind: 'paragraph', text: VERDICTS[result.verdict] },
  ];
  if (result.gates.length > 0) {
    blocks.push({
      kind: 'list',
      items: result.gates.map(
        gate => `${GATE_WORDS[gate.demand][gate.held ? 0 : 1]}: ${gate.expression}: ${gate.reason}`,
      ),
    });
  }
  blocks.push(...warningBlocks(result.warnings));
  blocks.push(...timeTable('Latency of a task', 'quantile', result.latencies, top));
  blocks.push(...timeTable('Phases, median of a step', 'phase', result.phases, top));
  blocks.push(...timeTable('Operations, median of one', 'operation', result.operations, top));
  if (result.functions.length > 0) blocks.push(functionTable(result, top));
  return blocks;
}

const VERDICTS: Readonly<Record<DiffResult['verdict'], string>> = {
  regressed: 'Regressed: the change is distinguishable from noise.',
  improved: 'Improved: the change is distinguishable from noise.',
  unchanged: 'Unchanged: nothing is distinguishable from noise, and a change that matters would have been.',
  inconclusive:
    'Inconclusive: nothing is distinguishable from noise, and too little was recorded to rule a change out.',
};

/** What is said of a gate that held, and of one that did not. */
const GATE_WORDS = {
  'fail-on': ['gate holds', 'gate FAILS'],
  expect: ['expected, and shown', 'expected, and NOT SHOWN'],
} as const;

function timeTable(caption: string, title: string, rows: readonly TimeDiff[], top: number): Block[] {
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: `${caption} (95 % intervals; * = distinguishable from noise)`,
      columns: [
        { title, align: 'left', code: true },
        { title: 'before', align: 'right' },
        { title: 'after', align: 'right' },
        { title: 'change', align: 'right' },
        { title: 'interval', align: 'right' },
        { title: '', align: 'left' },
        { title: 'detectable', align: 'right' },
        { title: 'tasks', align: 'right' },
      ],
      rows: rows
        .slice(0, top)
        .map(row => [
          row.phase === '' || row.phase === row.id ? row.id : `${row.phase}/${row.id}`,
          row.before === null ? '–' : formatDuration(row.before),
          row.after === null ? '–' : formatDuration(row.after),
          row.relativeDelta === null ? (row.before === null ? 'new' : 'gone') : percent(row.relativeDelta),
          row.interval === null ? '–' : `${percent(row.interval[0])} … ${percent(row.interval[1])}`,
          row.significant ? '*' : '',
          row.detectable === null ? '–' : percent(row.detectable),
          `${row.beforeTasks}/${row.afterTasks}`,
        ]),
      omitted: { rows: Math.max(0, rows.length - top), how: '--top N, or --json for all' },
    },
  ];
}

function functionTable({ functions, weight, tested }: DiffResult, top: number): Block {
  return {
    kind: 'table',
    caption: `Functions by change of their share of ${weight?.name ?? 'the weight'}, in points (95 % intervals; * = distinguishable from noise, of ${tested} tested)`,
    columns: [
      { title: 'function', align: 'left', code: true },
      { title: 'where', align: 'left' },
      { title: 'self before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'change', align: 'right' },
      { title: 'interval', align: 'right' },
      { title: '', align: 'left' },
      { title: 'total change', align: 'right' },
    ],
    rows: functions
      .slice(0, top)
      .map(f => [
        f.name === '' ? '(anonymous)' : f.name,
        f.place,
        formatShare(f.beforeSelfShare),
        formatShare(f.afterSelfShare),
        f.change === 'both' ? points(f.deltaSelf) : `${points(f.deltaSelf)} (${f.change})`,
        interval(f),
        f.significant ? '*' : '',
        points(f.deltaTotal),
      ]),
    omitted: { rows: Math.max(0, functions.length - top), how: '--top N, or --json for all' },
  };
}

function interval({ interval: [low, high] }: FunctionDiff): string {
  return `${points(low)} … ${points(high)}`;
}

function points(share: number): string {
  return `${share < 0 ? '' : '+'}${(share * 100).toFixed(2)}`;
}

function percent(value: number): string {
  return `${value < 0 ? '' : '+'}${(value * 100).toFixed(1)} %`;
}
