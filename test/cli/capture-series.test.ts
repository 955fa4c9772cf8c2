import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCaptureSeries } from '../../src/cli/capture-series.ts';
import { beginManifest } from '../../src/cli/record/manifest-draft.ts';
import { ProbeLogWriter } from '../../src/formats/probe-log.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { inFolder } from './run-tprof.ts';

function log(probe: string, originNs: bigint): string {
  const writer = new ProbeLogWriter(originNs);
  const born = { name: 'c', kind: 'counter', unit: 'count', value: 1, bornNs: originNs + 5n } as const;
  return writer.head({ probe, intervalMs: 1000, target: {} }) + writer.sample(10, [born]) + writer.missed(20, 'gone');
}

function manifest(probes: CaptureManifest['probes']): CaptureManifest {
  const clocks = [{ unixNs: '1000000', monotonicNs: '400' }];
  return { ...beginManifest('x', [], new Date(0)), clocks, ...(probes === undefined ? {} : { probes }) };
}

test('a recording that was killed has its figures, on one clock', () =>
  inFolder(async directory => {
    await mkdir(join(directory, 'raw/probes'), { recursive: true });
    await writeFile(join(directory, 'raw/probes/b.jsonl'), log('b', 500n));
    await writeFile(join(directory, 'raw/probes/a.jsonl'), log('a', 700n));
    await writeFile(join(directory, 'raw/probes/empty.jsonl'), '');
    const { sources, epochNs, warnings } = await readCaptureSeries(directory, manifest(undefined));
    assert.deepEqual(
      sources.map(({ probe, timesNs, series, gaps }) => [probe, [...timesNs], series[0]?.bornNs, gaps[0]?.fromNs]),
      [
        ['a', [210, 220], 205, 220],
        ['b', [10, 20], 5, 20],
      ],
    );
    assert.equal(epochNs, 1_000_100n);
    assert.deepEqual(
      warnings.map(({ code, examples }) => [code, examples]),
      [['damaged-input', ['empty.jsonl']]],
    );
  }));

test('a file that the manifest names and that is gone is said; a capture without probes has none', () =>
  inFolder(async directory => {
    const probe = { id: 'a', file: 'raw/probes/a.jsonl', intervalMs: 1000, readings: 1, missed: 0 };
    const { sources, warnings } = await readCaptureSeries(directory, manifest([probe]));
    assert.deepEqual([sources.length, warnings[0]?.code], [0, 'damaged-input']);
    const none = await readCaptureSeries(directory, manifest(undefined));
    assert.deepEqual([none.sources, none.epochNs, none.warnings], [[], 0n, []]);
  }));
