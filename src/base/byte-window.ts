import type { Source } from './source.ts';

/** Fewest bytes that a refill brings, where the source has them. */
const REFILL_BYTES = 256 << 10;
/** Small inputs stay small. */
const FIRST_BYTES = 16 << 10;

/**
 * A sliding window over a stream of chunks: `bytes[pos, end)` is what is known and not yet consumed. Readers parse in
 * place, move `pos`, and ask for `more()` where a record goes on beyond `end`. `bytes[end]` is always 0, so that
 * scanning loops for text need no test of their own. Grows only to the largest single record.
 */
export class ByteWindow {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  pos = 0;
  end = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #onProgress: ((bytes: number) => void) | undefined;
  #read = 0;

  constructor(source: Source, onProgress?: (bytes: number) => void) {
    this.#chunks = source.chunks()[Symbol.asyncIterator]();
    this.#onProgress = onProgress;
  }

  /** Bytes not yet consumed. */
  get available(): number {
    return this.end - this.pos;
  }

  /** Where `pos` lies in the source. */
  get offset(): number {
    return this.#read - this.available;
  }

  /** Brings at least one byte more; false at the end of the source. Moves what is left to the front: `pos` changes. */
  async more(): Promise<boolean> {
    const before = this.#read;
    while (this.#read - before < REFILL_BYTES) {
      const { value, done } = await this.#chunks.next();
      if (done === true) break;
      this.#append(value);
    }
    this.#onProgress?.(this.#read);
    return this.#read > before;
  }

  /** Makes `count` bytes available; false where the source ends before. */
  async need(count: number): Promise<boolean> {
    while (this.available < count) if (!(await this.more())) return false;
    return true;
  }

  /** Lets go of the source where reading ends early. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #append(chunk: Uint8Array): void {
    const length = this.available + chunk.length;
    if (this.end + chunk.length >= this.bytes.length) {
      const target =
        length + 1 > this.bytes.length ? new Uint8Array(Math.max(length + 1, this.bytes.length * 2)) : this.bytes;
      target.set(this.bytes.subarray(this.pos, this.end));
      this.bytes = target;
      this.end = this.available;
      this.pos = 0;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
    this.bytes[this.end] = 0;
    this.#read += chunk.length;
  }
}
