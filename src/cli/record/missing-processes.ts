import type { ProfilerHarvest } from '../../../collectors/profilers/profiler.ts';
import type { CaptureManifest, CaptureProcess } from '../../model/capture.ts';

/** Processes of the run that a profiler knows it may miss, and did. */
export function missingProcesses(
  processes: readonly CaptureProcess[],
  id: string,
  profiled: NonNullable<ProfilerHarvest['profiled']>,
): CaptureManifest['losses'] {
  const seen = new Set(profiled.pids);
  const missing = processes.filter(({ pid }) => !seen.has(pid));
  if (missing.length === 0) return [];
  const names = missing.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
  return [{ what: `${id}'s profile of ${names}`, count: missing.length, why: profiled.why }];
}
