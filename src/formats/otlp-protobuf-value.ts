import { AttributeType } from '../model/trace.ts';
import type { Id } from './otlp-id.ts';
import type { OtlpSink } from './otlp-sink.ts';
import { MalformedProtobuf, type ProtobufCursor } from './protobuf-cursor.ts';

/** Nesting of arrays and lists in one attribute value; protobuf libraries stop at 100 as well. */
const DEEPEST_VALUE = 100;

/** Fields of records whose strings are expected to repeat, for `ByteInterner.internAt`; keys have theirs behind these. */
export const Place = { span: 1, event: 2, severity: 3, body: 4, scope: 5, version: 6, other: 7 } as const;
const FIRST_KEY_PLACE = 128;

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** The small parts of OTLP's protobuf: ids, strings, attributes and their values, into the sink. */
export class OtlpProtobufValues {
  readonly #in: ProtobufCursor;
  readonly #sink: OtlpSink;

  constructor(cursor: ProtobufCursor, sink: OtlpSink) {
    this.#in = cursor;
    this.#sink = sink;
  }

  /** The text of a log record's body: a string as it is, anything else as JSON. */
  body(start: number, end: number): number {
    if (start < end && this.#in.bytes[start] === 0x0a) {
      this.#in.p = start + 1;
      const index = this.stringAt(Place.body, end);
      if (this.#in.p === end) return index;
    }
    const value = this.#anyValue(start, end, 0);
    const text = value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    return this.#sink.builder.strings.intern(text);
  }

  /** An attribute of a record, where it is asked for: of the others only the key is read. */
  attribute(start: number, end: number): void {
    const { bytes } = this.#in;
    const length = bytes[start + 1]!;
    const keyEnd = start + 2 + length;
    const from = keyEnd + 2;
    // What every writer writes: a short key, then a value of less than 128 bytes.
    if (bytes[start] !== 0x0a || length >= 0x80 || from > end || bytes[keyEnd] !== 0x12) {
      this.keyValue(start, end);
      this.#sink.dropUnwanted();
      return;
    }
    const { wanted, names, builder } = this.#sink;
    if (!wanted.maybe(bytes, start + 2, keyEnd)) return;
    const key = names.intern(bytes, start + 2, keyEnd);
    if (!wanted.has(key, builder.strings.strings)) return;
    if (bytes[keyEnd + 1]! < 0x80 && from + bytes[keyEnd + 1]! === end) this.#value(key, from, end);
    else this.keyValue(start, end);
  }

  keyValue(start: number, end: number): void {
    const sink = this.#sink;
    let key = 0;
    let from = 0;
    let to = 0;
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      if (tag === 0x0a) key = this.#key(end);
      else if (tag === 0x12) {
        to = this.#in.lengthEnd(end);
        from = this.#in.p;
        this.#in.p = to;
      } else if (tag === 0x18) {
        this.#in.varint(end);
        sink.builder.warnings.add('string-index', 'keys or values given as an index outside of profiles: not readable');
      } else this.#in.skip(tag, end);
    }
    this.#value(key, from, to);
  }

