import { MalformedProtobuf, ProtobufCursor } from './protobuf-cursor.ts';

/** What a field of a message holds: a text to be rewritten, another message, or what stays as it is. */
type Shape = 'text' | 'value' | 'bytes' | { readonly [field: number]: Shape };

const ID: Shape = { 1: 'value' };
const TIME: Shape = { 1: 'value', 2: 'value' };
const LOCATION: Shape = { 1: 'text', 2: 'text', 3: 'value', 4: 'value' };
const FIELD: Shape = { 1: 'text', 2: 'value', 3: 'text', 4: 'text', 5: 'value', 6: 'value', 7: 'value', 8: ID };
const ATTRIBUTE: Shape = { 1: FIELD, 2: 'text' };
const POLLS: Shape = { 1: 'value', 3: TIME, 4: TIME, 5: TIME, 6: TIME };
const METADATA: Shape = { 1: 'text', 2: 'text', 3: 'text', 4: LOCATION, 5: 'value', 6: 'value', 7: 'text' };
const TASK: Shape = { 1: ID, 2: ID, 3: 'value', 4: FIELD, 5: ID, 6: LOCATION };
const TASK_STATS: Shape = {
  1: TIME,
  2: TIME,
  3: 'value',
  4: 'value',
  5: 'value',
  6: TIME,
  7: POLLS,
  8: 'value',
  9: TIME,
};
const RESOURCE: Shape = {
  1: ID,
  2: ID,
  3: 'text',
  4: { 1: 'value', 2: 'text' },
  5: LOCATION,
  6: ID,
  7: 'value',
};
const RESOURCE_STATS: Shape = { 1: TIME, 2: TIME, 3: ATTRIBUTE };
const POLL_OP: Shape = { 2: ID, 3: ID, 4: 'text', 5: ID, 6: ID, 7: 'value' };
const ASYNC_OP: Shape = { 1: ID, 2: ID, 3: 'text', 4: ID, 5: ID };
const ASYNC_OP_STATS: Shape = { 1: TIME, 2: TIME, 4: ID, 5: POLLS, 6: ATTRIBUTE };
const entryOf = (stats: Shape): Shape => ({ 1: 'value', 2: stats });

const UPDATE: { readonly [field: number]: Shape } = {
  1: TIME,
  2: { 1: TASK, 3: entryOf(TASK_STATS), 4: 'value' },
  3: { 1: RESOURCE, 2: entryOf(RESOURCE_STATS), 3: POLL_OP, 4: 'value' },
  4: { 1: ASYNC_OP, 2: entryOf(ASYNC_OP_STATS), 3: 'value' },
  5: { 1: { 1: ID, 2: METADATA } },
};

const HISTOGRAM: Shape = { 1: 'bytes', 2: 'value', 3: 'value', 4: 'value' };
const DETAILS: { readonly [field: number]: Shape } = { 1: ID, 2: TIME, 3: 'bytes', 4: HISTOGRAM, 5: HISTOGRAM };

interface Rewritten {
  readonly bytes: Uint8Array;
  readonly unknownFields: number;
}

/**
 * An `Update` with each text replaced by what `text` makes of it. Fields that this version of the protocol does not
 * know may hold anything, and are left out and counted. Undefined where the bytes are no such message.
 */
export function rewriteConsoleUpdate(bytes: Uint8Array, text: (value: string) => string): Rewritten | undefined {
  return rewrite(bytes, UPDATE, text);
}

/** `TaskDetails` has no texts, but may have fields that are not known. */
export function rewriteConsoleDetails(bytes: Uint8Array): Rewritten | undefined {
  return rewrite(bytes, DETAILS, value => value);
}

function rewrite(
  bytes: Uint8Array,
  shape: { readonly [field: number]: Shape },
  text: (value: string) => string,
): Rewritten | undefined {
  const cursor = new ProtobufCursor();
  cursor.use(bytes);
  const rewriting: Rewriting = { cursor, text, unknownFields: 0 };
  try {
    const parts = rewriteMessage(rewriting, shape, bytes.length);
    return { bytes: Buffer.concat(parts), unknownFields: rewriting.unknownFields };
  } catch (error) {
    if (error instanceof MalformedProtobuf || error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Rewriting {
  readonly cursor: ProtobufCursor;
  readonly text: (value: string) => string;
  unknownFields: number;
}

/** As deep as the shapes are. */
function rewriteMessage(r: Rewriting, shape: { readonly [field: number]: Shape }, end: number): Uint8Array[] {
  const { cursor } = r;
  const parts: Uint8Array[] = [];
  while (cursor.p < end) {
    const start = cursor.p;
    const tag = cursor.varint(end);
    if (cursor.high !== 0) throw new MalformedProtobuf();
    const inner = shape[tag >>> 3];
    const hasLength = (tag & 7) === 2;
    if (inner === undefined || hasLength === (inner === 'value')) {
      cursor.skip(tag, end);
      r.unknownFields++;
    } else if (inner === 'value' || inner === 'bytes') {
      cursor.skip(tag, end);
      parts.push(cursor.bytes.subarray(start, cursor.p));
    } else {
      const stop = cursor.lengthEnd(end);
      const body = inner === 'text' ? [rewrittenText(r, stop)] : rewriteMessage(r, inner, stop);
      if (cursor.p !== stop) throw new MalformedProtobuf();
      parts.push(varint(tag), varint(body.reduce((sum, part) => sum + part.length, 0)), ...body);
    }
  }
  return parts;
}

function rewrittenText({ cursor, text }: Rewriting, stop: number): Uint8Array {
  const value = new TextDecoder().decode(cursor.bytes.subarray(cursor.p, stop));
  cursor.p = stop;
  return new TextEncoder().encode(text(value));
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
