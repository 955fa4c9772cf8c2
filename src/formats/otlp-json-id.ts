import type { JsonCursor } from './json-cursor.ts';
import type { Id } from './otlp-id.ts';

/** Value of each hexadecimal digit; 255 = none. */
const HEX = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX['0123456789abcdef'.charCodeAt(i)] = i;
  HEX['0123456789ABCDEF'.charCodeAt(i)] = i;
}

/** A trace or span id: hex in either case, or base64 (protobuf's own JSON mapping), told apart by the length. */
export function readId(json: JsonCursor, id: Id): void {
  id.clear();
  const start = json.ascii();
  const length = json.keyEnd - start;
  id.present = length > 0;
  const { bytes } = json;
  if (length === id.words * 8) {
    id.w0 = hexWord(bytes, start);
    id.w1 = hexWord(bytes, start + 8);
    if (id.words === 4) {
      id.w2 = hexWord(bytes, start + 16);
      id.w3 = hexWord(bytes, start + 24);
    }
    id.whole = id.w0 >= 0 && id.w1 >= 0 && id.w2 >= 0 && id.w3 >= 0;
    return;
  }
  const digits = Math.ceil((id.words * 4 * 4) / 3);
  if (length === digits || length === Math.ceil(digits / 4) * 4) base64Id(json.textOf(start, start + length), id);
}

function hexWord(bytes: Uint8Array, at: number): number {
  let word = 0;
  let bad = 0;
  for (let i = at; i < at + 8; i++) {
    const digit = HEX[bytes[i]!]!;
    bad |= digit;
    word = (word << 4) | (digit & 15);
  }
  return bad > 15 ? -1 : word >>> 0;
}

function base64Id(text: string, id: Id): void {
  const raw = Buffer.from(text, 'base64');
  if (raw.length !== id.words * 4) return;
  id.w0 = raw.readUInt32BE(0);
  id.w1 = raw.readUInt32BE(4);
  if (id.words === 4) {
    id.w2 = raw.readUInt32BE(8);
    id.w3 = raw.readUInt32BE(12);
  }
  id.whole = true;
}
