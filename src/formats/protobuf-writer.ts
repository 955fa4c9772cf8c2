// https://protobuf.dev/programming-guides/encoding/

/** Writes protobuf fields into one growing buffer; lengths of nested messages are set once they are known. */
export class ProtobufWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** A nested message: whatever `write` writes. */
  message(field: number, write: () => void): void {
    this.#tag(field, 2);
    // Five bytes hold any length below 2^32; the unused ones are closed afterwards.
    const at = this.#length;
    this.#room(5);
    this.#length += 5;
    write();
    const length = this.#length - at - 5;
    const size = varintSize(length);
    this.#bytes.copyWithin(at + size, at + 5, this.#length);
    this.#length = at;
    this.#raw(length);
    this.#length += length;
  }

  /** Left out when empty, as proto3 does. */
  string(field: number, text: string): void {
    if (text !== '') this.text(field, text);
  }

  /** Written even when empty: members of a oneof, whose presence is what they say. */
  text(field: number, text: string): void {
    this.#tag(field, 2);
    this.#room(text.length * 3 + 5);
    const at = this.#length;
    const { written } = ENCODER.encodeInto(text, this.#bytes.subarray(at + 5));
    const size = varintSize(written);
    this.#bytes.copyWithin(at + size, at + 5, at + 5 + written);
    this.#raw(written);
    this.#length += written;
  }

  /** Bytes from hex text (ids). */
  hex(field: number, hex: string): void {
    this.#tag(field, 2);
    this.#raw(hex.length / 2);
    this.#room(hex.length / 2);
    for (let i = 0; i < hex.length; i += 2) this.#bytes[this.#length++] = Number.parseInt(hex.slice(i, i + 2), 16);
  }

  /** An 8-byte id from two big-endian words. */
  words(field: number, high: number, low: number): void {
    this.#tag(field, 2);
    this.#raw(8);
    this.#room(8);
    this.#view.setUint32(this.#length, high);
    this.#view.setUint32(this.#length + 4, low);
    this.#length += 8;
  }

  varint(field: number, value: number): void {
    this.#tag(field, 0);
    this.#raw(value);
  }

  bool(field: number, value: boolean): void {
    this.varint(field, value ? 1 : 0);
  }

  int64(field: number, value: bigint): void {
    this.#tag(field, 0);
    this.#room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 128n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  fixed64(field: number, value: bigint): void {
    this.#tag(field, 1);
    this.#room(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #tag(field: number, wire: number): void {
    this.#raw(field * 8 + wire);
  }

  #raw(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

const ENCODER = new TextEncoder();

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}
