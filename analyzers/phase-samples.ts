/** A stretch of a process's time that belongs to a lifecycle phase. Times count from one epoch, see `PhaseIntervals`. */
export interface PhaseInterval {
  readonly pid: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly phase: string;
}

export interface PhaseIntervals {
  /** Unix nanoseconds that the intervals count from. */
  readonly epochNs: bigint;
  readonly intervals: readonly PhaseInterval[];
}

/** Non-overlapping segments of one process's time, sorted. */
interface Segments {
  readonly startNs: readonly number[];
  readonly endNs: readonly number[];
  readonly phase: readonly string[];
}

/**
 * Answers which phase a process was in at a time. Where intervals overlap, the one that began last wins: it is the
 * innermost, or the one that the process turned to.
 */
export function phaseLookup(intervals: readonly PhaseInterval[]): (pid: number, timeNs: number) => string | undefined {
  const byPid = new Map<number, PhaseInterval[]>();
  for (const interval of intervals) {
    const list = byPid.get(interval.pid);
    if (list === undefined) byPid.set(interval.pid, [interval]);
    else list.push(interval);
  }
  const segments = new Map([...byPid].map(([pid, list]) => [pid, flatten(list)]));
  return (pid, timeNs) => {
    const s = segments.get(pid);
    if (s === undefined) return undefined;
    let low = 0;
    let high = s.startNs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (s.startNs[middle]! <= timeNs) low = middle + 1;
      else high = middle;
    }
    return low > 0 && timeNs < s.endNs[low - 1]! ? s.phase[low - 1] : undefined;
  };
}

/** Sweeps over all edges, keeping the open intervals in order of their start. */
function flatten(intervals: readonly PhaseInterval[]): Segments {
  const sorted = intervals
    .filter(interval => interval.endNs > interval.startNs)
    .sort((a, b) => a.startNs - b.startNs || a.endNs - b.endNs || (a.phase < b.phase ? -1 : 1));
  const edges = [...new Set(sorted.flatMap(interval => [interval.startNs, interval.endNs]))].sort((a, b) => a - b);
  const startNs: number[] = [];
  const endNs: number[] = [];
  const phase: string[] = [];
  let open: PhaseInterval[] = [];
  let next = 0;
  for (let e = 0; e + 1 < edges.length; e++) {
    const from = edges[e]!;
    open = open.filter(interval => interval.endNs > from);
    while (next < sorted.length && sorted[next]!.startNs <= from) open.push(sorted[next++]!);
    const last = open.at(-1);
    if (last === undefined) continue;
    if (phase.at(-1) === last.phase && endNs.at(-1) === from) endNs[endNs.length - 1] = edges[e + 1]!;
    else {
      startNs.push(from);
      endNs.push(edges[e + 1]!);
      phase.push(last.phase);
    }
  }
  return { startNs, endNs, phase };
}
