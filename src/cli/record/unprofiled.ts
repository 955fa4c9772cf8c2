import type { CaptureManifest, CaptureProcess } from '../../model/capture.ts';

/** Who could not see them, and what is missing. */
export interface NodeProfiler {
  readonly id: string;
  /** `CPU profile` */
  readonly profile: string;
}

/**
 * What a profiler of Node could not see: Node processes that it did not get into, and programs that are not Node.
 * `others` = other profilers ran as well and saw the latter.
 */
export function unprofiled(
  processes: readonly CaptureProcess[],
  reported: readonly { readonly pid: number }[],
  others: boolean,
  { id, profile }: NodeProfiler = { id: 'node-cpu', profile: 'CPU profile' },
): CaptureManifest['losses'] {
  const seen = new Set(reported.map(process => process.pid));
  const losses: CaptureManifest['losses'][number][] = [];
  const foreign = new Map<string, number>();
  for (const process of processes) {
    if (seen.has(process.pid)) continue;
    if (/(^|\/)(node|nodejs)$/.test(process.command[0] ?? '')) {
      losses.push({
        what: `${profile} of ${process.name} (pid ${process.pid})`,
        count: 1,
        why: 'its agent did not start: the process ended before, is older than Node 18, got an environment without NODE_OPTIONS, or may not write into the capture',
      });
    } else if (!others) {
      foreign.set(process.name, (foreign.get(process.name) ?? 0) + 1);
    }
  }
  if (foreign.size > 0) {
    const names = [...foreign].map(([name, n]) => (n === 1 ? name : `${name} × ${n}`)).sort();
    losses.push({
      what: `${profile}s of programs that are not Node: ${names.join(', ')}`,
      count: [...foreign.values()].reduce((sum, n) => sum + n, 0),
      why: `${id} sees Node alone${profile === 'CPU profile' ? '; perf sees every program' : ''}`,
    });
  }
  return losses;
}
