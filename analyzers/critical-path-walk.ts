import { float64Column, uint32Column } from '../src/base/column.ts';
import type { MessageFlow } from './message-flow.ts';
import { PathSegmentBuilder, type PathSegments } from './path-segments.ts';
import type { SpanForest } from './span-forest.ts';

/** Critical paths in columns: one row a path; its segments are `segmentStart[p] … segmentStart[p + 1]`, latest first. */
export interface PathTable {
  readonly length: number;
  readonly root: Uint32Array;
  /** The last span of the path: the root, or the consumer that its messages ended in. */
  readonly last: Uint32Array;
  readonly startNs: Float64Array;
  readonly totalNs: Float64Array;
  readonly segmentStart: Uint32Array;
  readonly segments: PathSegments;
}

/**
 * Walks critical paths backwards in time. At every instant the path is in the deepest span that was last to finish:
 *
 *     A [====================]     cursor at A's end: no child runs, the time back to C's end is A's own
 *     B   [=======]                at C's start B covers the cursor, so the path goes on in B, clipped there
 *     C        [=======]           at B's start nothing runs but A
 *       A|  B |   C    | A
 *
 * Of children that began before the cursor the one with the latest end is next, whether it ended before the cursor,
 * exactly at it, or ran across it. So siblings that touch or overlap (by a clock's error or in earnest) are not lost,
 * and no instant in which a child ran is charged to its parent. The cursor only moves back, so each child list is
 * gone through once. A child list is sorted, the stack is an array: linear time, any depth.
 */
