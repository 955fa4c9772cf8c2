import type { FrameIndex, FrameTable } from './profile.ts';

/** A frame as its row in the tables: strings by number. */
export interface FrameRow {
  readonly name: number;
  readonly decoration: number;
  readonly module: number;
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly category: number;
  readonly address: number;
  readonly mapping: number;
  readonly flags: number;
}

const FIRST_FRAMES = 1 << 8;
/** Whole numbers of a frame that stand side by side: all but the address. */
const FIELDS = 9;

/** Frames stored once: an open-addressing table over typed arrays, as a key of text for each lookup costs far more. */
export class FrameInterner {
  #fields = new Int32Array(FIRST_FRAMES * FIELDS);
  #addresses = new Float64Array(FIRST_FRAMES);
  #hashes = new Int32Array(FIRST_FRAMES);
  /** Frame + 1 in each used slot; at most half full. */
  #slots = new Int32Array(FIRST_FRAMES * 2);
  #length = 0;
  readonly #row = new Int32Array(FIELDS);

  intern(frame: FrameRow): FrameIndex {
    const row = this.#row;
    row[0] = frame.name;
    row[1] = frame.decoration;
    row[2] = frame.module;
    row[3] = frame.file;
    row[4] = frame.line;
    row[5] = frame.column;
    row[6] = frame.category;
    row[7] = frame.mapping;
    row[8] = frame.flags & 255;
    const { address } = frame;
    let hash = Math.imul(address | 0, 0x85ebca6b) ^ Math.imul((address / 4294967296) | 0, 0x2c1b3c6d);
    for (let i = 0; i < FIELDS; i++) hash = Math.imul(hash ^ (hash >>> 15) ^ row[i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const found = this.#slots[slot]! - 1;
      if (found < 0) break;
      if (this.#hashes[found] === hash && this.#isRow(found, address)) return found as FrameIndex;
      slot = (slot + 1) & mask;
    }
    if (this.#length === this.#hashes.length) {
      this.#grow();
      return this.intern(frame);
    }
    const index = this.#length++;
    this.#fields.set(row, index * FIELDS);
    this.#addresses[index] = address;
    this.#hashes[index] = hash;
    this.#slots[slot] = index + 1;
    return index as FrameIndex;
  }

  #isRow(frame: number, address: number): boolean {
    const known = this.#addresses[frame]!;
    if (known !== address && !(Number.isNaN(known) && Number.isNaN(address))) return false;
    const fields = this.#fields;
    const row = this.#row;
    for (let i = 0, at = frame * FIELDS; i < FIELDS; i++, at++) if (fields[at] !== row[i]) return false;
    return true;
  }

  finish(): FrameTable {
    const length = this.#length;
    const fields = this.#fields;
    const fill = <A extends Uint32Array | Int32Array | Uint8Array>(column: A, field: number): A => {
      for (let i = 0, at = field; i < length; i++, at += FIELDS) column[i] = fields[at]!;
      return column;
    };
    return {
      length,
      name: fill(new Uint32Array(length), 0),
      decoration: fill(new Uint32Array(length), 1),
      module: fill(new Uint32Array(length), 2),
      file: fill(new Uint32Array(length), 3),
      line: fill(new Uint32Array(length), 4),
      column: fill(new Uint32Array(length), 5),
      category: fill(new Uint32Array(length), 6),
      address: this.#addresses.subarray(0, length),
      mapping: fill(new Int32Array(length), 7),
      flags: fill(new Uint8Array(length), 8),
    };
  }

  #grow(): void {
    const size = this.#hashes.length * 2;
    const fields = new Int32Array(size * FIELDS);
    fields.set(this.#fields);
    const addresses = new Float64Array(size);
    addresses.set(this.#addresses);
    const hashes = new Int32Array(size);
    hashes.set(this.#hashes);
    const slots = new Int32Array(size * 2);
    const mask = slots.length - 1;
    for (let frame = 0; frame < this.#length; frame++) {
      let slot = hashes[frame]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = frame + 1;
    }
    this.#fields = fields;
    this.#addresses = addresses;
    this.#hashes = hashes;
    this.#slots = slots;
  }
}