  /** The value in `[from, to)` of a key. */
  #value(key: number, from: number, to: number): void {
    const sink = this.#sink;
    // Values of one field, which is all that writers write; the last field counts where there are several.
    const tag = from < to ? this.#in.bytes[from]! : 0;
    this.#in.p = from + 1;
    switch (tag) {
      case 0x0a: {
        const index = this.stringAt(FIRST_KEY_PLACE + (key & 0x7f), to);
        if (this.#in.p === to) {
          sink.attribute(key, AttributeType.string, index);
          return;
        }
        break;
      }
      case 0x10: {
        const value = this.#in.varint(to);
        if (this.#in.p === to) {
          sink.attribute(key, AttributeType.bool, value === 0 ? 0 : 1);
          return;
        }
        break;
      }
      case 0x18:
        this.#in.varint(to);
        if (this.#in.p === to) {
          this.#intAttribute(key);
          return;
        }
        break;
      case 0x21:
        if (this.#in.p + 8 === to) {
          sink.attribute(key, AttributeType.double, this.#in.view.getFloat64(this.#in.p, true));
          return;
        }
        break;
      case 0x3a: {
        const stop = this.#in.lengthEnd(to);
        if (stop === to) {
          sink.attribute(key, AttributeType.bytes, sink.builder.strings.intern(this.#base64(this.#in.p, to)));
          return;
        }
        break;
      }
      default:
    }
    const value = this.#anyValue(from, to, 0);
    sink.attribute(key, AttributeType.json, sink.builder.strings.intern(JSON.stringify(value)));
  }

  #intAttribute(key: number): void {
    const value = (this.#in.high | 0) * 0x1_0000_0000 + this.#in.low;
    if (Number.isSafeInteger(value)) this.#sink.attribute(key, AttributeType.int, value);
    else {
      const text = ((BigInt(this.#in.high | 0) << 32n) | BigInt(this.#in.low)).toString();
      this.#sink.attribute(key, AttributeType.bigint, this.#sink.builder.strings.intern(text));
    }
  }

  /** Any value as JSON has it; integers beyond 2^53 and bytes (base64) as text. */
  #anyValue(start: number, end: number, depth: number): JsonValue {
    if (depth > DEEPEST_VALUE) throw new MalformedProtobuf();
    let value: JsonValue = null;
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      switch (tag) {
        case 0x0a:
          value = this.#sink.builder.strings.strings[this.#key(end)]!;
          break;
        case 0x10:
          value = this.#in.varint(end) !== 0;
          break;
        case 0x18: {
          this.#in.varint(end);
          const number = (this.#in.high | 0) * 0x1_0000_0000 + this.#in.low;
          const exact = (BigInt(this.#in.high | 0) << 32n) | BigInt(this.#in.low);
          value = Number.isSafeInteger(number) ? number : exact.toString();
          break;
        }
        case 0x21:
          if (this.#in.p + 8 > end) throw new MalformedProtobuf();
          value = doubleJson(this.#in.view.getFloat64(this.#in.p, true));
          this.#in.p += 8;
          break;
        case 0x2a: {
          const stop = this.#in.lengthEnd(end);
          const list: JsonValue[] = [];
          while (this.#in.p < stop) {
            const inner = this.#in.varint(stop);
            if (inner === 0x0a) {
              const last = this.#in.lengthEnd(stop);
              list.push(this.#anyValue(this.#in.p, last, depth + 1));
              this.#in.p = last;
            } else this.#in.skip(inner, stop);
          }
          value = list;
          break;
        }
        case 0x32: {
          const stop = this.#in.lengthEnd(end);
          const map = new Map<string, JsonValue>();
          while (this.#in.p < stop) {
            const inner = this.#in.varint(stop);
            if (inner === 0x0a) {
              const last = this.#in.lengthEnd(stop);
              this.#keyAndAnyValue(map, last, depth + 1);
              this.#in.p = last;
            } else this.#in.skip(inner, stop);
          }
          value = Object.fromEntries(map);
          break;
        }
        case 0x3a: {
          const stop = this.#in.lengthEnd(end);
          value = this.#base64(this.#in.p, stop);
          this.#in.p = stop;
          break;
        }
        default:
          this.#in.skip(tag, end);
      }
    }
    return value;
  }

  #keyAndAnyValue(map: Map<string, JsonValue>, end: number, depth: number): void {
    let key = 0;
    let value: JsonValue = null;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      if (tag === 0x0a) key = this.#key(end);
      else if (tag === 0x12) {
        const stop = this.#in.lengthEnd(end);
        value = this.#anyValue(this.#in.p, stop, depth);
        this.#in.p = stop;
      } else this.#in.skip(tag, end);
    }
    map.set(this.#sink.builder.strings.strings[key]!, value);
  }

  #base64(start: number, end: number): string {
    const bytes = this.#in.bytes;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('base64');
  }

  id(id: Id, end: number): void {
    const stop = this.#in.lengthEnd(end);
    const length = stop - this.#in.p;
    const view = this.#in.view;
    id.present = length > 0;
    id.whole = length === id.words * 4;
    if (id.whole) {
      id.w0 = view.getUint32(this.#in.p);
      id.w1 = view.getUint32(this.#in.p + 4);
      if (id.words === 4) {
        id.w2 = view.getUint32(this.#in.p + 8);
        id.w3 = view.getUint32(this.#in.p + 12);
      }
    }
    this.#in.p = stop;
  }

  /** A string in a place of its own: `Place`, or that of a key. */
  stringAt(place: number, end: number): number {
    const stop = this.#in.lengthEnd(end);
    const index = this.#sink.names.internAt(place, this.#in.bytes, this.#in.p, stop);
    this.#in.p = stop;
    return index;
  }

  /** Keys follow each other in the same order from record to record. */
  #key(end: number): number {
    const stop = this.#in.lengthEnd(end);
    const index = this.#sink.names.intern(this.#in.bytes, this.#in.p, stop);
    this.#in.p = stop;
    return index;
  }
}

/** JSON has no word for them; the protobuf mapping writes them as text. */
function doubleJson(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}
