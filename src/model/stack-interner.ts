import { int32Column, uint32Column } from '../base/column.ts';

/**
 * A forest of call stacks in which each (parent, frame) exists once. An open-addressing table over typed arrays: a
 * lookup neither allocates nor hashes objects, which is what reading a million-sample profile mostly does.
 */
export class StackInterner {
  readonly #parent = int32Column();
  readonly #frame = uint32Column();
  /** Stack index + 1 in each used slot; at most half full. */
  #slots = new Int32Array(1 << 10);
  #mask = (1 << 10) - 1;

  get length(): number {
    return this.#parent.length;
  }

  /** The stack that calls `frame` from `parent` (-1 for a root). */
  intern(parent: number, frame: number): number {
    let slot = hash(parent, frame) & this.#mask;
    for (;;) {
      const found = this.#slots[slot]! - 1;
      if (found < 0) break;
      if (this.#frame.get(found) === frame && this.#parent.get(found) === parent) return found;
      slot = (slot + 1) & this.#mask;
    }
    const index = this.#parent.push(parent);
    this.#frame.push(frame);
    this.#slots[slot] = index + 1;
    if (this.#parent.length * 2 > this.#mask) this.#grow();
    return index;
  }

  parent(stack: number): number {
    return this.#parent.get(stack);
  }

  frame(stack: number): number {
    return this.#frame.get(stack);
  }

  finish(): { readonly length: number; readonly parent: Int32Array; readonly frame: Uint32Array } {
    return { length: this.#parent.length, parent: this.#parent.finish(), frame: this.#frame.finish() };
  }

  #grow(): void {
    const size = (this.#mask + 1) * 2;
    this.#slots = new Int32Array(size);
    this.#mask = size - 1;
    for (let stack = 0; stack < this.#parent.length; stack++) {
      let slot = hash(this.#parent.get(stack), this.#frame.get(stack)) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = stack + 1;
    }
  }
}

function hash(parent: number, frame: number): number {
  let h = Math.imul(parent + 1, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
