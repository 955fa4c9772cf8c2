/**
 * OTLP requests as protobuf, decoded by hand into columns: https://github.com/open-telemetry/opentelemetry-proto.
 * Works in place on the bytes of one request; strings are interned from their bytes, no object is made per span.
 */
import type { AttributeValue } from '../model/trace.ts';
import { otlpSignalOf } from './otlp-framing.ts';
import { Id } from './otlp-id.ts';
import { OtlpProtobufValues, Place } from './otlp-protobuf-value.ts';
import type { OtlpSignal, OtlpSink } from './otlp-sink.ts';
import { MalformedProtobuf, ProtobufCursor } from './protobuf-cursor.ts';

/**
 * Reads requests from byte ranges. The fields of `resource_spans`, `resource_logs` and `resource_metrics` have the
 * same number and shape, so which signal a request is of is seen from the first record inside.
 */
export class OtlpProtobuf {
  readonly #sink: OtlpSink;
  readonly #in = new ProtobufCursor();
  readonly #values: OtlpProtobufValues;
  readonly #linkTrace = new Id(4);
  readonly #linkSpan = new Id(2);
  /** Where the parts of a record lie that are read after its other fields. */
  #parts = new Int32Array(64);
  #cut = false;
  #resourceBytes: Uint8Array = new Uint8Array(0);
  #resource = -1;

  constructor(sink: OtlpSink) {
    this.#sink = sink;
    this.#values = new OtlpProtobufValues(this.#in, sink);
  }

  /**
   * One export request (or TracesData, LogsData, MetricsData) in `bytes[start, end)`. `cut`: the input ends inside
   * it, and the records before the cut are read before this throws.
   */
  request(bytes: Uint8Array, start: number, end: number, cut = false): void {
    this.#in.use(bytes);
    this.#cut = cut;
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      if (tag === 0x0a) {
        const stop = this.#containerEnd(end);
        this.resourcePart(bytes, this.#in.p, stop, cut);
        this.#in.p = stop;
      } else this.#in.skip(tag, end);
    }
  }

