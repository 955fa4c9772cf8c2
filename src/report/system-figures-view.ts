import type {
  HistogramFigures,
  OnCpuVerdict,
  PostgresFigures,
  SystemFiguresResult,
} from '../../analyzers/system-figures-result.ts';
import { figureText } from '../../flame/figure-text.ts';
import { formatBytes, formatCount, formatDuration, formatShare } from '../base/format-units.ts';
import type { Block, Cell } from './block.ts';
import { labelText, systemPictures } from './system-figures-pictures.ts';
import { warningBlocks } from './warnings-view.ts';

const VERDICTS: Readonly<Record<OnCpuVerdict, string>> = {
  'on-cpu': 'on CPU',
  'short-of-cpu': 'short of CPU',
  mixed: 'both',
  waiting: 'waiting',
  unknown: '',
};

/** On-CPU against waiting, system figures as small pictures, and what databases and metrics told. */
export function systemFiguresView(result: SystemFiguresResult, options: { readonly top?: number } = {}): Block[] {
  const top = options.top ?? 10;
  const { sources, series } = result;
  if (sources.length === 0 && result.programs.length === 0) return [];
  const blocks: Block[] = [];
  if (result.programs.length > 0) {
    blocks.push({ kind: 'heading', level: 2, text: 'On-CPU against waiting' }, ...waiting(result, top));
  }
  if (sources.length === 0) return blocks;
  blocks.push(
    { kind: 'heading', level: 2, text: 'System figures over time' },
    { kind: 'paragraph', text: readingsSentence(result) },
    ...warningBlocks(result.warnings),
    ...result.findings.map(
      ({ severity, title, detail, evidence, confidence }): Block => ({
        kind: 'note',
        severity,
        text: `${title}. ${detail} (${evidence}; confidence ${formatShare(confidence)})`,
      }),
    ),
    ...systemPictures(result),
  );
  const metrics = series.filter(one => sources[one.source]?.probe === 'prometheus').length;
  if (metrics > 0) {
    const text = `The metrics endpoints told ${formatCount(metrics)} series; those that moved most are shown, all are in system-figures.json.`;
    blocks.push({ kind: 'paragraph', text });
  }
  blocks.push(...histograms(result.histograms, top), ...result.postgres.flatMap(server => postgres(server, top)));
  return blocks;
}

function waiting(result: SystemFiguresResult, top: number): Block[] {
  const { programs, processes } = result;
  const sampled = processes.some(process => process.offCpuNs !== null);
  const queued = processes.some(process => process.runQueueNs !== null);
  const blocked = processes.some(process => process.blockedNs !== null);
  const lived = processes.some(process => process.wallNs > 0);
  const told = (value: number | null, text: (value: number) => string): string => (value === null ? '' : text(value));
  const columns: { title: string; cell: (program: (typeof programs)[number]) => Cell; bar?: true }[] = [
    { title: 'processes', cell: p => formatCount(p.processes) },
    ...(lived ? [{ title: 'time', cell: (p: (typeof programs)[number]) => formatDuration(p.wallNs) }] : []),
    { title: 'CPU', cell: p => formatDuration(p.cpuNs) },
    ...(queued
      ? [{ title: 'CPU wait', cell: (p: (typeof programs)[number]) => told(p.runQueueNs, formatDuration) }]
      : []),
    ...(blocked
      ? [{ title: 'disk wait', cell: (p: (typeof programs)[number]) => told(p.blockedNs, formatDuration) }]
      : []),
    ...(sampled
      ? [{ title: 'switched out', cell: (p: (typeof programs)[number]) => told(p.offCpuNs, formatDuration) }]
      : []),
    ...(queued
      ? [
          {
            title: 'switches (forced)',
            cell: (p: (typeof programs)[number]) =>
              `${formatCount((p.voluntarySwitches ?? 0) + (p.involuntarySwitches ?? 0))} (${told(p.involuntarySwitches, formatCount)})`,
          },
        ]
      : []),
    ...(lived
      ? [
          { title: 'memory', cell: (p: (typeof programs)[number]) => formatBytes(p.peakRssBytes) },
          {
            title: 'on CPU',
            bar: true as const,
            cell: (p: (typeof programs)[number]) => {
              const share = p.wallNs === 0 ? 0 : p.cpuNs / p.wallNs;
              return { text: p.wallNs === 0 ? '' : formatShare(share), share };
            },
          },
        ]
      : []),
  ];
  return [
    { kind: 'paragraph', text: waitingSentence({ sampled, queued, lived }, result) },
    {
      kind: 'table',
      columns: [
        { title: 'program', align: 'left' },
        ...(lived ? [{ title: 'it is', align: 'left' } as const] : []),
        ...columns.map(({ title, bar }) => ({ title, align: 'right', ...(bar === undefined ? {} : { bar }) }) as const),
      ],
      rows: programs
        .slice(0, top)
        .map(program => [
          program.name,
          ...(lived ? [VERDICTS[program.verdict]] : []),
          ...columns.map(({ cell }) => cell(program)),
        ]),
      omitted: { rows: Math.max(0, programs.length - top), how: 'all in system-figures.json' },
    },
  ];
}

