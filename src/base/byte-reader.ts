/**
 * A cursor over bytes of either byte order. Reading past the end throws `RangeError`, which readers of damaged files
 * turn into their own words. 64-bit values come as float64: exact below 2^53, and addresses near 2^64 (kernels) come
 * as small negative numbers from `address()`.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, littleEndian = true, at = 0) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(count: number): void {
    this.at += count;
  }

  u8(): number {
    return this.#view.getUint8(this.at++);
  }

  i8(): number {
    return this.#view.getInt8(this.at++);
  }

  u16(): number {
    const value = this.#view.getUint16(this.at, this.littleEndian);
    this.at += 2;
    return value;
  }

  i16(): number {
    const value = this.#view.getInt16(this.at, this.littleEndian);
    this.at += 2;
    return value;
  }

  u32(): number {
    const value = this.#view.getUint32(this.at, this.littleEndian);
    this.at += 4;
    return value;
  }

  i32(): number {
    const value = this.#view.getInt32(this.at, this.littleEndian);
    this.at += 4;
    return value;
  }

  u64(): number {
    const low = this.#view.getUint32(this.at + (this.littleEndian ? 0 : 4), this.littleEndian);
    const high = this.#view.getUint32(this.at + (this.littleEndian ? 4 : 0), this.littleEndian);
    this.at += 8;
    return high * 4294967296 + low;
  }

  /** A signed 64-bit value; also an address, with those of kernels below zero, where float64 is exact. */
  i64(): number {
    const low = this.#view.getUint32(this.at + (this.littleEndian ? 0 : 4), this.littleEndian);
    const high = this.#view.getInt32(this.at + (this.littleEndian ? 4 : 0), this.littleEndian);
    this.at += 8;
    return high * 4294967296 + low;
  }

  bigU64(): bigint {
    const value = this.#view.getBigUint64(this.at, this.littleEndian);
    this.at += 8;
    return value;
  }

  /** Unsigned LEB128; bits beyond 2^53 lose precision. */
  uleb(): number {
    let byte = this.#view.getUint8(this.at++);
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    do {
      byte = this.#view.getUint8(this.at++);
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return value;
  }

  sleb(): number {
    let value = 0;
    let scale = 1;
    let byte: number;
    do {
      byte = this.#view.getUint8(this.at++);
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return (byte & 0x40) !== 0 ? value - scale : value;
  }

  /** Bytes up to a NUL (or the end), as UTF-8; the cursor is left behind the NUL. */
  cString(): string {
    const text = cStringAt(this.bytes, this.at);
    const end = this.bytes.indexOf(0, this.at);
    this.at = end === -1 ? this.bytes.length : end + 1;
    return text;
  }

  take(length: number): Uint8Array {
    if (length < 0 || length > this.left) throw new RangeError('past the end of the bytes');
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }
}

const decoder = new TextDecoder();

/** The NUL-terminated string at `start`; short ASCII ones without the decoder, which costs more than they do. */
export function cStringAt(bytes: Uint8Array, start: number): string {
  let end = start;
  let ascii = true;
  while (end < bytes.length && bytes[end] !== 0) {
    if (bytes[end]! >= 0x80) ascii = false;
    end++;
  }
  if (!ascii || end - start > 48) return decoder.decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
