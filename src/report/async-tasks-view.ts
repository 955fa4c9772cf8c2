import type { AsyncSite, AsyncTasksResult } from '../../analyzers/async-tasks.ts';
import { formatCount, formatDuration, formatShare } from '../base/format-units.ts';
import type { Block } from './block.ts';
import { warningBlocks } from './warnings-view.ts';

export interface AsyncTasksViewOptions {
  /** Rows of each table; the others are counted below it. */
  readonly top?: number;
}

/** Tasks of an async runtime: doubts, what tokio-console would warn of, spawn sites by busy time, what was waited for. */
export function asyncTasksView(result: AsyncTasksResult, options: AsyncTasksViewOptions = {}): Block[] {
  const top = options.top ?? 20;
  const { totals, sites, findings } = result;
  const several = result.programs.length > 1;
  const blocks: Block[] = [
    { kind: 'heading', level: 2, text: 'Where the tasks’ time went' },
    ...result.programs.map((program): Block => ({ kind: 'paragraph', text: programSentence(program) })),
    ...warningBlocks(result.warnings),
    ...findings.map(
      (finding): Block => ({
        kind: 'note',
        severity: finding.severity,
        text: `${finding.title}. ${finding.detail} (${finding.evidence}${several ? `; ${result.programs[finding.program]?.address ?? ''}` : ''}) [${finding.id}]`,
      }),
    ),
  ];
  if (sites.length === 0) return blocks;
  const hasPolls = sites.some(site => site.longestPollNs !== undefined);
  const whole = totals.busyNs + totals.scheduledNs + totals.idleNs;
  blocks.push(
    {
      kind: 'paragraph',
      text:
        `${formatCount(totals.tasks)} tasks, ${formatCount(totals.alive)} of them alive at the end: busy ${formatDuration(totals.busyNs)} (${share(totals.busyNs, whole)} of their lives), ` +
        `scheduled ${formatDuration(totals.scheduledNs)} (ready, waiting for a worker), idle ${formatDuration(totals.idleNs)}. Busy is time inside of polls, by the wall clock.`,
    },
    {
      kind: 'table',
      caption: 'Spawn sites by busy time',
      columns: [
        { title: 'task', align: 'left', code: true },
        { title: 'spawned at', align: 'left' },
        ...(several ? [{ title: 'program', align: 'left' } as const] : []),
        { title: 'tasks', align: 'right' },
        { title: 'polls', align: 'right' },
        { title: 'a poll', align: 'right' },
        ...(hasPolls ? [{ title: 'longest', align: 'right' } as const] : []),
        { title: 'scheduled', align: 'right' },
        { title: 'idle', align: 'right' },
        { title: 'busy', align: 'right' },
        { title: 'busy %', align: 'right', bar: true },
      ],
      rows: sites
        .slice(0, top)
        .map(site => [
          siteName(site),
          place(site),
          ...(several ? [result.programs[site.program]?.address ?? ''] : []),
          formatCount(site.tasks),
          formatCount(site.polls),
          site.polls === 0 ? '' : formatDuration(site.busyNs / site.polls),
          ...(hasPolls ? [site.longestPollNs === undefined ? '' : formatDuration(site.longestPollNs)] : []),
          formatDuration(site.scheduledNs),
          formatDuration(site.idleNs),
          formatDuration(site.busyNs),
          { text: formatShare(site.busyShare), share: site.busyShare },
        ]),
      omitted: { rows: Math.max(0, sites.length - top), how: '--top N, or --json for all' },
    },
  );
  const waits = result.waits.filter(wait => !wait.isInternal && wait.totalNs > 0);
  if (waits.length > 0) {
    blocks.push({
      kind: 'table',
      caption: 'What was waited for, by the time until it was there',
      columns: [
        { title: 'operation', align: 'left', code: true },
        { title: 'resource made at', align: 'left' },
        { title: 'times', align: 'right' },
        { title: 'still open', align: 'right' },
        { title: 'mean', align: 'right' },
        { title: 'longest', align: 'right' },
        { title: 'in all', align: 'right' },
      ],
      rows: waits
        .slice(0, top)
        .map(wait => [
          wait.source,
          place(wait),
          formatCount(wait.count),
          wait.open === 0 ? '' : formatCount(wait.open),
          formatDuration(wait.totalNs / Math.max(1, wait.count)),
          formatDuration(wait.longestNs),
          formatDuration(wait.totalNs),
        ]),
      omitted: { rows: Math.max(0, waits.length - top), how: '--top N, or --json for all' },
    });
  }
  const timers = result.resources
    .filter(resource => resource.kind === 'timer' && resource.livedNs > 0)
    .sort((a, b) => b.livedNs - a.livedNs);
  if (timers.length > 0) {
    blocks.push({
      kind: 'table',
      caption: 'Timers, by the time that they ran',
      columns: [
        { title: 'timer', align: 'left', code: true },
        { title: 'made at', align: 'left' },
        { title: 'times', align: 'right' },
        { title: 'in all', align: 'right' },
      ],
      rows: timers
        .slice(0, top)
        .map(timer => [timer.type, place(timer), formatCount(timer.created), formatDuration(timer.livedNs)]),
      omitted: { rows: Math.max(0, timers.length - top), how: '--top N, or --json for all' },
    });
  }
  return blocks;
}

function programSentence(program: AsyncTasksResult['programs'][number]): string {
  const who = program.pid > 0 ? `${program.address} (pid ${program.pid})` : program.address;
  if (program.updates === 0) return `${who} told nothing.`;
  const again = program.connections > 1 ? ` over ${formatCount(program.connections)} connections` : '';
  return `${who} told of its tasks for ${formatDuration(program.durationNs)} in ${formatCount(program.updates)} updates${again}; what came after the last one is not known.`;
}

function siteName({ name, kind }: AsyncSite): string {
  if (name !== '') return kind === 'task' || kind === '' ? name : `${name} (${kind})`;
  return kind === 'task' || kind === '' ? '(unnamed)' : `(unnamed, ${kind})`;
}

function place({ file, line }: { readonly file: string; readonly line: number }): string {
  return file === '' ? '' : `${file}:${line}`;
}

function share(part: number, whole: number): string {
  return formatShare(whole > 0 ? part / whole : 0);
}
