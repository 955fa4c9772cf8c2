import type { CaptureManifest } from './capture.ts';
import type { Profile } from './profile.ts';

/**
 * Puts a profile into the run that it was recorded in: its threads get the pid, thread id and names that the manifest
 * knows, and its monotonic times an epoch, so that its samples stand beside the spans.
 */
export function placeProfile(
  profile: Profile,
  manifest: CaptureManifest,
  entry: Pick<CaptureManifest['profiles'][number], 'pid' | 'tid' | 'clock' | 'startNs'>,
): Profile {
  const nameOf = new Map(manifest.processes.map(process => [process.pid, process.name]));
  const threads = profile.threads.map(thread => {
    const pid = thread.pid === 0 ? entry.pid : thread.pid;
    const tid = thread.pid === 0 && thread.tid === 0 ? entry.tid : thread.tid;
    const processName = thread.processName === '' ? (nameOf.get(pid) ?? '') : thread.processName;
    return { ...thread, pid, tid, processName };
  });
  if (profile.samples.timeNs === undefined) return { ...profile, threads };
  // A tool that adds up its intervals knows an order, and no time of day.
  if (entry.clock === 'none') return { ...profile, threads, samples: { ...profile.samples, timeNs: undefined } };
  if (profile.epochNs !== undefined && entry.clock !== 'monotonic') return { ...profile, threads };
  const offset = monotonicOffsetNs(manifest);
  if (offset === undefined) return { ...profile, threads };
  return { ...profile, threads, epochNs: offset + BigInt(Math.round(entry.startNs ?? 0)) };
}

/**
 * Unix time minus monotonic time of the recording's host: the mean of its anchors, which differ by what the wall
 * clock was slewed during the run.
 */
export function monotonicOffsetNs(manifest: CaptureManifest): bigint | undefined {
  if (manifest.clocks.length === 0) return undefined;
  const offsets = manifest.clocks.map(({ unixNs, monotonicNs }) => BigInt(unixNs) - BigInt(monotonicNs));
  return offsets.reduce((sum, offset) => sum + offset, 0n) / BigInt(offsets.length);
}
