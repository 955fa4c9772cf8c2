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
  if (result.functions.length > 0) {
    blocks.push(result.normalised === 'total' ? functionTable(result, top) : costTable(result, top));
  }
  if (result.subtrees.length > 0) blocks.push(subtreeTable(result, top));
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

/** By what a function costs for one task or second: what others do does not move it. */
function costTable({ functions, weight, tested, normalised }: DiffResult, top: number): Block {
  const { value, signed } = costText(weight?.unit ?? '');
  return {
    kind: 'table',
    caption: `Functions by change of their own ${weight?.name ?? 'weight'} for one ${amountName(normalised)} (95 % intervals; * = distinguishable from noise, of ${tested} tested)`,
    columns: [
      { title: 'function', align: 'left', code: true },
      { title: 'where', align: 'left' },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'change', align: 'right' },
      { title: 'interval', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows: functions
      .slice(0, top)
      .flatMap(f =>
        f.cost === null
          ? []
          : [
              [
                f.name === '' ? '(anonymous)' : f.name,
                f.place,
                value(f.cost.before),
                value(f.cost.after),
                f.change === 'both' ? signed(f.cost.delta) : `${signed(f.cost.delta)} (${f.change})`,
                `${signed(f.cost.interval[0])} … ${signed(f.cost.interval[1])}`,
                f.cost.significant ? '*' : '',
              ],
            ],
      ),
    omitted: { rows: Math.max(0, functions.length - top), how: '--top N, or --json for all' },
  };
}

/** Where in the program the difference came in. Long paths keep their ends: the root says little. */
function subtreeTable({ subtrees, weight, normalised }: DiffResult, top: number): Block {
  const { value, signed } = costText(weight?.unit ?? '');
  const short = (path: readonly string[]): string => {
    const named = path.map(name => (name === '' ? '(anonymous)' : name));
    return (named.length > 5 ? [named[0]!, '…', ...named.slice(-3)] : named).join(' → ');
  };
  const what =
    normalised === 'total'
      ? 'their share, in points'
      : `their ${weight?.name ?? 'weight'} for one ${amountName(normalised)}`;
  return {
    kind: 'table',
    caption: `Subtrees by change of ${what} (95 % intervals; * = distinguishable from noise)`,
    columns: [
      { title: 'call, with all below it', align: 'left', code: true, wrap: true },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'change', align: 'right' },
      { title: 'interval', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows: subtrees.slice(0, top).map(s => {
      const [before, after, delta, low, high] =
        s.cost === null
          ? [formatShare(s.beforeShare), formatShare(s.afterShare), ...[s.delta, ...s.interval].map(points)]
          : [value(s.cost.before), value(s.cost.after), ...[s.cost.delta, ...s.cost.interval].map(signed)];
      return [
        short(s.path),
        before!,
        after!,
        s.change === 'both' ? delta! : `${delta} (${s.change})`,
        `${low} … ${high}`,
        s.significant ? '*' : '',
      ];
    }),
    omitted: { rows: Math.max(0, subtrees.length - top), how: '--top N, or --json for all' },
  };
}

function costText(unit: string): { value: (amount: number) => string; signed: (amount: number) => string } {
  const value = (amount: number): string =>
    unit === 'nanoseconds' ? formatDuration(amount) : String(Number(amount.toPrecision(3)));
  return { value, signed: amount => `${amount < 0 ? '' : '+'}${value(amount)}` };
}

function amountName(normalised: DiffResult['normalised']): string {
  return normalised === 'task' ? 'task' : 'second of wall time';
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
