import { type Column, uint32Column } from '../base/column.ts';

/**
 * Trace or span ids stored once as 32-bit words, named by a small integer: open addressing, no string per id, since
 * a large recording has millions of traces with one span each.
 */
export class IdTable {
  readonly #wordsPerId: 2 | 4;
  readonly #words: Column<Uint32Array> = uint32Column();
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
    this.#words.push(w0);
    this.#words.push(w1);
    if (this.#wordsPerId === 4) {
      this.#words.push(w2);
      this.#words.push(w3);
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
    for (let i = first; i < first + this.#wordsPerId; i++) text += this.#words.get(i).toString(16).padStart(8, '0');
    return text;
  }

  /** Slot of the id (≥ 0), or the free slot where it would go as `-slot - 1`. */
  #lookup(w0: number, w1: number, w2: number, w3: number): number {
    const mask = this.#slots.length - 1;
    const hash = (Math.imul(w0 ^ (w2 * 31), 0x9e3779b1) ^ Math.imul(w1 ^ w3, 0x85ebca6b)) >>> 0;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const index = this.#slots[slot]!;
      if (index === -1) return -slot - 1;
      const at = index * this.#wordsPerId;
      if (
        this.#words.get(at) === w0 &&
        this.#words.get(at + 1) === w1 &&
        (this.#wordsPerId === 2 || (this.#words.get(at + 2) === w2 && this.#words.get(at + 3) === w3))
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
      const free = this.#lookup(w.get(at), w.get(at + 1), wide ? w.get(at + 2) : 0, wide ? w.get(at + 3) : 0);
      this.#slots[-free - 1] = index;
    }
  }
}
