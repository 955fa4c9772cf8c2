import { float64Column, int32Column, uint8Column, uint16Column, uint32Column } from '../base/column.ts';
import { Interner } from '../base/interner.ts';
import { Warnings } from '../base/warnings.ts';
import { IdTable } from './id-table.ts';
import { SpanRows } from './span-rows.ts';
import {
  AttributeType,
  type AttributeValue,
  type Batch,
  type Resource,
  type Scope,
  type Trace,
  type TraceProcess,
} from './trace.ts';

const TWO_32 = 0x1_0000_0000;
/** Times farther than this from the epoch are not exact in a float64: 104 days. */
const EXACT_NS = 2 ** 53;

/** A span's fixed fields; attributes, events and links follow by their own calls before the next span begins. */
export interface SpanInput {
  readonly trace: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly parentHigh: number;
  readonly parentLow: number;
  /** Index of an interned string. */
  readonly name: number;
  readonly kind: number;
  readonly status: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly scope: number;
  readonly batch: number;
  /** Hash of all of the span's content, given by readers of data that may hold retried requests. */
  readonly print?: number;
}

export interface LogInput {
  readonly timeNs: number;
  readonly severity: number;
  readonly body: number;
  /** -1 = none. */
  readonly trace: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly scope: number;
  readonly batch: number;
}

/**
 * The way into a `Trace`. One builder takes several files, so that they share one epoch and one string table.
 * Order of calls: `span()` (or `log()`), its `attribute()`s, then each `event()`/`link()` with its `attribute()`s:
 * an attribute belongs to what was added last.
 */
