/**
 * OTLP requests as protobuf, decoded by hand into columns: https://github.com/open-telemetry/opentelemetry-proto.
 * Works in place on the bytes of one request; strings are interned from their bytes, no object is made per span.
 */
import { AttributeType, type AttributeValue } from '../model/trace.ts';
import { otlpSignalOf } from './otlp-framing.ts';
import { Id, type OtlpSignal, type OtlpSink } from './otlp-sink.ts';

/** The bytes are not a protobuf message of the expected shape. Never leaves `src/formats`. */
export class MalformedProtobuf extends Error {}

/** Nesting of arrays and lists in one attribute value; protobuf libraries stop at 100 as well. */
const DEEPEST_VALUE = 100;

/**
 * Reads requests from byte ranges. The fields of `resource_spans`, `resource_logs` and `resource_metrics` have the
 * same number and shape, so which signal a request is of is seen from the first record inside.
 */
export class OtlpProtobuf {
  readonly #sink: OtlpSink;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #p = 0;
  /** The low and high word of the varint read last. */
  #low = 0;
  #high = 0;
  readonly #linkTrace = new Id(4);
  readonly #linkSpan = new Id(2);
  /** Where the parts of a record lie that are read after its other fields. */
  #parts = new Int32Array(64);
  #cut = false;
  #resourceBytes: Uint8Array = new Uint8Array(0);
  #resource = -1;

  constructor(sink: OtlpSink) {
    this.#sink = sink;
  }

