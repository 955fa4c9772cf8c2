import { int32Column } from '../base/column.ts';

/** Set in the key word: the address is one that a call returns to, so the call stands just before it. */
const RETURN_BIT = 1;
/** Words of a table entry: node + 1 (0 = free), parent, low, key. Side by side, so that a probe is one cache line. */
const ENTRY = 4;

/**
 * Stacks as the recorder saw them: a tree of addresses, one below the other, under one root for each state of a
 * process's memory. A frame that was seen before costs one probe of a hash table, without an object or a string;
 * only a new node is resolved to a code location.
 */
export class AddressTree {
  readonly #parent = int32Column();
  readonly #location = int32Column();
  #table: Int32Array = new Int32Array(ENTRY << 14);
  #mask = (1 << 14) - 1;

  get length(): number {
    return this.#parent.length;
  }

  parentOf(node: number): number {
    return this.#parent.get(node);
  }

  /** Code location of a node; -1 = it has none (a root), -2 = it is new. */
  locationOf(node: number): number {
    return this.#location.get(node);
  }

  setLocation(node: number, location: number): void {
    this.#location.set(node, location);
  }

  /** A node that no key finds. */
  root(): number {
    this.#parent.push(-1);
    return this.#location.push(-1);
  }

  /**
   * The node of an address below `parent`. A new one has location -2, and the caller sets it. `high` is the upper word
   * of a canonical (sign-extended) address, so that a bit of it is free for `isReturn`.
   */
  child(parent: number, low: number, high: number, isReturn: boolean): number {
    const key = (high << 1) | (isReturn ? RETURN_BIT : 0);
    const word = low | 0;
    const table = this.#table;
    const slot = findSlot(table, this.#mask, parent, word, key);
    const at = slot * ENTRY;
    if (table[at] !== 0) return table[at]! - 1;
    this.#parent.push(parent);
    const node = this.#location.push(-2);
    table[at] = node + 1;
    table[at + 1] = parent;
    table[at + 2] = word;
    table[at + 3] = key;
    if (node * 3 > this.#mask) this.#grow();
    return node;
  }

  #grow(): void {
    const old = this.#table;
    const table = new Int32Array(old.length * 4);
    const mask = table.length / ENTRY - 1;
    for (let from = 0; from < old.length; from += ENTRY) {
      if (old[from] === 0) continue;
      const to = findSlot(table, mask, old[from + 1]!, old[from + 2]!, old[from + 3]!) * ENTRY;
      table[to] = old[from]!;
      table[to + 1] = old[from + 1]!;
      table[to + 2] = old[from + 2]!;
      table[to + 3] = old[from + 3]!;
    }
    this.#table = table;
    this.#mask = mask;
  }
}

/** Entries near the parent's own place that are tried first: two cache lines. */
const NEAR = 8;

/**
 * The slot that holds a key, or the free one where it belongs. The frames of a new path have consecutive numbers, so
 * their entries stand side by side: walking the path again stays within a few cache lines. What finds no place there
 * (a frame that calls many others) goes where its hash says.
 */
function findSlot(table: Int32Array, mask: number, parent: number, low: number, key: number): number {
  const near = parent * 2;
  for (let i = 0; i < NEAR; i++) {
    const slot = (near + i) & mask;
    const at = slot * ENTRY;
    if (table[at] === 0) return slot;
    if (table[at + 2] === low && table[at + 1] === parent && table[at + 3] === key) return slot;
  }
  for (let slot = hash(parent, low, key) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * ENTRY;
    if (table[at] === 0) return slot;
    if (table[at + 2] === low && table[at + 1] === parent && table[at + 3] === key) return slot;
  }
}

function hash(parent: number, low: number, key: number): number {
  let h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b) ^ Math.imul(key, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
