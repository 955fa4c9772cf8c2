/**
 * Whether bytes are an OTLP request that can be read later, without reading it: every tag and length is walked, no
 * string is made. A receiver runs it before it acknowledges.
 */

import { OTLP_MESSAGES } from './otlp-schema.ts';
import type { OtlpSignal } from './otlp-sink.ts';

export type OtlpCheck =
  | { readonly ok: true; readonly records: number; readonly invalidIds: number }
  | { readonly ok: false; readonly why: string };

const ROOTS: Readonly<Record<OtlpSignal, string>> = { traces: 'Traces', logs: 'Logs', metrics: 'Metrics' };
const RECORDS: ReadonlySet<string> = new Set(['Span', 'LogRecord', 'Metric']);
const DEEPEST = 200;
const WIRE_OF: Readonly<Record<string, number>> = {
  bool: 0,
  uint32: 0,
  int64: 0,
  uint64: 0,
  sint32: 0,
  enum: 0,
  double: 1,
  fixed64: 1,
  sfixed64: 1,
  fixed32: 5,
};

interface Shape {
  /** By field number: wire type, or -1 for fields that are not known (passed over). */
  readonly wire: Int8Array;
  /** By field number: the message inside, if any. */
  readonly inner: (Shape | undefined)[];
  readonly packed: Uint8Array;
  /** Field numbers of ids (0 = none), and whether the record is nothing without them. */
  readonly traceId: number;
  readonly spanId: number;
  readonly isRecord: boolean;
  readonly isSpan: boolean;
}

const FIELDS = 17;

/** Checks requests. One object for a receiver's life; holds no request. */
export class OtlpChecker {
  readonly #roots: ReadonlyMap<OtlpSignal, Shape>;
  #bytes: Uint8Array = new Uint8Array(0);
  #p = 0;
  #records = 0;
  #invalidIds = 0;
  #failed = '';

  constructor() {
    const shapes = new Map<string, Shape>();
    for (const [name, fields] of OTLP_MESSAGES) {
      const wire = new Int8Array(FIELDS).fill(-1);
      const packed = new Uint8Array(FIELDS);
      let traceId = 0;
      let spanId = 0;
      for (const [fieldName, { number, type, repeated }] of fields) {
        wire[number] = WIRE_OF[type] ?? 2;
        packed[number] = repeated && wire[number] !== 2 ? 1 : 0;
        if (fieldName === 'traceId') traceId = number;
        if (fieldName === 'spanId') spanId = number;
      }
      const inner = new Array<Shape | undefined>(FIELDS).fill(undefined);
      shapes.set(name, { wire, inner, packed, traceId, spanId, isRecord: RECORDS.has(name), isSpan: name === 'Span' });
    }
    for (const [name, fields] of OTLP_MESSAGES) {
      for (const { number, type, message } of fields.values()) {
        if (type === 'message') shapes.get(name)!.inner[number] = shapes.get(message);
      }
    }
    this.#roots = new Map((Object.keys(ROOTS) as OtlpSignal[]).map(signal => [signal, shapes.get(ROOTS[signal])!]));
  }

  check(signal: OtlpSignal, bytes: Uint8Array): OtlpCheck {
    this.#bytes = bytes;
    this.#p = 0;
    this.#records = 0;
    this.#invalidIds = 0;
    this.#failed = '';
    const ok = this.#message(this.#roots.get(signal)!, bytes.length, 0);
    this.#bytes = new Uint8Array(0);
    if (!ok) return { ok: false, why: `${this.#failed || 'not a well-formed message'}, near byte ${this.#p}` };
    return { ok: true, records: this.#records, invalidIds: this.#invalidIds };
  }

  #message(shape: Shape, end: number, depth: number): boolean {
    if (depth > DEEPEST) {
      this.#failed = `messages nested deeper than ${DEEPEST}`;
      return false;
    }
    let trace = -1;
    let span = -1;
    while (this.#p < end) {
      const tag = this.#varint(end);
      const field = tag >>> 3;
      const wire = tag & 7;
      if (tag < 8 || tag > 0xffff_ffff) return false;
      const expected = field < FIELDS ? shape.wire[field]! : -1;
      if (expected !== -1 && expected !== wire && !(wire === 2 && shape.packed[field] === 1)) {
        this.#failed = `field ${field} has wire type ${wire} where ${expected} was expected`;
        return false;
      }
      switch (wire) {
        case 0:
          if (this.#varint(end) < 0) return false;
          break;
        case 1:
          this.#p += 8;
          break;
        case 5:
          this.#p += 4;
          break;
        case 2: {
          const length = this.#varint(end);
          const stop = this.#p + length;
          if (length < 0 || stop > end) return false;
          if (field === shape.traceId) trace = this.#isZero(length) ? 0 : length;
          else if (field === shape.spanId) span = this.#isZero(length) ? 0 : length;
          const inner = expected === -1 ? undefined : shape.inner[field];
          if (inner !== undefined) {
            if (!this.#message(inner, stop, depth + 1)) return false;
          } else this.#p = stop;
          break;
        }
        default:
          this.#failed = `wire type ${wire}`;
          return false;
      }
      if (this.#p > end) return false;
    }
    if (shape.isRecord) {
      this.#records++;
      if (shape.isSpan && (trace !== 16 || span !== 8)) this.#invalidIds++;
    }
    return true;
  }

  #isZero(length: number): boolean {
    for (let i = this.#p; i < this.#p + length; i++) if (this.#bytes[i] !== 0) return false;
    return true;
  }

  /** The varint at `p`, as a double where it is longer than 32 bits; -1 where it does not end. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let p = this.#p;
    if (p >= end) return -1;
    let b = bytes[p++]!;
    let value = b & 0x7f;
    for (let scale = 128; b >= 0x80; scale *= 128) {
      if (p >= end || p - this.#p >= 10) return -1;
      b = bytes[p++]!;
      value += (b & 0x7f) * scale;
    }
    this.#p = p;
    return value;
  }
}
