/**
 * OTLP as JSON, parsed from bytes into columns without building objects: lines, one object of any size, lists,
 * `batches` and Tempo's `trace` around it. As lenient as the collector: snake_case, enum names, numbers as text.
 */
import type { ByteWindow } from '../base/byte-window.ts';
import { TprofError } from '../base/errors.ts';
import type { AttributeValue } from '../model/trace.ts';
import { JsonCursor, MalformedJson, NEED_MORE } from './json-cursor.ts';
import { OtlpJsonRecords } from './otlp-json-record.ts';
import { Word } from './otlp-json-words.ts';
import type { OtlpSignal, OtlpSink } from './otlp-sink.ts';

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
  readonly #json: JsonCursor;
  readonly #records: OtlpJsonRecords;
  readonly #levels: Level[] = [];
  readonly #recordsBefore: number;
  #signal: OtlpSignal = 'traces';
  #resourceKnown = false;
  #scopeKnown = false;
  /** Looking for the next line that begins an object, after something unreadable. */
  #lost = false;
  #damage = '';
  /** Offset in the source of `bytes[0]`, for messages. */
  #base = 0;

  constructor(name: string, sink: OtlpSink) {
    this.#name = name;
    this.#sink = sink;
    this.#json = new JsonCursor(sink.names);
    this.#records = new OtlpJsonRecords(this.#json, sink);
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
        else if (this.#signal === 'traces') this.#records.span();
        else if (this.#signal === 'logs') this.#records.log();
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

  #rootMember(): void {
    const json = this.#json;
    const word = this.#records.key();
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
    const word = this.#records.key();
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
    const word = this.#records.key();
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
        if (this.#records.key() === word) {
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
        if (this.#records.key() === Word.attributes) {
          this.#records.attributes(() => {
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
        const word = this.#records.key();
        if (word === Word.name) name = json.string();
        else if (word === Word.version) version = json.string();
        else json.skipValue();
      }
      json.p++;
    }
    this.#scopeKnown = true;
    this.#sink.beginScope(this.#sink.scope(name, version));
  }
}

/** How far records are looked through for the resource behind them. */
const AHEAD_BYTES = 64 << 20;
