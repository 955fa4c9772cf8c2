import { cStringAt } from '../base/byte-reader.ts';
import type { Source } from '../base/source.ts';

/** What is read at once; few enough bytes that a unit's header costs little, enough that an entry needs one read. */
const BLOCK_BYTES = 16384;

/**
 * The bytes of a section, as far as somebody needed them: debug information of a large program is hundreds of
 * megabytes, of which symbols of a few thousand places touch a few. What was not asked for reads as 0.
 */
export class SectionBytes {
  readonly bytes: Uint8Array;
  /** 1 = the block is here; undefined = all are. */
  readonly #blocks: Uint8Array | undefined;
  readonly #fill: (offset: number, into: Uint8Array) => void;

  private constructor(bytes: Uint8Array, fill?: (offset: number, into: Uint8Array) => void) {
    this.bytes = bytes;
    this.#blocks = fill === undefined ? undefined : new Uint8Array(Math.ceil(bytes.length / BLOCK_BYTES));
    this.#fill = fill ?? (() => {});
  }

  static whole(bytes: Uint8Array): SectionBytes {
    return new SectionBytes(bytes);
  }

  /** Bytes that are fetched when they are needed: memory that is never touched is never given by the system. */
  static of(fill: NonNullable<Source['fill']>, offset: number, size: number): SectionBytes {
    return new SectionBytes(new Uint8Array(size), (at, into) => fill(offset + at, into));
  }

  /** Makes the bytes from `start` to `end` (exclusive) be here. */
  need(start: number, end: number): void {
    const blocks = this.#blocks;
    if (blocks === undefined) return;
    const last = Math.min(blocks.length, Math.ceil(end / BLOCK_BYTES));
    for (let block = Math.max(0, Math.floor(start / BLOCK_BYTES)); block < last; block++) {
      if (blocks[block] === 1) continue;
      const first = block;
      while (block < last && blocks[block] === 0) blocks[block++] = 1;
      this.#fill(first * BLOCK_BYTES, this.bytes.subarray(first * BLOCK_BYTES, block * BLOCK_BYTES));
    }
  }

  /** The NUL-terminated string at `at`. */
  text(at: number): string {
    const { bytes } = this;
    for (let end = at; ; ) {
      this.need(end, end + 256);
      const limit = Math.min(bytes.length, end + 256);
      while (end < limit && bytes[end] !== 0) end++;
      if (end < limit || end >= bytes.length) return cStringAt(bytes, at);
    }
  }
}
