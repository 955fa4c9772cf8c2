import type { HotPathsResult } from '../../../analyzers/hot-paths.ts';
import type { BreakdownResult } from '../../../analyzers/lifecycle/breakdown-result.ts';
import { formatBytes, formatCount, formatDuration, formatShare, formatValue } from '../../base/format-units.ts';
import { CaptureFile, type CaptureManifest } from '../../model/capture.ts';
import type { RedactionClass } from '../../redaction/secret-patterns.ts';
import type { Block } from '../../report/block.ts';
import { findingBlock } from '../../report/finding-block.ts';
import { warningBlocks } from '../../report/warnings-view.ts';
import type { ArchivedFile } from './archive.ts';
import type { LeftOut } from './redact-capture.ts';

export interface CommentInput {
  readonly ticket: string;
  readonly manifest: CaptureManifest;
  readonly hotPaths: HotPathsResult | undefined;
  readonly breakdown: BreakdownResult | undefined;
  readonly files: readonly ArchivedFile[];
  readonly leftOut: readonly LeftOut[];
  readonly redacted: readonly { readonly class: RedactionClass; readonly times: number; readonly distinct: number }[];
  readonly archive: string;
}

/** How to open each file of the archive, by the end of its path; the first that fits. */
const OPENERS: readonly (readonly [RegExp, string])[] = [
  [/^capture\/flame\.(svg|html)$/, 'flame graph: open in a browser'],
  [/^capture\/profile\.speedscope\.json$/, 'tprof view capture, or drop it on speedscope'],
  [/^capture\/report\.(md|html)$/, 'the whole report'],
  [/^capture\/breakdown\.json$/, 'breakdown as JSON; tprof breakdown capture makes it again'],
  [/^capture\/hot-paths\.json$/, 'hot paths as JSON; tprof report capture makes it again'],
  [/^capture\/capture\.json$/, 'what ran, on what, and what was lost'],
  [/^capture\/system-figures\.json$/, 'processes, databases, queues and metrics over time as JSON'],
  [/^capture\/raw\/probes\//, 'what the probes read, redacted: tprof report capture'],
  [/^capture\/raw\/otlp\//, 'spans and log records, redacted: tprof breakdown capture'],
  [/^capture\/raw\//, 'what the profilers wrote, redacted'],
  [/^comment\.md$/, 'this comment'],
];

export function openerOf(path: string): string {
  return OPENERS.find(([pattern]) => pattern.test(path))?.[1] ?? 'part of the capture';
}

/** The comment on the ticket: what was measured, what it says, how sure, how to open the rest. */
export function commentBlocks(input: CommentInput): Block[] {
  const { manifest, hotPaths, breakdown } = input;
  return [
    { kind: 'heading', level: 2, text: `Evidence for ${input.ticket}: ${manifest.name}` },
    ...(manifest.complete
      ? []
      : [{ kind: 'note', severity: 'warning', text: 'The recording was not finished.' } as const]),
    ...recordedWith(manifest),
    ...(breakdown === undefined ? [] : breakdownBlocks(breakdown)),
    ...(hotPaths === undefined ? [] : hotPathBlocks(hotPaths)),
    ...manifest.losses.map(
      loss => ({ kind: 'note', severity: 'warning', text: `Lost: ${loss.what}: ${loss.why}` }) as const,
    ),
    ...pictures(input.files),
    { kind: 'heading', level: 3, text: 'Files' },
    {
      kind: 'table',
      columns: [
        { title: 'file', align: 'left', code: true },
        { title: 'size', align: 'right' },
        { title: 'how to open it', align: 'left' },
      ],
      rows: input.files.map(file => [file.path, formatBytes(file.bytes), openerOf(file.path)]),
    },
    { kind: 'paragraph', text: `All of it in ${input.archive}.` },
    ...input.leftOut.map(
      ({ file, why }) => ({ kind: 'note', severity: 'info', text: `Left out: ${file}: ${why}.` }) as const,
    ),
    redactionBlock(input.redacted),
  ];
}

/** The flame graph, by its place in the folder: what is posted names another, or leaves the line out. */
function pictures(files: CommentInput['files']): Block[] {
  return files
    .filter(file => file.path.endsWith(`/${CaptureFile.flameSvg}`))
    .map(file => ({ kind: 'figure', svg: '', caption: 'Flame graph', file: file.path }));
}

function recordedWith(manifest: CaptureManifest): Block[] {
  const { host } = manifest;
  const facts = [
    ...(manifest.command.length === 0 ? [] : [`${manifest.command.join(' ')}`]),
    ...(manifest.durationNs === undefined ? [] : [formatDuration(manifest.durationNs)]),
    ...(host.cpus === 0 ? [] : [`${host.cpus} × ${host.cpuModel}`]),
    ...manifest.tools.map(tool => `${tool.id} ${tool.version}`),
    `tprof ${manifest.tprof}`,
  ];
  return [{ kind: 'paragraph', text: `Recorded: ${facts.join(', ')}.` }];
}

function breakdownBlocks(result: BreakdownResult): Block[] {
  const steps = result.tasks.flatMap(task => task.steps);
  const complete = steps.filter(step => step.complete).length;
  return [
    { kind: 'heading', level: 3, text: 'Where the steps’ time went' },
    {
      kind: 'paragraph',
      text: `${formatCount(result.tasks.length)} tasks, ${formatCount(steps.length)} steps, of which ${formatCount(complete)} complete; figures are over those.`,
    },
    ...warningBlocks(result.warnings),
    {
      kind: 'table',
      columns: [
        { title: 'phase', align: 'left' },
        { title: 'operation', align: 'left', code: true },
        { title: 'p50', align: 'right' },
        { title: 'p95', align: 'right' },
        { title: 'share', align: 'right', bar: true },
      ],
      rows: [...result.operations]
        .filter(operation => operation.observed > 0)
        .sort((a, b) => b.totalNs - a.totalNs || (a.id < b.id ? -1 : 1))
        .slice(0, 10)
        .map(o => [
          o.phase,
          o.id,
          formatDuration(o.p50Ns),
          formatDuration(o.p95Ns),
          { text: formatShare(o.share), share: o.share },
        ]),
      omitted: {
        rows: Math.max(0, result.operations.filter(o => o.observed > 0).length - 10),
        how: 'all in breakdown.json',
      },
    },
  ];
}

function hotPathBlocks(result: HotPathsResult): Block[] {
  return [
    { kind: 'heading', level: 3, text: 'What was hot' },
    {
      kind: 'paragraph',
      text: `By ${result.weight.name}: ${formatValue(result.weight.total, result.weight.unit)} in ${formatCount(result.samples)} samples, ${formatCount(result.lost)} lost.`,
    },
    ...warningBlocks(result.warnings),
    ...result.findings.map(findingBlock),
    {
      kind: 'table',
      columns: [
        { title: 'function', align: 'left', code: true },
        { title: 'category', align: 'left' },
        { title: 'self', align: 'right' },
        { title: 'total', align: 'right' },
        { title: 'self %', align: 'right', bar: true },
      ],
      rows: result.functions
        .slice(0, 10)
        .map(f => [
          f.name === '' ? '(anonymous)' : f.name,
          f.category,
          formatValue(f.self, result.weight.unit),
          formatValue(f.total, result.weight.unit),
          { text: formatShare(f.selfShare), share: f.selfShare },
        ]),
      omitted: { rows: Math.max(0, result.functions.length - 10), how: `all in ${CaptureFile.hotPaths}` },
    },
  ];
}

function redactionBlock(redacted: CommentInput['redacted']): Block {
  const list = redacted.map(
    ({ class: kind, times, distinct }) => `${kind} (${formatCount(times)} × ${formatCount(distinct)} different)`,
  );
  return {
    kind: 'paragraph',
    text:
      list.length === 0
        ? 'Nothing was found to redact.'
        : `Redacted, the same value by the same placeholder: ${list.join(', ')}.`,
  };
}
