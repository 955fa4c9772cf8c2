/**
 * An OTLP request from JSON to protobuf, token by token: exact for 64-bit integers that are not quoted, and without
 * objects in between. As lenient as the reader: snake_case, enum names, ids in base64, unknown fields ignored.
 */
import { ByteInterner } from '../base/byte-interner.ts';
import { ByteKeys } from '../base/byte-keys.ts';
import { Interner } from '../base/interner.ts';
import { JsonCursor, MalformedJson, NEED_MORE } from './json-cursor.ts';
import { Id } from './otlp-id.ts';
import { readId } from './otlp-json-id.ts';
import { OTLP_MESSAGES, type OtlpField, type OtlpScalar } from './otlp-schema.ts';
import type { OtlpSignal } from './otlp-sink.ts';

/** Nesting of messages: values in lists in values. */
const DEEPEST = 200;
const ROOTS: Readonly<Record<OtlpSignal, string>> = { traces: 'Traces', logs: 'Logs', metrics: 'Metrics' };
const WIRE: Readonly<Record<OtlpField['type'], number>> = {
  string: 2,
  bytes: 2,
  traceId: 2,
  spanId: 2,
  message: 2,
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
const ENUMS: ReadonlyMap<string, number> = new Map([
  ...['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((n, i): [string, number] => [
    `SPAN_KIND_${n}`,
    i,
  ]),
  ...['UNSET', 'OK', 'ERROR'].map((n, i): [string, number] => [`STATUS_CODE_${n}`, i]),
  ...['UNSPECIFIED', 'DELTA', 'CUMULATIVE'].map((n, i): [string, number] => [`AGGREGATION_TEMPORALITY_${n}`, i]),
  ['SEVERITY_NUMBER_UNSPECIFIED', 0],
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((n, i) =>
    ['', '2', '3', '4'].map((m, j): [string, number] => [`SEVERITY_NUMBER_${n}${m}`, i * 4 + j + 1]),
  ),
]);

interface Message {
  /** Field by the number of its name among `#words`; undefined = unknown. */
  readonly fields: readonly (CompiledField | undefined)[];
}

interface CompiledField extends OtlpField {
  readonly tag: number;
  readonly packed: boolean;
}

/** Why JSON could not be encoded, in words for whoever sent it. */
export class UnencodableJson extends Error {}

/** Encodes one request after another; its buffers are kept, so one encoder serves a receiver. */
export class OtlpEncoder {
  readonly #json = new JsonCursor(new ByteInterner(new Interner()));
  readonly #words: ByteKeys;
  /** Number of the name that each word spells. */
  readonly #nameOf: Int16Array;
  readonly #messages = new Map<string, Message>();
  readonly #id = [new Id(2), new Id(4)] as const;
  #out: Buffer = Buffer.allocUnsafe(64 << 10);
  #n = 0;

  constructor() {
    const names = new Map<string, number>();
    const words: string[] = [];
    const wordOf: number[] = [];
    for (const fields of OTLP_MESSAGES.values()) {
      for (const name of fields.keys()) {
        if (names.has(name)) continue;
        const number = names.size;
        names.set(name, number);
        words.push(name);
        wordOf.push(number);
        const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
        if (snake === name) continue;
        words.push(snake);
        wordOf.push(number);
      }
    }
    this.#words = new ByteKeys(words);
    this.#nameOf = Int16Array.from(wordOf);
    for (const [message, fields] of OTLP_MESSAGES) {
      const table: (CompiledField | undefined)[] = new Array<undefined>(names.size).fill(undefined);
      for (const [name, field] of fields) {
        const packed = field.repeated && WIRE[field.type] !== 2;
        const tag = (field.number << 3) | (packed ? 2 : WIRE[field.type]);
        table[names.get(name)!] = { ...field, packed, tag };
      }
      this.#messages.set(message, { fields: table });
    }
  }

