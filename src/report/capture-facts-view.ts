import { formatBytes, formatCount, formatDuration } from '../base/format-units.ts';
import type { CaptureManifest } from '../model/capture.ts';
import type { Block } from './block.ts';

/** What was recorded, on what, how it ended, what was lost, and what watching cost: the head of every capture's report. */
export function captureFacts(manifest: CaptureManifest): Block[] {
  const blocks: Block[] = [];
  if (!manifest.complete) {
    blocks.push({
      kind: 'note',
      severity: 'warning',
      text: 'The recording was not finished: what follows is what had been saved. [incomplete-capture]',
    });
  }
  const { host, spans, self } = manifest;
  const tools = manifest.tools.map(tool => `${tool.id} ${tool.version}`.trim()).join(', ');
  const rows: [string, string][] = [
    ['command', manifest.command.join(' ')],
    ['began', manifest.startedAt],
    ...(manifest.durationNs === undefined ? [] : [['took', formatDuration(manifest.durationNs)] as [string, string]]),
    ...(manifest.exit === undefined
      ? []
      : [
          ['ended', manifest.exit.signal === null ? `exit ${manifest.exit.code}` : `by ${manifest.exit.signal}`] as [
            string,
            string,
          ],
        ]),
    ['host', `${host.cpus} × ${host.cpuModel}, ${formatBytes(host.memoryBytes)}, ${host.platform} ${host.release}`],
    ['tools', tools === '' ? 'spans alone' : tools],
    ['processes', formatCount(manifest.processes.length)],
    [
      'spans',
      `${formatCount(spans.accepted)} spans, ${formatCount(spans.logs)} log records in ${formatCount(spans.requests)} export requests`,
    ],
    [
      'watching took',
      `${formatDuration(self.cpuUserNs + self.cpuSystemNs)} of CPU, ${formatBytes(self.peakRssBytes)} at most`,
    ],
  ];
  blocks.push({
    kind: 'table',
    columns: [
      { title: 'recording', align: 'left' },
      { title: '', align: 'left' },
    ],
    rows,
  });
  for (const loss of manifest.losses) {
    blocks.push({
      kind: 'note',
      severity: 'warning',
      text: `Lost: ${loss.what} (${formatCount(loss.count)}): ${loss.why}`,
    });
  }
  return blocks;
}
