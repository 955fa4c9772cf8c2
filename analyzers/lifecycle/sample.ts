import { quantile } from '../statistics.ts';

/** What is said of a set of durations. Integer nanoseconds in; means and percentiles rounded to whole nanoseconds. */
export interface Figures {
  /** How many were seen, complete steps or not. */
  readonly observed: number;
  /** Their sum, at full length. */
  readonly totalNs: number;
  /** Over the complete steps: arithmetic mean and standard deviation of the sample (n − 1; 0 where n < 2). */
  readonly meanNs: number;
  readonly stddevNs: number;
  /** Over the complete steps, linear between the two nearest ranks: position (n − 1) · p of the sorted durations. */
  readonly p50Ns: number;
  readonly p95Ns: number;
  readonly p99Ns: number;
  /** Of the wall time of all complete steps, what these take on the steps' own paths: 0…1. */
  readonly share: number;
}

/** Gathers durations; `all` counts, `complete` is described. */
export class Sample {
  readonly #complete: number[] = [];
  #observed = 0;
  #totalNs = 0;
  #pathNs = 0;

  add(durationNs: number, complete: boolean): void {
    this.#observed++;
    this.#totalNs += durationNs;
    if (complete) this.#complete.push(durationNs);
  }

  /** Time on the path of a complete step. */
  addPath(durationNs: number): void {
    this.#pathNs += durationNs;
  }

  figures(wallNs: number): Figures {
    const sorted = Float64Array.from(this.#complete).sort();
    const n = sorted.length;
    const mean = n === 0 ? 0 : sorted.reduce((sum, x) => sum + x, 0) / n;
    const squares = sorted.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    const at = (p: number): number => (n === 0 ? 0 : Math.round(quantile(sorted, p)));
    return {
      observed: this.#observed,
      totalNs: this.#totalNs,
      meanNs: Math.round(mean),
      stddevNs: n < 2 ? 0 : Math.round(Math.sqrt(squares / (n - 1))),
      p50Ns: at(0.5),
      p95Ns: at(0.95),
      p99Ns: at(0.99),
      share: wallNs === 0 ? 0 : this.#pathNs / wallNs,
    };
  }
}
