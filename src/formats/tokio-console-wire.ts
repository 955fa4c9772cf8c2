// https://protobuf.dev/programming-guides/encoding/
import { MalformedProtobuf, ProtobufCursor } from './protobuf-cursor.ts';

/** Takes the field whose tag (field number × 8 + wire type) was just read; false = it is not known, and is skipped. */
export type Take = (tag: number) => boolean;

const text = new TextDecoder();

/** The values that console-subscriber's messages are made of, read in place; times count from `baseSeconds` (Unix). */
export class ConsoleWire {
  readonly #c = new ProtobufCursor();
  readonly #baseSeconds: number;
  /** Where the message being read ends: bound of its scalars. */
  #end = 0;

  constructor(baseSeconds: number) {
    this.#baseSeconds = baseSeconds;
  }

  /** Reads a whole message; false where the bytes are none of that kind. */
  read(bytes: Uint8Array, take: Take): boolean {
    this.#c.use(bytes);
    this.#c.p = 0;
    try {
      this.#fields(bytes.length, take);
      return true;
    } catch (error) {
      if (error instanceof MalformedProtobuf || error instanceof RangeError) return false;
      throw error;
    }
  }

  #fields(end: number, take: Take): void {
    const c = this.#c;
    while (c.p < end) {
      const tag = c.varint(end);
      if (c.high !== 0) throw new MalformedProtobuf();
      this.#end = end;
      if (!take(tag)) c.skip(tag, end);
    }
  }

  /** A nested message, field by field. */
  message(take: Take): void {
    const end = this.#c.lengthEnd(this.#end);
    this.#fields(end, take);
    if (this.#c.p !== end) throw new MalformedProtobuf();
  }

  text(): string {
    const c = this.#c;
    const end = c.lengthEnd(this.#end);
    const value = text.decode(c.bytes.subarray(c.p, end));
    c.p = end;
    return value;
  }

  bytes(): Uint8Array {
    const c = this.#c;
    const end = c.lengthEnd(this.#end);
    const value = c.bytes.slice(c.p, end);
    c.p = end;
    return value;
  }

  /** An `Id`, `MetaId` or `SpanId`: a message with one number. */
  id(): bigint {
    let id = 0n;
    this.message(tag => {
      if (tag !== 0x08) return false;
      id = this.wide();
      return true;
    });
    return id;
  }

  wide(): bigint {
    const c = this.#c;
    c.varint(this.#end);
    return c.high === 0 ? BigInt(c.low) : (BigInt(c.high) << 32n) | BigInt(c.low);
  }

  number(): number {
    const c = this.#c;
    c.varint(this.#end);
    return c.high * 4294967296 + c.low;
  }

  zigzag(): number {
    const value = this.wide();
    return Number((value >> 1n) ^ -(value & 1n));
  }

  /** A Timestamp as ns after the base. */
  time(): number {
    return this.#secondsAndNanos(this.#baseSeconds);
  }

  duration(): number {
    return this.#secondsAndNanos(0);
  }

  #secondsAndNanos(base: number): number {
    const c = this.#c;
    let seconds = 0;
    let nanos = 0;
    this.message(tag => {
      if (tag === 0x08) {
        c.varint(this.#end);
        seconds = (c.high | 0) * 4294967296 + c.low;
      } else if (tag === 0x10) {
        c.varint(this.#end);
        nanos = c.low | 0;
      } else return false;
      return true;
    });
    return (seconds - base) * 1e9 + nanos;
  }
}