  /** The request as protobuf. Throws `UnencodableJson` where `text` is not JSON of that shape. */
  encode(signal: OtlpSignal, text: Uint8Array): Buffer {
    const json = this.#json;
    const padded = new Uint8Array(text.length + 1);
    padded.set(text);
    const bom = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
    json.use(padded, bom, text.length);
    this.#n = 0;
    try {
      this.#message(ROOTS[signal], 0);
    } catch (error) {
      if (error === NEED_MORE) throw new UnencodableJson('the JSON ends too early');
      if (error instanceof MalformedJson) throw new UnencodableJson(`not OTLP JSON, near byte ${json.p}`);
      throw error;
    }
    let rest = json.p;
    while (rest < text.length && padded[rest]! <= 0x20) rest++;
    if (rest < text.length) throw new UnencodableJson(`text after the JSON, at byte ${rest}`);
    return Buffer.from(this.#out.subarray(0, this.#n));
  }

  #message(name: string, depth: number): void {
    const json = this.#json;
    const { fields } = this.#messages.get(name)!;
    if (depth > DEEPEST) throw new UnencodableJson(`values nested deeper than ${DEEPEST}`);
    if (!json.object()) return;
    while (json.peek() !== 0x7d) {
      const start = json.key();
      const word = this.#words.find(json.bytes, start, json.keyEnd);
      const field = word === -1 ? undefined : fields[this.#nameOf[word]!];
      if (field === undefined || json.peek() === 0x6e) json.skipValue();
      else if (!field.repeated) this.#field(field, depth);
      else {
        json.expect(0x5b);
        if (field.packed && field.type !== 'message') this.#packed(field.tag, field.type);
        else while (json.peek() !== 0x5d) this.#field(field, depth);
        json.p++;
      }
    }
    json.p++;
  }

  #field(field: CompiledField, depth: number): void {
    this.#varint(field.tag);
    if (field.type !== 'message') {
      this.#scalar(field.type);
      return;
    }
    const at = this.#n;
    this.#n++;
    this.#message(field.message, depth + 1);
    this.#closeLength(at);
  }

  #packed(tag: number, type: OtlpScalar): void {
    this.#varint(tag);
    const at = this.#n;
    this.#n++;
    while (this.#json.peek() !== 0x5d) this.#scalar(type);
    this.#closeLength(at);
  }

