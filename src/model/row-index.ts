const FIRST_ROWS = 1 << 9;

/** Which row of a table has these three numbers: an open-addressing table over typed arrays. */
export class RowIndex {
  /** Three numbers and the row that has them, side by side. */
  #entries = new Int32Array(FIRST_ROWS * 4);
  #count = 0;
  /** Entry + 1 in each used slot; at most half full. */
  #slots = new Int32Array(FIRST_ROWS * 2);

  /** The row of (a, b, c); where none has them, `next` is it from now on. */
  find(a: number, b: number, c: number, next: number): number {
    const entries = this.#entries;
    const mask = this.#slots.length - 1;
    let slot = hash(a, b, c) & mask;
    for (;;) {
      const at = (this.#slots[slot]! - 1) * 4;
      if (at < 0) break;
      if (entries[at + 1] === b && entries[at] === a && entries[at + 2] === c) return entries[at + 3]!;
      slot = (slot + 1) & mask;
    }
    if (this.#count * 4 === entries.length) {
      this.#grow();
      return this.find(a, b, c, next);
    }
    const at = this.#count++ * 4;
    entries[at] = a;
    entries[at + 1] = b;
    entries[at + 2] = c;
    entries[at + 3] = next;
    this.#slots[slot] = this.#count;
    return next;
  }

  #grow(): void {
    const entries = new Int32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      const at = entry * 4;
      let slot = hash(entries[at]!, entries[at + 1]!, entries[at + 2]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#entries = entries;
    this.#slots = slots;
  }
}

function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x85ebca6b) ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
