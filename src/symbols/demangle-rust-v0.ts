// https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
const BASIC: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};

/** Back references can nest without end in a hostile name: beyond these bounds it stays mangled. */
const MAX_DEPTH = 300;
const MAX_LENGTH = 1 << 16;

/** A `_R…` symbol without crate hashes; undefined where it does not follow the grammar. */
export function demangleRustV0(symbol: string): string | undefined {
  const dot = symbol.indexOf('.');
  const text = symbol.slice(2, dot === -1 ? undefined : dot);
  // A version, which no compiler writes yet, would be digits here.
  if (!/^[A-Z][A-Za-z0-9_]*$/.test(text)) return undefined;
  try {
    return new V0Printer(text).symbol();
  } catch (error) {
    if (error instanceof NotMangled) return undefined;
    throw error;
  }
}

class NotMangled extends Error {}

class V0Printer {
  readonly #text: string;
  #at = 0;
  #out = '';
  #depth = 0;
  #silent = 0;
  /** Lifetimes that `for<…>` around the current place binds. */
  #bound = 0;

  constructor(text: string) {
    this.#text = text;
  }

  symbol(): string {
    this.#path(true);
    // The crate that instantiated a generic function is no part of its name.
    if (this.#at < this.#text.length) {
      this.#silent++;
      this.#path(false);
    }
    if (this.#at < this.#text.length) throw new NotMangled();
    return this.#out;
  }

  #print(text: string): void {
    if (this.#silent > 0) return;
    this.#out += text;
    if (this.#out.length > MAX_LENGTH) throw new NotMangled();
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #take(): string {
    const c = this.#text[this.#at++];
    if (c === undefined) throw new NotMangled();
    return c;
  }

  #eat(c: string): boolean {
    if (this.#peek() !== c) return false;
    this.#at++;
    return true;
  }

  #base62(): number {
    if (this.#eat('_')) return 0;
    let value = 0;
    for (;;) {
      const c = this.#take();
      if (c === '_') return value + 1;
      const code = c.charCodeAt(0);
      value = value * 62 + (code <= 57 ? code - 48 : code >= 97 ? code - 87 : code - 29);
    }
  }

  #disambiguator(): number {
    return this.#eat('s') ? this.#base62() + 1 : 0;
  }

  #identifier(): string {
    const unicode = this.#eat('u');
    const digits = /^(?:0|[1-9]\d*)/.exec(this.#text.slice(this.#at, this.#at + 8))?.[0];
    if (digits === undefined) throw new NotMangled();
    this.#at += digits.length;
    this.#eat('_');
    const name = this.#text.slice(this.#at, this.#at + Number(digits));
    if (name.length < Number(digits)) throw new NotMangled();
    this.#at += name.length;
    return unicode ? fromPunycode(name) : name;
  }

  #enter(): void {
    if (++this.#depth > MAX_DEPTH) throw new NotMangled();
  }

  #backReference(print: () => void): void {
    const start = this.#at - 1;
    const target = this.#base62();
    if (target >= start) throw new NotMangled();
    if (this.#silent > 0) return;
    const resume = this.#at;
    this.#at = target;
    print();
    this.#at = resume;
  }

  /** `inValue`: generic arguments of a function are written with `::` before them, those of a type without. */
  #path(inValue: boolean): void {
    this.#enter();
    const tag = this.#take();
    switch (tag) {
      case 'C':
        this.#disambiguator();
        this.#print(this.#identifier());
        break;
      case 'N': {
        const namespace = this.#take();
        if (!/[A-Za-z]/.test(namespace)) throw new NotMangled();
        this.#path(inValue);
        const number = this.#disambiguator();
        const name = this.#identifier();
        if (/[A-Z]/.test(namespace)) {
          const kind = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace;
          this.#print(`::{${kind}${name === '' ? '' : `:${name}`}#${number}}`);
        } else if (name !== '') this.#print(`::${name}`);
        break;
      }
      case 'M':
      case 'X':
        this.#disambiguator();
        this.#silent++;
        this.#path(false);
        this.#silent--;
        this.#impl(tag === 'X');
        break;
      case 'Y':
        this.#impl(true);
        break;
      case 'I':
        this.#path(inValue);
        this.#print(inValue ? '::<' : '<');
        this.#list('E', () => this.#genericArgument());
        this.#print('>');
        break;
      case 'B':
        this.#backReference(() => this.#path(inValue));
        break;
      default:
        throw new NotMangled();
    }
    this.#depth--;
  }

