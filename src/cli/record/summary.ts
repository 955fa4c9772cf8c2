import { formatBytes, formatCount, formatDuration } from '../../base/format-units.ts';
import type { CaptureManifest } from '../../model/capture.ts';

/** How many losses are told one by one; the manifest has them all. */
const LOSSES_TOLD = 5;

/** What a person wants to know when the prompt is back: what there is, what is missing, what to type next. */
export function summaryLines(manifest: CaptureManifest, directory: string): string[] {
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
  lines.push(
    `  watching took ${formatDuration(self.cpuUserNs + self.cpuSystemNs)} of CPU and ${formatBytes(self.peakRssBytes)} of memory at most`,
    `  ${manifest.complete ? directory : `${directory} (incomplete)`}: see it with: tprof view ${directory}`,
  );
  return lines;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
