import type { ResultRun, Visit } from './life.ts';

/** A stretch in which a process worked for a step. */
export interface Busy {
  readonly step: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly run: ResultRun | undefined;
}

/** Who kept a process busy when: stretches per process in order of time, asked for by overlap. */
export class BusyTimes {
  readonly #lists = new Map<string, { readonly stretches: readonly Busy[]; readonly latestEnds: Float64Array }>();

  constructor(resultRuns: readonly ResultRun[], visits: readonly Visit[]) {
    const lists = new Map<string, Busy[]>();
    const add = (kind: string, process: number, busy: Busy): void => {
      const key = `${kind} ${process}`;
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [busy]);
      else list.push(busy);
    };
    for (const run of resultRuns) {
      add('result', run.process, { step: run.step, startNs: run.startNs, endNs: run.endNs, run });
    }
    for (const { step, process, startNs, items } of visits) {
      const endNs = items.reduce((end, o) => Math.max(end, o.endNs), startNs);
      add('worker', process, { step, startNs, endNs, run: undefined });
    }
    for (const [key, stretches] of lists) {
      stretches.sort((a, b) => a.startNs - b.startNs || a.endNs - b.endNs);
      let latest = Number.NEGATIVE_INFINITY;
      const latestEnds = Float64Array.from(stretches, ({ endNs }) => {
        latest = Math.max(latest, endNs);
        return latest;
      });
      this.#lists.set(key, { stretches, latestEnds });
    }
  }

  /** The stretches of a process that overlap a time. */
  *during(kind: 'result' | 'worker', process: number, startNs: number, endNs: number): Generator<Busy> {
    const list = this.#lists.get(`${kind} ${process}`);
    if (list === undefined) return;
    const { stretches, latestEnds } = list;
    let low = 0;
    let high = stretches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (stretches[middle]!.startNs < endNs) low = middle + 1;
      else high = middle;
    }
    // Nothing before the first whose predecessors all ended earlier can overlap.
    for (let at = low - 1; at >= 0 && latestEnds[at]! > startNs; at--) {
      if (stretches[at]!.endNs > startNs) yield stretches[at]!;
    }
  }
}
