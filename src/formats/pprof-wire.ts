/** The bytes are not a protobuf message. Never leaves the reader. */
export class MalformedPprof extends Error {}

/** A cursor over protobuf. A varint is read into `low` and `high`, since JavaScript's numbers do not hold 64 bits. */
export class PprofCursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;
  low = 0;
  high = 0;
  /** Field and wire type of the tag read last. */
  field = 0;
  wire = 0;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Reads the next tag; false at the end. */
  next(): boolean {
    if (this.at >= this.end) return false;
    this.varint();
    this.field = this.low >>> 3;
    this.wire = this.low & 7;
    return true;
  }

  varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (this.at >= this.end || shift > 63) throw new MalformedPprof('a number does not end');
      const byte = this.bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
  }

  /** A 64-bit signed value as a number; beyond 2^53 it is rounded. */
  int(): number {
    this.varint();
    return (this.high | 0) * 2 ** 32 + this.low;
  }

  /** An id: exact, as a number where it fits, otherwise as text. */
  id(): number | string {
    this.varint();
    return this.high < 1 << 21 ? this.high * 2 ** 32 + this.low : `${this.high}:${this.low}`;
  }

  /** A cursor over a length-delimited field. */
  message(): PprofCursor {
    const end = this.#lengthEnd();
    const inner = new PprofCursor(this.bytes, this.at, end);
    this.at = end;
    return inner;
  }

  /** Calls back for each element of a repeated number, packed or not. */
  repeated(take: () => void): void {
    if (this.wire !== 2) {
      take();
      return;
    }
    const outer = this.end;
    this.end = this.#lengthEnd();
    while (this.at < this.end) take();
    this.end = outer;
  }

  skip(): void {
    switch (this.wire) {
      case 0:
        this.varint();
        return;
      case 1:
        this.at += 8;
        break;
      case 2:
        this.at = this.#lengthEnd();
        break;
      case 5:
        this.at += 4;
        break;
      default:
        throw new MalformedPprof(`there is no wire type ${this.wire}`);
    }
    if (this.at > this.end) throw new MalformedPprof('a field is longer than its message');
  }

  #lengthEnd(): number {
    if (this.wire !== 2) throw new MalformedPprof('a number stands where a message should');
    this.varint();
    const end = this.at + this.low;
    if (this.high !== 0 || end > this.end) throw new MalformedPprof('a field is longer than its message');
    return end;
  }
}

/** Writes protobuf fields one behind the other. Absent and zero are the same in proto3, so zeroes are not written. */
export class PprofBytes {
  #bytes = new Uint8Array(256);
  #length = 0;
  readonly #encoder = new TextEncoder();

  /** What was written so far; writing goes on from nothing. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  get length(): number {
    return this.#length;
  }

  int(field: number, value: number | bigint): void {
    if (value === 0 || value === 0n) return;
    this.#varint(field << 3);
    this.#signed(value);
  }

  packed(field: number, values: Iterable<number>): void {
    const inner = new PprofBytes();
    for (const value of values) inner.#signed(value);
    if (inner.#length > 0) this.message(field, inner);
  }

  text(field: number, text: string): void {
    this.#field(field, this.#encoder.encode(text));
  }

  message(field: number, inner: PprofBytes): void {
    this.#field(field, inner.#bytes.subarray(0, inner.#length));
    inner.#length = 0;
  }

  #field(field: number, bytes: Uint8Array): void {
    this.#varint((field << 3) | 2);
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** 64 bits in two's complement: negative values take ten bytes. */
  #signed(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value < 2 ** 53) {
      this.#varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, typeof value === 'bigint' ? value : BigInt(Math.round(value)));
    while (rest > 0x7fn) {
      this.#reserve(1);
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#varint(Number(rest));
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
