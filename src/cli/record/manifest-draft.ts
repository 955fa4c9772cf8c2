import { readClockAnchor } from '../../../collectors/clock-anchor.ts';
import { describeHost } from '../../../collectors/describe-host.ts';
import { readProcessStat } from '../../../collectors/process-table.ts';
import type { CaptureManifest, CaptureProcess } from '../../model/capture.ts';
import { TPROF_VERSION } from '../version.ts';

/** A manifest whose fields are being filled in while the recording runs. */
export type ManifestDraft = { -readonly [K in keyof CaptureManifest]: CaptureManifest[K] };

/** The manifest of a recording that begins now: `complete: false`, one clock anchor, nothing seen yet. */
export function beginManifest(name: string, command: readonly string[], startedAt: Date): ManifestDraft {
  return {
    schema: 'tprof.capture/1',
    complete: false,
    recorder: { pid: process.pid, startTime: readProcessStat(process.pid)?.startTime ?? '' },
    name,
    tprof: TPROF_VERSION,
    command,
    startedAt: startedAt.toISOString(),
    host: describeHost(),
    tools: [],
    clocks: [readClockAnchor()],
    processes: [],
    losses: [],
    self: ownCost(),
    profiles: [],
    spans: { accepted: 0, logs: 0, metrics: 0, requests: 0 },
  };
}

/**
 * What this process has used since `since` (0 by default: since it began): the receiver, and following processes. What
 * came before the target began, and the reading after it ended, took nothing from the target.
 */
export function ownCost(since: { cpuUserNs: number; cpuSystemNs: number } = NOTHING): CaptureManifest['self'] {
  const usage = process.resourceUsage();
  return {
    cpuUserNs: usage.userCPUTime * 1000 - since.cpuUserNs,
    cpuSystemNs: usage.systemCPUTime * 1000 - since.cpuSystemNs,
    peakRssBytes: usage.maxRSS * 1024,
  };
}

const NOTHING = { cpuUserNs: 0, cpuSystemNs: 0 };

/**
 * Processes as two observers saw them: the process table knows parents and titles, profilers know the ones that lived
 * too short for it. The same pid with the same start is the same process; where one side has no start, the pid decides.
 */
export function mergeProcesses(
  tracked: readonly CaptureProcess[],
  reported: readonly Omit<CaptureProcess, 'name'>[],
  nameOf: (command: readonly string[]) => string,
): CaptureProcess[] {
  const result = [...tracked];
  for (const process of reported) {
    const known = result.some(
      p =>
        p.pid === process.pid && (p.startTime === process.startTime || p.startTime === '' || process.startTime === ''),
    );
    if (!known) result.push({ ...process, name: nameOf(process.command) });
  }
  return result.sort((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid);
}
