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
    const order: number[] = [];
    for (let i = 0; i < count; i++) order.push(i);
    // Array.sort keeps ties in file order and is linear on the few sorted runs (one a CPU) that a round consists of.
    order.sort((a, b) => times[a]! - times[b]!);
    let done = 0;
    for (; done < count; done++) {
      const i = order[done]!;
      if (times[i]! > limit) break;
      // Awaited only where an object file must be opened: a promise a sample would cost more than the sample.
      const pending = take(this.#batches[i]!, this.#offsets[i]!, times[i]!);
      if (pending !== undefined) await pending;
      this.#memory.release(this.#batches[i]!);
    }
    const kept = order.slice(done).sort((a, b) => a - b);
    this.#batches = kept.map(i => this.#batches[i]!);
    this.#offsets = kept.map(i => this.#offsets[i]!);
    this.#times = kept.map(i => times[i]!);
  }
}
