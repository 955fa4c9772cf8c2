// https://github.com/open-telemetry/opentelemetry-proto
import { TprofError } from '../base/errors.ts';

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

/** Field of a message: text to rewrite, a message to go into, or kept as it is. What is not listed is left out. */
type Field = 'keep' | 'text' | 'bytes' | { readonly message: MessageName; readonly as?: 'body' | 'value' };

type MessageName =
  | 'TracesRequest'
  | 'LogsRequest'
  | 'MetricsRequest'
  | 'ResourceSpans'
  | 'ResourceLogs'
  | 'ResourceMetrics'
  | 'ScopeSpans'
  | 'ScopeLogs'
  | 'ScopeMetrics'
  | 'Resource'
  | 'Scope'
  | 'Span'
  | 'Event'
  | 'Link'
  | 'Status'
  | 'LogRecord'
  | 'KeyValue'
  | 'AnyValue'
  | 'ArrayValue'
  | 'KeyValueList'
  | 'Metric'
  | 'NumberData'
  | 'HistogramData'
  | 'ExponentialData'
  | 'SummaryData'
  | 'NumberPoint'
  | 'HistogramPoint'
  | 'ExponentialPoint'
  | 'SummaryPoint'
  | 'Exemplar';

const to = (message: MessageName): Field => ({ message });
const KEEP: Field = 'keep';
const TEXT: Field = 'text';

const FIELDS: Record<MessageName, Readonly<Record<number, Field>>> = {
  TracesRequest: { 1: to('ResourceSpans') },
  LogsRequest: { 1: to('ResourceLogs') },
  MetricsRequest: { 1: to('ResourceMetrics') },
  ResourceSpans: { 1: to('Resource'), 2: to('ScopeSpans'), 3: TEXT },
  ResourceLogs: { 1: to('Resource'), 2: to('ScopeLogs'), 3: TEXT },
  ResourceMetrics: { 1: to('Resource'), 2: to('ScopeMetrics'), 3: TEXT },
  ScopeSpans: { 1: to('Scope'), 2: to('Span'), 3: TEXT },
  ScopeLogs: { 1: to('Scope'), 2: to('LogRecord'), 3: TEXT },
  ScopeMetrics: { 1: to('Scope'), 2: to('Metric'), 3: TEXT },
  Resource: { 1: to('KeyValue'), 2: KEEP },
  Scope: { 1: TEXT, 2: TEXT, 3: to('KeyValue'), 4: KEEP },
  Span: {
    1: KEEP,
    2: KEEP,
    3: TEXT,
    4: KEEP,
    5: TEXT,
    6: KEEP,
    7: KEEP,
    8: KEEP,
    9: to('KeyValue'),
    10: KEEP,
    11: to('Event'),
    12: KEEP,
    13: to('Link'),
    14: KEEP,
    15: to('Status'),
    16: KEEP,
  },
  Event: { 1: KEEP, 2: TEXT, 3: to('KeyValue'), 4: KEEP },
  Link: { 1: KEEP, 2: KEEP, 3: TEXT, 4: to('KeyValue'), 5: KEEP, 6: KEEP },
  Status: { 2: TEXT, 3: KEEP },
  LogRecord: {
    1: KEEP,
    2: KEEP,
    3: TEXT,
    5: { message: 'AnyValue', as: 'body' },
    6: to('KeyValue'),
    7: KEEP,
    8: KEEP,
    9: KEEP,
    10: KEEP,
    11: KEEP,
    12: TEXT,
  },
  KeyValue: { 1: TEXT, 2: { message: 'AnyValue', as: 'value' } },
  AnyValue: { 1: TEXT, 2: KEEP, 3: KEEP, 4: KEEP, 5: to('ArrayValue'), 6: to('KeyValueList'), 7: 'bytes' },
  ArrayValue: { 1: { message: 'AnyValue', as: 'value' } },
  KeyValueList: { 1: to('KeyValue') },
  Metric: {
    1: TEXT,
    2: TEXT,
    3: TEXT,
    5: to('NumberData'),
    7: to('NumberData'),
    9: to('HistogramData'),
    10: to('ExponentialData'),
    11: to('SummaryData'),
    12: to('KeyValue'),
  },
  NumberData: { 1: to('NumberPoint'), 2: KEEP, 3: KEEP },
  HistogramData: { 1: to('HistogramPoint'), 2: KEEP },
  ExponentialData: { 1: to('ExponentialPoint'), 2: KEEP },
  SummaryData: { 1: to('SummaryPoint') },
  NumberPoint: { 2: KEEP, 3: KEEP, 4: KEEP, 5: to('Exemplar'), 6: KEEP, 7: to('KeyValue'), 8: KEEP },
  HistogramPoint: {
    2: KEEP,
    3: KEEP,
    4: KEEP,
    5: KEEP,
    6: KEEP,
    7: KEEP,
    8: to('Exemplar'),
    9: to('KeyValue'),
    10: KEEP,
    11: KEEP,
    12: KEEP,
  },
  ExponentialPoint: {
    1: to('KeyValue'),
    2: KEEP,
    3: KEEP,
    4: KEEP,
    5: KEEP,
    6: KEEP,
    7: KEEP,
    8: KEEP,
    9: KEEP,
    10: KEEP,
    11: to('Exemplar'),
    12: KEEP,
    13: KEEP,
    14: KEEP,
  },
  SummaryPoint: { 2: KEEP, 3: KEEP, 4: KEEP, 5: KEEP, 6: KEEP, 7: to('KeyValue'), 8: KEEP },
  Exemplar: { 2: KEEP, 3: KEEP, 4: KEEP, 5: KEEP, 6: KEEP, 7: to('KeyValue') },
};

const ROOT: Record<OtlpSignal, MessageName> = {
  traces: 'TracesRequest',
  logs: 'LogsRequest',
  metrics: 'MetricsRequest',
};

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
  const bytes = rewriteMessage(request, ROOT[signal], { key: '', role: 'text', depth: 0 }, rewriter, state);
  return { bytes, unknownFields: state.unknownFields };
}

interface Place {
  /** Key of the attribute that this is in. */
  readonly key: string;
  readonly role: 'text' | 'body' | 'value';
  readonly depth: number;
}

function rewriteMessage(
  bytes: Uint8Array,
  name: MessageName,
  place: Place,
  rewriter: OtlpTextRewriter,
  state: { unknownFields: number },
): Uint8Array {
  if (place.depth > DEPTH_LIMIT) {
    throw new TprofError('input-invalid', 'an export request holds values nested more than 100 deep');
  }
  const fields = FIELDS[name];
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
    const what = fields[field];
    if (what === undefined) {
      state.unknownFields++;
    } else if (what === 'keep' || payload === undefined) {
      parts.push(bytes.subarray(start, at));
    } else if (what === 'bytes') {
      parts.push(header(field, 0));
    } else if (what === 'text') {
      const text = DECODER.decode(payload);
      if (name === 'KeyValue') key = text;
      const written = ENCODER.encode(rewriteText(text, name, place, rewriter));
      parts.push(header(field, written.length), written);
    } else {
      const role = what.as ?? (name === 'KeyValueList' ? 'value' : place.role);
      const inner = rewriteMessage(payload, what.message, { key, role, depth: place.depth + 1 }, rewriter, state);
      parts.push(header(field, inner.length), inner);
    }
  }
  return concat(parts);
}

function rewriteText(text: string, name: MessageName, place: Place, rewriter: OtlpTextRewriter): string {
  if (name !== 'AnyValue') return rewriter.text(text);
  return place.role === 'body' ? rewriter.body(text) : rewriter.attribute(place.key, text);
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