  /** Puts the length of what was written behind `at` there: one byte was left for it, longer ones move the rest. */
  #closeLength(at: number): void {
    const length = this.#n - at - 1;
    if (length < 0x80) {
      this.#room(0);
      this.#out[at] = length;
      return;
    }
    let width = 1;
    for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) width++;
    this.#room(width);
    this.#out.copyWithin(at + width, at + 1, this.#n);
    let rest = length;
    for (let i = 0; i < width; i++) {
      this.#out[at + i] = (rest & 0x7f) | (i < width - 1 ? 0x80 : 0);
      rest = Math.floor(rest / 0x80);
    }
    this.#n += width - 1;
  }

  #scalar(type: OtlpScalar): void {
    const json = this.#json;
    switch (type) {
      case 'string':
        json.text();
        this.#bytes(json.textBytes, json.textStart, json.textEnd);
        return;
      case 'bytes': {
        const start = json.ascii();
        const raw = Buffer.from(json.textOf(start, json.keyEnd), 'base64');
        this.#bytes(raw, 0, raw.length);
        return;
      }
      case 'spanId':
        this.#writeId(this.#id[0]);
        return;
      case 'traceId':
        this.#writeId(this.#id[1]);
        return;
      case 'bool':
        this.#varint(json.boolean() ? 1 : 0);
        return;
      case 'enum':
        this.#enum();
        return;
      case 'uint32':
      case 'uint64':
        json.uint64();
        this.#varint64(json.high, json.low);
        return;
      case 'int64': {
        const [high, low] = signedWords(json.integer());
        this.#varint64(high, low);
        return;
      }
      case 'sint32': {
        const value = Number(json.integer()) | 0;
        this.#varint(((value << 1) ^ (value >> 31)) >>> 0);
        return;
      }
      case 'double':
        this.#room(8);
        this.#out.writeDoubleLE(json.double(), this.#n);
        this.#n += 8;
        return;
      case 'fixed64':
        json.uint64();
        this.#words64(json.high, json.low);
        return;
      case 'sfixed64': {
        const [high, low] = signedWords(json.integer());
        this.#words64(high, low);
        return;
      }
      case 'fixed32':
        json.uint64();
        this.#room(4);
        this.#out.writeUInt32LE(json.low, this.#n);
        this.#n += 4;
    }
  }

  /** An id that is none (odd length, other letters) is written as one byte: the check of ids finds and counts it. */
  #writeId(id: Id): void {
    readId(this.#json, id);
    const length = id.whole ? id.words * 4 : id.present ? 1 : 0;
    this.#varint(length);
    this.#room(16);
    if (id.whole) {
      this.#out.writeUInt32BE(id.w0, this.#n);
      this.#out.writeUInt32BE(id.w1, this.#n + 4);
      if (id.words === 4) {
        this.#out.writeUInt32BE(id.w2, this.#n + 8);
        this.#out.writeUInt32BE(id.w3, this.#n + 12);
      }
    } else if (id.present) this.#out[this.#n] = 0;
    this.#n += length;
  }

  #enum(): void {
    const json = this.#json;
    if (json.peek() !== 0x22) {
      json.uint64();
      this.#varint(json.low);
      return;
    }
    const start = json.ascii();
    const name = json.textOf(start, json.keyEnd);
    const value = /^\d+$/.test(name) ? Number(name) : ENUMS.get(name);
    if (value === undefined) throw new UnencodableJson(`unknown enum value ${JSON.stringify(name.slice(0, 40))}`);
    this.#varint(value);
  }

  #bytes(bytes: Uint8Array, start: number, end: number): void {
    this.#varint(end - start);
    this.#room(end - start);
    if (end - start < 32) {
      const out = this.#out;
      let n = this.#n;
      for (let i = start; i < end; i++) out[n++] = bytes[i]!;
    } else this.#out.set(bytes.subarray(start, end), this.#n);
    this.#n += end - start;
  }

  #words64(high: number, low: number): void {
    this.#room(8);
    this.#out.writeUInt32LE(low, this.#n);
    this.#out.writeUInt32LE(high, this.#n + 4);
    this.#n += 8;
  }

  #varint(value: number): void {
    this.#room(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#out[this.#n++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#out[this.#n++] = rest;
  }

  #varint64(high: number, low: number): void {
    if (high === 0) {
      this.#varint(low);
      return;
    }
    this.#room(10);
    let h = high >>> 0;
    let l = low >>> 0;
    while (h !== 0 || l >= 0x80) {
      this.#out[this.#n++] = (l & 0x7f) | 0x80;
      l = ((l >>> 7) | (h << 25)) >>> 0;
      h >>>= 7;
    }
    this.#out[this.#n++] = l;
  }

  #room(bytes: number): void {
    if (this.#n + bytes + 16 <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#out.length * 2, this.#n + bytes + 64));
    this.#out.copy(larger, 0, 0, this.#n);
    this.#out = larger;
  }
}

/** Two's complement words of a signed 64-bit integer. */
function signedWords(value: number | string): [high: number, low: number] {
  if (typeof value === 'number' && value >= 0 && value < 0x1_0000_0000) return [0, value];
  let exact: bigint;
  try {
    exact = BigInt.asUintN(64, BigInt(value));
  } catch {
    throw new UnencodableJson(`expected a 64-bit integer, found ${String(value).slice(0, 40)}`);
  }
  return [Number(exact >> 32n), Number(exact & 0xffff_ffffn)];
}