  /** The content of one `resource_spans`, `resource_logs` or `resource_metrics` field. */
  resourcePart(bytes: Uint8Array, start: number, end: number, cut = false): void {
    this.#in.use(bytes);
    this.#cut = cut;
    const signal = otlpSignalOf(bytes, start, end);
    if (signal === undefined) return;
    this.#in.p = start;
    // The resource comes first unless the writer is unusual: looked for on its own, then the scopes.
    const stop = this.#findFirst(end);
    this.#sink.beginResource(stop === -1 ? -1 : this.#readResource(this.#in.p, stop));
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      // 1000 is `instrumentation_library_spans`/`_logs` of senders from before scopes (OTLP 0.18).
      if (tag === 0x12 || tag === 0x1f42) {
        const stop = this.#containerEnd(end);
        this.#scopePart(signal, this.#in.p, stop);
        this.#in.p = stop;
      } else this.#in.skip(tag, end);
    }
  }

  #readResource(start: number, end: number): number {
    const known = this.#resourceBytes;
    if (this.#resource !== -1 && known.length === end - start) {
      let same = true;
      for (let i = 0; same && i < known.length; i++) same = known[i] === this.#in.bytes[start + i];
      if (same) return this.#resource;
    }
    const attributes = new Map<string, AttributeValue>();
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      if (tag === 0x0a) {
        const stop = this.#in.lengthEnd(end);
        this.#sink.beginRecord();
        this.#values.keyValue(this.#in.p, stop);
        const [key, value] = this.#sink.lastAttribute();
        attributes.set(key, value);
        this.#in.p = stop;
      } else this.#in.skip(tag, end);
    }
    this.#resource = this.#sink.builder.resource(attributes);
    this.#resourceBytes = this.#in.bytes.slice(start, end);
    return this.#resource;
  }

  #scopePart(signal: OtlpSignal, start: number, end: number): void {
    const sink = this.#sink;
    this.#in.p = start;
    let name = 0;
    let version = 0;
    const scopeEnd = this.#findFirst(end);
    while (this.#in.p < scopeEnd) {
      const inner = this.#in.varint(scopeEnd);
      if (inner === 0x0a) name = this.#values.stringAt(Place.scope, scopeEnd);
      else if (inner === 0x12) version = this.#values.stringAt(Place.version, scopeEnd);
      else this.#in.skip(inner, scopeEnd);
    }
    sink.beginScope(sink.scope(name, version));
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      if (tag === 0x12) {
        const stop = this.#in.lengthEnd(end);
        if (signal === 'traces') this.#span(this.#in.p, stop);
        else if (signal === 'logs') this.#log(this.#in.p, stop);
        else sink.skipMetric(1);
        this.#in.p = stop;
      } else this.#in.skip(tag, end);
    }
  }

  #span(start: number, end: number): void {
    const sink = this.#sink;
    sink.beginRecord();
    let parts = 0;
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      switch (tag) {
        case 0x0a:
          this.#values.id(sink.traceId, end);
          break;
        case 0x12:
          this.#values.id(sink.spanId, end);
          break;
        case 0x22:
          this.#values.id(sink.parentId, end);
          break;
        case 0x2a:
          sink.name = this.#values.stringAt(Place.span, end);
          break;
        case 0x30:
          sink.kind = this.#in.varint(end) & 0xff;
          break;
        case 0x39:
          this.#in.fixed64(end);
          sink.startLow = this.#in.low;
          sink.startHigh = this.#in.high;
          break;
        case 0x41:
          this.#in.fixed64(end);
          sink.endLow = this.#in.low;
          sink.endHigh = this.#in.high;
          break;
        case 0x4a: {
          // Attributes lie together in what every writer writes: read at once, unless events came between.
          const stop = this.#in.lengthEnd(end);
          if (parts === 0) this.#values.attribute(this.#in.p, stop);
          else parts = this.#later(parts, 0x4a, stop);
          this.#in.p = stop;
          break;
        }
        case 0x5a:
        case 0x6a: {
          const stop = this.#in.lengthEnd(end);
          parts = this.#later(parts, tag, stop);
          this.#in.p = stop;
          break;
        }
        case 0x50:
        case 0x60:
        case 0x70:
          sink.dropped += this.#in.varint(end);
          break;
        case 0x7a: {
          const stop = this.#in.lengthEnd(end);
          while (this.#in.p < stop) {
            const inner = this.#in.varint(stop);
            if (inner === 0x12) sink.statusMessage = this.#values.stringAt(Place.other, stop);
            else if (inner === 0x18) sink.status = this.#in.varint(stop) & 0xff;
            else this.#in.skip(inner, stop);
          }
          break;
        }
        default:
          this.#in.skip(tag, end);
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
    this.#parts[count + 1] = this.#in.p;
    this.#parts[count + 2] = stop;
    return count + 3;
  }

  #readParts(count: number): void {
    const sink = this.#sink;
    for (let i = 0; i < count; i += 3) {
      if (this.#parts[i] === 0x4a) this.#values.attribute(this.#parts[i + 1]!, this.#parts[i + 2]!);
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
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      if (tag === 0x09) {
        this.#in.fixed64(end);
        low = this.#in.low;
        high = this.#in.high;
      } else if (tag === 0x12) name = this.#values.stringAt(Place.event, end);
      else if (tag === 0x1a) {
        const stop = this.#in.lengthEnd(end);
        this.#values.attribute(this.#in.p, stop);
        this.#in.p = stop;
      } else if (tag === 0x20) sink.dropped += this.#in.varint(end);
      else this.#in.skip(tag, end);
    }
    sink.event(name, high, low, from);
  }

  #link(start: number, end: number): void {
    const sink = this.#sink;
    const from = sink.attributeCount;
    this.#linkTrace.clear();
    this.#linkSpan.clear();
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      if (tag === 0x0a) this.#values.id(this.#linkTrace, end);
      else if (tag === 0x12) this.#values.id(this.#linkSpan, end);
      else if (tag === 0x22) {
        const stop = this.#in.lengthEnd(end);
        this.#values.attribute(this.#in.p, stop);
        this.#in.p = stop;
      } else if (tag === 0x28) sink.dropped += this.#in.varint(end);
      else this.#in.skip(tag, end);
    }
    sink.link(this.#linkTrace, this.#linkSpan, from);
  }

  #log(start: number, end: number): void {
    const sink = this.#sink;
    sink.beginRecord();
    this.#in.p = start;
    while (this.#in.p < end) {
      const tag = this.#in.varint(end);
      switch (tag) {
        case 0x09:
          this.#in.fixed64(end);
          sink.startLow = this.#in.low;
          sink.startHigh = this.#in.high;
          break;
        case 0x59:
          this.#in.fixed64(end);
          sink.endLow = this.#in.low;
          sink.endHigh = this.#in.high;
          break;
        case 0x10:
          sink.severity = this.#in.varint(end) & 0xff;
          break;
        case 0x1a:
          sink.severityText = this.#values.stringAt(Place.severity, end);
          break;
        case 0x2a: {
          const stop = this.#in.lengthEnd(end);
          sink.body = this.#values.body(this.#in.p, stop);
          this.#in.p = stop;
          break;
        }
        case 0x32: {
          const stop = this.#in.lengthEnd(end);
          this.#values.attribute(this.#in.p, stop);
          this.#in.p = stop;
          break;
        }
        case 0x38:
          sink.dropped += this.#in.varint(end);
          break;
        case 0x4a:
          this.#values.id(sink.traceId, end);
          break;
        case 0x52:
          this.#values.id(sink.spanId, end);
          break;
        case 0x62:
          sink.eventName = this.#values.stringAt(Place.other, end);
          break;
        default:
          this.#in.skip(tag, end);
      }
    }
    sink.ownTo = sink.attributeCount;
    sink.commitLog();
  }

  /** The same for what holds records: of a request that was cut off, as far as it goes. */
  #containerEnd(end: number): number {
    const length = this.#in.varint(end);
    const stop = this.#in.p + length;
    if (this.#in.high !== 0 || (stop > end && !this.#cut)) throw new MalformedProtobuf();
    return Math.min(stop, end);
  }

  /**
   * Goes to the content of field 1 (the resource, the scope) and returns its end; -1 where there is none. What is
   * malformed on the way is for whoever reads the parts to find, in order, after the records before it.
   */
  #findFirst(end: number): number {
    try {
      while (this.#in.p < end) {
        const tag = this.#in.varint(end);
        if (tag === 0x0a) return this.#in.lengthEnd(end);
        this.#in.skip(tag, end);
      }
    } catch (error) {
      if (!(error instanceof MalformedProtobuf)) throw error;
    }
    return -1;
  }
}
