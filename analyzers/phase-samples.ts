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
  /** Where spans name no process: which sampled processes were taken for which, and why. */
  readonly matches?: readonly ProcessMatch[];
}

/** Sampled processes that were taken for one of the trace's, or for the sessions that it has at its database. */
export interface ProcessMatch {
  /** As the trace calls it; for sessions: `PostgreSQL for …`. */
  readonly role: string;
  readonly processes: readonly MatchedProcess[];
}

export interface MatchedProcess {
  readonly pid: number;
  /** As the sampler calls it. */
  readonly name: string;
  readonly by: 'pid' | 'name and time' | 'name' | 'time';
  /** Samples while the trace was recorded, and of them those at times at which it has the process at work. */
  readonly samples: number;
  readonly inside: number;
  /** Share of the time at which it has it at work: what `inside` would be by chance. */
  readonly chance: number;
}

/** Which phase a process was in, and whether all that was under way there was of that phase. */
export interface PhaseAt {
  readonly phase: string;
  readonly sure: boolean;
}

/** Non-overlapping segments of one process's time, sorted. */
interface Segments {
  readonly startNs: readonly number[];
  readonly endNs: readonly number[];
  readonly at: readonly PhaseAt[];
}

/**
 * Answers which phase a process was in at a time. Where intervals overlap, the one that began last wins: it is the
 * innermost, or the one that the process turned to.
 */
export function phaseLookup(intervals: readonly PhaseInterval[]): (pid: number, timeNs: number) => PhaseAt | undefined {
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
    return low > 0 && timeNs < s.endNs[low - 1]! ? s.at[low - 1] : undefined;
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
  const at: PhaseAt[] = [];
  let open: PhaseInterval[] = [];
  let next = 0;
  for (let e = 0; e + 1 < edges.length; e++) {
    const from = edges[e]!;
    open = open.filter(interval => interval.endNs > from);
    while (next < sorted.length && sorted[next]!.startNs <= from) open.push(sorted[next++]!);
    const last = open.at(-1);
    if (last === undefined) continue;
    const sure = open.every(({ phase }) => phase === last.phase);
    const before = at.at(-1);
    if (before?.phase === last.phase && before.sure === sure && endNs.at(-1) === from) {
      endNs[endNs.length - 1] = edges[e + 1]!;
    } else {
      startNs.push(from);
      endNs.push(edges[e + 1]!);
      at.push({ phase: last.phase, sure });
    }
  }
  return { startNs, endNs, at };
}