  #impl(ofTrait: boolean): void {
    this.#print('<');
    this.#type();
    if (ofTrait) {
      this.#print(' as ');
      this.#path(false);
    }
    this.#print('>');
  }

  /** Items up to `end`, with commas between; says how many. */
  #list(end: string, item: () => void): number {
    let count = 0;
    while (!this.#eat(end)) {
      if (count++ > 0) this.#print(', ');
      item();
    }
    return count;
  }

  #genericArgument(): void {
    if (this.#eat('L')) this.#lifetime(this.#base62());
    else if (this.#eat('K')) this.#constant();
    else this.#type();
  }

  #lifetime(index: number): void {
    if (index === 0) this.#print("'_");
    else {
      const depth = this.#bound - index;
      if (depth < 0) throw new NotMangled();
      this.#print(depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`);
    }
  }

  #binder(print: () => void): void {
    const count = this.#eat('G') ? this.#base62() + 1 : 0;
    if (count > 1000) throw new NotMangled();
    if (count > 0) {
      this.#print('for<');
      for (let i = 0; i < count; i++) {
        if (i > 0) this.#print(', ');
        this.#bound++;
        this.#lifetime(1);
      }
      this.#print('> ');
    }
    print();
    this.#bound -= count;
  }

  #type(): void {
    this.#enter();
    const tag = this.#take();
    const basic = BASIC[tag];
    if (basic !== undefined) this.#print(basic);
    else this.#compoundType(tag);
    this.#depth--;
  }

  #compoundType(tag: string): void {
    switch (tag) {
      case 'R':
      case 'Q':
        this.#print('&');
        if (this.#eat('L')) {
          const index = this.#base62();
          if (index !== 0) {
            this.#lifetime(index);
            this.#print(' ');
          }
        }
        if (tag === 'Q') this.#print('mut ');
        this.#type();
        break;
      case 'P':
      case 'O':
        this.#print(tag === 'P' ? '*const ' : '*mut ');
        this.#type();
        break;
      case 'A':
      case 'S':
        this.#print('[');
        this.#type();
        if (tag === 'A') {
          this.#print('; ');
          this.#constant();
        }
        this.#print(']');
        break;
      case 'T': {
        this.#print('(');
        const count = this.#list('E', () => this.#type());
        this.#print(count === 1 ? ',)' : ')');
        break;
      }
      case 'F':
        this.#binder(() => this.#functionType());
        break;
      case 'D':
        this.#print('dyn ');
        this.#binder(() => this.#dynBounds());
        if (!this.#eat('L')) throw new NotMangled();
        {
          const index = this.#base62();
          if (index !== 0) {
            this.#print(' + ');
            this.#lifetime(index);
          }
        }
        break;
      case 'B':
        this.#backReference(() => this.#type());
        break;
      default:
        this.#at--;
        this.#path(false);
    }
  }

  #functionType(): void {
    if (this.#eat('U')) this.#print('unsafe ');
    if (this.#eat('K')) {
      const abi = this.#eat('C') ? 'C' : this.#identifier().replace(/_/g, '-');
      this.#print(`extern "${abi}" `);
    }
    this.#print('fn(');
    this.#list('E', () => this.#type());
    this.#print(')');
    if (this.#eat('u')) return;
    this.#print(' -> ');
    this.#type();
  }

  #dynBounds(): void {
    for (let count = 0; !this.#eat('E'); count++) {
      if (count > 0) this.#print(' + ');
      let open = this.#pathLeftOpen();
      while (this.#eat('p')) {
        this.#print(open ? ', ' : '<');
        open = true;
        this.#print(`${this.#identifier()} = `);
        this.#type();
      }
      if (open) this.#print('>');
    }
  }

  /** A trait's path without the closing `>`, so that its associated types can follow; says whether one is open. */
  #pathLeftOpen(): boolean {
    if (this.#eat('B')) {
      let open = false;
      this.#backReference(() => {
        open = this.#pathLeftOpen();
      });
      return open;
    }
    if (!this.#eat('I')) {
      this.#path(false);
      return false;
    }
    this.#path(false);
    this.#print('<');
    this.#list('E', () => this.#genericArgument());
    return true;
  }

  #constant(): void {
    this.#enter();
    const tag = this.#take();
    if (tag === 'p') this.#print('_');
    else if (tag === 'B') this.#backReference(() => this.#constant());
    else if (/[hmtyoj]/.test(tag)) this.#print(this.#integer());
    else if (/[aslxni]/.test(tag)) this.#print(`${this.#eat('n') ? '-' : ''}${this.#integer()}`);
    else if (tag === 'b') this.#print(this.#integer() === '0' ? 'false' : 'true');
    else if (tag === 'c')
      this.#print(
        JSON.stringify(String.fromCodePoint(Math.min(0x10ffff, Number(this.#integer())))).replace(/^"|"$/g, "'"),
      );
    else throw new NotMangled();
    this.#depth--;
  }

  #integer(): string {
    const digits = /^[0-9a-f]*_/.exec(this.#text.slice(this.#at))?.[0];
    if (digits === undefined) throw new NotMangled();
    this.#at += digits.length;
    return digits === '_' ? '0' : BigInt(`0x${digits.slice(0, -1)}`).toString();
  }
}

/** Punycode (RFC 3492), with `_` in place of `-` before the coded part. */
function fromPunycode(text: string): string {
  const split = text.lastIndexOf('_');
  const points = split === -1 ? [] : [...text.slice(0, split)].map(c => c.codePointAt(0)!);
  let n = 128;
  let i = 0;
  let bias = 72;
  let at = split + 1;
  while (at < text.length) {
    const before = i;
    for (let weight = 1, k = 36; ; k += 36) {
      const code = text.charCodeAt(at++);
      if (Number.isNaN(code)) throw new NotMangled();
      const digit = code <= 57 ? code - 22 : (code | 32) - 97;
      i += digit * weight;
      const threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    const count = points.length + 1;
    let delta = before === 0 ? Math.floor((i - before) / 700) : Math.floor((i - before) / 2);
    delta += Math.floor(delta / count);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    bias = k + Math.floor((36 * delta) / (delta + 38));
    n += Math.floor(i / count);
    i %= count;
    if (n > 0x10ffff) throw new NotMangled();
    points.splice(i++, 0, n);
  }
  return String.fromCodePoint(...points);
}
