import { TprofError } from '../../base/errors.ts';
import { type ApiAnswer, type ApiRequest, exchange, NoAnswer, type Wire } from './exchange.ts';
import { LONGEST_WAIT_MS, rateLimitMs } from './rate-limit.ts';

/** A ticket that comments can be posted to, by the documented API of its vendor. */
export interface TicketTracker {
  readonly vendor: 'GitHub' | 'Linear';
  /** Address of the comment that holds the mark, if there is one on the ticket. */
  find(mark: string): Promise<string | undefined>;
  /** Posts the comment and gives its address. Throws `Unsure` where it may have been taken all the same. */
  create(body: string): Promise<string>;
}

/** It cannot be told from what came back (or did not) whether the server did it. */
export class Unsure extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Unsure';
  }
}

export interface Posted {
  readonly url: string;
  /** It had been posted before. */
  readonly already: boolean;
}

/** A moment for the server to finish, and to show to one request what it did for another. */
const SETTLE_MS = 3000;
/** Times that a request is sent which the server does not take for now. */
const TRIES = 3;

/**
 * Posts a comment once. The mark stands in the body: where it is on the ticket, the comment was posted. So it is looked
 * for before the first attempt, and again whenever an attempt leaves it open. `makeBody` is called where there is
 * something to post.
 */
export async function postOnce(
  tracker: TicketTracker,
  mark: string,
  makeBody: () => Promise<string>,
  wire: Wire,
): Promise<Posted> {
  const before = await saying('nothing was posted', () => tracker.find(mark));
  if (before !== undefined) return { url: before, already: true };
  const body = await saying('nothing was posted', makeBody);
  for (let attempt = 1; ; attempt++) {
    try {
      return { url: await saying('nothing was posted', () => tracker.create(body)), already: false };
    } catch (error) {
      if (!(error instanceof Unsure)) {
        // Refused the second time: perhaps since the first was taken after all.
        const taken = attempt === 1 ? undefined : await tracker.find(mark);
        if (taken !== undefined) return { url: taken, already: false };
        throw error;
      }
      wire.say(`${error.message}; looking whether the comment is on the ticket`);
      await wire.wait(SETTLE_MS);
      const found = await saying('whether the comment was posted could not be found out', () => tracker.find(mark));
      if (found !== undefined) return { url: found, already: false };
      if (attempt === 2) {
        throw new TprofError('machine-lacks', `${error.message}; the comment is not on the ticket`, {
          hint: 'run the same command again later: what is on the ticket is not posted twice',
          cause: error,
        });
      }
    }
  }
}

/** Adds to an expected failure what it means for the comment. */
async function saying<T>(outcome: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TprofError)) throw error;
    const { code, message, hint, cause } = error;
    throw new TprofError(code, `${message}; ${outcome}`, { ...(hint === undefined ? {} : { hint }), cause });
  }
}

/**
 * Sends a request, waiting where the server asks for it and that is short. `repeatable`: asking twice does no harm, so
 * that failures of the server or the way are tried again; otherwise they throw `Unsure`.
 */
export async function send(
  vendor: TicketTracker['vendor'],
  request: ApiRequest,
  wire: Wire,
  repeatable: boolean,
): Promise<ApiAnswer> {
  for (let attempt = 1; ; attempt++) {
    let answer: ApiAnswer;
    try {
      answer = await exchange(request, wire);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (!repeatable && error.taken) throw new Unsure(error.message, error);
      if (attempt === TRIES || !error.taken) {
        throw new TprofError('machine-lacks', error.message, {
          hint: `check the network and ${new URL(request.url).origin}, then run the same command again`,
          cause: error,
        });
      }
      await wire.wait(1000 * attempt);
      continue;
    }
    const pauseMs = rateLimitMs(answer, Date.now());
    if (pauseMs !== undefined) {
      const seconds = Math.ceil(pauseMs / 1000);
      if (pauseMs > LONGEST_WAIT_MS || attempt === TRIES) {
        throw new TprofError('machine-lacks', `${vendor} takes no more requests for now (${answer.status})`, {
          hint: `run the same command again in ${duration(seconds)}`,
        });
      }
      wire.say(`${vendor} asks to wait ${seconds} s (${answer.status})`);
      await wire.wait(pauseMs);
      continue;
    }
    if (answer.status < 500) return answer;
    const failed = `${vendor} failed (${answer.status})`;
    if (!repeatable) throw new Unsure(failed);
    if (attempt === TRIES) {
      throw new TprofError('machine-lacks', failed, { hint: 'run the same command again later' });
    }
    await wire.wait(1000 * attempt);
  }
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}