export class TraceBuilder {
  readonly warnings: Warnings = new Warnings();
  readonly strings: Interner = new Interner();
  readonly traceIds: IdTable = new IdTable(4);
  readonly #name: string;
  readonly #resources: Resource[] = [];
  readonly #resourceOf = new Map<string, number>();
  readonly #scopes: Scope[] = [];
  readonly #scopeOf = new Map<string, number>();
  readonly #processes: TraceProcess[] = [{ pid: 0, key: '', name: '' }];
  readonly #processOf = new Map<string, number>([['0,,', 0]]);
  readonly #batches: Batch[] = [];
  #requests = 0;
  #epochHigh = 0;
  #epochLow = 0;
  #epochSet = false;
  readonly #spans = {
    trace: uint32Column(),
    idHigh: uint32Column(),
    idLow: uint32Column(),
    parentHigh: uint32Column(),
    parentLow: uint32Column(),
    name: uint32Column(),
    kind: uint8Column(),
    status: uint8Column(),
    startNs: float64Column(),
    endNs: float64Column(),
    scope: uint32Column(),
    batch: uint32Column(),
    attrStart: uint32Column(),
    attrCount: uint16Column(),
    eventStart: uint32Column(),
    eventCount: uint16Column(),
    linkStart: uint32Column(),
    linkCount: uint16Column(),
  };
  /** Of each span; given up when reading is over. */
  #prints = uint32Column();
  readonly #rows = new SpanRows(this.#spans);
  readonly #events = {
    span: uint32Column(),
    name: uint32Column(),
    timeNs: float64Column(),
    attrStart: uint32Column(),
    attrCount: uint16Column(),
  };
  readonly #links = {
    span: uint32Column(),
    trace: uint32Column(),
    idHigh: uint32Column(),
    idLow: uint32Column(),
    attrStart: uint32Column(),
    attrCount: uint16Column(),
  };
  readonly #logs = {
    timeNs: float64Column(),
    severity: uint8Column(),
    body: uint32Column(),
    trace: int32Column(),
    idHigh: uint32Column(),
    idLow: uint32Column(),
    scope: uint32Column(),
    batch: uint32Column(),
    attrStart: uint32Column(),
    attrCount: uint16Column(),
  };
  readonly #attributes = { key: uint32Column(), type: uint8Column(), value: float64Column() };
  /** Attribute counter of what was added last. */
  #owner: { attrCount: ReturnType<typeof uint16Column> } | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get spanCount(): number {
    return this.#spans.trace.length;
  }

  get logCount(): number {
    return this.#logs.body.length;
  }

  /**
   * Unix nanoseconds, as the two 32-bit words of a fixed64, to nanoseconds after this builder's epoch. The first
   * time sets the epoch; `finish()` moves it to the earliest one. A clock that starts near 0 (generated traces) keeps
   * the epoch 0. What a source leaves out (0 among real times) is for its reader to notice, not a time.
   */
  timeNs(high: number, low: number): number {
    if (!this.#epochSet) {
      const nearZero = high * TWO_32 < EXACT_NS;
      this.#epochHigh = nearZero ? 0 : high;
      this.#epochLow = nearZero ? 0 : low;
      this.#epochSet = true;
    }
    return (high - this.#epochHigh) * TWO_32 + (low - this.#epochLow);
  }

  timeOfUnixNs(unixNs: bigint): number {
    return this.timeNs(Number(unixNs >> 32n), Number(unixNs & 0xffff_ffffn));
  }

  resource(attributes: ReadonlyMap<string, AttributeValue>): number {
    const key = JSON.stringify([...attributes]);
    let index = this.#resourceOf.get(key);
    if (index === undefined) {
      const serviceName = String(attributes.get('service.name') ?? '');
      index = this.#resources.push({ serviceName, attributes }) - 1;
      this.#resourceOf.set(key, index);
    }
    return index;
  }

  scope(name: string, version = ''): number {
    const key = `${name}\0${version}`;
    let index = this.#scopeOf.get(key);
    if (index === undefined) {
      index = this.#scopes.push({ name, version }) - 1;
      this.#scopeOf.set(key, index);
    }
    return index;
  }

  process(process: TraceProcess): number {
    const key = `${process.pid},${process.key},${process.name}`;
    let index = this.#processOf.get(key);
    if (index === undefined) {
      index = this.#processes.push(process) - 1;
      this.#processOf.set(key, index);
    }
    return index;
  }

  /** Begins the next export request; returns its number. */
  request(): number {
    return this.#requests++;
  }

  batch(batch: Batch): number {
    return this.#batches.push(batch) - 1;
  }

  /**
   * Adds a span and returns its row; -1 where the same span with the same print is already there (a request that was
   * sent again), in which case nothing is added and nothing of it may follow.
   */
  span(input: SpanInput): number {
    const s = this.#spans;
    const same = this.#rows.find(input.trace, input.idHigh, input.idLow);
    if (same !== -1 && input.print !== undefined && this.#prints.get(same) === input.print) {
      this.warnings.add(
        'retried-spans',
        'spans arrived more than once and are counted once: their request was retried',
      );
      return -1;
    }
    if (same !== -1) this.warnings.add('duplicate-spans', 'different spans share a trace and span id');
    s.trace.push(input.trace);
    s.idHigh.push(input.idHigh);
    s.idLow.push(input.idLow);
    s.parentHigh.push(input.parentHigh);
    s.parentLow.push(input.parentLow);
    s.name.push(input.name);
    s.kind.push(input.kind);
    s.status.push(input.status);
    s.startNs.push(input.startNs);
    s.endNs.push(input.endNs);
    s.scope.push(input.scope);
    s.batch.push(input.batch);
    s.attrStart.push(this.#attributes.key.length);
    s.attrCount.push(0);
    s.eventStart.push(this.#events.span.length);
    s.eventCount.push(0);
    s.linkStart.push(this.#links.span.length);
    this.#prints.push(input.print ?? 0);
    const row = s.linkCount.push(0);
    if (same === -1) this.#rows.add(row);
    this.#owner = s;
    return row;
  }

  /** An event of the span added last. */
  event(name: number, timeNs: number): void {
    const e = this.#events;
    const span = this.spanCount - 1;
    e.span.push(span);
    e.name.push(name);
    e.timeNs.push(timeNs);
    e.attrStart.push(this.#attributes.key.length);
    e.attrCount.push(0);
    this.#spans.eventCount.set(span, this.#spans.eventCount.get(span) + 1);
    this.#owner = e;
  }

  /** A link of the span added last. */
  link(trace: number, idHigh: number, idLow: number): void {
    const l = this.#links;
    const span = this.spanCount - 1;
    l.span.push(span);
    l.trace.push(trace);
    l.idHigh.push(idHigh);
    l.idLow.push(idLow);
    l.attrStart.push(this.#attributes.key.length);
    l.attrCount.push(0);
    this.#spans.linkCount.set(span, this.#spans.linkCount.get(span) + 1);
    this.#owner = l;
  }

  log(input: LogInput): number {
    const l = this.#logs;
    l.timeNs.push(input.timeNs);
    l.severity.push(input.severity);
    l.body.push(input.body);
    l.trace.push(input.trace);
    l.idHigh.push(input.idHigh);
    l.idLow.push(input.idLow);
    l.scope.push(input.scope);
    l.batch.push(input.batch);
    l.attrStart.push(this.#attributes.key.length);
    this.#owner = l;
    return l.attrCount.push(0);
  }

  /** `type` is one of `AttributeType`; `value` the number, or the index of an interned string for text types. */
  attribute(key: number, type: number, value: number): void {
    const owner = this.#owner!;
    this.#attributes.key.push(key);
    this.#attributes.type.push(type);
    this.#attributes.value.push(value);
    const last = owner.attrCount.length - 1;
    owner.attrCount.set(last, owner.attrCount.get(last) + 1);
  }

  /** The same for readers whose values are already JavaScript values. */
  attributeOf(key: string, value: AttributeValue): void {
    const k = this.strings.intern(key);
    if (typeof value === 'string') this.attribute(k, AttributeType.string, this.strings.intern(value));
    else if (typeof value === 'boolean') this.attribute(k, AttributeType.bool, value ? 1 : 0);
    else this.attribute(k, Number.isInteger(value) ? AttributeType.int : AttributeType.double, value);
  }

  finish(): Trace {
    const s = this.#spans;
    const l = this.#logs;
    this.#prints = uint32Column();
    const shift = this.#earliest();
    const moved = (column: ReturnType<typeof float64Column>): Float64Array => {
      const times = column.finish();
      for (let i = 0; i < times.length; i++) {
        const t = times[i]! - shift;
        if (Math.abs(t) >= EXACT_NS) {
          this.warnings.add('time-out-of-range', 'times farther than 104 days from the rest are not exact');
        }
        times[i] = t;
      }
      return times;
    };
    const resolve = (trace: number, high: number, low: number): number => {
      if (trace < 0 || (high === 0 && low === 0)) return -1;
      return this.#rows.find(trace, high, low);
    };
    const parent = new Int32Array(s.trace.length);
    for (let i = 0; i < parent.length; i++) {
      parent[i] = resolve(s.trace.get(i), s.parentHigh.get(i), s.parentLow.get(i));
    }
    const target = new Int32Array(this.#links.span.length);
    for (let i = 0; i < target.length; i++) {
      target[i] = resolve(this.#links.trace.get(i), this.#links.idHigh.get(i), this.#links.idLow.get(i));
    }
    const logSpan = new Int32Array(l.body.length);
    for (let i = 0; i < logSpan.length; i++) logSpan[i] = resolve(l.trace.get(i), l.idHigh.get(i), l.idLow.get(i));
    const epoch = (BigInt(this.#epochHigh) << 32n) + BigInt(this.#epochLow) + BigInt(shift);
    return {
      name: this.#name,
      strings: this.strings.strings,
      epochNs: epoch,
      traceIds: this.traceIds,
      resources: this.#resources,
      scopes: this.#scopes,
      processes: this.#processes,
      batches: this.#batches.map(b => (b.arrivalNs === undefined ? b : { ...b, arrivalNs: b.arrivalNs - shift })),
      spans: {
        length: s.trace.length,
        trace: s.trace.finish(),
        idHigh: s.idHigh.finish(),
        idLow: s.idLow.finish(),
        parentHigh: s.parentHigh.finish(),
        parentLow: s.parentLow.finish(),
        parent,
        name: s.name.finish(),
        kind: s.kind.finish(),
        status: s.status.finish(),
        startNs: moved(s.startNs),
        endNs: moved(s.endNs),
        scope: s.scope.finish(),
        batch: s.batch.finish(),
        attrStart: s.attrStart.finish(),
        attrCount: s.attrCount.finish(),
        eventStart: s.eventStart.finish(),
        eventCount: s.eventCount.finish(),
        linkStart: s.linkStart.finish(),
        linkCount: s.linkCount.finish(),
      },
      events: {
        length: this.#events.span.length,
        span: this.#events.span.finish(),
        name: this.#events.name.finish(),
        timeNs: moved(this.#events.timeNs),
        attrStart: this.#events.attrStart.finish(),
        attrCount: this.#events.attrCount.finish(),
      },
      links: {
        length: this.#links.span.length,
        span: this.#links.span.finish(),
        trace: this.#links.trace.finish(),
        idHigh: this.#links.idHigh.finish(),
        idLow: this.#links.idLow.finish(),
        target,
        attrStart: this.#links.attrStart.finish(),
        attrCount: this.#links.attrCount.finish(),
      },
      logs: {
        length: l.body.length,
        timeNs: moved(l.timeNs),
        severity: l.severity.finish(),
        body: l.body.finish(),
        trace: l.trace.finish(),
        idHigh: l.idHigh.finish(),
        idLow: l.idLow.finish(),
        span: logSpan,
        scope: l.scope.finish(),
        batch: l.batch.finish(),
        attrStart: l.attrStart.finish(),
        attrCount: l.attrCount.finish(),
      },
      attributes: {
        length: this.#attributes.key.length,
        key: this.#attributes.key.finish(),
        type: this.#attributes.type.finish(),
        value: this.#attributes.value.finish(),
      },
      warnings: this.warnings.list(),
    };
  }

  /** The earliest start, event or log time within the exact range. */
  #earliest(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const column of [this.#spans.startNs, this.#events.timeNs, this.#logs.timeNs]) {
      for (let i = 0; i < column.length; i++) {
        const t = column.get(i);
        if (t < earliest && t > -EXACT_NS) earliest = t;
      }
    }
    return earliest === Number.POSITIVE_INFINITY ? 0 : earliest;
  }
}