  /**
   * One export request (or TracesData, LogsData, MetricsData) in `bytes[start, end)`. `cut`: the input ends inside
   * it, and the records before the cut are read before this throws.
   */
  request(bytes: Uint8Array, start: number, end: number, cut = false): void {
    this.#use(bytes);
    this.#cut = cut;
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) {
        const stop = this.#containerEnd(end);
        this.resourcePart(bytes, this.#p, stop, cut);
        this.#p = stop;
      } else this.#skip(tag, end);
    }
  }

  /** The content of one `resource_spans`, `resource_logs` or `resource_metrics` field. */
  resourcePart(bytes: Uint8Array, start: number, end: number, cut = false): void {
    this.#use(bytes);
    this.#cut = cut;
    const signal = otlpSignalOf(bytes, start, end);
    if (signal === undefined) return;
    this.#p = start;
    // The resource comes first unless the writer is unusual: looked for on its own, then the scopes.
    const stop = this.#findFirst(end);
    this.#sink.beginResource(stop === -1 ? -1 : this.#readResource(this.#p, stop));
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      // 1000 is `instrumentation_library_spans`/`_logs` of senders from before scopes (OTLP 0.18).
      if (tag === 0x12 || tag === 0x1f42) {
        const stop = this.#containerEnd(end);
        this.#scopePart(signal, this.#p, stop);
        this.#p = stop;
      } else this.#skip(tag, end);
    }
  }

  #use(bytes: Uint8Array): void {
    if (this.#bytes === bytes) return;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #readResource(start: number, end: number): number {
    const known = this.#resourceBytes;
    if (this.#resource !== -1 && known.length === end - start) {
      let same = true;
      for (let i = 0; same && i < known.length; i++) same = known[i] === this.#bytes[start + i];
      if (same) return this.#resource;
    }
    const attributes = new Map<string, AttributeValue>();
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) {
        const stop = this.#lengthEnd(end);
        this.#sink.beginRecord();
        this.#keyValue(this.#p, stop);
        const [key, value] = this.#sink.lastAttribute();
        attributes.set(key, value);
        this.#p = stop;
      } else this.#skip(tag, end);
    }
    this.#resource = this.#sink.builder.resource(attributes);
    this.#resourceBytes = this.#bytes.slice(start, end);
    return this.#resource;
  }

  #scopePart(signal: OtlpSignal, start: number, end: number): void {
    const sink = this.#sink;
    this.#p = start;
    let name = 0;
    let version = 0;
    const scopeEnd = this.#findFirst(end);
    while (this.#p < scopeEnd) {
      const inner = this.#varint(scopeEnd);
      if (inner === 0x0a) name = this.#string(scopeEnd);
      else if (inner === 0x12) version = this.#string(scopeEnd);
      else this.#skip(inner, scopeEnd);
    }
    sink.beginScope(sink.scope(name, version));
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      if (tag === 0x12) {
        const stop = this.#lengthEnd(end);
        if (signal === 'traces') this.#span(this.#p, stop);
        else if (signal === 'logs') this.#log(this.#p, stop);
        else sink.skipMetric(1);
        this.#p = stop;
      } else this.#skip(tag, end);
    }
  }

  #span(start: number, end: number): void {
    const sink = this.#sink;
    const view = this.#view;
    sink.beginRecord();
    let parts = 0;
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      switch (tag) {
        case 0x0a:
          this.#id(sink.traceId, end);
          break;
        case 0x12:
          this.#id(sink.spanId, end);
          break;
        case 0x22:
          this.#id(sink.parentId, end);
          break;
        case 0x2a:
          sink.name = this.#string(end);
          break;
        case 0x30:
          sink.kind = this.#varint(end) & 0xff;
          break;
        case 0x39:
          if (this.#p + 8 > end) throw new MalformedProtobuf();
          sink.startLow = view.getUint32(this.#p, true);
          sink.startHigh = view.getUint32(this.#p + 4, true);
          this.#p += 8;
          break;
        case 0x41:
          if (this.#p + 8 > end) throw new MalformedProtobuf();
          sink.endLow = view.getUint32(this.#p, true);
          sink.endHigh = view.getUint32(this.#p + 4, true);
          this.#p += 8;
          break;
        case 0x4a: {
          // Attributes lie together in what every writer writes: read at once, unless events came between.
          const stop = this.#lengthEnd(end);
          if (parts === 0) this.#keyValue(this.#p, stop);
          else parts = this.#later(parts, 0x4a, stop);
          this.#p = stop;
          break;
        }
        case 0x5a:
        case 0x6a: {
          const stop = this.#lengthEnd(end);
          parts = this.#later(parts, tag, stop);
          this.#p = stop;
          break;
        }
        case 0x50:
        case 0x60:
        case 0x70:
          sink.dropped += this.#varint(end);
          break;
        case 0x7a: {
          const stop = this.#lengthEnd(end);
          while (this.#p < stop) {
            const inner = this.#varint(stop);
            if (inner === 0x12) sink.statusMessage = this.#string(stop);
            else if (inner === 0x18) sink.status = this.#varint(stop) & 0xff;
            else this.#skip(inner, stop);
          }
          break;
        }
        default:
          this.#skip(tag, end);
      }
    }
    this.#readParts(parts);
    sink.commitSpan();
  }

  /** Notes a part that lies at `[p, stop)`. */
  #later(count: number, tag: number, stop: number): number {
    if (count + 3 > this.#parts.length) {
      const larger = new Int32Array(this.#parts.length * 2);
      larger.set(this.#parts);
      this.#parts = larger;
    }
    this.#parts[count] = tag;
    this.#parts[count + 1] = this.#p;
    this.#parts[count + 2] = stop;
    return count + 3;
  }

  #readParts(count: number): void {
    const sink = this.#sink;
    for (let i = 0; i < count; i += 3) {
      if (this.#parts[i] === 0x4a) this.#keyValue(this.#parts[i + 1]!, this.#parts[i + 2]!);
    }
    sink.ownTo = sink.attributeCount;
    for (let i = 0; i < count; i += 3) {
      if (this.#parts[i] === 0x5a) this.#event(this.#parts[i + 1]!, this.#parts[i + 2]!);
      else if (this.#parts[i] === 0x6a) this.#link(this.#parts[i + 1]!, this.#parts[i + 2]!);
    }
  }

  #event(start: number, end: number): void {
    const sink = this.#sink;
    const from = sink.attributeCount;
    let name = 0;
    let low = 0;
    let high = 0;
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      if (tag === 0x09) {
        if (this.#p + 8 > end) throw new MalformedProtobuf();
        low = this.#view.getUint32(this.#p, true);
        high = this.#view.getUint32(this.#p + 4, true);
        this.#p += 8;
      } else if (tag === 0x12) name = this.#string(end);
      else if (tag === 0x1a) {
        const stop = this.#lengthEnd(end);
        this.#keyValue(this.#p, stop);
        this.#p = stop;
      } else if (tag === 0x20) sink.dropped += this.#varint(end);
      else this.#skip(tag, end);
    }
    sink.event(name, high, low, from);
  }

  #link(start: number, end: number): void {
    const sink = this.#sink;
    const from = sink.attributeCount;
    this.#linkTrace.clear();
    this.#linkSpan.clear();
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) this.#id(this.#linkTrace, end);
      else if (tag === 0x12) this.#id(this.#linkSpan, end);
      else if (tag === 0x22) {
        const stop = this.#lengthEnd(end);
        this.#keyValue(this.#p, stop);
        this.#p = stop;
      } else if (tag === 0x28) sink.dropped += this.#varint(end);
      else this.#skip(tag, end);
    }
    sink.link(this.#linkTrace, this.#linkSpan, from);
  }

  #log(start: number, end: number): void {
    const sink = this.#sink;
    const view = this.#view;
    sink.beginRecord();
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      switch (tag) {
        case 0x09:
        case 0x59: {
          if (this.#p + 8 > end) throw new MalformedProtobuf();
          const low = view.getUint32(this.#p, true);
          const high = view.getUint32(this.#p + 4, true);
          this.#p += 8;
          if (tag === 0x09) {
            sink.startLow = low;
            sink.startHigh = high;
          } else {
            sink.endLow = low;
            sink.endHigh = high;
          }
          break;
        }
        case 0x10:
          sink.severity = this.#varint(end) & 0xff;
          break;
        case 0x1a:
          sink.severityText = this.#string(end);
          break;
        case 0x2a: {
          const stop = this.#lengthEnd(end);
          sink.body = this.#body(this.#p, stop);
          this.#p = stop;
          break;
        }
        case 0x32: {
          const stop = this.#lengthEnd(end);
          this.#keyValue(this.#p, stop);
          this.#p = stop;
          break;
        }
        case 0x38:
          sink.dropped += this.#varint(end);
          break;
        case 0x4a:
          this.#id(sink.traceId, end);
          break;
        case 0x52:
          this.#id(sink.spanId, end);
          break;
        case 0x62:
          sink.eventName = this.#string(end);
          break;
        default:
          this.#skip(tag, end);
      }
    }
    sink.ownTo = sink.attributeCount;
    sink.commitLog();
  }

  /** The text of a log record's body: a string as it is, anything else as JSON. */
  #body(start: number, end: number): number {
    if (start < end && this.#bytes[start] === 0x0a) {
      this.#p = start + 1;
      const index = this.#string(end);
      if (this.#p === end) return index;
    }
    const value = this.#anyValue(start, end, 0);
    const text = value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    return this.#sink.builder.strings.intern(text);
  }

  #keyValue(start: number, end: number): void {
    const sink = this.#sink;
    let key = 0;
    let from = 0;
    let to = 0;
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) key = this.#string(end);
      else if (tag === 0x12) {
        to = this.#lengthEnd(end);
        from = this.#p;
        this.#p = to;
      } else if (tag === 0x18) {
        this.#varint(end);
        sink.builder.warnings.add('string-index', 'keys or values given as an index outside of profiles: not readable');
      } else this.#skip(tag, end);
    }
    // Values of one field, which is all that writers write; the last field counts where there are several.
    const tag = from < to ? this.#bytes[from]! : 0;
    this.#p = from + 1;
    switch (tag) {
      case 0x0a: {
        const index = this.#string(to);
        if (this.#p === to) {
          sink.attribute(key, AttributeType.string, index);
          return;
        }
        break;
      }
      case 0x10: {
        const value = this.#varint(to);
        if (this.#p === to) {
          sink.attribute(key, AttributeType.bool, value === 0 ? 0 : 1);
          return;
        }
        break;
      }
      case 0x18:
        this.#varint(to);
        if (this.#p === to) {
          this.#intAttribute(key);
          return;
        }
        break;
      case 0x21:
        if (this.#p + 8 === to) {
          sink.attribute(key, AttributeType.double, this.#view.getFloat64(this.#p, true));
          return;
        }
        break;
      case 0x3a: {
        const stop = this.#lengthEnd(to);
        if (stop === to) {
          sink.attribute(key, AttributeType.bytes, sink.builder.strings.intern(this.#base64(this.#p, to)));
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
    const value = (this.#high | 0) * 0x1_0000_0000 + this.#low;
    if (Number.isSafeInteger(value)) this.#sink.attribute(key, AttributeType.int, value);
    else {
      const text = ((BigInt(this.#high | 0) << 32n) | BigInt(this.#low)).toString();
      this.#sink.attribute(key, AttributeType.bigint, this.#sink.builder.strings.intern(text));
    }
  }

  /** Any value as JSON has it; integers beyond 2^53 and bytes (base64) as text. */
  #anyValue(start: number, end: number, depth: number): JsonValue {
    if (depth > DEEPEST_VALUE) throw new MalformedProtobuf();
    let value: JsonValue = null;
    this.#p = start;
    while (this.#p < end) {
      const tag = this.#varint(end);
      switch (tag) {
        case 0x0a:
          value = this.#sink.builder.strings.strings[this.#string(end)]!;
          break;
        case 0x10:
          value = this.#varint(end) !== 0;
          break;
        case 0x18: {
          this.#varint(end);
          const number = (this.#high | 0) * 0x1_0000_0000 + this.#low;
          const exact = (BigInt(this.#high | 0) << 32n) | BigInt(this.#low);
          value = Number.isSafeInteger(number) ? number : exact.toString();
          break;
        }
        case 0x21:
          if (this.#p + 8 > end) throw new MalformedProtobuf();
          value = doubleJson(this.#view.getFloat64(this.#p, true));
          this.#p += 8;
          break;
        case 0x2a: {
          const stop = this.#lengthEnd(end);
          const list: JsonValue[] = [];
          while (this.#p < stop) {
            const inner = this.#varint(stop);
            if (inner === 0x0a) {
              const last = this.#lengthEnd(stop);
              list.push(this.#anyValue(this.#p, last, depth + 1));
              this.#p = last;
            } else this.#skip(inner, stop);
          }
          value = list;
          break;
        }
        case 0x32: {
          const stop = this.#lengthEnd(end);
          const map = new Map<string, JsonValue>();
          while (this.#p < stop) {
            const inner = this.#varint(stop);
            if (inner === 0x0a) {
              const last = this.#lengthEnd(stop);
              this.#keyAndAnyValue(map, last, depth + 1);
              this.#p = last;
            } else this.#skip(inner, stop);
          }
          value = Object.fromEntries(map);
          break;
        }
        case 0x3a: {
          const stop = this.#lengthEnd(end);
          value = this.#base64(this.#p, stop);
          this.#p = stop;
          break;
        }
        default:
          this.#skip(tag, end);
      }
    }
    return value;
  }

  #keyAndAnyValue(map: Map<string, JsonValue>, end: number, depth: number): void {
    let key = 0;
    let value: JsonValue = null;
    while (this.#p < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) key = this.#string(end);
      else if (tag === 0x12) {
        const stop = this.#lengthEnd(end);
        value = this.#anyValue(this.#p, stop, depth);
        this.#p = stop;
      } else this.#skip(tag, end);
    }
    map.set(this.#sink.builder.strings.strings[key]!, value);
  }

  #base64(start: number, end: number): string {
    const bytes = this.#bytes;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('base64');
  }

  #id(id: Id, end: number): void {
    const stop = this.#lengthEnd(end);
    const length = stop - this.#p;
    const view = this.#view;
    id.present = length > 0;
    id.whole = length === id.words * 4;
    if (id.whole) {
      id.w0 = view.getUint32(this.#p);
      id.w1 = view.getUint32(this.#p + 4);
      if (id.words === 4) {
        id.w2 = view.getUint32(this.#p + 8);
        id.w3 = view.getUint32(this.#p + 12);
      }
    }
    this.#p = stop;
  }

  #string(end: number): number {
    const stop = this.#lengthEnd(end);
    const index = this.#sink.names.intern(this.#bytes, this.#p, stop);
    this.#p = stop;
    return index;
  }

  /** Reads a length; where its bytes end. */
  #lengthEnd(end: number): number {
    const length = this.#varint(end);
    const stop = this.#p + length;
    if (this.#high !== 0 || stop > end) throw new MalformedProtobuf();
    return stop;
  }

  /** The same for what holds records: of a request that was cut off, as far as it goes. */
  #containerEnd(end: number): number {
    const length = this.#varint(end);
    const stop = this.#p + length;
    if (this.#high !== 0 || (stop > end && !this.#cut)) throw new MalformedProtobuf();
    return Math.min(stop, end);
  }

  /** Low 32 bits, unsigned, of the varint at `p`; `#low` and `#high` keep all 64. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    if (this.#p >= end) throw new MalformedProtobuf();
    let b = bytes[this.#p++]!;
    this.#high = 0;
    if (b < 0x80) {
      this.#low = b;
      return b;
    }
    let low = b & 0x7f;
    let high = 0;
    let shift = 7;
    do {
      if (this.#p >= end || shift > 63) throw new MalformedProtobuf();
      b = bytes[this.#p++]!;
      if (shift < 28) low |= (b & 0x7f) << shift;
      else if (shift === 28) {
        low |= (b & 0x0f) << 28;
        high = (b & 0x7f) >>> 4;
      } else high |= (b & 0x7f) << (shift - 32);
      shift += 7;
    } while (b >= 0x80);
    this.#low = low >>> 0;
    this.#high = high >>> 0;
    return this.#low;
  }

  /**
   * Goes to the content of field 1 (the resource, the scope) and returns its end; -1 where there is none. What is
   * malformed on the way is for whoever reads the parts to find, in order, after the records before it.
   */
  #findFirst(end: number): number {
    try {
      while (this.#p < end) {
        const tag = this.#varint(end);
        if (tag === 0x0a) return this.#lengthEnd(end);
        this.#skip(tag, end);
      }
    } catch (error) {
      if (!(error instanceof MalformedProtobuf)) throw error;
    }
    return -1;
  }

  #skip(tag: number, end: number): void {
    const wire = tag & 7;
    if (tag < 8) throw new MalformedProtobuf();
    if (wire === 0) this.#varint(end);
    else if (wire === 1) this.#p += 8;
    else if (wire === 2) this.#p = this.#lengthEnd(end);
    else if (wire === 5) this.#p += 4;
    else throw new MalformedProtobuf();
    if (this.#p > end) throw new MalformedProtobuf();
  }
}

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** JSON has no word for them; the protobuf mapping writes them as text. */
function doubleJson(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}
