/**
 * OTLP as JSON, parsed from bytes into columns without building objects: lines, one object of any size, lists,
 * `batches` and Tempo's `trace` around it. As lenient as the collector: snake_case, enum names, numbers as text.
 */
import type { ByteWindow } from '../base/byte-window.ts';
import { TprofError } from '../base/errors.ts';
import { AttributeType, type AttributeValue } from '../model/trace.ts';
import { JsonCursor, MalformedJson, NEED_MORE } from './json-cursor.ts';
import { readId } from './otlp-json-id.ts';
import { plainValue } from './otlp-json-value.ts';
import { OtlpWords, Word } from './otlp-json-words.ts';
import { Id, type OtlpSignal, type OtlpSink } from './otlp-sink.ts';

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

/** Where in the nesting the reader is. Each level but the outermost is an object or a list on the stack. */
type Level = 'root' | 'list' | 'resources' | 'resource' | 'scopes' | 'scope' | 'records';

/** Reads a whole source. Throws `input-invalid` where nothing of it can be read. */
export async function readOtlpJson(name: string, window: ByteWindow, sink: OtlpSink): Promise<void> {
  const reader = new OtlpJson(name, sink);
  let final = false;
  while (!final) {
    const before = window.available;
    const stuck = window.bytes.length > 0 && before > 0;
    // A record that goes on beyond the window: twice as much each time, so that it is scanned log n times at most.
    final = !(await (stuck ? window.need(before * 2) : window.more()));
    window.pos = reader.run(window.bytes, window.pos, window.end, final, window.offset);
  }
  reader.finish();
}

export class OtlpJson {
  readonly #name: string;
  readonly #sink: OtlpSink;
  readonly #words = new OtlpWords();
  readonly #json: JsonCursor;
  readonly #levels: Level[] = [];
  readonly #recordsBefore: number;
  readonly #linkTrace = new Id(4);
  readonly #linkSpan = new Id(2);
  #signal: OtlpSignal = 'traces';
  #resourceKnown = false;
  #scopeKnown = false;
  /** Looking for the next line that begins an object, after something unreadable. */
  #lost = false;
  #damage = '';
  /** Offset in the source of `bytes[0]`, for messages. */
  #base = 0;
  /** Type and value of the attribute value read last. */
  #type = 0;
  #value = 0;

  constructor(name: string, sink: OtlpSink) {
    this.#name = name;
    this.#sink = sink;
    this.#json = new JsonCursor(sink.names);
    this.#recordsBefore = sink.builder.spanCount + sink.builder.logCount;
  }

