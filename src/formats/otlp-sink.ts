import { ByteInterner } from '../base/byte-interner.ts';
import { AttributeType, type AttributeValue } from '../model/trace.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';
import type { TraceReadOptions } from './format.ts';
import { Id } from './otlp-id.ts';
import { WantedAttributes } from './otlp-wanted.ts';

export type OtlpSignal = 'traces' | 'logs' | 'metrics';

/** The columns count a record's attributes in 16 bits. */
const MOST_ATTRIBUTES = 0xffff;
const SEVERITY: ReadonlyMap<string, number> = new Map([
  ['TRACE', 1],
  ['DEBUG', 5],
  ['INFO', 9],
  ['WARN', 13],
  ['WARNING', 13],
  ['ERROR', 17],
  ['FATAL', 21],
]);

/**
 * One record of OTLP being read, whatever its encoding: its fields come in any order, so they are gathered here and
 * go to the builder when the record is whole. A record that ends in the middle leaves nothing behind. One object for
 * all records, no object per span.
 */
export class OtlpSink {
  readonly builder: TraceBuilder;
  readonly names: ByteInterner;
  readonly wanted: WantedAttributes;
  readonly #processOf: TraceReadOptions['processOf'];
  /** Number of the request in this source. */
  #request = -1;
  #requestInTrace = 0;
  #resource = -1;
  #batch = -1;
  #scope = -1;

  traceId: Id = new Id(4);
  spanId: Id = new Id(2);
  parentId: Id = new Id(2);
  name = 0;
  kind = 0;
  status = 0;
  statusMessage = 0;
  startHigh = 0;
  startLow = 0;
  endHigh = 0;
  endLow = 0;
  dropped = 0;
  /** Log records: the two times above are `timeUnixNano` and `observedTimeUnixNano`. */
  severity = 0;
  severityText = 0;
  body = 0;
  eventName = 0;

  #keys = new Int32Array(256);
  #types = new Uint8Array(256);
  #values = new Float64Array(256);
  attributeCount = 0;
  /** Of the record itself: `[from, to)` among the attributes. */
  ownFrom = 0;
  ownTo = 0;
  /** Events, five words each: name, time (high, low), attributes from, to. */
  #events = new Float64Array(64);
  #eventCount = 0;
  /** Links, eight words each: trace id (4), span id (2), attributes from, to. */
  #links = new Float64Array(64);
  #linkCount = 0;

  constructor(builder: TraceBuilder, options: TraceReadOptions) {
    this.builder = builder;
    this.names = new ByteInterner(builder.strings);
    this.#processOf = options.processOf;
    this.wanted = new WantedAttributes(options.attributes);
  }

  get requestCount(): number {
    return this.#request + 1;
  }

  beginRequest(): void {
    this.#request++;
    this.#requestInTrace = this.builder.request();
    this.#batch = -1;
  }

  /** What follows belongs to this resource; -1 = the sender named none. */
  beginResource(resource: number): void {
    this.#resource = resource;
    this.#batch = -1;
  }

  /** What follows belongs to this scope (an index of the builder). */
  beginScope(scope: number): void {
    this.#scope = scope;
  }

  beginRecord(): void {
    this.traceId.clear();
    this.spanId.clear();
    this.parentId.clear();
    this.name = 0;
    this.kind = 0;
    this.status = 0;
    this.statusMessage = 0;
    this.startHigh = 0;
    this.startLow = 0;
    this.endHigh = 0;
    this.endLow = 0;
    this.dropped = 0;
    this.severity = 0;
    this.severityText = 0;
    this.body = 0;
    this.eventName = 0;
    this.attributeCount = 0;
    this.ownFrom = 0;
    this.ownTo = 0;
    this.#eventCount = 0;
    this.#linkCount = 0;
  }

  /** `value` is the number, or the index of an interned string, as the type says. */
  attribute(key: number, type: number, value: number): void {
    const at = this.attributeCount;
    if (at === this.#keys.length) {
      this.#keys = grown(this.#keys, new Int32Array(at * 2));
      this.#types = grown(this.#types, new Uint8Array(at * 2));
      this.#values = grown(this.#values, new Float64Array(at * 2));
    }
    this.#keys[at] = key;
    this.#types[at] = type;
    this.#values[at] = value;
    this.attributeCount = at + 1;
  }

