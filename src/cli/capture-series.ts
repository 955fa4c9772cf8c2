import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileSource } from '../../collectors/file-source.ts';
import { type Warning, Warnings } from '../base/warnings.ts';
import { readProbeLog } from '../formats/probe-log.ts';
import { CaptureFile, type CaptureManifest } from '../model/capture.ts';
import { monotonicOffsetNs } from '../model/place-profile.ts';
import type { SeriesSource } from '../model/series.ts';

export interface CaptureSeries {
  readonly sources: readonly SeriesSource[];
  /** Unix nanoseconds that all their times count from; 0 where the capture has no clock anchors. */
  readonly epochNs: bigint;
  readonly warnings: readonly Warning[];
}

/** What the probes of a recording read, on one clock. A recording that was killed has files, but no word of them. */
export async function readCaptureSeries(directory: string, manifest: CaptureManifest): Promise<CaptureSeries> {
  const warnings = new Warnings();
  const sources: SeriesSource[] = [];
  for (const file of manifest.probes?.map(probe => probe.file) ?? (await probeFiles(directory))) {
    const path = join(directory, file);
    if (!existsSync(path)) {
      warnings.add('damaged-input', 'Files of figures that the capture names are not there.', { example: file });
      continue;
    }
    const read = await readProbeLog({ ...(await fileSource(path)), name: basename(file) });
    warnings.merge(read.warnings);
    // Without its first line it has no clock; that is said already.
    if (read.source.probe !== '') sources.push(read.source);
  }
  const originNs = sources.reduce((least, source) => (source.originNs < least ? source.originNs : least), 1n << 62n);
  const offset = monotonicOffsetNs(manifest);
  return {
    sources: sources.map(source => later(source, Number(source.originNs - originNs))),
    epochNs: offset === undefined || sources.length === 0 ? 0n : offset + originNs,
    warnings: warnings.list(),
  };
}

async function probeFiles(directory: string): Promise<string[]> {
  const folder = join(CaptureFile.raw, 'probes');
  const names = await readdir(join(directory, folder)).catch(() => []);
  return names
    .filter(name => name.endsWith('.jsonl'))
    .sort()
    .map(name => join(folder, name));
}

function later(source: SeriesSource, byNs: number): SeriesSource {
  if (byNs === 0) return source;
  return {
    ...source,
    timesNs: source.timesNs.map(time => time + byNs),
    series: source.series.map(series =>
      series.bornNs === undefined ? series : { ...series, bornNs: series.bornNs + byNs },
    ),
    gaps: source.gaps.map(gap => ({ ...gap, fromNs: gap.fromNs + byNs, toNs: gap.toNs + byNs })),
    documents: source.documents.map(document => ({ ...document, atNs: document.atNs + byNs })),
  };
}
