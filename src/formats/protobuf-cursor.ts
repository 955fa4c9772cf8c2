/** The bytes are not a protobuf message of the expected shape. Never leaves `src/formats`. */
export class MalformedProtobuf extends Error {}

/** Reads protobuf's wire format from `bytes[p, …)`, in place: https://protobuf.dev/programming-guides/encoding/. */
export class ProtobufCursor {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  p = 0;
  /** The words of the varint read last. */
  low = 0;
  high = 0;

  use(bytes: Uint8Array): void {
    if (this.bytes === bytes) return;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** A fixed64 into `high` and `low`. */
  fixed64(end: number): void {
    if (this.p + 8 > end) throw new MalformedProtobuf();
    this.low = this.view.getUint32(this.p, true);
    this.high = this.view.getUint32(this.p + 4, true);
    this.p += 8;
  }

  /** Reads a length; where its bytes end. */
  lengthEnd(end: number): number {
    const length = this.varint(end);
    const stop = this.p + length;
    if (this.high !== 0 || stop > end) throw new MalformedProtobuf();
    return stop;
  }

  /** Low 32 bits, unsigned, of the varint at `p`; `low` and `high` keep all 64. */
  varint(end: number): number {
    const bytes = this.bytes;
    if (this.p >= end) throw new MalformedProtobuf();
    let b = bytes[this.p++]!;
    this.high = 0;
    if (b < 0x80) {
      this.low = b;
      return b;
    }
    let low = b & 0x7f;
    let high = 0;
    let shift = 7;
    do {
      if (this.p >= end || shift > 63) throw new MalformedProtobuf();
      b = bytes[this.p++]!;
      if (shift < 28) low |= (b & 0x7f) << shift;
      else if (shift === 28) {
        low |= (b & 0x0f) << 28;
        high = (b & 0x7f) >>> 4;
      } else high |= (b & 0x7f) << (shift - 32);
      shift += 7;
    } while (b >= 0x80);
    this.low = low >>> 0;
    this.high = high >>> 0;
    return this.low;
  }

  skip(tag: number, end: number): void {
    const wire = tag & 7;
    if (tag < 8) throw new MalformedProtobuf();
    if (wire === 0) this.varint(end);
    else if (wire === 1) this.p += 8;
    else if (wire === 2) this.p = this.lengthEnd(end);
    else if (wire === 5) this.p += 4;
    else throw new MalformedProtobuf();
    if (this.p > end) throw new MalformedProtobuf();
  }
}
