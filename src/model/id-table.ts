import { grown } from '../base/column-table.ts';

/**
 * Trace or span ids stored once as 32-bit words, named by a small integer: open addressing, no string per id, since
 * a large recording has millions of traces with one span each.
 */
export class IdTable {
  readonly #wordsPerId: 2 | 4;
  #words = new Uint32Array(256);
  #slots = new Int32Array(256).fill(-1);
  #count = 0;

  /** `wordsPerId`: 2 for span ids (8 bytes), 4 for trace ids (16 bytes). */
  constructor(wordsPerId: 2 | 4) {
    this.#wordsPerId = wordsPerId;
  }

  get length(): number {
    return this.#count;
  }

  /** Index of the id of these big-endian words; the last two are ignored for span ids. */
  intern(w0: number, w1: number, w2 = 0, w3 = 0): number {
    const found = this.#lookup(w0, w1, w2, w3);
    if (found >= 0) return this.#slots[found]!;
    if (this.#count * 2 >= this.#slots.length) {
      this.#grow();
      return this.intern(w0, w1, w2, w3);
    }
    this.#slots[-found - 1] = this.#count;
    const at = this.#count * this.#wordsPerId;
    if (at + 4 > this.#words.length) this.#words = grown(this.#words, this.#words.length * 2);
    this.#words[at] = w0;
    this.#words[at + 1] = w1;
    if (this.#wordsPerId === 4) {
      this.#words[at + 2] = w2;
      this.#words[at + 3] = w3;
    }
    return this.#count++;
  }

  /** Index of an id, or -1. */
  find(w0: number, w1: number, w2 = 0, w3 = 0): number {
    const found = this.#lookup(w0, w1, w2, w3);
    return found >= 0 ? this.#slots[found]! : -1;
  }

  /** Lower-case hex of id `index`. */
  hex(index: number): string {
    let text = '';
    const first = index * this.#wordsPerId;
    for (let i = first; i < first + this.#wordsPerId; i++) text += this.#words[i]!.toString(16).padStart(8, '0');
    return text;
  }

  /** Slot of the id (≥ 0), or the free slot where it would go as `-slot - 1`. */
  #lookup(w0: number, w1: number, w2: number, w3: number): number {
    const words = this.#words;
    const mask = this.#slots.length - 1;
    const hash = (Math.imul(w0 ^ (w2 * 31), 0x9e3779b1) ^ Math.imul(w1 ^ w3, 0x85ebca6b)) >>> 0;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const index = this.#slots[slot]!;
      if (index === -1) return -slot - 1;
      const at = index * this.#wordsPerId;
      if (
        words[at] === w0 &&
        words[at + 1] === w1 &&
        (this.#wordsPerId === 2 || (words[at + 2] === w2 && words[at + 3] === w3))
      ) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1);
    for (let index = 0; index < this.#count; index++) {
      const at = index * this.#wordsPerId;
      const wide = this.#wordsPerId === 4;
      const w = this.#words;
      const free = this.#lookup(w[at]!, w[at + 1]!, wide ? w[at + 2]! : 0, wide ? w[at + 3]! : 0);
      this.#slots[-free - 1] = index;
    }
  }
}