function waitingSentence(
  { sampled, queued, lived }: { sampled: boolean; queued: boolean; lived: boolean },
  { host, tools }: SystemFiguresResult,
): string {
  const sentences = [];
  if (lived)
    sentences.push(
      'By program, summed over its processes; 100 % on CPU is one processor’s worth of the time it lived.',
    );
  if (queued)
    sentences.push(
      'CPU wait: ready to run while no processor was free. The rest of the time it waited for something else: messages, locks, disks, other programs.',
    );
  if (sampled)
    sentences.push(
      'Switched out is what the profiler saw, summed over threads, idle ones included; report --weight off-cpu shows where.',
    );
  if (host !== undefined) {
    const { cpus, busyShare, recordedShare, observerShare, othersShare } = host;
    sentences.push(
      `Of ${formatCount(cpus)} processors ${formatShare(busyShare)} were busy: ${formatShare(recordedShare)} with what was recorded, ${formatShare(observerShare)} with tprof${tools.length === 0 ? '' : ' and its tools'}, ${formatShare(othersShare)} with other programs.`,
    );
  }
  return sentences.join(' ');
}

function readingsSentence({ sources, durationNs }: SystemFiguresResult): string {
  const parts = sources.map(
    ({ probe, readings, missed }) =>
      `${probe} ${formatCount(readings - missed)} times${missed === 0 ? '' : ` (${formatCount(missed)} more in vain)`}`,
  );
  const every = [...new Set(sources.map(source => source.intervalMs))].map(ms => formatDuration(ms * 1e6)).join(' or ');
  return `Read every ${every} for ${formatDuration(durationNs)}: ${parts.join(', ')}.`;
}

function histograms(found: readonly HistogramFigures[], top: number): Block[] {
  if (found.length === 0) return [];
  const heaviest = [...found].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  const text = (value: number | null, unit: string): string => (value === null ? 'beyond' : figureText(value, unit));
  return [
    {
      kind: 'table',
      caption: 'Histograms of the metrics endpoints, over the recording',
      columns: [
        { title: 'histogram', align: 'left', code: true },
        { title: 'of', align: 'left' },
        { title: 'observed', align: 'right' },
        { title: 'mean', align: 'right' },
        { title: 'p50', align: 'right' },
        { title: 'p95', align: 'right' },
        { title: 'p99', align: 'right' },
      ],
      rows: heaviest
        .slice(0, top)
        .map(({ name, labels, count, mean, p50, p95, p99, unit }) => [
          name,
          labelText(labels),
          formatCount(count),
          text(mean, unit),
          text(p50, unit),
          text(p95, unit),
          text(p99, unit),
        ]),
      omitted: { rows: Math.max(0, found.length - top), how: 'all in system-figures.json' },
    },
  ];
}

