import { AttributeType } from '../model/trace.ts';
import { type JsonCursor, MalformedJson } from './json-cursor.ts';
import { Id } from './otlp-id.ts';
import { readId } from './otlp-json-id.ts';
import { plainValue } from './otlp-json-value.ts';
import { OtlpWords, Word } from './otlp-json-words.ts';
import type { OtlpSink } from './otlp-sink.ts';

const ENUM_PREFIX = /^(?:SPAN_KIND|STATUS_CODE|SEVERITY_NUMBER)_/;
const ENUMS: ReadonlyMap<string, number> = new Map([
  ['UNSPECIFIED', 0],
  ['INTERNAL', 1],
  ['SERVER', 2],
  ['CLIENT', 3],
  ['PRODUCER', 4],
  ['CONSUMER', 5],
  ['UNSET', 0],
  ['OK', 1],
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'FATAL'].flatMap((level, i): [string, number][] =>
    ['', '2', '3', '4'].map((n, j) => [level + n, (level === 'FATAL' ? 5 : i) * 4 + j + 1]),
  ),
]);

/** One record of OTLP's JSON at a time (a span, a log record) and their attributes, token by token into the sink. */
export class OtlpJsonRecords {
  readonly #sink: OtlpSink;
  readonly #json: JsonCursor;
  readonly #words = new OtlpWords();
  readonly #linkTrace = new Id(4);
  readonly #linkSpan = new Id(2);
  /** Type and value of the attribute value read last. */
  #type = 0;
  #value = 0;

  constructor(json: JsonCursor, sink: OtlpSink) {
    this.#json = json;
    this.#sink = sink;
  }

  /** The name of the next member, as a number of `Word`. */
  key(): number {
    const json = this.#json;
    const at = json.key();
    return this.#words.find(json.bytes, at, json.keyEnd);
  }

  span(): void {
    const json = this.#json;
    const sink = this.#sink;
    sink.beginRecord();
    json.expect(0x7b);
    while (json.peek() !== 0x7d) {
      switch (this.key()) {
        case Word.traceId:
          readId(json, sink.traceId);
          break;
        case Word.spanId:
          readId(json, sink.spanId);
          break;
        case Word.parentSpanId:
          readId(json, sink.parentId);
          break;
        case Word.name:
          sink.name = json.string();
          break;
        case Word.kind:
          sink.kind = this.#enum(false);
          break;
        case Word.start:
          json.uint64();
          sink.startHigh = json.high;
          sink.startLow = json.low;
          break;
        case Word.end:
          json.uint64();
          sink.endHigh = json.high;
          sink.endLow = json.low;
          break;
        case Word.attributes:
          sink.ownFrom = sink.attributeCount;
          this.attributes();
          sink.ownTo = sink.attributeCount;
          break;
        case Word.events:
          this.#events();
          break;
        case Word.links:
          this.#links();
          break;
        case Word.status:
          this.#status();
          break;
        case Word.dropped:
          json.uint64();
          sink.dropped += json.low;
          break;
        default:
          json.skipValue();
      }
    }
    json.p++;
    sink.commitSpan();
  }