  /** Takes back the attribute gathered last where nobody asks for it. */
  dropUnwanted(): void {
    const last = this.attributeCount - 1;
    if (!this.wanted.has(this.#keys[last]!, this.builder.strings.strings)) this.attributeCount = last;
  }

  /** The attribute gathered last, as JavaScript has it: for resources, whose attributes are few. */
  lastAttribute(): [string, AttributeValue] {
    const at = this.attributeCount - 1;
    const { strings } = this.builder.strings;
    const value = this.#values[at]!;
    const key = strings[this.#keys[at]!]!;
    switch (this.#types[at]) {
      case AttributeType.int:
      case AttributeType.double:
        return [key, value];
      case AttributeType.bool:
        return [key, value !== 0];
      default:
        return [key, strings[value]!];
    }
  }

  event(name: number, timeHigh: number, timeLow: number, from: number): void {
    const at = this.#eventCount * 5;
    if (at + 5 > this.#events.length) this.#events = grown(this.#events, new Float64Array(this.#events.length * 2));
    const e = this.#events;
    e[at] = name;
    e[at + 1] = timeHigh;
    e[at + 2] = timeLow;
    e[at + 3] = from;
    e[at + 4] = this.attributeCount;
    this.#eventCount++;
  }

  /** A link whose ids are not of 16 and 8 bytes is counted and left out; its span stays. */
  link(trace: Id, span: Id, from: number): void {
    if (!trace.valid || !span.valid) {
      this.builder.warnings.add('invalid-ids', 'ids that are not 16 bytes (trace) or 8 bytes (span), or are zero', {
        example: 'a link',
      });
      return;
    }
    const at = this.#linkCount * 8;
    if (at + 8 > this.#links.length) this.#links = grown(this.#links, new Float64Array(this.#links.length * 2));
    const l = this.#links;
    l[at] = trace.w0;
    l[at + 1] = trace.w1;
    l[at + 2] = trace.w2;
    l[at + 3] = trace.w3;
    l[at + 4] = span.w0;
    l[at + 5] = span.w1;
    l[at + 6] = from;
    l[at + 7] = this.attributeCount;
    this.#linkCount++;
  }

  /** The record is whole: a span. */
  commitSpan(): void {
    const { builder } = this;
    if (!this.traceId.valid || !this.spanId.valid) {
      this.#rejected('a span');
      return;
    }
    if (this.parentId.present && !this.parentId.valid && !this.parentId.zero)
      this.#rejected('a parent id, read as none');
    this.#noteDropped();
    if (this.status === 2 && this.statusMessage !== 0) this.#append('otel.status_description', this.statusMessage);
    this.#settleTimes();
    const row = builder.span({
      trace: builder.traceIds.intern(this.traceId.w0, this.traceId.w1, this.traceId.w2, this.traceId.w3),
      idHigh: this.spanId.w0,
      idLow: this.spanId.w1,
      parentHigh: this.parentId.valid ? this.parentId.w0 : 0,
      parentLow: this.parentId.valid ? this.parentId.w1 : 0,
      name: this.name,
      kind: this.kind,
      status: this.status,
      startNs: builder.timeNs(this.startHigh, this.startLow),
      endNs: builder.timeNs(this.endHigh, this.endLow),
      scope: this.#currentScope(),
      batch: this.#currentBatch(),
      print: this.#print(),
    });
    if (row === -1) return;
    this.#emit(this.ownFrom, this.ownTo);
    const e = this.#events;
    for (let i = 0, at = 0; i < this.#eventCount; i++, at += 5) {
      builder.event(e[at]!, builder.timeNs(e[at + 1]!, e[at + 2]!));
      this.#emit(e[at + 3]!, e[at + 4]!);
    }
    const l = this.#links;
    for (let i = 0, at = 0; i < this.#linkCount; i++, at += 8) {
      builder.link(builder.traceIds.intern(l[at]!, l[at + 1]!, l[at + 2]!, l[at + 3]!), l[at + 4]!, l[at + 5]!);
      this.#emit(l[at + 6]!, l[at + 7]!);
    }
  }

  /** The record is whole: a log record. Its time is `timeUnixNano`, or the observed one where that is missing. */
  commitLog(): void {
    const { builder } = this;
    if (this.traceId.present && !this.traceId.valid && !this.traceId.zero) this.#rejected("a log record's trace id");
    this.#noteDropped();
    if (this.startHigh === 0 && this.startLow === 0) {
      this.startHigh = this.endHigh;
      this.startLow = this.endLow;
      if (this.endHigh === 0 && this.endLow === 0) {
        builder.warnings.add('times-missing', 'records without a time stand at the time of the record before them');
        this.#lastTime();
      }
    }
    if (this.severity === 0 && this.severityText !== 0) {
      this.severity = SEVERITY.get(builder.strings.strings[this.severityText]!.toUpperCase()) ?? 0;
    }
    if (this.eventName !== 0) this.#append('event.name', this.eventName);
    this.#lastHigh = this.startHigh;
    this.#lastLow = this.startLow;
    const { traceId, spanId } = this;
    const row = builder.log({
      timeNs: builder.timeNs(this.startHigh, this.startLow),
      severity: this.severity,
      body: this.body,
      trace: traceId.valid ? builder.traceIds.intern(traceId.w0, traceId.w1, traceId.w2, traceId.w3) : -1,
      idHigh: spanId.valid ? spanId.w0 : 0,
      idLow: spanId.valid ? spanId.w1 : 0,
      scope: this.#currentScope(),
      batch: this.#currentBatch(),
      print: [this.#logPrint(0x2545f491), this.#logPrint(0x6c8e9cf5)],
    });
    if (row !== -1) this.#emit(this.ownFrom, this.ownTo);
  }

  skipMetric(count: number): void {
    this.builder.warnings.add('metrics-skipped', 'metrics are kept in the file and not analysed', { count });
  }

  /** A scope by its bytes' indices, through the builder. */
  scope(name: number, version: number): number {
    const { strings } = this.builder.strings;
    return this.builder.scope(strings[name]!, strings[version]!);
  }

  #lastHigh = 0;
  #lastLow = 0;

  #lastTime(): void {
    this.startHigh = this.#lastHigh;
    this.startLow = this.#lastLow;
  }

  /** A start or end of 0 beside a real one is a field left out, not 1970. */
  #settleTimes(): void {
    const noStart = this.startHigh === 0 && this.startLow === 0 && this.endHigh !== 0;
    const noEnd = this.endHigh === 0 && this.endLow === 0 && this.startHigh !== 0;
    if (noStart || noEnd) {
      this.builder.warnings.add('times-missing', 'spans without a start or an end are read as points in time');
      if (noStart) {
        this.startHigh = this.endHigh;
        this.startLow = this.endLow;
      } else {
        this.endHigh = this.startHigh;
        this.endLow = this.startLow;
      }
    }
    this.#lastHigh = this.startHigh;
    this.#lastLow = this.startLow;
  }

  #currentScope(): number {
    if (this.#scope === -1) this.#scope = this.builder.scope('');
    return this.#scope;
  }

  #currentBatch(): number {
    if (this.#batch === -1) {
      if (this.#resource === -1) this.#resource = this.builder.resource(new Map<string, AttributeValue>());
      const from = this.#processOf?.(this.#request);
      this.#batch = this.builder.batch({
        resource: this.#resource,
        process: from?.process ?? 0,
        arrivalNs: from?.arrivalNs,
        request: this.#requestInTrace,
      });
    }
    return this.#batch;
  }

  #append(key: string, text: number): void {
    // The record's own attributes need not be the last ones gathered: keep them together by copying them to the end.
    const from = this.attributeCount;
    for (let at = this.ownFrom; at < this.ownTo; at++) {
      this.attribute(this.#keys[at]!, this.#types[at]!, this.#values[at]!);
    }
    this.attribute(this.builder.strings.intern(key), AttributeType.string, text);
    this.ownFrom = from;
    this.ownTo = this.attributeCount;
  }

  #emit(from: number, to: number): void {
    let last = to;
    if (to - from > MOST_ATTRIBUTES) {
      last = from + MOST_ATTRIBUTES;
      this.builder.warnings.add(
        'attributes-dropped',
        'attributes left out by the sender, or beyond 65,535 of one record',
        {
          count: to - last,
        },
      );
    }
    if (last > from) this.builder.attributes(this.#keys, this.#types, this.#values, from, last);
  }

  #noteDropped(): void {
    if (this.dropped === 0) return;
    this.builder.warnings.add('attributes-dropped', 'attributes, events or links that the sender says it left out', {
      count: this.dropped,
    });
  }

  #rejected(what: string): void {
    this.builder.warnings.add('invalid-ids', 'ids that are not 16 bytes (trace) or 8 bytes (span), or are zero', {
      example: what,
    });
  }

