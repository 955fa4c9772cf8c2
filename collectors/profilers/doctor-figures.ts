import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readProcessStats } from '../../src/formats/clinic-messages.ts';
import { ProbeLogWriter, type Reading } from '../../src/formats/probe-log.ts';
import type { CaptureProbe } from '../../src/model/capture.ts';
import type { ClinicData } from './clinic-tool.ts';

/** As clinic doctor samples by itself. */
const INTERVAL_MS = 10;

/**
 * Writes what doctor's sampler saw of one process or worker thread as a log of readings, on the monotonic clock: they are
 * drawn with those of the probes. Undefined where it had written nothing.
 */
export async function writeDoctorFigures(rawDirectory: string, data: ClinicData): Promise<CaptureProbe | undefined> {
  const folder = join(rawDirectory, data.name);
  const bytes = await readFile(join(folder, `${data.name}-processstat`)).catch(() => new Uint8Array(0));
  const clock = await readClock(join(folder, `${data.name}-systeminfo`));
  if (clock === undefined) return undefined;
  const labels = { pid: String(data.pid), ...(data.tid === 0 ? {} : { worker: String(data.tid) }) };
  const gauge = (name: string, unit: string, value: number): Reading => ({ name, labels, kind: 'gauge', unit, value });
  let log = '';
  let readings = 0;
  const writer = new ProbeLogWriter(BigInt(Math.round(clock.monotonicNs)));
  log += writer.head({ probe: 'clinic-doctor', intervalMs: INTERVAL_MS, target: { 'process.pid': data.pid } });
  for (const stat of readProcessStats(bytes)) {
    readings++;
    log += writer.sample((stat.unixMs - clock.unixMs) * 1e6, [
      gauge('nodejs.eventloop.delay', 'nanoseconds', stat.delayMs * 1e6),
      gauge('nodejs.eventloop.utilization', 'share', stat.loopPercent / 100),
      gauge('nodejs.cpu.utilization', 'share', stat.cpuShare),
      gauge('nodejs.memory.rss', 'bytes', stat.rssBytes),
      gauge('nodejs.memory.heap.used', 'bytes', stat.heapUsedBytes),
      gauge('nodejs.memory.heap.total', 'bytes', stat.heapTotalBytes),
      gauge('nodejs.memory.external', 'bytes', stat.externalBytes),
      gauge('nodejs.handles', 'count', stat.handles),
    ]);
  }
  if (readings === 0) return undefined;
  const file = `${data.name}/${data.name}-figures.jsonl`;
  await writeFile(join(rawDirectory, file), log, { mode: 0o600 });
  return { id: 'clinic-doctor', file, intervalMs: INTERVAL_MS, readings, missed: 0 };
}

/** The same instant on both clocks, as the process told it. */
async function readClock(file: string): Promise<{ readonly unixMs: number; readonly monotonicNs: number } | undefined> {
  try {
    const { clock } = JSON.parse(await readFile(file, 'utf8')) as {
      readonly clock: { readonly hrtime: readonly [number, number]; readonly unixtime: number };
    };
    return { unixMs: clock.unixtime, monotonicNs: clock.hrtime[0] * 1e9 + clock.hrtime[1] };
  } catch {
    return undefined;
  }
}