  /**
   * Reads as far as whole records go; returns where the unread rest begins. `bytes[end]` must be 0. `final`: nothing
   * follows.
   */
  run(bytes: Uint8Array, start: number, end: number, final: boolean, offset: number): number {
    const json = this.#json;
    json.use(bytes, start, end);
    this.#base = offset - start;
    for (;;) {
      let mark = json.p;
      try {
        for (;;) {
          mark = json.p;
          if (this.#lost) this.#findLine();
          else this.#step(final);
        }
      } catch (error) {
        if (error === NEED_MORE) {
          if (final) this.#atEnd(mark);
          return this.#lost ? json.p : mark;
        }
        if (!(error instanceof MalformedJson)) throw error;
        this.#damaged(mark, 'not well-formed JSON');
        json.p = mark;
        this.#lost = true;
        this.#levels.length = 0;
      }
    }
  }

  finish(): void {
    const { builder } = this.#sink;
    const found = builder.spanCount + builder.logCount - this.#recordsBefore;
    if (this.#damage !== '' && found === 0) {
      throw new TprofError('input-invalid', `${this.#name}: expected OTLP as JSON, but ${this.#damage}`, {
        hint: 'the file is cut off or not OTLP: record or export it again',
      });
    }
  }

  #atEnd(mark: number): void {
    const json = this.#json;
    let p = mark;
    while (p < json.end && json.bytes[p]! <= 0x20) p++;
    if (this.#levels.length > 0 || (p < json.end && !this.#lost)) this.#damaged(mark, 'it ends inside a request');
  }

  #damaged(at: number, what: string): void {
    this.#damage = `${what}, near byte ${this.#base + at}`;
    this.#sink.builder.warnings.add(
      'damaged-input',
      'the input is damaged: what could be read is used, the rest is missing',
      { example: `${this.#name}, near byte ${this.#base + at}: ${what}` },
    );
  }

  /** Moves to the next line that begins with `{`. */
  #findLine(): void {
    const json = this.#json;
    for (;;) {
      const at = json.bytes.indexOf(0x0a, json.p);
      if (at === -1 || at >= json.end) {
        json.p = Math.max(json.p, json.end - 1);
        throw NEED_MORE;
      }
      if (at + 1 >= json.end) throw NEED_MORE;
      json.p = at + 1;
      if (json.bytes[json.p] === 0x7b) {
        this.#lost = false;
        return;
      }
    }
  }

  /** One member or element of the innermost level. Commas count as space: what is between them decides. */
  #step(final: boolean): void {
    const json = this.#json;
    const level = this.#levels.at(-1);
    const c = json.peek();
    switch (level) {
      case undefined:
      case 'list':
        if (c === 0x7b) {
          json.p++;
          this.#sink.beginRequest();
          this.#levels.push('root');
        } else if (c === 0x5b) {
          json.p++;
          this.#levels.push('list');
        } else if (c === 0x5d && level === 'list') this.#pop();
        else this.#prefix();
        return;
      case 'root':
        if (c === 0x7d) this.#pop();
        else this.#rootMember();
        return;
      case 'resources':
        if (c === 0x5d) this.#pop();
        else {
          json.expect(0x7b);
          this.#sink.beginResource(-1);
          this.#resourceKnown = false;
          this.#levels.push('resource');
        }
        return;
      case 'resource':
        if (c === 0x7d) this.#pop();
        else this.#resourceMember(final);
        return;
      case 'scopes':
        if (c === 0x5d) this.#pop();
        else {
          json.expect(0x7b);
          this.#sink.beginScope(-1);
          this.#scopeKnown = false;
          this.#levels.push('scope');
        }
        return;
      case 'scope':
        if (c === 0x7d) this.#pop();
        else this.#scopeMember(final);
        return;
      case 'records':
        if (c === 0x5d) this.#pop();
        else if (this.#signal === 'traces') this.#span();
        else if (this.#signal === 'logs') this.#log();
        else {
          json.skipValue();
          this.#sink.skipMetric(1);
        }
        return;
    }
  }

  #pop(): void {
    this.#json.p++;
    this.#levels.pop();
  }

  /** Text before the object on a line (`kubectl logs`, a collector's console): passed over, counted. */
  #prefix(): void {
    const json = this.#json;
    const c = json.peek();
    // A record separator (RFC 7464), or a byte-order mark.
    if (c === 0x1e || (c === 0xef && json.bytes[json.p + 1] === 0xbb)) {
      json.p += c === 0x1e ? 1 : 3;
      return;
    }
    const line = json.bytes.indexOf(0x0a, json.p);
    const stop = line === -1 || line >= json.end ? json.end : line;
    const object = json.bytes.indexOf(0x7b, json.p);
    if (object === -1 || object >= stop) {
      if (stop === json.end) throw NEED_MORE;
      json.p = stop;
    } else json.p = object;
    this.#sink.builder.warnings.add('text-skipped', 'text around the JSON of some lines was passed over');
  }

  #key(): number {
    const json = this.#json;
    const at = json.key();
    return this.#words.find(json.bytes, at, json.keyEnd);
  }

  #rootMember(): void {
    const json = this.#json;
    const word = this.#key();
    switch (word) {
      case Word.resourceSpans:
      case Word.resourceLogs:
      case Word.resourceMetrics:
        if (json.peek() !== 0x5b) {
          json.skipValue();
          return;
        }
        json.p++;
        this.#signal = word === Word.resourceSpans ? 'traces' : word === Word.resourceLogs ? 'logs' : 'metrics';
        this.#levels.push('resources');
        return;
      case Word.trace:
        if (json.peek() !== 0x7b) {
          json.skipValue();
          return;
        }
        json.p++;
        this.#levels.push('root');
        return;
      case Word.status: {
        // Tempo's answer around a trace of which it has, or gives, a part.
        const start = json.p;
        json.skipValue();
        if (/PARTIAL|^1$/.test(json.textOf(start, json.p).slice(0, 40))) {
          const message = 'Tempo gave a part of this trace only: spans are missing';
          this.#sink.builder.warnings.add('partial-trace', message);
        }
        return;
      }
      case Word.resourceProfiles:
        json.skipValue();
        this.#sink.builder.warnings.add('profiles-skipped', 'OTLP profiles among traces and logs are not read');
        return;
      default:
        json.skipValue();
    }
  }

  #resourceMember(final: boolean): void {
    const json = this.#json;
    const word = this.#key();
    if (word === Word.resource) {
      if (this.#resourceKnown) json.skipValue();
      else this.#resource();
    } else if (word === Word.scopeSpans) {
      if (json.peek() !== 0x5b) {
        json.skipValue();
        return;
      }
      if (!this.#resourceKnown) this.#ahead(Word.resource, final);
      this.#resourceKnown = true;
      json.p++;
      this.#levels.push('scopes');
    } else json.skipValue();
  }

  #scopeMember(final: boolean): void {
    const json = this.#json;
    const word = this.#key();
    if (word === Word.scope) {
      if (this.#scopeKnown) json.skipValue();
      else this.#scope();
    } else if (word === Word.records) {
      if (json.peek() !== 0x5b) {
        json.skipValue();
        return;
      }
      if (!this.#scopeKnown) this.#ahead(Word.scope, final);
      this.#scopeKnown = true;
      json.p++;
      this.#levels.push('records');
    } else json.skipValue();
  }

  /**
   * The records come before the resource (or scope) that they belong to: reads that first, then comes back. The
   * object is looked through to its end, or as far as `AHEAD_BYTES` go.
   */
  #ahead(word: number, final: boolean): void {
    const json = this.#json;
    const back = json.p;
    try {
      json.skipValue();
      while (json.peek() !== 0x7d) {
        if (this.#key() === word) {
          if (word === Word.resource) this.#resource();
          else this.#scope();
          break;
        }
        json.skipValue();
      }
    } catch (error) {
      if (error !== NEED_MORE || (!final && json.end - back < AHEAD_BYTES)) throw error;
      if (!final) {
        this.#sink.builder.warnings.add('resource-unknown', 'records stand more than 64 MiB before their resource');
      }
    }
    json.p = back;
  }

  #resource(): void {
    const json = this.#json;
    const sink = this.#sink;
    const attributes = new Map<string, AttributeValue>();
    sink.beginRecord();
    if (json.object()) {
      while (json.peek() !== 0x7d) {
        if (this.#key() === Word.attributes) {
          this.#attributes(() => {
            const [key, value] = sink.lastAttribute();
            attributes.set(key, value);
          });
        } else json.skipValue();
      }
      json.p++;
    }
    this.#resourceKnown = true;
    sink.beginResource(sink.builder.resource(attributes));
  }

  #scope(): void {
    const json = this.#json;
    let name = 0;
    let version = 0;
    if (json.object()) {
      while (json.peek() !== 0x7d) {
        const word = this.#key();
        if (word === Word.name) name = json.string();
        else if (word === Word.version) version = json.string();
        else json.skipValue();
      }
      json.p++;
    }
    this.#scopeKnown = true;
    this.#sink.beginScope(this.#sink.scope(name, version));
  }

  #span(): void {
    const json = this.#json;
    const sink = this.#sink;
    sink.beginRecord();
    json.expect(0x7b);
    while (json.peek() !== 0x7d) {
      switch (this.#key()) {
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
          this.#attributes();
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
        const word = this.#key();
        if (word === Word.time) {
          json.uint64();
          high = json.high;
          low = json.low;
        } else if (word === Word.name) name = json.string();
        else if (word === Word.attributes) this.#attributes();
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
        const word = this.#key();
        if (word === Word.traceId) readId(json, this.#linkTrace);
        else if (word === Word.spanId) readId(json, this.#linkSpan);
        else if (word === Word.attributes) this.#attributes();
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
      const word = this.#key();
      if (word === Word.code) this.#sink.status = this.#enum(true);
      else if (word === Word.message) this.#sink.statusMessage = json.string();
      else json.skipValue();
    }
    json.p++;
  }

  #log(): void {
    const json = this.#json;
    const sink = this.#sink;
    sink.beginRecord();
    json.expect(0x7b);
    while (json.peek() !== 0x7d) {
      switch (this.#key()) {
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
          this.#attributes();
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

  #attributes(each?: () => void): void {
    const json = this.#json;
    if (!json.list()) return;
    while (json.peek() !== 0x5d) {
      json.expect(0x7b);
      let key = 0;
      this.#type = AttributeType.json;
      this.#value = -1;
      while (json.peek() !== 0x7d) {
        const word = this.#key();
        if (word === Word.key) key = json.string();
        else if (word === Word.value) this.#anyValue();
        else json.skipValue();
      }
      json.p++;
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
        switch (this.#key()) {
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

/** How far records are looked through for the resource behind them. */
const AHEAD_BYTES = 64 << 20;
