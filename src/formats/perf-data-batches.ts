import type { Source } from '../base/source.ts';
import type { PerfHeader } from './perf-data-header.ts';
import { RecordType } from './perf-data-record.ts';

/** Whole records in memory. Offsets of each, in file order. */
export interface RecordBatch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The same bytes in pairs of words, the lower half of each 64-bit value first, whatever the byte order of the file. */
  readonly words: Int32Array;
  readonly offsets: readonly number[];
  /** Records of it that wait in the queue, and the one that reads it: at 0 its memory may be used again. */
  users: number;
}

const RANGE_BYTES = 1 << 22;
/** More are not kept: a queue that once held many rounds would hold its memory for ever. */
const MOST_FREE = 8;

/**
 * Memory of batches that are done with, for the next ones: new memory for each would be cleared by the system page by
 * page, and collected as garbage.
 */
export class BatchMemory {
  readonly #free: Uint8Array[] = [];
  readonly #own = new WeakMap<ArrayBufferLike, Uint8Array>();

  take(): Uint8Array {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const bytes = new Uint8Array(RANGE_BYTES);
    this.#own.set(bytes.buffer, bytes);
    return bytes;
  }

  /** One user of the batch is done with it. */
  release(batch: RecordBatch): void {
    batch.users--;
    if (batch.users > 0 || this.#free.length === MOST_FREE) return;
    const own = this.#own.get(batch.bytes.buffer);
    if (own !== undefined) this.#free.push(own);
  }
}

/** Why the records ended before the data did. */
export type Damage = (reason: string) => void;

/** The data section in batches of whole records. Bytes that are no record end it, with a word to `damage`. */
export async function* recordBatches(
  source: Source,
  header: PerfHeader,
  damage: Damage,
  memory: BatchMemory = new BatchMemory(),
): AsyncGenerator<RecordBatch, void> {
  const splitter = new RecordSplitter(header.littleEndian, damage);
  const { fill } = source;
  if (!header.pipe && fill !== undefined) {
    yield* filledBatches(fill, header, splitter, memory, damage);
    return;
  }
  for await (const chunk of header.pipe ? pipedData(source) : filedData(source, header, damage)) {
    const batch = splitter.push(chunk);
    if (batch !== undefined) yield batch;
    if (splitter.broken) return;
  }
  splitter.end();
}

/** Records that a range cuts are read again at the beginning of the next one: nothing is copied. */
function* filledBatches(
  fill: NonNullable<Source['fill']>,
  header: PerfHeader,
  splitter: RecordSplitter,
  memory: BatchMemory,
  damage: Damage,
): Generator<RecordBatch, void> {
  const end = dataEnd(header, damage);
  for (let offset = header.dataOffset; offset < end; ) {
    const into = memory.take();
    const got = fill(offset, into.subarray(0, Math.min(into.length, end - offset)));
    if (got === 0) {
      if (header.dataSize !== undefined) damage(`the data ends ${end - offset} bytes early`);
      break;
    }
    const batch = splitter.push(into.subarray(0, got));
    offset += got;
    // At the end of the data what is left is a record that is cut off; a record larger than a range there is none.
    if (offset < end && got === into.length) offset -= splitter.takeRest();
    if (batch !== undefined) yield batch;
    if (splitter.broken) return;
  }
  splitter.end();
}

function dataEnd(header: PerfHeader, damage: Damage): number {
  if (header.dataSize !== undefined) return header.dataOffset + header.dataSize;
  damage('the recording was never finished (perf did not write its header)');
  return Number.POSITIVE_INFINITY;
}

async function* pipedData(source: Source): AsyncGenerator<Uint8Array> {
  let skip = 16;
  for await (const chunk of source.chunks()) {
    if (skip < chunk.length) yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}

async function* filedData(source: Source, header: PerfHeader, damage: Damage): AsyncGenerator<Uint8Array> {
  const end = dataEnd(header, damage);
  let offset = header.dataOffset;
  while (offset < end) {
    const bytes = await source.range(offset, Math.min(RANGE_BYTES, end - offset));
    if (bytes.length === 0) {
      if (header.dataSize !== undefined) damage(`the data ends ${end - offset} bytes early`);
      return;
    }
    yield bytes;
    offset += bytes.length;
  }
}

/** Records stand at multiples of 8 bytes; typed arrays read several times as fast as a `DataView`. */
function wordsOf(view: DataView, end: number, littleEndian: boolean): Int32Array {
  const count = (end >> 3) * 2;
  const native = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  if (native && littleEndian && (view.byteOffset & 3) === 0) return new Int32Array(view.buffer, view.byteOffset, count);
  const words = new Int32Array(count);
  const low = littleEndian ? 0 : 4;
  for (let i = 0; i < count; i += 2) {
    words[i] = view.getInt32(i * 4 + low, littleEndian);
    words[i + 1] = view.getInt32(i * 4 + 4 - low, littleEndian);
  }
  return words;
}

/** Cuts a stream of bytes into batches of whole records; what is left over waits for the next chunk. */
export class RecordSplitter {
  broken = false;
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes that follow an AUXTRACE record and belong to no record: nothing of them is read. */
  #skip = 0;
  readonly #littleEndian: boolean;
  readonly #damage: Damage;

  constructor(littleEndian: boolean, damage: Damage) {
    this.#littleEndian = littleEndian;
    this.#damage = damage;
  }

  push(chunk: Uint8Array): RecordBatch | undefined {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const offsets: number[] = [];
    let at = Math.min(this.#skip, bytes.length);
    this.#skip -= at;
    while (this.#skip === 0 && at + 8 <= bytes.length) {
      const size = view.getUint16(at + 6, this.#littleEndian);
      if (size < 8) {
        this.#damage(`a record says that it has ${size} bytes`);
        this.broken = true;
        break;
      }
      if (at + size > bytes.length) break;
      const type = view.getUint32(at, this.#littleEndian);
      let next = at + size;
      if (type === RecordType.headerTracingData && size >= 12) {
        next += (view.getUint32(at + 8, this.#littleEndian) + 7) & ~7;
        if (next > bytes.length) break;
      }
      offsets.push(at);
      if (type === RecordType.auxtrace && size >= 16) {
        const extra =
          view.getUint32(at + 8, this.#littleEndian) + view.getUint32(at + 12, this.#littleEndian) * 2 ** 32;
        this.#skip = Math.max(0, next + extra - bytes.length);
        next = Math.min(next + extra, bytes.length);
      }
      at = next;
    }
    this.#rest = bytes.subarray(at);
    if (offsets.length === 0) return undefined;
    return { bytes, view, words: wordsOf(view, at, this.#littleEndian), offsets, users: 1 };
  }

  /** How many bytes are left over: they will be read again. */
  takeRest(): number {
    const { length } = this.#rest;
    this.#rest = new Uint8Array(0);
    return length;
  }

  end(): void {
    if (!this.broken && (this.#rest.length > 0 || this.#skip > 0)) this.#damage('the last record is cut off');
  }
}
