const FIRST_SLOTS = 1 << 12;
/** Beyond these the cache forgets everything: memory stays bounded whatever the input. */
const MOST_ENTRIES = 1 << 19;
const MOST_BYTES = 1 << 26;

/**
 * Small numbers for byte strings that come again and again: lines of text, names between two separators. A lookup
 * hashes and compares bytes and makes no string. It is a cache: `find` may answer -1 for what was learnt long ago.
 *
 * Each string remembers which one was found after it: `follow` tries that one first, without even looking for the end
 * of the line.
 */
export class LineCache {
  #pool = new Uint8Array(1 << 16);
  #poolView = viewOf(this.#pool);
  #bytes: Uint8Array = this.#pool;
  #view = this.#poolView;
  #used = 0;
  #slots = new Int32Array(FIRST_SLOTS);
  #count = 0;
  #hashes = new Int32Array(FIRST_SLOTS);
  #starts = new Int32Array(FIRST_SLOTS + 1);
  #values = new Int32Array(FIRST_SLOTS);
  /** Entry that was found after each entry the last time; -1 = none yet. */
  #successors = new Int32Array(FIRST_SLOTS).fill(-1);
  /** The entry found or learnt last; -1 = none, or `restart` was called. */
  #current = -1;
  /** Hash of the last `find`, for the `learn` that follows. */
  #hash = 0;

  /** Forgets what was found last: the next string follows none. */
  restart(): void {
    this.#current = -1;
  }

  /**
   * Does the string that followed the last one before stand at `start` again, with a `\n` behind it? Then it is found:
   * the result is the index of that `\n`, `followed` its value. Otherwise -1.
   */
  follow(bytes: Uint8Array, start: number, limit: number): number {
    if (this.#current === -1) return -1;
    const entry = this.#successors[this.#current]!;
    if (entry === -1) return -1;
    const at = start + this.#starts[entry + 1]! - this.#starts[entry]!;
    if (at >= limit || bytes[at] !== 0x0a || !this.#isEntry(entry, bytes, start, at)) return -1;
    this.#current = entry;
    return at;
  }

  /** Value of what `follow` found. */
  get followed(): number {
    return this.#values[this.#current]!;
  }

  /** The value learnt for `bytes[start, end)`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const view = this.#viewOf(bytes);
    let h = end - start;
    let i = start;
    // Four bytes a step.
    for (const last = end - 4; i <= last; i += 4) {
      h = Math.imul(h ^ view.getInt32(i, true), 0x9e3779b1);
      h ^= h >>> 15;
    }
    for (; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
    h ^= h >>> 15;
    this.#hash = h;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = h & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] !== h) continue;
      if (this.#starts[entry + 1]! - this.#starts[entry]! !== end - start) continue;
      if (this.#isEntry(entry, bytes, start, end)) {
        this.#moveTo(entry);
        return this.#values[entry]!;
      }
    }
  }

  /** Are the bytes from `start` to `end`, which are as many as the entry has, the entry's? */
  #isEntry(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const view = this.#viewOf(bytes);
    const pool = this.#poolView;
    let from = this.#starts[entry]!;
    let at = start;
    for (const last = end - 4; at <= last; at += 4, from += 4) {
      if (view.getInt32(at, true) !== pool.getInt32(from, true)) return false;
    }
    for (; at < end; at++, from++) if (bytes[at] !== this.#pool[from]) return false;
    return true;
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    return this.#view;
  }

  /** Remembers what the last `find` did not. */
  learn(bytes: Uint8Array, start: number, end: number, value: number): void {
    const length = end - start;
    if (length > MOST_BYTES >> 3) return;
    if (this.#count === MOST_ENTRIES || this.#used + length > MOST_BYTES) this.#forget();
    if (this.#count * 2 >= this.#slots.length) this.#growSlots();
    if (this.#used + length > this.#pool.length) {
      const larger = new Uint8Array(Math.max(this.#pool.length * 2, this.#used + length));
      larger.set(this.#pool);
      this.#pool = larger;
      this.#poolView = viewOf(larger);
    }
    const entry = this.#count++;
    this.#pool.set(bytes.subarray(start, end), this.#used);
    this.#used += length;
    this.#hashes[entry] = this.#hash;
    this.#values[entry] = value;
    this.#starts[entry + 1] = this.#used;
    this.#successors[entry] = -1;
    this.#place(entry);
    this.#moveTo(entry);
  }

  #moveTo(entry: number): void {
    if (this.#current !== -1) this.#successors[this.#current] = entry;
    this.#current = entry;
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[entry]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #growSlots(): void {
    const size = this.#slots.length * 2;
    this.#slots = new Int32Array(size);
    this.#hashes = grown(this.#hashes, size);
    this.#values = grown(this.#values, size);
    this.#successors = grown(this.#successors, size);
    this.#starts = grown(this.#starts, size + 1);
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry);
  }

  #forget(): void {
    this.#slots.fill(0);
    this.#count = 0;
    this.#used = 0;
    this.#current = -1;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function grown(column: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(column);
  return larger;
}
