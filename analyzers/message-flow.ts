import type { Message, SpanForest } from './span-forest.ts';
import { preOrder } from './span-forest.ts';

/**
 * What one root set off through messages: which consumers its messages reached, directly or through others. Made once
 * a forest, moved from root to root with `follow()`.
 */
export class MessageFlow {
  readonly #forest: SpanForest;
  readonly #positionOf: Int32Array;
  readonly #lastOf: Uint32Array;
  /** By position of the producer, so that the messages of a subtree are one range. */
  readonly #messages: readonly Message[];
  readonly #positions: Float64Array;
  /** Numbers of messages into a consumer. */
  readonly #into = new Map<number, number[]>();
  /** Round in which a message or a consumer was reached last. */
  readonly #messageRound: Uint32Array;
  readonly #consumerRound = new Map<number, number>();
  #round = 0;
  #root = -1;
  #work = 0;

  constructor(forest: SpanForest, messages: readonly Message[]) {
    this.#forest = forest;
    const { positionOf, lastOf } = preOrder(forest);
    this.#positionOf = positionOf;
    this.#lastOf = lastOf;
    this.#messages = [...messages].sort(
      (a, b) => positionOf[a.producer]! - positionOf[b.producer]! || a.consumer - b.consumer,
    );
    this.#positions = Float64Array.from(this.#messages, message => positionOf[message.producer]!);
    for (const [number, { consumer }] of this.#messages.entries()) {
      const numbers = this.#into.get(consumer);
      if (numbers === undefined) this.#into.set(consumer, [number]);
      else numbers.push(number);
    }
    this.#messageRound = new Uint32Array(messages.length);
  }

  /** Whether any message leads to `span`. */
  isConsumer(span: number): boolean {
    return this.#into.has(span);
  }

  /** Messages looked at so far, over all roots. */
  get work(): number {
    return this.#work;
  }

  /**
   * Follows all messages that `root` set off. The span that ended last of all that they reached; `root` itself where
   * it went on for as long.
   */
  follow(root: number): number {
    this.#round++;
    this.#root = root;
    const { endNs } = this.#forest;
    let last = root;
    const open = [root];
    for (let unit = open.pop(); unit !== undefined; unit = open.pop()) {
      const from = this.#positionOf[unit]!;
      const to = this.#lastOf[from]!;
      for (let number = this.#firstAt(from); number < this.#positions.length; number++) {
        if (this.#positions[number]! > to) break;
        this.#work++;
        this.#messageRound[number] = this.#round;
        const { consumer } = this.#messages[number]!;
        if (consumer === root || this.reached(consumer)) continue;
        this.#consumerRound.set(consumer, this.#round);
        open.push(consumer);
        if (endNs[consumer]! > endNs[last]!) last = consumer;
      }
    }
    return last;
  }

  /** Whether the root followed last set `span` off. */
  reached(span: number): boolean {
    return this.#consumerRound.get(span) === this.#round;
  }

  /** Whether any root followed so far set `span` off. */
  everReached(span: number): boolean {
    return this.#consumerRound.has(span);
  }

  /**
   * The producer whose message reached `consumer` last, at or before `cursor`: what the consumer waited for. -1 where
   * none of its messages leads back to an earlier time, as clocks that disagree make it seem.
   */
  producerOf(consumer: number, cursor: number): number {
    const { startNs, endNs } = this.#forest;
    let best = -1;
    let bestArrival = Number.NEGATIVE_INFINITY;
    for (const number of this.#into.get(consumer) ?? []) {
      if (this.#messageRound[number] !== this.#round) continue;
      const { producer } = this.#messages[number]!;
      const arrival = Math.min(endNs[producer]!, cursor);
      const chain = this.chain(producer);
      if (arrival === cursor && startNs[chain[0]!]! >= cursor) continue;
      if (arrival > bestArrival || (arrival === bestArrival && producer < best)) {
        best = producer;
        bestArrival = arrival;
      }
    }
    return best;
  }

  /** `span` and its ancestors, outermost first, up to the last one that this root set off, or the root itself. */
  chain(span: number): number[] {
    const ancestors: number[] = [];
    let outermost = 0;
    for (let at = span; at !== -1; at = this.#forest.parent[at]!) {
      ancestors.push(at);
      if (at === this.#root || this.reached(at)) outermost = ancestors.length;
    }
    return ancestors.slice(0, Math.max(1, outermost)).reverse();
  }

  /** Number of the first message of a producer at `position` or after it. */
  #firstAt(position: number): number {
    let low = 0;
    let high = this.#positions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#positions[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
