import type { ByteInterner } from '../base/byte-interner.ts';

/** Thrown where a value goes on beyond the known bytes: the reader goes back to its last mark and asks for more. */
export const NEED_MORE: unique symbol = Symbol('more bytes are needed');

/** The bytes are not JSON, or not of the expected kind. Never leaves `src/formats`. */
export class MalformedJson extends Error {}

/**
 * Reads JSON token by token from `bytes[p, end)`, without building values: strings are interned from their bytes,
 * 64-bit integers keep all their digits. `bytes[end]` is 0, which stops every scanning loop.
 */
export class JsonCursor {
  readonly #names: ByteInterner;
  bytes: Uint8Array = new Uint8Array(1);
  p = 0;
  end = 0;
  /** Where the key or text read last ends. */
  keyEnd = 0;
  /** The words of the 64-bit number read last. */
  high = 0;
  low = 0;
  textBytes: Uint8Array = this.bytes;
  textStart = 0;
  textEnd = 0;
  #text: Buffer = Buffer.alloc(0);
  #unescaped = new Uint8Array(4096);

  constructor(names: ByteInterner) {
    this.#names = names;
  }

  use(bytes: Uint8Array, start: number, end: number): void {
    if (this.bytes !== bytes) {
      this.bytes = bytes;
      this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.p = start;
    this.end = end;
  }

  /** The next byte that is neither space nor comma; `p` stands on it. */
  peek(): number {
    const { bytes } = this;
    let { p } = this;
    let c = bytes[p]!;
    while (c === 0x2c || c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = bytes[++p]!;
    this.p = p;
    if (c === 0 || p >= this.end) this.#stopped(p);
    return c;
  }

  expect(byte: number): void {
    if (this.peek() !== byte) throw new MalformedJson();
    this.p++;
  }

  /** Enters an object; false where there is `null` instead. */
  object(): boolean {
    return this.#enter(0x7b);
  }

  /** Enters a list; false where there is `null` instead. */
  list(): boolean {
    return this.#enter(0x5b);
  }

  /** A member's name and its colon: where it begins; it ends at `keyEnd`. */
  key(): number {
    const start = this.ascii();
    const { bytes } = this;
    let c = bytes[this.p]!;
    while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = bytes[++this.p]!;
    if (c !== 0x3a) {
      if (this.p >= this.end) throw NEED_MORE;
      throw new MalformedJson();
    }
    c = bytes[++this.p]!;
    while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = bytes[++this.p]!;
    return start;
  }

  /** A string whose escapes do not matter (names of OTLP, digits, ids): where it begins; it ends at `keyEnd`. */
  ascii(): number {
    const { bytes } = this;
    if (bytes[this.p] !== 0x22 && this.peek() !== 0x22) {
      if (this.#isNull()) {
        this.keyEnd = this.p;
        return this.p;
      }
      throw new MalformedJson();
    }
    const start = this.p + 1;
    let i = start;
    for (;;) {
      const c = bytes[i]!;
      if (c === 0x22) break;
      if (c < 0x20) this.#stopped(i);
      i += c === 0x5c ? 2 : 1;
      if (i > this.end) throw NEED_MORE;
    }
    this.keyEnd = i;
    this.p = i + 1;
    return start;
  }

  /** A string, interned; `null` counts as ''. */
  string(): number {
    if (this.bytes[this.p] === 0x22) {
      const guessed = this.#names.guessQuoted(this.bytes, this.p + 1);
      if (guessed !== -1) {
        this.p += this.#names.matched + 2;
        return guessed;
      }
    }
    this.text();
    return this.#names.intern(this.textBytes, this.textStart, this.textEnd);
  }

  /** A string's UTF-8 into `textBytes[textStart, textEnd)`: the input itself, or a copy without escapes. */
  text(): void {
    const { bytes } = this;
    if (bytes[this.p] !== 0x22 && this.peek() !== 0x22) {
      if (!this.#isNull()) throw new MalformedJson();
      this.textStart = 0;
      this.textEnd = 0;
      return;
    }
    const start = this.p + 1;
    let i = start;
    for (;;) {
      const c = bytes[i]!;
      if (c === 0x22) break;
      if (c === 0x5c) {
        this.#escaped(start, i);
        return;
      }
      if (c < 0x20) this.#stopped(i);
      i++;
    }
    this.p = i + 1;
    this.textBytes = bytes;
    this.textStart = start;
    this.textEnd = i;
  }

  boolean(): boolean {
    const c = this.peek();
    const start = this.p;
    this.skipValue();
    const text = this.bytes[start + 1];
    return c === 0x74 || (c === 0x22 && text === 0x74) || (c >= 0x31 && c <= 0x39);
  }

  /** An unsigned 64-bit integer, quoted or not, into `high` and `low`, exactly; `null` is 0. */
  uint64(): void {
    const { bytes } = this;
    let c = bytes[this.p]!;
    if (c !== 0x22) c = this.peek();
    const quoted = c === 0x22;
    const start = quoted ? this.p + 1 : this.p;
    let i = start;
    let head = 0;
    let tail = 0;
    let scale = 1;
    for (c = bytes[i]!; c >= 0x30 && c <= 0x39; c = bytes[++i]!) {
      if (i - start < 10) head = head * 10 + (c - 0x30);
      else {
        tail = tail * 10 + (c - 0x30);
        scale *= 10;
      }
    }
    if (i >= this.end) throw NEED_MORE;
    const plain = quoted ? c === 0x22 : c !== 0x2e && c !== 0x65 && c !== 0x45 && c !== 0x2d && i > start;
    if (!plain || i - start > 20) {
      this.#odd64();
      return;
    }
    this.p = quoted ? i + 1 : i;
    if (scale === 1) {
      this.high = Math.floor(head / 0x1_0000_0000);
      this.low = head - this.high * 0x1_0000_0000;
      return;
    }
    // head × scale + tail in 16-bit steps: each product stays below 2^53.
    const top = Math.floor(head / 0x1_0000);
    const upper = top * scale;
    const upperHigh = Math.floor(upper / 0x1_0000);
    const rest = (upper - upperHigh * 0x1_0000) * 0x1_0000 + (head - top * 0x1_0000) * scale + tail;
    const carry = Math.floor(rest / 0x1_0000_0000);
    this.high = upperHigh + carry;
    this.low = rest - carry * 0x1_0000_0000;
  }

  /** A signed 64-bit integer, quoted or not: a number where it is exact, else its digits. */
  integer(): number | string {
    const { bytes } = this;
    let c = this.peek();
    const quoted = c === 0x22;
    let i = quoted ? this.p + 1 : this.p;
    c = bytes[i]!;
    const negative = c === 0x2d;
    if (negative) c = bytes[++i]!;
    const start = i;
    let value = 0;
    for (; c >= 0x30 && c <= 0x39 && i - start < 15; c = bytes[++i]!) value = value * 10 + (c - 0x30);
    if (i >= this.end) throw NEED_MORE;
    if (i > start && (quoted ? c === 0x22 : c === 0x2c || c === 0x7d || c === 0x5d || c <= 0x20)) {
      this.p = quoted ? i + 1 : i;
      return negative && value !== 0 ? -value : value;
    }
    const text = this.#scalar();
    if (/^-?\d+$/.test(text)) {
      const exact = BigInt(text);
      return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact.toString();
    }
    const number = Number(text);
    return Number.isNaN(number) ? 0 : Number.isSafeInteger(number) ? number : String(number);
  }

  /** A double, also quoted (`"NaN"`, `"Infinity"`). */
  double(): number {
    return Number(this.#scalar());
  }

  /** Passes over any value, however deep. */
  skipValue(): void {
    const { bytes } = this;
    let depth = 0;
    do {
      const c = this.peek();
      if (c === 0x22) this.ascii();
      else if (c === 0x7b || c === 0x5b) {
        depth++;
        this.p++;
      } else if (c === 0x7d || c === 0x5d) {
        if (--depth < 0) throw new MalformedJson();
        this.p++;
      } else if (c === 0x3a && depth > 0) {
        this.p++;
      } else {
        let i = this.p;
        for (let d = c; (d >= 0x30 && d <= 0x39) || (d | 0x20) > 0x60 || d === 0x2d || d === 0x2b || d === 0x2e; ) {
          if (d === 0x7d || d === 0x7b || d === 0x5b || d === 0x5d) break;
          d = bytes[++i]!;
        }
        if (i >= this.end) throw NEED_MORE;
        if (i === this.p) throw new MalformedJson();
        this.p = i;
      }
    } while (depth > 0);
  }

  /** The text of `bytes[start, end)`. */
  textOf(start: number, end: number): string {
    return this.#text.toString('utf8', start, end);
  }

  #enter(byte: number): boolean {
    if (this.peek() === byte) {
      this.p++;
      return true;
    }
    if (this.#isNull()) return false;
    throw new MalformedJson();
  }

  /** Passes over `null`, if that is what stands here. */
  #isNull(): boolean {
    if (this.bytes[this.p] !== 0x6e) return false;
    if (this.p + 4 > this.end) throw NEED_MORE;
    this.p += 4;
    return true;
  }

  /** A number or string as text. */
  #scalar(): string {
    if (this.peek() === 0x22) {
      const start = this.ascii();
      return this.textOf(start, this.keyEnd);
    }
    const start = this.p;
    this.skipValue();
    return this.textOf(start, this.p);
  }

  /** A number with a fraction, an exponent or a sign, where an unsigned integer was expected: as near as it says. */
  #odd64(): void {
    const number = Number(this.#scalar());
    const whole = number > 0 && number < 2 ** 64 ? BigInt(Math.round(number)) : 0n;
    this.high = Number(whole >> 32n);
    this.low = Number(whole & 0xffff_ffffn);
  }

  /** A byte that does not belong: the end of what is known, or of what can be read. */
  #stopped(at: number): void {
    if (at >= this.end) throw NEED_MORE;
    // JSON forbids raw control characters in strings; some writers leave tabs. A line feed ends a record.
    if (this.bytes[at] !== 0x09) throw new MalformedJson();
  }

  /** A string with escapes: rewritten as UTF-8 beside the input. */
  #escaped(start: number, firstEscape: number): void {
    const { bytes } = this;
    let out = this.#unescaped;
    let n = 0;
    let i = start;
    if (out.length < firstEscape - start + 8) out = this.#larger(out, firstEscape - start);
    while (i < firstEscape) out[n++] = bytes[i++]!;
    for (;;) {
      if (n + 8 > out.length) out = this.#larger(out, n);
      const c = bytes[i]!;
      if (c === 0x22) break;
      if (c !== 0x5c) {
        if (c < 0x20) this.#stopped(i);
        out[n++] = c;
        i++;
        continue;
      }
      const letter = bytes[i + 1]!;
      if (i + 2 > this.end) throw NEED_MORE;
      i += 2;
      if (letter === 0x75) {
        if (i + 4 > this.end) throw NEED_MORE;
        let code = this.#hex4(i);
        i += 4;
        if (code >= 0xd800 && code < 0xdc00 && bytes[i] === 0x5c && bytes[i + 1] === 0x75) {
          if (i + 6 > this.end) throw NEED_MORE;
          const second = this.#hex4(i + 2);
          if (second >= 0xdc00 && second < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
            i += 6;
          }
        }
        n = putUtf8(out, n, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
      } else
        out[n++] =
          letter === 0x6e
            ? 10
            : letter === 0x74
              ? 9
              : letter === 0x72
                ? 13
                : letter === 0x62
                  ? 8
                  : letter === 0x66
                    ? 12
                    : letter;
    }
    this.p = i + 1;
    this.textBytes = out;
    this.textStart = 0;
    this.textEnd = n;
  }

  #larger(from: Uint8Array, atLeast: number): Uint8Array<ArrayBuffer> {
    const to = new Uint8Array(Math.max(from.length * 2, atLeast * 2 + 16));
    to.set(from);
    this.#unescaped = to;
    return to;
  }

  #hex4(at: number): number {
    const value = Number.parseInt(this.textOf(at, at + 4), 16);
    if (Number.isNaN(value)) throw new MalformedJson();
    return value;
  }
}

function putUtf8(out: Uint8Array, at: number, code: number): number {
  let n = at;
  if (code < 0x80) out[n++] = code;
  else if (code < 0x800) {
    out[n++] = 0xc0 | (code >> 6);
    out[n++] = 0x80 | (code & 0x3f);
  } else if (code < 0x10000) {
    out[n++] = 0xe0 | (code >> 12);
    out[n++] = 0x80 | ((code >> 6) & 0x3f);
    out[n++] = 0x80 | (code & 0x3f);
  } else {
    out[n++] = 0xf0 | (code >> 18);
    out[n++] = 0x80 | ((code >> 12) & 0x3f);
    out[n++] = 0x80 | ((code >> 6) & 0x3f);
    out[n++] = 0x80 | (code & 0x3f);
  }
  return n;
}
