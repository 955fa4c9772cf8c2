// https://github.com/open-telemetry/opentelemetry-proto
import { TprofError } from '../base/errors.ts';
import { OTLP_MESSAGES, type OtlpField } from './otlp-schema.ts';

/** What becomes of the texts of an export request. */
export interface OtlpTextRewriter {
  /** Values of attributes, with their key; nested values have the key of the attribute that they stand in. */
  attribute(key: string, value: string): string;
  /** Names, messages, keys: everything that is no attribute's value and no log body. */
  text(value: string): string;
  /** Log bodies. */
  body(value: string): string;
}

export type OtlpSignal = 'traces' | 'logs' | 'metrics';

const ROOT: Record<OtlpSignal, string> = { traces: 'Traces', logs: 'Logs', metrics: 'Metrics' };

/** Fields of each message by number. What is not here is left out. */
const FIELDS: ReadonlyMap<string, ReadonlyMap<number, OtlpField>> = new Map(
  [...OTLP_MESSAGES].map(([name, fields]) => [name, new Map([...fields.values()].map(field => [field.number, field]))]),
);

/** Values nest by themselves; deeper than this nothing honest nests. */
const DEPTH_LIMIT = 100;

export interface OtlpRewriteResult {
  readonly bytes: Uint8Array;
  /** Fields that this version of the protocol does not know: left out, since nobody can say what they hold. */
  readonly unknownFields: number;
}

/**
 * Writes an export request (protobuf) again with other texts: ids, times, numbers, flags and the order of everything
 * stay, so that what is read from the result differs in texts alone. Bytes values are emptied: they cannot be read.
 */
export function rewriteOtlpRequest(
  request: Uint8Array,
  signal: OtlpSignal,
  rewriter: OtlpTextRewriter,
): OtlpRewriteResult {
  const state = { unknownFields: 0 };
  const bytes = rewriteMessage(request, ROOT[signal], { key: '', role: 'value', depth: 0 }, rewriter, state);
  return { bytes, unknownFields: state.unknownFields };
}

interface Place {
  /** Key of the attribute that this is in. */
  readonly key: string;
  readonly role: 'body' | 'value';
  readonly depth: number;
}

function rewriteMessage(
  bytes: Uint8Array,
  name: string,
  place: Place,
  rewriter: OtlpTextRewriter,
  state: { unknownFields: number },
): Uint8Array {
  if (place.depth > DEPTH_LIMIT) {
    throw new TprofError('input-invalid', 'an export request holds values nested more than 100 deep');
  }
  const fields = FIELDS.get(name)!;
  const parts: Uint8Array[] = [];
  let { key } = place;
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = varint(bytes, at);
    const wire = tag.value & 7;
    const field = tag.value >>> 3;
    at = tag.end;
    let payload: Uint8Array | undefined;
    if (wire === 2) {
      const length = varint(bytes, at);
      at = length.end + length.value;
      if (at > bytes.length) throw truncated();
      payload = bytes.subarray(length.end, at);
    } else if (wire === 0) at = varint(bytes, at).end;
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else throw new TprofError('input-invalid', `an export request holds a field of the unknown wire type ${wire}`);
    if (at > bytes.length) throw truncated();
    const what = fields.get(field);
    if (what === undefined) {
      state.unknownFields++;
    } else if (payload === undefined) {
      parts.push(bytes.subarray(start, at));
    } else if (what.type === 'bytes') {
      parts.push(header(field, 0));
    } else if (what.type === 'string') {
      const text = DECODER.decode(payload);
      if (name === 'KeyValue') key = text;
      const written = ENCODER.encode(rewriteText(text, name, place, rewriter));
      parts.push(header(field, written.length), written);
    } else if (what.type === 'message') {
      const role = name === 'LogRecord' && what.message === 'AnyValue' ? 'body' : 'value';
      const within = { key, role: place.role === 'body' ? 'body' : role, depth: place.depth + 1 } as const;
      const inner = rewriteMessage(payload, what.message, within, rewriter, state);
      parts.push(header(field, inner.length), inner);
    } else {
      parts.push(bytes.subarray(start, at));
    }
  }
  return concat(parts);
}

function rewriteText(text: string, name: string, place: Place, rewriter: OtlpTextRewriter): string {
  if (name !== 'AnyValue') return rewriter.text(text);
  return place.role === 'body' && place.key === '' ? rewriter.body(text) : rewriter.attribute(place.key, text);
}

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

function varint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < bytes.length && at < start + 10; at++) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at + 1 };
    scale *= 128;
  }
  throw truncated();
}

/** Tag and length of a length-delimited field. */
function header(field: number, length: number): Uint8Array {
  const out: number[] = [];
  for (let value of [field * 8 + 2, length]) {
    while (value >= 128) {
      out.push((value % 128) | 128);
      value = Math.floor(value / 128);
    }
    out.push(value);
  }
  return Uint8Array.from(out);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function truncated(): TprofError {
  return new TprofError('input-invalid', 'an export request ends within a field');
}