  /** Hash of everything in the record: the same span sent again has the same. */
  #print(): number {
    let h = this.name;
    h = mix(h, this.kind * 4 + this.status);
    h = mix(h, this.startHigh);
    h = mix(h, this.startLow);
    h = mix(h, this.endHigh);
    h = mix(h, this.endLow);
    h = mix(h, this.parentId.w1);
    h = this.#attributesPrint(h);
    for (let at = 0; at < this.#eventCount * 5; at++) h = mix(h, this.#events[at]! | 0);
    for (let at = 0; at < this.#linkCount * 8; at++) h = mix(h, this.#links[at]! | 0);
    return h >>> 0;
  }

  #logPrint(seed: number): number {
    let h = mix(seed, this.#resource);
    h = mix(h, this.body);
    h = mix(h, this.severity);
    h = mix(h, this.startHigh);
    h = mix(h, this.startLow);
    h = mix(h, this.traceId.valid ? this.traceId.w3 : 0);
    h = mix(h, this.spanId.valid ? this.spanId.w1 : 0);
    return this.#attributesPrint(h) >>> 0;
  }

  #attributesPrint(seed: number): number {
    let h = seed;
    for (let at = 0; at < this.attributeCount; at++) {
      h = mix(h, this.#keys[at]! * 8 + this.#types[at]!);
      const value = this.#values[at]!;
      h = mix(h, value | 0);
      h = mix(h, (value * 2 ** -32) | 0);
      if (this.#types[at] === AttributeType.double) h = mix(h, (value * 1e6) | 0);
    }
    return h;
  }
}

function mix(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, 0x9e3779b1);
  return h ^ (h >>> 15);
}

function grown<A extends Int32Array | Uint8Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
