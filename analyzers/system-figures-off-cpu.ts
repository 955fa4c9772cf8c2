import type { Profile } from '../src/model/profile.ts';

/** Time of a process's threads as a profiler saw it, in nanoseconds. */
export interface SampledProcess {
  readonly pid: number;
  readonly name: string;
  readonly cpuNs: number;
  readonly offCpuNs: number;
}

/** On and off a processor by process, of a profile that has a column of waits; undefined where it has none. */
export function sampledWaits(profile: Profile): readonly SampledProcess[] | undefined {
  const waits = profile.valueTypes.findIndex(type => type.name === 'off-cpu' && type.unit === 'nanoseconds');
  const cpu = profile.valueTypes.findIndex((type, index) => index !== waits && type.unit === 'nanoseconds');
  if (waits === -1) return undefined;
  const byPid = new Map<number, { pid: number; name: string; cpuNs: number; offCpuNs: number }>();
  const { thread, values, length } = profile.samples;
  for (let s = 0; s < length; s++) {
    const { pid, processName } = profile.threads[thread[s]!]!;
    let found = byPid.get(pid);
    if (found === undefined) {
      found = { pid, name: processName, cpuNs: 0, offCpuNs: 0 };
      byPid.set(pid, found);
    }
    found.offCpuNs += values[waits]![s]!;
    if (cpu !== -1) found.cpuNs += values[cpu]![s]!;
  }
  const total = [...byPid.values()].reduce((sum, process) => sum + process.offCpuNs, 0);
  if (total === 0) return undefined;
  return [...byPid.values()].sort((a, b) => b.cpuNs - a.cpuNs || b.offCpuNs - a.offCpuNs || a.pid - b.pid);
}
