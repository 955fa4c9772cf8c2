/** Set in the key word: the address is one that a call returns to, so the call stands just before it. */
const RETURN_BIT = 1;
/** Words of a node: parent, low, key, location. Side by side, so that a probe is one cache line. */
const NODE = 4;
const FIRST_NODES = 1 << 12;

/**
 * Stacks as the recorder saw them: a tree of addresses, one below the other, under one root for each state of a
 * process's memory. A frame that was seen before costs one probe of a hash table, without an object or a string;
 * only a new node is resolved to a code location.
 */
export class AddressTree {
  #nodes = new Int32Array(FIRST_NODES * NODE);
  #length = 0;
  /** Node + 1 in each used slot; at most half full. */
  #slots = new Int32Array(FIRST_NODES * 2);

  get length(): number {
    return this.#length;
  }

  parentOf(node: number): number {
    return this.#nodes[node * NODE]!;
  }

  /** Code location of a node; -1 = it has none (a root), -2 = it is new. */
  locationOf(node: number): number {
    return this.#nodes[node * NODE + 3]!;
  }

  setLocation(node: number, location: number): void {
    this.#nodes[node * NODE + 3] = location;
  }

  /** A node that no key finds. */
  root(): number {
    return this.#push(-1, 0, 0, -1);
  }

  /**
   * The node of an address below `parent`. A new one has location -2, and the caller sets it. `high` is the upper word
   * of a canonical (sign-extended) address, so that a bit of it is free for `isReturn`.
   */
  child(parent: number, low: number, high: number, isReturn: boolean): number {
    const key = (high << 1) | (isReturn ? RETURN_BIT : 0);
    const word = low | 0;
    const slot = findSlot(this.#slots, this.#nodes, parent, word, key);
    const known = this.#slots[slot]!;
    if (known !== 0) return known - 1;
    this.#slots[slot] = this.#length + 1;
    return this.#push(parent, word, key, -2);
  }

  #push(parent: number, low: number, key: number, location: number): number {
    const at = this.#length * NODE;
    const nodes = this.#nodes;
    nodes[at] = parent;
    nodes[at + 1] = low;
    nodes[at + 2] = key;
    nodes[at + 3] = location;
    const node = this.#length++;
    if (this.#length * NODE === nodes.length) this.#grow();
    return node;
  }

  #grow(): void {
    const nodes = new Int32Array(this.#nodes.length * 2);
    nodes.set(this.#nodes);
    const slots = new Int32Array(this.#slots.length * 2);
    for (let node = 0; node < this.#length; node++) {
      const at = node * NODE;
      // Roots stand in no slot.
      if (nodes[at] === -1) continue;
      slots[findSlot(slots, nodes, nodes[at]!, nodes[at + 1]!, nodes[at + 2]!)] = node + 1;
    }
    this.#nodes = nodes;
    this.#slots = slots;
  }
}

/** Slots near the parent's own place that are tried first: one cache line. */
const NEAR = 8;

/**
 * The slot that holds a key, or the free one where it belongs. The frames of a new path have consecutive numbers, so
 * their slots stand side by side: walking the path again stays within a few cache lines. What finds no place there
 * (a frame that calls many others) goes where its hash says.
 */
function findSlot(slots: Int32Array, nodes: Int32Array, parent: number, low: number, key: number): number {
  const mask = slots.length - 1;
  const near = parent * 2;
  for (let i = 0; i < NEAR; i++) {
    const slot = (near + i) & mask;
    const at = (slots[slot]! - 1) * NODE;
    if (at < 0 || (nodes[at + 1] === low && nodes[at] === parent && nodes[at + 2] === key)) return slot;
  }
  for (let slot = hash(parent, low, key) & mask; ; slot = (slot + 1) & mask) {
    const at = (slots[slot]! - 1) * NODE;
    if (at < 0 || (nodes[at + 1] === low && nodes[at] === parent && nodes[at + 2] === key)) return slot;
  }
}

function hash(parent: number, low: number, key: number): number {
  let h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b) ^ Math.imul(key, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
