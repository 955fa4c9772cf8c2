import { nowMs } from './clock.ts';
import type { Database } from './database.ts';
import { claimMessage, pollMessage } from './postgres-transport.ts';
import type { StatementId } from './statements.ts';
import type { ConsumerOptions, MessageConsumer } from './transport.ts';

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
export class PostgresConsumer implements MessageConsumer {
  readonly #database: Database;
  readonly #options: ConsumerOptions;
  readonly #claim: StatementId;
  readonly #poll: StatementId;
  readonly #waiting: Notified[] = [];
  readonly #inHand = new Set<Promise<void>>();
  #unlisten: (() => Promise<void>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(database: Database, options: ConsumerOptions) {
    this.#database = database;
    this.#options = options;
    this.#claim = options.claims === 'step' ? 'claim-step' : 'claim-result';
    this.#poll = options.claims === 'step' ? 'poll-steps' : 'poll-results';
  }

  async start(): Promise<void> {
    const { queues, onFailure } = this.#options;
    const lost = (error: Error): void => {
      if (!this.#stopped) onFailure(error);
    };
    this.#unlisten = await this.#database.listen(
      queues,
      (queue, payload) => this.#hear({ queue, ...payload, atMs: nowMs() }),
      lost,
    );
    this.#timer = setInterval(() => this.#lookAround(), POLL_EVERY_MS);
  }

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
    const statement = this.#database.statements[this.#claim];
    this.#run(async () => {
      const message = await this.#database.session(session =>
        claimMessage(session, statement, notified.queue, notified),
      );
      if (message !== undefined) await this.#options.handle(message);
    });
  }

  #lookAround(): void {
    const { queues } = this.#options;
    const statement = this.#database.statements[this.#poll];
    for (const queue of queues) {
      if (this.#stopped || this.#inHand.size >= this.#options.concurrency) return;
      this.#run(async () => {
        for (;;) {
          const message = await this.#database.session(session => pollMessage(session, statement, queue));
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
