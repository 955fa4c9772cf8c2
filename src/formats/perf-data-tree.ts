import { int32Column, uint32Column } from '../base/column.ts';

/** Set in the high word of a key: the address is one that a call returns to, so the call stands just before it. */
const RETURN_BIT = 1;

/**
 * Stacks as the recorder saw them: a tree of addresses, one below the other, under one root for each state of a
 * process's memory. A frame that was seen before costs one probe of a hash table, without an object or a string;
 * only a new node is resolved to a code location.
 */
export class AddressTree {
  readonly #parent = int32Column();
  readonly #low = uint32Column();
  readonly #high = int32Column();
  readonly #location = int32Column();
  /** Node + 1 by hash of (parent, low, high); 0 = free. At most half full. */
  #table = new Int32Array(1 << 16);
  #mask = (1 << 16) - 1;

  get length(): number {
    return this.#parent.length;
  }

  parentOf(node: number): number {
    return this.#parent.get(node);
  }

  /** Code location of a node; -1 = it has none (a root). */
  locationOf(node: number): number {
    return this.#location.get(node);
  }

  setLocation(node: number, location: number): void {
    this.#location.set(node, location);
  }

  /** A node that no key finds. */
  root(): number {
    return this.#add(-1, 0, 0);
  }

  /**
   * The node of an address below `parent`. A new one has location -2, and the caller sets it. `high` is the upper word
   * of a canonical (sign-extended) address, so that a bit of it is free for `isReturn`.
   */
  child(parent: number, low: number, high: number, isReturn: boolean): number {
    const key = (high << 1) | (isReturn ? RETURN_BIT : 0);
    let at = this.#hash(parent, low, key);
    for (let entry = this.#table[at]!; entry !== 0; entry = this.#table[at]!) {
      const node = entry - 1;
      if (this.#low.get(node) === low >>> 0 && this.#parent.get(node) === parent && this.#high.get(node) === key) {
        return node;
      }
      at = (at + 1) & this.#mask;
    }
    const node = this.#add(parent, low, key);
    this.#location.set(node, -2);
    this.#table[at] = node + 1;
    if (node * 2 > this.#mask) this.#grow();
    return node;
  }

  #add(parent: number, low: number, key: number): number {
    this.#parent.push(parent);
    this.#low.push(low);
    this.#high.push(key);
    return this.#location.push(-1);
  }

  #hash(parent: number, low: number, key: number): number {
    let h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b) ^ Math.imul(key, 0xc2b2ae35);
    h ^= h >>> 15;
    h = Math.imul(h, 0x2c1b3c6d);
    return (h ^ (h >>> 13)) & this.#mask;
  }

  #grow(): void {
    const size = this.#table.length * 4;
    this.#table = new Int32Array(size);
    this.#mask = size - 1;
    for (let node = 0; node < this.#parent.length; node++) {
      if (this.#location.get(node) === -1) continue;
      let at = this.#hash(this.#parent.get(node), this.#low.get(node), this.#high.get(node));
      while (this.#table[at] !== 0) at = (at + 1) & this.#mask;
      this.#table[at] = node + 1;
    }
  }
}
