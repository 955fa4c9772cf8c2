import { type Column, uint32Column } from '../base/column.ts';
import { ColumnTable } from '../base/column-table.ts';
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
  /** Two hashes of all of the record's content, its resource included: 64 bits, since a record has no id of its own. */
  readonly print?: readonly [number, number];
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
  readonly #spans = new ColumnTable(rows => ({
    trace: new Uint32Array(rows),
    idHigh: new Uint32Array(rows),
    idLow: new Uint32Array(rows),
    parentHigh: new Uint32Array(rows),
    parentLow: new Uint32Array(rows),
    name: new Uint32Array(rows),
    kind: new Uint8Array(rows),
    status: new Uint8Array(rows),
    startNs: new Float64Array(rows),
    endNs: new Float64Array(rows),
    scope: new Uint32Array(rows),
    batch: new Uint32Array(rows),
    attrStart: new Uint32Array(rows),
    attrCount: new Uint16Array(rows),
    eventStart: new Uint32Array(rows),
    eventCount: new Uint16Array(rows),
    linkStart: new Uint32Array(rows),
    linkCount: new Uint16Array(rows),
  }));
  /** Of each span; given up when reading is over. */
  #prints: Column<Uint32Array> = uint32Column();
  /** Of log records, with the request that first brought each; given up like the others. */
  #logPrints = new IdTable(2);
  #logRequests: Column<Uint32Array> = uint32Column();
  readonly #rows = new SpanRows(this.#spans);
  readonly #events = new ColumnTable(rows => ({
    span: new Uint32Array(rows),
    name: new Uint32Array(rows),
    timeNs: new Float64Array(rows),
    attrStart: new Uint32Array(rows),
    attrCount: new Uint16Array(rows),
  }));
  readonly #links = new ColumnTable(rows => ({
    span: new Uint32Array(rows),
    trace: new Uint32Array(rows),
    idHigh: new Uint32Array(rows),
    idLow: new Uint32Array(rows),
    attrStart: new Uint32Array(rows),
    attrCount: new Uint16Array(rows),
  }));
  readonly #logs = new ColumnTable(rows => ({
    timeNs: new Float64Array(rows),
    severity: new Uint8Array(rows),
    body: new Uint32Array(rows),
    trace: new Int32Array(rows),
    idHigh: new Uint32Array(rows),
    idLow: new Uint32Array(rows),
    scope: new Uint32Array(rows),
    batch: new Uint32Array(rows),
    attrStart: new Uint32Array(rows),
    attrCount: new Uint16Array(rows),
  }));
  readonly #attributes = new ColumnTable(rows => ({
    key: new Uint32Array(rows),
    type: new Uint8Array(rows),
    value: new Float64Array(rows),
  }));
  /** Attribute counters of the table that was added to last, and the row there. */
  #ownerCounts = new Uint16Array(0);
  #ownerRow = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get spanCount(): number {
    return this.#spans.length;
  }

  get logCount(): number {
    return this.#logs.length;
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
    const row = s.add();
    const { at } = s;
    at.trace[row] = input.trace;
    at.idHigh[row] = input.idHigh;
    at.idLow[row] = input.idLow;
    at.parentHigh[row] = input.parentHigh;
    at.parentLow[row] = input.parentLow;
    at.name[row] = input.name;
    at.kind[row] = input.kind;
    at.status[row] = input.status;
    at.startNs[row] = input.startNs;
    at.endNs[row] = input.endNs;
    at.scope[row] = input.scope;
    at.batch[row] = input.batch;
    at.attrStart[row] = this.#attributes.length;
    at.eventStart[row] = this.#events.length;
    at.linkStart[row] = this.#links.length;
    this.#prints.push(input.print ?? 0);
    if (same === -1) this.#rows.add(row);
    this.#ownerCounts = at.attrCount;
    this.#ownerRow = row;
    return row;
  }

  /** An event of the span added last. */
  event(name: number, timeNs: number): void {
    const row = this.#events.add();
    const { at } = this.#events;
    const span = this.spanCount - 1;
    at.span[row] = span;
    at.name[row] = name;
    at.timeNs[row] = timeNs;
    at.attrStart[row] = this.#attributes.length;
    this.#spans.at.eventCount[span]!++;
    this.#ownerCounts = at.attrCount;
    this.#ownerRow = row;
  }

  /** A link of the span added last. */
  link(trace: number, idHigh: number, idLow: number): void {
    const row = this.#links.add();
    const { at } = this.#links;
    const span = this.spanCount - 1;
    at.span[row] = span;
    at.trace[row] = trace;
    at.idHigh[row] = idHigh;
    at.idLow[row] = idLow;
    at.attrStart[row] = this.#attributes.length;
    this.#spans.at.linkCount[span]!++;
    this.#ownerCounts = at.attrCount;
    this.#ownerRow = row;
  }

  log(input: LogInput): number {
    if (input.print !== undefined && this.#arrivedBefore(input.print, this.#batches[input.batch]!.request)) return -1;
    const row = this.#logs.add();
    const { at } = this.#logs;
    at.timeNs[row] = input.timeNs;
    at.severity[row] = input.severity;
    at.body[row] = input.body;
    at.trace[row] = input.trace;
    at.idHigh[row] = input.idHigh;
    at.idLow[row] = input.idLow;
    at.scope[row] = input.scope;
    at.batch[row] = input.batch;
    at.attrStart[row] = this.#attributes.length;
    this.#ownerCounts = at.attrCount;
    this.#ownerRow = row;
    return row;
  }

  /** Two records of one request may well be alike (a clock of milliseconds); one that another request brought is the same. */
  #arrivedBefore(print: readonly [number, number], request: number): boolean {
    const at = this.#logPrints.intern(print[0], print[1]);
    if (at === this.#logRequests.length) {
      this.#logRequests.push(request);
      return false;
    }
    if (this.#logRequests.get(at) === request) return false;
    this.warnings.add(
      'retried-logs',
      'log records arrived more than once and are counted once: their request was retried',
    );
    return true;
  }

  /** `type` is one of `AttributeType`; `value` the number, or the index of an interned string for text types. */
  attribute(key: number, type: number, value: number): void {
    const row = this.#attributes.add();
    const { at } = this.#attributes;
    at.key[row] = key;
    at.type[row] = type;
    at.value[row] = value;
    this.#ownerCounts[this.#ownerRow]!++;
  }

  /** Several attributes at once, of the same shape: `[from, to)` of three arrays that a reader has gathered them in. */
  attributes(keys: Int32Array, types: Uint8Array, values: Float64Array, from: number, to: number): void {
    const first = this.#attributes.addMany(to - from);
    const { key, type, value } = this.#attributes.at;
    for (let row = first, i = from; i < to; row++, i++) {
      key[row] = keys[i]!;
      type[row] = types[i]!;
      value[row] = values[i]!;
    }
    this.#ownerCounts[this.#ownerRow]! += to - from;
  }

  /** The same for readers whose values are already JavaScript values. */
  attributeOf(key: string, value: AttributeValue): void {
    const k = this.strings.intern(key);
    if (typeof value === 'string') this.attribute(k, AttributeType.string, this.strings.intern(value));
    else if (typeof value === 'boolean') this.attribute(k, AttributeType.bool, value ? 1 : 0);
    else this.attribute(k, Number.isInteger(value) ? AttributeType.int : AttributeType.double, value);
  }

  finish(): Trace {
    this.#prints = uint32Column();
    this.#logPrints = new IdTable(2);
    this.#logRequests = uint32Column();
    const shift = this.#earliest();
    const spans = this.#spans.finish();
    const events = this.#events.finish();
    const links = this.#links.finish();
    const logs = this.#logs.finish();
    for (const times of [spans.startNs, spans.endNs, events.timeNs, logs.timeNs]) this.#move(times, shift);
    const parent = new Int32Array(this.#spans.length);
    for (let i = 0; i < parent.length; i++) {
      parent[i] = this.#resolve(spans.trace[i]!, spans.parentHigh[i]!, spans.parentLow[i]!);
    }
    const target = new Int32Array(this.#links.length);
    for (let i = 0; i < target.length; i++) {
      target[i] = this.#resolve(links.trace[i]!, links.idHigh[i]!, links.idLow[i]!);
    }
    const logSpan = new Int32Array(this.#logs.length);
    for (let i = 0; i < logSpan.length; i++) {
      logSpan[i] = this.#resolve(logs.trace[i]!, logs.idHigh[i]!, logs.idLow[i]!);
    }
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
      spans: { length: this.#spans.length, ...spans, parent },
      events: { length: this.#events.length, ...events },
      links: { length: this.#links.length, ...links, target },
      logs: { length: this.#logs.length, ...logs, span: logSpan },
      attributes: { length: this.#attributes.length, ...this.#attributes.finish() },
      warnings: this.warnings.list(),
    };
  }

  /** Times to nanoseconds after the epoch that the earliest time has set. */
  #move(times: Float64Array, shift: number): void {
    for (let i = 0; i < times.length; i++) {
      const t = times[i]! - shift;
      if (Math.abs(t) >= EXACT_NS) {
        this.warnings.add('time-out-of-range', 'times farther than 104 days from the rest are not exact');
      }
      times[i] = t;
    }
  }

  /** Row of the span of this id; -1 = none. */
  #resolve(trace: number, high: number, low: number): number {
    if (trace < 0 || (high === 0 && low === 0)) return -1;
    return this.#rows.find(trace, high, low);
  }

  /** The earliest start, event or log time within the exact range. */
  #earliest(): number {
    let earliest = Number.POSITIVE_INFINITY;
    const tables = [
      { times: this.#spans.at.startNs, length: this.#spans.length },
      { times: this.#events.at.timeNs, length: this.#events.length },
      { times: this.#logs.at.timeNs, length: this.#logs.length },
    ];
    for (const { times, length } of tables) {
      for (let i = 0; i < length; i++) {
        const t = times[i]!;
        if (t < earliest && t > -EXACT_NS) earliest = t;
      }
    }
    return earliest === Number.POSITIVE_INFINITY ? 0 : earliest;
  }
}
