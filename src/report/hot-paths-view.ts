import type { HotPathsResult } from '../../analyzers/hot-paths.ts';
import { formatCount, formatShare, formatValue } from '../base/format-units.ts';
import type { Block, Cell } from './block.ts';
import { findingBlock } from './finding-block.ts';
import { phaseProcessesView } from './phase-processes-view.ts';
import { warningBlocks } from './warnings-view.ts';

export interface HotPathsViewOptions {
  /** Rows of the function table; the others are counted below it. */
  readonly top?: number;
}

/** The hot-path report: doubts first, then functions, paths, categories, phases, findings. */
export function hotPathsView(result: HotPathsResult, options: HotPathsViewOptions = {}): Block[] {
  const top = options.top ?? 20;
  const { unit } = result.weight;
  const bar = (share: number): Cell => ({ text: formatShare(share), share });
  const blocks: Block[] = [
    { kind: 'heading', level: 2, text: headingOf(result.weight) },
    { kind: 'paragraph', text: weightSentence(result) },
    ...warningBlocks(result.warnings),
    ...result.findings.map(findingBlock),
  ];
  if (result.functions.length === 0) return blocks;
  blocks.push({
    kind: 'table',
    caption: `Functions by self ${result.weight.name}`,
    columns: [
      { title: 'function', align: 'left', code: true },
      { title: 'where', align: 'left' },
      { title: 'category', align: 'left' },
      { title: 'self', align: 'right' },
      { title: 'total', align: 'right' },
      { title: 'total %', align: 'right' },
      { title: 'self %', align: 'right', bar: true },
    ],
    rows: result.functions
      .slice(0, top)
      .map(f => [
        f.name === '' ? '(anonymous)' : f.name,
        place(f.file === '' ? f.module : f.file, f.line),
        f.category,
        formatValue(f.self, unit),
        formatValue(f.total, unit),
        formatShare(f.totalShare),
        bar(f.selfShare),
      ]),
    omitted: { rows: Math.max(0, result.functions.length - top), how: '--top N, or --json for all' },
  });
  const shares = (title: string, column: string, rows: HotPathsResult['categories']): Block => ({
    kind: 'table',
    caption: title,
    columns: [
      { title: column, align: 'left' },
      { title: 'self', align: 'right' },
      { title: 'share', align: 'right', bar: true },
    ],
    rows: rows.map(row => [row.id, formatValue(row.self, unit), bar(row.share)]),
  });
  blocks.push(shares('By category', 'category', result.categories));
  if (result.phases.length > 0) {
    blocks.push(shares('By lifecycle phase', 'phase', result.phases), {
      kind: 'paragraph',
      text: 'Samples are joined with spans by process and time: what a process did while a phase was under way there, which need not all be for it.',
    });
    blocks.push(...phaseProcessesView(result));
  }
  if (result.threads.length > 1) {
    blocks.push({
      kind: 'table',
      caption: 'By thread',
      columns: [
        { title: 'process', align: 'left' },
        { title: 'thread', align: 'left' },
        { title: 'pid/tid', align: 'right' },
        { title: 'self', align: 'right' },
        { title: 'share', align: 'right', bar: true },
      ],
      rows: result.threads
        .slice(0, top)
        .map(t => [t.processName, t.threadName, `${t.pid}/${t.tid}`, formatValue(t.self, unit), bar(t.share)]),
      omitted: { rows: Math.max(0, result.threads.length - top), how: '--top N, or --json for all' },
    });
  }
  blocks.push({ kind: 'heading', level: 3, text: 'Heaviest paths' });
  for (const path of result.paths.slice(0, Math.min(5, top))) {
    const frames = path.frames.length === 0 ? ['(no stack)'] : path.frames;
    const shown =
      frames.length > 16 ? [...frames.slice(0, 6), `… ${frames.length - 12} frames …`, ...frames.slice(-6)] : frames;
    blocks.push({
      kind: 'code',
      language: 'text',
      text: `${formatShare(path.share)}  ${formatValue(path.total, unit)}\n${shown.map((frame, i) => `${' '.repeat(i + 1)}${frame === '' ? '(anonymous)' : frame}`).join('\n')}`,
    });
  }
  return blocks;
}

function weightSentence(result: HotPathsResult): string {
  const { name, unit, total } = result.weight;
  const others = result.weights.map(w => `${w.name} (${formatValue(w.total, w.unit)})`);
  const waiting = result.waiting > 0 ? ` Waiting (${formatValue(result.waiting, unit)}) is left out of it.` : '';
  return `Ranked by ${name}: ${formatValue(total, unit)} in ${formatCount(result.samples)} samples, ${result.lost === 0 ? 'none lost' : `${formatCount(result.lost)} lost`}.${waiting}${others.length > 0 ? ` The file also holds: ${others.join(', ')}.` : ''}`;
}

function place(file: string, line: number): string {
  const short = file
    .replace(/^file:\/\//, '')
    .split('/')
    .slice(-3)
    .join('/');
  return line > 0 ? `${short}:${line}` : short;
}

function headingOf({ name, unit }: HotPathsResult['weight']): string {
  if (name === 'async_wait') return 'What was waited for';
  if (unit === 'bytes') return name.startsWith('inuse') ? 'What holds the memory' : 'What allocated the memory';
  return 'Where the CPU went';
}
