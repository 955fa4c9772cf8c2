const FIRST_STACKS = 1 << 9;

/**
 * A forest of call stacks in which each (parent, frame) exists once. An open-addressing table over typed arrays: a
 * lookup neither allocates nor hashes objects, which is what reading a million-sample profile mostly does.
 */
export class StackInterner {
  /** Parent and frame of each stack, side by side: a probe touches one cache line of it. */
  #pairs = new Int32Array(FIRST_STACKS * 2);
  #length = 0;
  /** Stack index + 1 in each used slot; at most half full. */
  #slots = new Int32Array(FIRST_STACKS * 2);

  get length(): number {
    return this.#length;
  }

  /** The stack that calls `frame` from `parent` (-1 for a root). */
  intern(parent: number, frame: number): number {
    const slots = this.#slots;
    const pairs = this.#pairs;
    const slot = findSlot(slots, pairs, parent, frame);
    if (slots[slot] !== 0) return slots[slot]! - 1;
    if (this.#length * 2 === pairs.length) return this.#grow(parent, frame);
    const index = this.#length++;
    pairs[index * 2] = parent;
    pairs[index * 2 + 1] = frame;
    slots[slot] = index + 1;
    return index;
  }

  parent(stack: number): number {
    return this.#pairs[stack * 2]!;
  }

  frame(stack: number): number {
    return this.#pairs[stack * 2 + 1]!;
  }

  finish(): { readonly length: number; readonly parent: Int32Array; readonly frame: Uint32Array } {
    const length = this.#length;
    const pairs = this.#pairs;
    const parent = new Int32Array(length);
    const frame = new Uint32Array(length);
    for (let stack = 0; stack < length; stack++) {
      parent[stack] = pairs[stack * 2]!;
      frame[stack] = pairs[stack * 2 + 1]!;
    }
    return { length, parent, frame };
  }

  #grow(parent: number, frame: number): number {
    const pairs = new Int32Array(this.#pairs.length * 2);
    pairs.set(this.#pairs);
    const slots = new Int32Array(this.#slots.length * 2);
    for (let stack = 0; stack < this.#length; stack++) {
      slots[findSlot(slots, pairs, pairs[stack * 2]!, pairs[stack * 2 + 1]!)] = stack + 1;
    }
    this.#pairs = pairs;
    this.#slots = slots;
    return this.intern(parent, frame);
  }
}

/** Places near the parent's own that are tried first: one cache line of slots. */
const NEAR = 6;

/**
 * The slot that holds (parent, frame), or the free one where it belongs. Stacks of a new path have consecutive numbers,
 * so their slots stand side by side: walking the path again stays within a few cache lines. What finds no place there
 * (a frame that calls many others) goes where its hash says.
 */
function findSlot(slots: Int32Array, pairs: Int32Array, parent: number, frame: number): number {
  const mask = slots.length - 1;
  const near = (parent + 1) * 2;
  for (let i = 0; i < NEAR; i++) {
    const slot = (near + i) & mask;
    const found = slots[slot]! - 1;
    if (found < 0 || (pairs[found * 2 + 1] === frame && pairs[found * 2] === parent)) return slot;
  }
  for (let slot = hash(parent, frame) & mask; ; slot = (slot + 1) & mask) {
    const found = slots[slot]! - 1;
    if (found < 0 || (pairs[found * 2 + 1] === frame && pairs[found * 2] === parent)) return slot;
  }
}

function hash(parent: number, frame: number): number {
  let h = Math.imul(parent + 1, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