  #events(): void {
    const json = this.#json;
    const sink = this.#sink;
    if (!json.list()) return;
    while (json.peek() !== 0x5d) {
      json.expect(0x7b);
      const from = sink.attributeCount;
      let name = 0;
      let high = 0;
      let low = 0;
      while (json.peek() !== 0x7d) {
        const word = this.key();
        if (word === Word.time) {
          json.uint64();
          high = json.high;
          low = json.low;
        } else if (word === Word.name) name = json.string();
        else if (word === Word.attributes) this.attributes();
        else if (word === Word.dropped) {
          json.uint64();
          sink.dropped += json.low;
        } else json.skipValue();
      }
      json.p++;
      sink.event(name, high, low, from);
    }
    json.p++;
  }

  #links(): void {
    const json = this.#json;
    const sink = this.#sink;
    if (!json.list()) return;
    while (json.peek() !== 0x5d) {
      json.expect(0x7b);
      const from = sink.attributeCount;
      this.#linkTrace.clear();
      this.#linkSpan.clear();
      while (json.peek() !== 0x7d) {
        const word = this.key();
        if (word === Word.traceId) readId(json, this.#linkTrace);
        else if (word === Word.spanId) readId(json, this.#linkSpan);
        else if (word === Word.attributes) this.attributes();
        else if (word === Word.dropped) {
          json.uint64();
          sink.dropped += json.low;
        } else json.skipValue();
      }
      json.p++;
      sink.link(this.#linkTrace, this.#linkSpan, from);
    }
    json.p++;
  }

  #status(): void {
    const json = this.#json;
    if (!json.object()) return;
    while (json.peek() !== 0x7d) {
      const word = this.key();
      if (word === Word.code) this.#sink.status = this.#enum(true);
      else if (word === Word.message) this.#sink.statusMessage = json.string();
      else json.skipValue();
    }
    json.p++;
  }

  log(): void {
    const json = this.#json;
    const sink = this.#sink;
    sink.beginRecord();
    json.expect(0x7b);
    while (json.peek() !== 0x7d) {
      switch (this.key()) {
        case Word.time:
          json.uint64();
          sink.startHigh = json.high;
          sink.startLow = json.low;
          break;
        case Word.observedTime:
          json.uint64();
          sink.endHigh = json.high;
          sink.endLow = json.low;
          break;
        case Word.severityNumber:
          sink.severity = this.#enum(false);
          break;
        case Word.severityText:
          sink.severityText = json.string();
          break;
        case Word.body:
          sink.body = this.#body();
          break;
        case Word.attributes:
          sink.ownFrom = sink.attributeCount;
          this.attributes();
          sink.ownTo = sink.attributeCount;
          break;
        case Word.traceId:
          readId(json, sink.traceId);
          break;
        case Word.spanId:
          readId(json, sink.spanId);
          break;
        case Word.eventName:
          sink.eventName = json.string();
          break;
        case Word.dropped:
          json.uint64();
          sink.dropped += json.low;
          break;
        default:
          json.skipValue();
      }
    }
    json.p++;
    sink.commitLog();
  }

  #body(): number {
    const { strings } = this.#sink.builder;
    this.#anyValue();
    switch (this.#type) {
      case AttributeType.int:
      case AttributeType.double:
        return strings.intern(String(this.#value));
      case AttributeType.bool:
        return strings.intern(String(this.#value !== 0));
      default:
        return strings.strings[this.#value] === 'null' && this.#type === AttributeType.json ? 0 : this.#value;
    }
  }

  /** Attributes of a resource, each of which is handed on, or of a record, of which only those asked for are kept. */
  attributes(each?: () => void): void {
    const json = this.#json;
    const { wanted, builder } = this.#sink;
    const isRecord = each === undefined;
    if (!json.list()) return;
    while (json.peek() !== 0x5d) {
      json.expect(0x7b);
      let key = 0;
      let asked = true;
      this.#type = AttributeType.json;
      this.#value = -1;
      while (json.peek() !== 0x7d) {
        const word = this.key();
        if (word === Word.key) {
          key = json.string();
          asked = !isRecord || wanted.has(key, builder.strings.strings);
        } else if (word === Word.value && asked) this.#anyValue();
        else json.skipValue();
      }
      json.p++;
      if (!asked) continue;
      if (this.#value === -1 && this.#type === AttributeType.json)
        this.#value = this.#sink.builder.strings.intern('null');
      this.#sink.attribute(key, this.#type, this.#value);
      each?.();
    }
    json.p++;
  }

  /** An AnyValue into `#type` and `#value`. */
  #anyValue(): void {
    const json = this.#json;
    const { strings } = this.#sink.builder;
    const start = json.p;
    this.#type = AttributeType.json;
    this.#value = -1;
    if (json.object()) {
      while (json.peek() !== 0x7d) {
        switch (this.key()) {
          case Word.stringValue:
            this.#type = AttributeType.string;
            this.#value = json.string();
            break;
          case Word.bytesValue:
            this.#type = AttributeType.bytes;
            this.#value = json.string();
            break;
          case Word.boolValue:
            this.#type = AttributeType.bool;
            this.#value = json.boolean() ? 1 : 0;
            break;
          case Word.intValue: {
            const value = json.integer();
            if (typeof value === 'number') {
              this.#type = AttributeType.int;
              this.#value = value;
            } else {
              this.#type = AttributeType.bigint;
              this.#value = strings.intern(value);
            }
            break;
          }
          case Word.doubleValue:
            this.#type = AttributeType.double;
            this.#value = json.double();
            break;
          case Word.arrayValue: {
            json.skipValue();
            this.#type = AttributeType.json;
            // The whole value again, with JavaScript's own parser: lists are rare and small.
            this.#value = -2;
            break;
          }
          default:
            json.skipValue();
        }
      }
      json.p++;
    }
    if (this.#value === -2 && this.#type === AttributeType.json) {
      this.#value = strings.intern(JSON.stringify(plainValue(parseJson(json.textOf(start, json.p)), 0)));
    } else if (this.#value === -1 && this.#type === AttributeType.json) this.#value = strings.intern('null');
  }

  #enum(status: boolean): number {
    const json = this.#json;
    if (json.peek() !== 0x22) {
      json.uint64();
      return json.low & 0xff;
    }
    const text = this.#sink.builder.strings.strings[json.string()]!;
    if (/^\d+$/.test(text)) return Number(text) & 0xff;
    const name = text.replace(ENUM_PREFIX, '');
    if (name.startsWith('ERROR')) return status ? 2 : 16 + Number(name.slice(5) || 1);
    const value = ENUMS.get(name);
    if (value === undefined) {
      this.#sink.builder.warnings.add('unknown-enum', 'names of kinds, codes or severities that OTLP does not have', {
        example: text,
      });
    }
    return value ?? 0;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedJson();
  }
}
