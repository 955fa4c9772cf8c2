import type { AsyncTasksResult } from '../../../analyzers/async-tasks.ts';
import type { HotPathsResult } from '../../../analyzers/hot-paths.ts';
import type { BreakdownResult } from '../../../analyzers/lifecycle/breakdown-result.ts';
import { formatBytes, formatCount, formatDuration, formatShare } from '../../base/format-units.ts';
import type { CaptureManifest } from '../../model/capture.ts';

export interface SummaryFindings {
  readonly breakdown?: BreakdownResult | undefined;
  readonly hotPaths?: HotPathsResult | undefined;
  readonly asyncTasks?: AsyncTasksResult | undefined;
}

/** How many losses are told one by one; the manifest has them all. */
const LOSSES_TOLD = 5;

/** What a person wants to know when the prompt is back: what there is, what is missing, what to type next. */
export function summaryLines(manifest: CaptureManifest, directory: string, findings: SummaryFindings = {}): string[] {
  const { processes, profiles, spans, exit, self, losses } = manifest;
  const how =
    exit === undefined
      ? ''
      : exit.signal !== null
        ? `, ended by ${exit.signal}`
        : exit.code === 0
          ? ''
          : `, exit code ${exit.code}`;
  const lines = [
    `tprof: recorded ${formatDuration(manifest.durationNs ?? 0)} of ${plural(processes.length, 'process', 'processes')}${how}: ` +
      `${plural(profiles.length, 'profile')}, ${plural(spans.accepted, 'span')}, ${plural(spans.logs, 'log record')}`,
  ];
  for (const { what, why } of losses.slice(0, LOSSES_TOLD)) lines.push(`  missing: ${what}: ${why}`);
  if (losses.length > LOSSES_TOLD) {
    lines.push(`  missing: ${formatCount(losses.length - LOSSES_TOLD)} more, in ${directory}/capture.json`);
  }
  const { breakdown, hotPaths, asyncTasks } = findings;
  if (breakdown !== undefined) lines.push(...breakdownLines(breakdown));
  if (hotPaths !== undefined) lines.push(...hotPathLines(hotPaths));
  if (asyncTasks !== undefined && asyncTasks.tasks.length > 0) lines.push(...asyncTaskLines(asyncTasks));
  lines.push(
    `  watching took ${formatDuration(self.cpuUserNs + self.cpuSystemNs)} of CPU and ${formatBytes(self.peakRssBytes)} of memory at most`,
    `  ${manifest.complete ? directory : `${directory} (incomplete)`}: see it with: tprof view ${directory}`,
  );
  return lines;
}

/** How many of each list are told; the report has them all. */
const TOLD = 4;

function breakdownLines({ completeness, shares, phases }: BreakdownResult): string[] {
  const kinds = [
    ['operations', shares.operation],
    ['waits', shares.wait],
    ['handler', shares.handler],
    ['own code', shares.code],
    ['unattributed', shares.unattributed],
  ] as const;
  const largest = [...phases].sort((a, b) => b.share - a.share || (a.id < b.id ? -1 : 1)).slice(0, TOLD);
  return [
    `  ${plural(completeness.steps, 'step')}, ${formatCount(completeness.complete)} of them complete: ${kinds.map(([kind, share]) => `${kind} ${formatShare(share)}`).join(', ')}`,
    `  by phase: ${largest.map(phase => `${phase.id} ${formatShare(phase.share)}`).join(', ')}, …`,
  ];
}

function hotPathLines({ weight, categories, functions }: HotPathsResult): string[] {
  const own = functions.filter(f => f.category !== 'startup' && f.selfShare > 0).slice(0, TOLD);
  return [
    `  ${weight.name} by category: ${categories
      .slice(0, TOLD + 1)
      .map(c => `${c.id} ${formatShare(c.share)}`)
      .join(', ')}`,
    ...(own.length === 0
      ? []
      : [`  hottest, start-up aside: ${own.map(f => `${f.name} ${formatShare(f.selfShare)}`).join(', ')}`]),
  ];
}

function asyncTaskLines({ totals, sites, findings }: AsyncTasksResult): string[] {
  const busiest = sites.filter(site => site.busyShare > 0).slice(0, TOLD);
  const name = (site: (typeof sites)[number]): string => (site.name === '' ? `${site.file}:${site.line}` : site.name);
  return [
    `  ${plural(totals.tasks, 'task')}: busy ${formatDuration(totals.busyNs)}, scheduled ${formatDuration(totals.scheduledNs)}, idle ${formatDuration(totals.idleNs)}; busiest: ${busiest.map(site => `${name(site)} ${formatShare(site.busyShare)}`).join(', ')}`,
    ...findings.slice(0, TOLD).map(finding => `  ${finding.title} [${finding.id}]`),
    ...(findings.length > TOLD
      ? [`  ${plural(findings.length - TOLD, 'finding')} more about tasks, in the report`]
      : []),
  ];
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
