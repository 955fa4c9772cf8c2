import { ConsoleDecoder } from '../../src/formats/tokio-console-decoder.ts';
import type { ConsoleCall } from './tokio-console-call.ts';

/** How many tasks at once are asked for their single polls: each costs the program a histogram an update. */
const MOST_WATCHED = 32;
/** A task that was busy for less has no polls that matter. */
const BUSY_NS = 20e6;
/** A program that answers none of so many calls does not know them. */
const MOST_UNANSWERED = 8;

/**
 * The single polls of the busiest tasks of one connection: their histograms come as a whole with each update, and the
 * last one of each task is what is kept.
 */
export class ConsoleDetails {
  readonly #call: ConsoleCall;
  readonly #keep: (details: Buffer) => void;
  readonly #decoder = new ConsoleDecoder(0);
  readonly #watched = new Map<bigint, { latest: Buffer | undefined; hasEnded: boolean }>();
  #unanswered = 0;

  /** `keep` takes the last `TaskDetails` of each task, as it came. */
  constructor(call: ConsoleCall, keep: (details: Buffer) => void) {
    this.#call = call;
    this.#keep = keep;
  }

  /** Looks at an update for tasks that are worth it, and for those that have ended. */
  update(message: Uint8Array): void {
    for (const [id, stats] of this.#decoder.update(message)?.taskStats ?? []) {
      const hasEnded = !Number.isNaN(stats.droppedNs);
      const watched = this.#watched.get(id);
      if (watched !== undefined) watched.hasEnded ||= hasEnded;
      else if (
        stats.poll.busyNs >= BUSY_NS &&
        this.#watched.size < MOST_WATCHED &&
        this.#unanswered < MOST_UNANSWERED
      ) {
        this.#watch(id, hasEnded);
      }
    }
  }

  #watch(id: bigint, hasEnded: boolean): void {
    const watched: { latest: Buffer | undefined; hasEnded: boolean } = { latest: undefined, hasEnded };
    this.#watched.set(id, watched);
    const call = this.#call.watchTask(
      id,
      message => {
        this.#unanswered = 0;
        watched.latest = Buffer.from(message);
        // This has all of a task that had ended before.
        if (watched.hasEnded) call.close();
      },
      () => {
        if (watched.latest === undefined) this.#unanswered++;
        this.#finish(id);
      },
    );
  }

  #finish(id: bigint): void {
    const latest = this.#watched.get(id)?.latest;
    if (this.#watched.delete(id) && latest !== undefined) this.#keep(latest);
  }

  /** The connection has ended: what came last is what there is. */
  end(): void {
    for (const id of [...this.#watched.keys()]) this.#finish(id);
  }
}