function postgres(server: PostgresFigures, top: number): Block[] {
  const { connections, byApplication, cacheHitShare, commitsPerSecond, waits, tables, statements } = server;
  const blocks: Block[] = [
    { kind: 'heading', level: 3, text: `PostgreSQL ${server.version}` },
    {
      kind: 'list',
      items: [
        `connections: ${formatCount(connections.most)} at most${connections.limit === null ? '' : ` of ${formatCount(connections.limit)}`}${
          byApplication.length === 0
            ? ''
            : `: ${byApplication
                .slice(0, 5)
                .map(({ application, most }) => `${application} ${formatCount(most)}`)
                .join(', ')}`
        }`,
        ...(commitsPerSecond === null ? [] : [`commits: ${figureText(commitsPerSecond, 'count/s')}`]),
        ...(cacheHitShare === null ? [] : [`blocks found in its cache: ${formatShare(cacheHitShare)}`]),
        ...(waits.length === 0
          ? []
          : [
              `sessions at work waited for: ${waits
                .slice(0, 5)
                .map(({ wait, mean }) => `${wait} (${figureText(mean, 'count')} on average)`)
                .join(', ')}`,
            ]),
        statisticsSentence(server),
      ],
    },
  ];
  if (server.statementsMissing !== undefined) {
    const { why, hint } = server.statementsMissing;
    blocks.push({
      kind: 'note',
      severity: 'info',
      text: `Statements are not told one by one: ${why}. To switch it on: ${hint}`,
    });
  }
  if (statements.length > 0) {
    const total = statements.reduce((sum, one) => sum + one.totalNs, server.otherStatements.totalNs);
    blocks.push({
      kind: 'table',
      caption: 'Statements by time in the server, during the recording',
      columns: [
        { title: 'statement', align: 'left', code: true },
        { title: 'calls', align: 'right' },
        { title: 'mean', align: 'right' },
        { title: 'rows', align: 'right' },
        { title: 'time', align: 'right' },
        { title: 'share', align: 'right', bar: true },
      ],
      rows: statements.slice(0, top).map(({ query, calls, meanNs, rows, totalNs }) => {
        const share = total === 0 ? 0 : totalNs / total;
        return [
          query.length > 120 ? `${query.slice(0, 119)}…` : query,
          formatCount(calls),
          formatDuration(meanNs),
          formatCount(rows),
          formatDuration(totalNs),
          { text: formatShare(share), share },
        ];
      }),
      omitted: {
        rows: Math.max(0, statements.length - top) + server.otherStatements.count,
        how: 'system-figures.json',
      },
    });
  }
  const used = tables.filter(table => table.used);
  if (used.length > 0) {
    blocks.push({
      kind: 'table',
      caption: 'Tables that were used: how fresh the planner’s statistics were',
      columns: [
        { title: 'table', align: 'left', code: true },
        { title: 'statistics', align: 'left' },
        { title: 'rows', align: 'right' },
        { title: 'dead', align: 'right' },
        { title: 'changed since', align: 'right' },
        { title: 'last analyzed', align: 'left' },
      ],
      rows: used
        .slice(0, top)
        .map(({ table, stale, rows, deadRows, changedSinceAnalyze, lastAnalyze }) => [
          table,
          stale ? 'out of date' : 'fresh enough',
          formatCount(rows),
          formatCount(deadRows),
          formatCount(changedSinceAnalyze),
          lastAnalyze ?? 'never',
        ]),
      omitted: { rows: Math.max(0, used.length - top), how: 'all in system-figures.json' },
    });
  }
  return blocks;
}

function statisticsSentence({ plannerStatistics, tables }: PostgresFigures): string {
  const stale = tables.filter(table => table.used && table.stale).length;
  switch (plannerStatistics) {
    case 'fresh':
      return 'planner statistics: fresh for every table that was used';
    case 'stale':
      return `planner statistics: out of date for ${formatCount(stale)} of ${formatCount(tables.filter(table => table.used).length)} tables that were used`;
    default:
      return 'planner statistics: no table was used';
  }
}
