import { nowMs } from './clock.ts';
import type { Database } from './database.ts';
import { type ClaimedMessage, claimMessage, pollMessage } from './queue.ts';
import type { StatementId } from './statements.ts';

export interface ConsumerOptions {
  readonly database: Database;
  readonly queues: readonly string[];
  readonly claim: StatementId;
  readonly poll: StatementId;
  /** Messages in hand at once. */
  readonly concurrency: number;
  readonly handle: (message: ClaimedMessage) => Promise<void>;
  /** Nothing in hand and nothing known to be waiting. */
  readonly onIdle: () => void;
  /** The database went away, or a handler threw: the process cannot go on. */
  readonly onFailure: (error: Error) => void;
}

interface Notified {
  readonly queue: string;
  readonly msg_id: number;
  readonly step_uuid: string;
  readonly atMs: number;
}

/** How often a consumer looks for what no notification told it of. */
const POLL_EVERY_MS = 1000;

/**
 * Takes messages from queues: a notification names the message, one statement claims it. A slow poll finds what was
 * missed, and what a consumer that died had claimed.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #waiting: Notified[] = [];
  readonly #inHand = new Set<Promise<void>>();
  #unlisten: (() => Promise<void>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { database, queues, onFailure } = this.#options;
    const lost = (error: Error): void => {
      if (!this.#stopped) onFailure(error);
    };
    this.#unlisten = await database.listen(
      queues,
      (queue, payload) => this.#hear({ queue, ...payload, atMs: nowMs() }),
      lost,
    );
    this.#timer = setInterval(() => this.#poll(), POLL_EVERY_MS);
  }

  /** Takes nothing more, and waits for what is in hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#waiting.length = 0;
    await Promise.all(this.#inHand);
    await this.#unlisten?.().catch(() => {});
  }

  #hear(notified: Notified): void {
    if (this.#stopped) return;
    if (this.#inHand.size < this.#options.concurrency) this.#take(notified);
    else this.#waiting.push(notified);
  }

  #take(notified: Notified): void {
    const { database, claim } = this.#options;
    this.#run(async () => {
      const message = await database.session(session =>
        claimMessage(session, database.statements[claim], notified.queue, notified),
      );
      if (message !== undefined) await this.#options.handle(message);
    });
  }

  #poll(): void {
    const { database, poll, queues } = this.#options;
    for (const queue of queues) {
      if (this.#stopped || this.#inHand.size >= this.#options.concurrency) return;
      this.#run(async () => {
        for (;;) {
          const message = await database.session(session => pollMessage(session, database.statements[poll], queue));
          if (message === undefined || this.#stopped) return;
          await this.#options.handle(message);
        }
      });
    }
  }

  #run(work: () => Promise<void>): void {
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        if (!this.#stopped) this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => {
        this.#inHand.delete(running);
        const next = this.#stopped ? undefined : this.#waiting.shift();
        if (next !== undefined) this.#take(next);
        else if (this.#inHand.size === 0) this.#options.onIdle();
      });
    this.#inHand.add(running);
  }
}