export class CriticalPathWalk {
  readonly #forest: SpanForest;
  readonly #flow: MessageFlow | undefined;
  /** Next candidate in each span's children, and the path for which that holds. */
  readonly #next: Uint32Array;
  readonly #nextOf: Uint32Array;
  /** The stack: spans from the outermost in, where each begins as far as its ancestors go, the drag it can have. */
  readonly #span: number[] = [];
  readonly #low: number[] = [];
  readonly #drag: number[] = [];
  /** Where in its parent's children a span on the stack stands; -1 where a message led to it. */
  readonly #at: number[] = [];
  /** The span that was left last, going back. */
  #cameFrom = -1;
  #path = 0;
  readonly #paths = {
    root: uint32Column(),
    last: uint32Column(),
    startNs: float64Column(),
    totalNs: float64Column(),
    segmentStart: uint32Column(),
  };
  readonly #segments = new PathSegmentBuilder();

  constructor(forest: SpanForest, flow?: MessageFlow) {
    this.#forest = forest;
    this.#flow = flow;
    this.#next = new Uint32Array(forest.length);
    this.#nextOf = new Uint32Array(forest.length);
  }

  /** Adds the path of `root`; with `follow`, through the messages that it set off, where the root did not go on. */
  add(root: number, follow: boolean): void {
    this.#path++;
    const flow = follow ? this.#flow : undefined;
    const { endNs } = this.#forest;
    const last = flow === undefined ? root : flow.follow(root);
    this.#paths.root.push(root);
    this.#paths.last.push(last);
    this.#paths.segmentStart.push(this.#segments.length);
    const end = endNs[last]!;
    this.#enter(flow === undefined ? [root] : flow.chain(last));
    const start = this.#walk(root, end, flow);
    this.#paths.startNs.push(start);
    this.#paths.totalNs.push(end - start);
  }

  finish(): PathTable {
    this.#paths.segmentStart.push(this.#segments.length);
    return {
      length: this.#paths.root.length,
      root: this.#paths.root.finish(),
      last: this.#paths.last.finish(),
      startNs: this.#paths.startNs.finish(),
      totalNs: this.#paths.totalNs.finish(),
      segmentStart: this.#paths.segmentStart.finish(),
      segments: this.#segments.finish(),
    };
  }

  /** Empties the stack and fills it with a chain of spans, outermost first. */
  #enter(chain: readonly number[]): void {
    // A span that is left half-way can be met again: its parent's list goes back to it.
    for (let i = this.#span.length - 1; i > 0; i--) {
      if (this.#at[i] !== -1) this.#next[this.#span[i - 1]!] = this.#at[i]!;
    }
    this.#span.length = 0;
    this.#low.length = 0;
    this.#drag.length = 0;
    this.#at.length = 0;
    let low = Number.NEGATIVE_INFINITY;
    for (const span of chain) {
      low = Math.max(low, this.#forest.startNs[span]!);
      this.#push(span, low, Number.POSITIVE_INFINITY, -1);
    }
  }

  #push(span: number, low: number, drag: number, at: number): void {
    this.#span.push(span);
    this.#low.push(low);
    this.#drag.push(drag);
    this.#at.push(at);
    if (this.#nextOf[span] !== this.#path) {
      this.#nextOf[span] = this.#path;
      this.#next[span] = this.#forest.childStart[span]!;
    }
  }

  /** Goes back from `cursor` until the stack is empty and no message leads further; the time where the path begins. */
  #walk(root: number, end: number, flow: MessageFlow | undefined): number {
    const { startNs, endNs, children } = this.#forest;
    let left: Set<number> | undefined;
    let cursor = end;
    while (this.#span.length > 0) {
      const top = this.#span.length - 1;
      const span = this.#span[top]!;
      const low = this.#low[top]!;
      const drag = this.#drag[top]!;
      if (cursor > endNs[span]! && cursor > low) {
        // Only after a message: the producer began when its own parent had ended already.
        const until = Math.max(low, endNs[span]!);
        this.#segment(this.#cameFrom, span, until, cursor, drag);
        cursor = until;
      }
      if (cursor > low) {
        const at = this.#candidate(span, cursor);
        const child = at === -1 ? -1 : children[at]!;
        if (child !== -1 && endNs[child]! > low) {
          const childEnd = Math.min(endNs[child]!, cursor);
          if (childEnd < cursor) this.#segment(span, -1, childEnd, cursor, drag);
          cursor = childEnd;
          const childLow = Math.max(low, startNs[child]!);
          this.#next[span] = at + 1;
          const rival = this.#candidate(span, cursor);
          const rivalEnd = rival === -1 ? childLow : Math.min(cursor, endNs[children[rival]!]!);
          this.#push(child, childLow, Math.min(drag, cursor - Math.max(childLow, rivalEnd)), at);
          continue;
        }
        this.#segment(span, -1, low, cursor, drag);
        cursor = low;
      }
      this.#cameFrom = span;
      this.#span.pop();
      this.#low.pop();
      this.#drag.pop();
      this.#at.pop();
      if (flow === undefined || span === root || !flow.reached(span) || left?.has(span) === true) continue;
      const producer = flow.producerOf(span, cursor);
      if (producer === -1) continue;
      const arrival = Math.min(endNs[producer]!, cursor);
      if (this.#span.length > 0 && this.#localArrival(cursor) >= arrival) continue;
      left ??= new Set();
      left.add(span);
      if (arrival < cursor) this.#segment(span, producer, arrival, cursor, drag);
      cursor = arrival;
      this.#enter(flow.chain(producer));
    }
    return cursor;
  }

  /** When the next sibling on the stack's top ended: what `span` would have waited for, had no message come later. */
  #localArrival(cursor: number): number {
    const parent = this.#span.at(-1)!;
    const at = this.#candidate(parent, cursor);
    return at === -1 ? Number.NEGATIVE_INFINITY : Math.min(cursor, this.#forest.endNs[this.#forest.children[at]!]!);
  }

  /**
   * Place of the first child, by latest end, that began before `cursor`; -1 = none. Those passed over began later, and
   * the cursor never comes back to them. Spans without length hold no instant, and are passed over as well.
   */
  #candidate(span: number, cursor: number): number {
    const { startNs, endNs, children, childStart } = this.#forest;
    const to = childStart[span + 1]!;
    let at = this.#next[span]!;
    for (; at < to; at++) {
      const child = children[at]!;
      const start = startNs[child]!;
      if (start < cursor && start < endNs[child]!) break;
    }
    this.#next[span] = at;
    return at < to ? at : -1;
  }

  #segment(span: number, waitFor: number, startNs: number, endNs: number, drag: number): void {
    this.#segments.push(span, waitFor, startNs, endNs - startNs, Math.min(endNs - startNs, drag));
  }
}
