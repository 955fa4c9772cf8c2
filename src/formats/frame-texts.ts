const SEMICOLON = 0x3b;
/** A `;` in each byte of a word. */
const SEMICOLONS = 0x3b3b3b3b;
const FIRST_TEXTS = 1 << 10;
/** Beyond these everything is forgotten and learnt anew: memory stays bounded whatever the input. */
const MOST_TEXTS = 1 << 20;
const MOST_BYTES = 1 << 27;

/**
 * Numbers of the texts between two `;`, without making a string of each: a text is hashed, four bytes a step, while its
 * end is looked for, and compared with the one that was learnt. A cache: what it does not find may have been forgotten.
 */
export class FrameTexts {
  /** Where the text that `find` looked at ends. */
  end = 0;
  #pool = new DataView(new ArrayBuffer(1 << 16));
  #used = 0;
  #count = 0;
  #hashes = new Int32Array(FIRST_TEXTS);
  #starts = new Int32Array(FIRST_TEXTS + 1);
  #values = new Int32Array(FIRST_TEXTS);
  /** Text + 1 in each used slot; at most half full. */
  #slots = new Int32Array(FIRST_TEXTS * 2);
  #hash = 0;

  /** The value of the text from `start` to the next `;` before `limit`, or -1. */
  find(view: DataView, start: number, limit: number): number {
    let at = start;
    let hash = 0;
    let word = 0;
    for (const last = limit - 4; at <= last; at += 4) {
      word = view.getInt32(at, true);
      const differs = word ^ SEMICOLONS;
      // The lowest byte that is zero, and with it a `;`, sets its upper bit.
      if (((differs - 0x01010101) & ~differs & 0x80808080) !== 0) break;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < limit; at++) {
      const byte = view.getUint8(at);
      if (byte === SEMICOLON) break;
      hash = Math.imul(hash ^ byte, 0x85ebca6b);
    }
    hash ^= hash >>> 13;
    this.end = at;
    this.#hash = hash;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const text = slots[slot]! - 1;
      if (text < 0) return -1;
      if (this.#hashes[text] === hash && this.#isText(text, view, start, at)) return this.#values[text]!;
    }
  }

  #isText(text: number, view: DataView, start: number, end: number): boolean {
    const pool = this.#pool;
    let from = this.#starts[text]!;
    if (this.#starts[text + 1]! - from !== end - start) return false;
    let at = start;
    for (const last = end - 4; at <= last; at += 4, from += 4) {
      if (view.getInt32(at, true) !== pool.getInt32(from, true)) return false;
    }
    for (; at < end; at++, from++) if (view.getUint8(at) !== pool.getUint8(from)) return false;
    return true;
  }

  /** Remembers the text from `start` to `end` that the last `find` did not. */
  learn(bytes: Uint8Array, start: number, value: number): void {
    const length = this.end - start;
    if (length > MOST_BYTES >> 3) return;
    if (this.#count === MOST_TEXTS || this.#used + length > MOST_BYTES) this.#forget();
    if (this.#count === this.#hashes.length) this.#grow();
    if (this.#used + length > this.#pool.byteLength) {
      const larger = new Uint8Array(Math.max(this.#pool.byteLength * 2, this.#used + length));
      larger.set(new Uint8Array(this.#pool.buffer, 0, this.#used));
      this.#pool = new DataView(larger.buffer);
    }
    new Uint8Array(this.#pool.buffer).set(bytes.subarray(start, this.end), this.#used);
    this.#used += length;
    const text = this.#count++;
    this.#hashes[text] = this.#hash;
    this.#values[text] = value;
    this.#starts[text + 1] = this.#used;
    this.#place(text);
  }

  #place(text: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[text]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = text + 1;
  }

  #grow(): void {
    const size = this.#hashes.length * 2;
    const grown = (column: Int32Array, length: number): Int32Array<ArrayBuffer> => {
      const larger = new Int32Array(length);
      larger.set(column);
      return larger;
    };
    this.#hashes = grown(this.#hashes, size);
    this.#starts = grown(this.#starts, size + 1);
    this.#values = grown(this.#values, size);
    this.#slots = new Int32Array(size * 2);
    for (let text = 0; text < this.#count; text++) this.#place(text);
  }

  #forget(): void {
    this.#slots.fill(0);
    this.#count = 0;
    this.#used = 0;
  }
}
