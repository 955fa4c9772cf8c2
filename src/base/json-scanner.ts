import type { JsonShape } from './json-stream.ts';

/** Where and why a document could not be read to its end. */
export interface JsonDamage {
  /** `cut`: it ends too early; `invalid`: something stands where JSON does not allow it. */
  readonly kind: 'cut' | 'invalid';
  readonly offset: number;
  readonly reason: string;
  /** How many containers were open: 1 = only the outermost. */
  readonly depth: number;
  /** Cut after a whole value or a comma of the innermost open container: nothing of a value is lost. */
  readonly isBetweenValues: boolean;
}

/** Bytes of one value that is decoded at once. */
export const LARGEST_VALUE: number = 2 ** 26;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Not enough bytes yet. */
const MORE = -1;

/** Where a container stands: what may come next. */
const Next = { firstOrClose: 0, commaOrClose: 1, item: 2 } as const;
type Next = (typeof Next)[keyof typeof Next];

interface Open {
  readonly close: typeof CLOSE_ARRAY | typeof CLOSE_OBJECT;
  readonly shape: JsonShape;
  next: Next;
}

/**
 * The push parser below `streamJson`: bytes in, callbacks out. Containers that the shape names are a stack of `Open`;
 * a token that the buffer holds only in part stays there until more bytes come. Looking for the end of a long value
 * goes on where it stopped (`#scan`), so that reading stays linear.
 */
export class JsonScanner {
  damage: JsonDamage | undefined;
  mismatches = 0;

  readonly #root: JsonShape;
  readonly #open: Open[] = [];
  readonly #decoder = new TextDecoder();
  #buffer = new Uint8Array(0);
  #at = 0;
  /** Offset in the document of `#buffer[0]`. */
  #base = 0;
  #started = false;
  #ended = false;
  /** A resumable search for the end of the value at `#at`: bytes looked at, open brackets, inside a string or not. */
  #scan = { ahead: 0, depth: 0, inString: false };
  /** Shape of a value whose key has been read; `null` for one that is skipped. */
  #pending: JsonShape | null | undefined;

  constructor(root: JsonShape) {
    this.#root = root;
  }

