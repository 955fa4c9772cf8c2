import type { Interner } from './interner.ts';

/** Longer strings are decoded each time: they rarely repeat, and would push out those that do. */
const LONGEST = 1024;
const PLACES = 256;
const FIRST_STRINGS = 1 << 10;
const FIRST_POOL_BYTES = 32 << 10;
/** Beyond these everything is forgotten and learnt anew: memory stays bounded whatever the input. */
const MOST_STRINGS = 1 << 17;
const MOST_POOL_BYTES = 8 << 20;

/**
 * The index of a UTF-8 string in an `Interner`, without decoding it each time: names and keys of telemetry repeat
 * millions of times, and comparing their bytes costs a tenth of making a string. A cache, not the truth: the strings
 * live in the `Interner`.
 */
export class ByteInterner {
  readonly #strings: Interner;
  #pool = Buffer.allocUnsafeSlow(FIRST_POOL_BYTES);
  #poolView = viewOf(this.#pool);
  #bytes: Uint8Array = this.#pool;
  #view: DataView = this.#poolView;
  #used = 0;
  /** Entry + 1, or 0 for a free slot; twice as many as entries. */
  #slots = new Int32Array(FIRST_STRINGS * 2);
  #count = 0;
  #hash = new Int32Array(FIRST_STRINGS);
  #offset = new Int32Array(FIRST_STRINGS);
  #length = new Int32Array(FIRST_STRINGS);
  #index = new Int32Array(FIRST_STRINGS);
  /** Entry that followed each entry last time, and the entry found last: keys and values come in the same order. */
  #next = new Int32Array(FIRST_STRINGS);
  #last = 0;
  /** Entry found last in each place. */
  readonly #lastAt = new Int32Array(PLACES);
  /** 1 where a string has nothing that JSON writes differently. */
  #plain = new Uint8Array(FIRST_STRINGS);
  matched = 0;

  constructor(strings: Interner) {
    this.#strings = strings;
  }

  /** Index of the string in `bytes[start, end)`; invalid UTF-8 becomes U+FFFD, as everywhere. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    const guess = this.#next[this.#last]!;
    if (this.#length[guess] === length && this.#same(guess, bytes, start, length)) {
      this.#last = guess;
      return this.#index[guess]!;
    }
    return this.#find(bytes, start, end);
  }

  /**
   * The same for a string in a place of its own (a field, the value of one key; below 256): there it is often the one
   * that was there last, or the one that followed that one last time, whatever stands between.
   */
  internAt(place: number, bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    const last = this.#lastAt[place]!;
    if (this.#length[last] === length && this.#same(last, bytes, start, length)) return this.#index[last]!;
    const guess = this.#next[last]!;
    if (this.#length[guess] === length && this.#same(guess, bytes, start, length)) {
      this.#lastAt[place] = guess;
      return this.#index[guess]!;
    }
    const before = this.#last;
    this.#last = last;
    const index = this.#find(bytes, start, end);
    this.#lastAt[place] = this.#last;
    this.#last = before;
    return index;
  }

  #find(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > LONGEST) return this.#strings.intern(text(bytes, start, end));
    const hash = hashBytes(this.#viewOf(bytes), bytes, start, end);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) break;
      if (this.#hash[entry] === hash && this.#length[entry] === length && this.#same(entry, bytes, start, length)) {
        this.#next[this.#last] = entry;
        this.#last = entry;
        return this.#index[entry]!;
      }
      slot = (slot + 1) & mask;
    }
    return this.#learn(hash, bytes, start, end);
  }

  /**
   * The index of a string that ends with a quote, if it is the one that followed last time; else -1. `matched` is then
   * its length. Spares looking for the quote: only strings that stand in JSON as they are can be guessed.
   */
  guessQuoted(bytes: Uint8Array, start: number): number {
    const guess = this.#next[this.#last]!;
    const length = this.#length[guess]!;
    // Beyond the end of the bytes there is no quote either.
    if (bytes[start + length] !== 0x22 || this.#plain[guess] === 0) return -1;
    if (!this.#same(guess, bytes, start, length)) return -1;
    this.#last = guess;
    this.matched = length;
    return this.#index[guess]!;
  }

  #same(entry: number, bytes: Uint8Array, start: number, length: number): boolean {
    const pool = this.#poolView;
    const view = this.#viewOf(bytes);
    const offset = this.#offset[entry]!;
    if (length < 4) {
      for (let i = 0; i < length; i++) if (this.#pool[offset + i] !== bytes[start + i]) return false;
      return true;
    }
    // The last four bytes first: of strings that begin alike they differ. They may overlap the word before.
    const last = length - 4;
    if (pool.getInt32(offset + last) !== view.getInt32(start + last)) return false;
    for (let i = 0; i < last; i += 4) if (pool.getInt32(offset + i) !== view.getInt32(start + i)) return false;
    return true;
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    return this.#view;
  }

  #learn(hash: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#count === MOST_STRINGS || this.#used + LONGEST > MOST_POOL_BYTES) this.#forget();
    if (this.#count === this.#hash.length) this.#grow();
    if (this.#used + LONGEST > this.#pool.length) {
      const larger = Buffer.allocUnsafeSlow(this.#pool.length * 4);
      this.#pool.copy(larger, 0, 0, this.#used);
      this.#pool = larger;
      this.#poolView = viewOf(larger);
    }
    const entry = this.#count++;
    const offset = this.#used;
    let plain = 1;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte < 0x20 || byte === 0x22 || byte === 0x5c) plain = 0;
      this.#pool[this.#used++] = byte;
    }
    this.#plain[entry] = plain;
    const index = this.#strings.intern(this.#pool.toString('utf8', offset, this.#used));
    this.#hash[entry] = hash;
    this.#offset[entry] = offset;
    this.#length[entry] = end - start;
    this.#index[entry] = index;
    this.#next[this.#last] = entry;
    this.#last = entry;
    this.#place(entry);
    return index;
  }

  #forget(): void {
    this.#slots.fill(0);
    this.#next.fill(0);
    this.#lastAt.fill(0);
    this.#count = 0;
    this.#used = 0;
    this.#last = 0;
  }

  #grow(): void {
    const size = this.#count * 2;
    this.#hash = grown(this.#hash, new Int32Array(size));
    this.#offset = grown(this.#offset, new Int32Array(size));
    this.#length = grown(this.#length, new Int32Array(size));
    this.#index = grown(this.#index, new Int32Array(size));
    this.#next = grown(this.#next, new Int32Array(size));
    this.#plain = grown(this.#plain, new Uint8Array(size));
    this.#slots = new Int32Array(size * 2);
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry);
  }

  #place(entry: number): void {
    const hash = this.#hash[entry]!;
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }
}

/** Four bytes a step; the multiplier is the golden ratio's, as in Fibonacci hashing. */
function hashBytes(view: DataView, bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    hash = Math.imul(hash ^ view.getInt32(i), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 13);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function grown<A extends Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
