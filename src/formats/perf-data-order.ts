import type { BatchMemory, RecordBatch } from './perf-data-batches.ts';

/**
 * Records in order of time. CPUs write side by side, so a file is not in order; a FINISHED_ROUND record promises that
 * nothing older than the newest record of the round before will follow. So memory holds two rounds.
 */
export class RecordQueue {
  readonly #memory: BatchMemory;
  #batches: RecordBatch[] = [];
  #offsets: number[] = [];
  #times: number[] = [];
  #newest = Number.NEGATIVE_INFINITY;
  #limit = Number.NEGATIVE_INFINITY;

  constructor(memory: BatchMemory) {
    this.#memory = memory;
  }

  push(batch: RecordBatch, offset: number, timeNs: number): void {
    batch.users++;
    this.#batches.push(batch);
    this.#offsets.push(offset);
    this.#times.push(timeNs);
    if (timeNs > this.#newest) this.#newest = timeNs;
  }

  /** A round ended: hands over what is now known to be complete. */
  async round(take: (batch: RecordBatch, offset: number, timeNs: number) => Promise<void> | undefined): Promise<void> {
    await this.#flush(this.#limit, take);
    this.#limit = this.#newest;
  }

  /** Nothing follows: hands over the rest. */
  async end(take: (batch: RecordBatch, offset: number, timeNs: number) => Promise<void> | undefined): Promise<void> {
    await this.#flush(Number.POSITIVE_INFINITY, take);
  }

  async #flush(
    limit: number,
    take: (batch: RecordBatch, offset: number, timeNs: number) => Promise<void> | undefined,
  ): Promise<void> {
    const times = this.#times;
    const count = times.length;
    if (count === 0) return;
    const order = orderOf(times);
    let done = 0;
    for (; done < count; done++) {
      const i = order[done]!;
      if (times[i]! > limit) break;
      // Awaited only where an object file must be opened: a promise a sample would cost more than the sample.
      const pending = take(this.#batches[i]!, this.#offsets[i]!, times[i]!);
      if (pending !== undefined) await pending;
      this.#memory.release(this.#batches[i]!);
    }
    const kept = order.subarray(done).sort();
    const [batches, offsets] = [this.#batches, this.#offsets];
    this.#batches = [];
    this.#offsets = [];
    this.#times = [];
    for (let k = 0; k < kept.length; k++) {
      this.#batches.push(batches[kept[k]!]!);
      this.#offsets.push(offsets[kept[k]!]!);
      this.#times.push(times[kept[k]!]!);
    }
  }
}

/**
 * Indices in order of time, ties as they stand. A round consists of a few runs that are in order already, one a CPU:
 * these are found and merged.
 */
function orderOf(times: readonly number[]): Int32Array {
  const count = times.length;
  let from = new Int32Array(count);
  let into = new Int32Array(count);
  let ends: number[] = [];
  for (let i = 1; i <= count; i++) {
    from[i - 1] = i - 1;
    if (i === count || times[i]! < times[i - 1]!) ends.push(i);
  }
  while (ends.length > 1) {
    const merged: number[] = [];
    for (let run = 0; run < ends.length; run += 2) {
      const start = run === 0 ? 0 : ends[run - 1]!;
      const middle = ends[run]!;
      const end = ends[run + 1] ?? middle;
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const takeLeft = right === end || (left < middle && times[from[left]!]! <= times[from[right]!]!);
        into[at] = from[takeLeft ? left++ : right++]!;
      }
      merged.push(end);
    }
    [from, into] = [into, from];
    ends = merged;
  }
  return from;
}
