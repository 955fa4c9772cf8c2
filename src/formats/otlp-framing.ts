/**
 * What a stream of OTLP bytes looks like from its first bytes: JSON, or protobuf bare or behind lengths. OTLP has no
 * magic number; what tells it from other protobuf is that tags and lengths nest as in ExportTraceServiceRequest.
 */
import type { OtlpSignal } from './otlp-sink.ts';

/**
 * `length32`: each message behind a 4-byte big-endian length (the collector's file exporter, our captures);
 * `varint`: behind a protobuf varint (`writeDelimitedTo`); `bare`: one message, or several written one after another.
 */
export type OtlpFraming = 'json' | 'bare' | 'varint' | 'length32';

const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const JSON_KEY =
  /"(?:resource(?:Spans|Logs|Metrics|Profiles|_spans|_logs|_metrics)|batches)"\s*:\s*(?:\[\s*[{\]]|null|$)/;

/** The framing, and how sure the first bytes make it (0…1); undefined where it is not OTLP. */
export function otlpFraming(head: Uint8Array): { framing: OtlpFraming; sureness: number } | undefined {
  const json = jsonSureness(head);
  if (json > 0) return { framing: 'json', sureness: json };
  let best: { framing: OtlpFraming; sureness: number } | undefined;
  const consider = (framing: OtlpFraming, start: number, length: number): void => {
    const sureness = sureOf(plausible('request', head, start, start + length));
    if (sureness > (best?.sureness ?? 0)) best = { framing, sureness };
  };
  if (head.length === 0) return undefined;
  consider('bare', 0, Number.MAX_SAFE_INTEGER / 2);
  // Frames of length 0 are legal (an empty request); the first that holds something decides.
  let at = 0;
  while (at + 8 <= head.length && word(head, at) === 0) at += 4;
  if (at + 8 <= head.length) {
    const length = word(head, at);
    if (ZSTD.every((byte, i) => head[at + 4 + i] === byte)) best = { framing: 'length32', sureness: 0.8 };
    else if (jsonSureness(head.subarray(at + 4, at + 4 + length)) > 0) best = { framing: 'length32', sureness: 0.9 };
    else consider('length32', at + 4, length);
  }
  const varint = readVarint(head, 0);
  if (varint !== undefined && varint.value >= 2) consider('varint', varint.next, varint.value);
  return best;
}

/** Of `head`, how sure it is OTLP as JSON; a byte-order mark, blank lines and a list around it do not matter. */
function jsonSureness(head: Uint8Array): number {
  let at = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  while (at < head.length && (head[at]! <= 0x20 || head[at] === 0x5b)) at++;
  const text = String.fromCharCode(...head.subarray(at, at + 4096));
  if (!text.startsWith('{'))
    return head.every(byte => byte >= 0x09) && /^[^\n{]*\{"resource(?:Spans|Logs|Metrics)":\[/m.test(text) ? 0.7 : 0;
  return JSON_KEY.test(text) ? 0.9 : 0;
}

/** Which signal one `resource_spans`, `resource_logs` or `resource_metrics` is; undefined where it has no records. */
export function otlpSignalOf(bytes: Uint8Array, start: number, end: number): OtlpSignal | undefined {
  for (const part of fields(bytes, start, end)) {
    if (part.tag !== 0x12 && part.tag !== 0x1f42) continue;
    for (const record of fields(bytes, part.from, part.to)) {
      if (record.tag === 0x12) return recordSignal(bytes, record.from, record.to);
    }
  }
  return undefined;
}

/**
 * A record's kind by its fields: only spans have two fixed64 in 7 and 8, only logs one in 1 or 11 (or a severity in
 * 2); a metric's fields all have a length.
 */
function recordSignal(bytes: Uint8Array, start: number, end: number): OtlpSignal {
  let ids = 0;
  for (const { tag, from, to } of fields(bytes, start, end)) {
    switch (tag) {
      case 0x39:
      case 0x41:
      case 0x30:
        return 'traces';
      case 0x09:
      case 0x59:
      case 0x10:
      case 0x45:
        return 'logs';
      case 0x0a:
        if (to - from === 16) ids++;
        break;
      case 0x12:
        if (to - from === 8) ids++;
        break;
      case 0x3a:
        return 'metrics';
      default:
    }
  }
  // A span without times has its ids; a log record may have nothing but a body (5) or attributes (6).
  if (ids === 2) return 'traces';
  for (const { tag } of fields(bytes, start, end)) if (tag === 0x0a) return 'metrics';
  return 'logs';
}

interface Field {
  readonly tag: number;
  /** Of a field with a length, its content. */
  readonly from: number;
  readonly to: number;
}

/** The fields of a message. A last one that is cut off is given as far as it goes. */
function* fields(bytes: Uint8Array, start: number, end: number): Generator<Field> {
  let p = start;
  while (p < end) {
    const tag = readVarint(bytes, p);
    if (tag === undefined) return;
    p = tag.next;
    const wire = tag.value & 7;
    let from = p;
    if (wire === 0) {
      const value = readVarint(bytes, p);
      if (value === undefined) return;
      p = value.next;
    } else if (wire === 1) p += 8;
    else if (wire === 5) p += 4;
    else if (wire === 2) {
      const length = readVarint(bytes, p);
      if (length === undefined) return;
      from = length.next;
      p = from + length.value;
    } else return;
    if (wire !== 2 && p > end) return;
    yield { tag: tag.value, from: Math.min(from, end), to: Math.min(p, end) };
  }
}

type Level = 'request' | 'resourcePart' | 'resource' | 'keyValue' | 'scopePart' | 'scope' | 'record' | 'text' | 'any';

/** Which fields each message may have, and what they hold. `record` is checked by wire types alone. */
const SHAPE: Readonly<Record<Level, ReadonlyMap<number, Level>>> = {
  request: new Map([[0x0a, 'resourcePart']]),
  resourcePart: new Map([
    [0x0a, 'resource'],
    [0x12, 'scopePart'],
    [0x1a, 'text'],
    [0x1f42, 'scopePart'],
  ]),
  resource: new Map([
    [0x0a, 'keyValue'],
    [0x10, 'any'],
    [0x1a, 'any'],
  ]),
  keyValue: new Map([
    [0x0a, 'text'],
    [0x12, 'any'],
    [0x18, 'any'],
  ]),
  scopePart: new Map([
    [0x0a, 'scope'],
    [0x12, 'record'],
    [0x1a, 'text'],
  ]),
  scope: new Map([
    [0x0a, 'text'],
    [0x12, 'text'],
    [0x1a, 'keyValue'],
    [0x20, 'any'],
  ]),
  record: new Map(),
  text: new Map(),
  any: new Map(),
};

/** How many fields nest as they should in `head`, which may end anywhere; -1 = this is no such message. */
function plausible(level: Level, head: Uint8Array, start: number, stop: number): number {
  if (level === 'any') return 0;
  if (level === 'text') {
    for (let i = start; i < stop && i < head.length; i++) if (head[i]! < 0x09) return 0;
    return 1;
  }
  let found = 0;
  let p = start;
  while (p < stop && p < head.length) {
    const tag = readVarint(head, p);
    if (tag === undefined) return p + 10 > head.length ? found : -1;
    p = tag.next;
    const next =
      level === 'record' ? (tag.value >> 3 <= 16 && tag.value >= 8 ? 'any' : undefined) : SHAPE[level].get(tag.value);
    if (next === undefined) return -1;
    const wire = tag.value & 7;
    if (wire === 1) p += 8;
    else if (wire === 5) p += 4;
    else if (wire === 0 || wire === 2) {
      const value = readVarint(head, p);
      if (value === undefined) return p + 10 > head.length ? found : -1;
      p = value.next;
      if (wire === 2) {
        if (p + value.value > stop) return -1;
        const inside = plausible(next, head, p, p + value.value);
        if (inside === -1) return -1;
        found += inside;
        p += value.value;
      }
    } else return -1;
    found++;
  }
  return found;
}

function sureOf(found: number): number {
  if (found <= 0) return 0;
  return found >= 4 ? 0.9 : found >= 2 ? 0.5 : 0.2;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x100_0000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

function readVarint(bytes: Uint8Array, at: number): { value: number; next: number } | undefined {
  let value = 0;
  let scale = 1;
  for (let i = at; i < bytes.length && i < at + 10; i++) {
    const byte = bytes[i]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: i + 1 };
    scale *= 128;
  }
  return undefined;
}