  feed(chunk: Uint8Array): void {
    if (this.damage !== undefined) return;
    if (this.#at === this.#buffer.length) {
      this.#base += this.#buffer.length;
      this.#buffer = chunk as Uint8Array<ArrayBuffer>;
    } else {
      const joined = new Uint8Array(this.#buffer.length - this.#at + chunk.length);
      joined.set(this.#buffer.subarray(this.#at));
      joined.set(chunk, this.#buffer.length - this.#at);
      this.#base += this.#at;
      this.#buffer = joined;
    }
    this.#at = 0;
    this.#run();
  }

  end(): void {
    if (this.damage !== undefined) return;
    this.#ended = true;
    this.#run();
    if (this.damage === undefined && (!this.#started || this.#open.length > 0 || this.#pending !== undefined)) {
      this.#fail('cut', this.#started ? 'it ends before its last bracket' : 'it holds nothing');
    }
  }

  #fail(kind: JsonDamage['kind'], reason: string): void {
    const isBetweenValues = kind === 'cut' && this.#pending === undefined && this.#at === this.#buffer.length;
    const offset = this.#base + this.#at;
    this.damage ??= { kind, reason, offset, depth: this.#open.length, isBetweenValues };
  }

  #run(): void {
    while (this.damage === undefined && this.#step());
  }

  /** Consumes one token or value; false: more bytes are needed, or all is read. */
  #step(): boolean {
    if (this.#pending !== undefined) return this.#value(this.#pending);
    const top = this.#open.at(-1);
    if (top === undefined) return this.#outside();
    if ('numbers' in top.shape && top.next !== Next.firstOrClose) return this.#numbers(top, top.shape.numbers);
    const byte = this.#peek();
    if (byte === MORE) return false;
    // A comma before the bracket is no JSON, but common in what programs print while they run.
    if (byte === top.close) {
      this.#at++;
      this.#open.pop();
      if ('end' in top.shape) top.shape.end?.();
      return true;
    }
    if (top.next === Next.commaOrClose) {
      if (byte !== COMMA) {
        this.#fail('invalid', `expected a comma or a closing bracket, found ${show(byte)}`);
        return false;
      }
      this.#at++;
      top.next = Next.item;
      return true;
    }
    return top.close === CLOSE_OBJECT ? this.#key(top) : this.#item(top);
  }

  /** Before the document's first byte, and after its last. */
  #outside(): boolean {
    if (!this.#started && this.#base === 0 && this.#at === 0 && this.#buffer[0] === 0xef) {
      if (this.#buffer.length < 3 && !this.#ended) return false;
      this.#at = 3;
    }
    const byte = this.#peek();
    if (byte === MORE) return false;
    if (this.#started) {
      this.#fail('invalid', `expected its end, found ${show(byte)}`);
      return false;
    }
    this.#started = true;
    this.#pending = this.#root;
    return true;
  }

  #key(top: Open): boolean {
    const start = this.#at;
    if (this.#buffer[start] !== QUOTE) {
      this.#fail('invalid', `expected a key, found ${show(this.#buffer[start]!)}`);
      return false;
    }
    let end = start + 1;
    let escaped = false;
    for (; ; end++) {
      if (end >= this.#buffer.length) return false;
      const byte = this.#buffer[end]!;
      if (byte === BACKSLASH) {
        escaped = true;
        end++;
      } else if (byte === QUOTE) break;
    }
    let colon = end + 1;
    while (colon < this.#buffer.length && this.#buffer[colon]! <= 0x20) colon++;
    if (colon >= this.#buffer.length) return false;
    if (this.#buffer[colon] !== COLON) {
      this.#at = colon;
      this.#fail('invalid', `expected a colon, found ${show(this.#buffer[colon]!)}`);
      return false;
    }
    const text = this.#decoder.decode(this.#buffer.subarray(start, end + 1));
    const key = escaped ? parsed(text) : text.slice(1, -1);
    this.#at = colon + 1;
    const fields = 'fields' in top.shape ? top.shape.fields : {};
    top.next = Next.commaOrClose;
    this.#pending = typeof key === 'string' && Object.hasOwn(fields, key) ? fields[key]! : null;
    return true;
  }

  #item(top: Open): boolean {
    const { shape } = top;
    if ('items' in shape) {
      top.next = Next.commaOrClose;
      this.#pending = shape.items;
      return true;
    }
    if ('numbers' in shape) {
      top.next = Next.item;
      return true;
    }
    const value = this.#whole();
    if (value === undefined) return false;
    top.next = Next.commaOrClose;
    if ('each' in shape) shape.each(value.value);
    return true;
  }

  /** The value after a key, or the root. */
  #value(shape: JsonShape | null): boolean {
    const byte = this.#peek();
    if (byte === MORE) return false;
    if (shape === null) return this.#skip();
    if ('array' in shape) {
      this.#pending = byte === OPEN_ARRAY ? shape.array : shape.object;
      return true;
    }
    if ('value' in shape) {
      const value = this.#whole();
      if (value === undefined) return false;
      this.#pending = undefined;
      shape.value(value.value);
      return true;
    }
    const open = 'fields' in shape ? OPEN_OBJECT : OPEN_ARRAY;
    if (byte !== open) {
      this.mismatches++;
      this.#pending = null;
      return true;
    }
    this.#at++;
    this.#pending = undefined;
    const close = open === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
    this.#open.push({ close, shape, next: Next.firstOrClose });
    shape.begin?.();
    return true;
  }

  /** Numbers until the closing bracket or the end of the buffer, without a call a byte. */
  #numbers(top: Open, take: (value: number) => void): boolean {
    const bytes = this.#buffer;
    let at = this.#at;
    let { next } = top;
    for (;;) {
      while (at < bytes.length && bytes[at]! <= 0x20) at++;
      const start = at;
      if (at >= bytes.length) break;
      const first = bytes[at]!;
      if (first === CLOSE_ARRAY) {
        this.#at = at + 1;
        this.#open.pop();
        if ('end' in top.shape) top.shape.end?.();
        return true;
      }
      if (next === Next.commaOrClose) {
        if (first !== COMMA) {
          this.#at = at;
          this.#fail('invalid', `expected a comma or a closing bracket, found ${show(first)}`);
          return false;
        }
        at++;
        next = Next.item;
        continue;
      }
      const negative = first === 0x2d;
      if (negative) at++;
      let value = 0;
      while (at < bytes.length && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) value = value * 10 + bytes[at++]! - 0x30;
      const after = at < bytes.length ? bytes[at]! : MORE;
      const plain = at - start < 16 && at > start + (negative ? 1 : 0);
      if (plain && (after === COMMA || after === CLOSE_ARRAY || (after !== MORE && after <= 0x20))) {
        take(negative ? -value : value);
      } else {
        // Fractions, exponents, long digits, null, or something that is no number at all.
        this.#at = start;
        const whole = this.#whole();
        if (whole === undefined) {
          top.next = next;
          return false;
        }
        take(typeof whole.value === 'number' ? whole.value : Number.NaN);
        at = this.#at;
      }
      next = Next.commaOrClose;
    }
    this.#at = at;
    top.next = next;
    return false;
  }

  /** Decodes the value at `#at` and moves behind it; undefined while it is not complete. */
  #whole(): { readonly value: unknown } | undefined {
    const start = this.#at;
    const end = this.#endOfValue();
    if (end === MORE) {
      if (this.#buffer.length - start > LARGEST_VALUE) this.#fail('invalid', 'one value is larger than 64 MiB');
      return undefined;
    }
    try {
      const value: unknown = JSON.parse(this.#decoder.decode(this.#buffer.subarray(start, end)));
      this.#at = end;
      return { value };
    } catch {
      this.#fail('invalid', 'a value is not JSON');
      return undefined;
    }
  }

  /** Moves over the value at `#at`, giving up bytes as it goes. */
  #skip(): boolean {
    const end = this.#endOfValue();
    if (end === MORE) {
      // Nothing of a skipped value is needed again: keep no more of it than the state of the search.
      this.#at += this.#scan.ahead;
      this.#scan.ahead = 0;
      this.#skipping = this.#scan.depth > 0 || this.#scan.inString;
      return false;
    }
    this.#at = end;
    this.#skipping = false;
    this.#pending = undefined;
    return true;
  }

  #skipping = false;

  /** Index behind the value that starts at `#at`, or `MORE`. */
  #endOfValue(): number {
    const bytes = this.#buffer;
    let { depth, inString } = this.#scan;
    let at = this.#at + this.#scan.ahead;
    const scalar = !this.#skipping && this.#scan.ahead === 0 && depth === 0 && !inString;
    if (scalar) {
      const first = bytes[at]!;
      if (first !== QUOTE && first !== OPEN_ARRAY && first !== OPEN_OBJECT) return this.#endOfScalar(at);
    }
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (inString) {
        if (byte === BACKSLASH) {
          if (at + 1 >= bytes.length) break;
          at++;
        } else if (byte === QUOTE) inString = false;
        else continue;
      } else if (byte === QUOTE) {
        inString = true;
        continue;
      } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
      else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
      else continue;
      if (depth <= 0 && !inString) {
        this.#scan = { ahead: 0, depth: 0, inString: false };
        return at + 1;
      }
    }
    this.#scan = { ahead: at - this.#at, depth, inString };
    return MORE;
  }

  /** A number or a word ends before the next bracket, comma or space; only the end of input may stand for these. */
  #endOfScalar(start: number): number {
    const bytes = this.#buffer;
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte <= 0x20 || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || byte === COLON) {
        if (at === start) {
          this.#fail('invalid', `expected a value, found ${show(byte)}`);
          return MORE;
        }
        return at;
      }
      if (at - start > 1000) {
        this.#fail('invalid', 'expected a value, found a word of over 1000 letters');
        return MORE;
      }
    }
    return this.#ended && this.#open.length === 0 ? bytes.length : MORE;
  }

  /** The next byte that is no white space, or `MORE`. */
  #peek(): number {
    // Inside a skipped value white space is part of it, and its first byte may lie behind.
    if (this.#skipping) return this.#at < this.#buffer.length ? this.#buffer[this.#at]! : MORE;
    while (this.#at < this.#buffer.length && this.#buffer[this.#at]! <= 0x20) this.#at++;
    return this.#at < this.#buffer.length ? this.#buffer[this.#at]! : MORE;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function show(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`;
}
