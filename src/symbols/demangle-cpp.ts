// https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling
import { BUILTIN, OPERATORS, SPECIAL, SPECIAL_ENTITY, STANDARD, STANDARD_SHORT } from './demangle-cpp-tables.ts';

/** Beyond these a hostile name stays mangled. */
const MAX_DEPTH = 200;
const MAX_LENGTH = 1 << 16;
const MAX_STEPS = 1 << 16;

/**
 * A C++ symbol as `c++filt -p` writes it: with template arguments, without the function's own parameters and return
 * type. Undefined where it is none.
 */
export function demangleCpp(symbol: string): string | undefined {
  const match = /^_{1,2}Z/.exec(symbol);
  if (match === null) return undefined;
  // What the compiler made of a function (.cold, .part.0, .constprop.1, .isra.0) stands behind a dot: not its name.
  const dot = symbol.indexOf('.', match[0].length);
  try {
    return new CppParser(symbol.slice(match[0].length, dot === -1 ? undefined : dot)).top();
  } catch (error) {
    if (error instanceof NotMangled) return undefined;
    throw error;
  }
}

class NotMangled extends Error {}

/** A type in two halves: declarators of arrays and functions stand around what they declare. */
interface Piece {
  readonly left: string;
  readonly right: string;
  /** A function or array: a pointer to it needs parentheses. */
  readonly needsParentheses: boolean;
  /** An argument pack, element by element. */
  readonly pack?: readonly Piece[];
  /** `lvalue`, `rvalue`: references to references collapse. */
  readonly reference?: '&' | '&&';
  /** What is referred to. */
  readonly inner?: Piece;
}

const plain = (left: string): Piece => ({ left, right: '', needsParentheses: false });

function textOf(piece: Piece): string {
  if (piece.pack !== undefined)
    return piece.pack
      .map(textOf)
      .filter(text => text !== '')
      .join(', ');
  return piece.left + piece.right;
}

function declare(inner: Piece, mark: string): Piece {
  if (inner.needsParentheses) {
    return { left: `${inner.left.trimEnd()} (${mark}`, right: `)${inner.right}`, needsParentheses: false };
  }
  return { left: inner.left + mark, right: inner.right, needsParentheses: false };
}

interface Name {
  readonly text: string;
  /** It ends with template arguments: then its signature begins with the return type. */
  readonly isTemplate: boolean;
  /** Constructors, destructors and conversions have no return type even so. */
  readonly noReturn: boolean;
  /** ` const`, ` &` … of the member function. */
  readonly qualifiers: string;
}

class CppParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #steps = 0;
  readonly #substitutions: Piece[] = [];
  /** Arguments that T_ refers to; replaced by each template that is read. */
  #arguments: readonly Piece[] = [];
  /** Element of the packs in the pattern that is being expanded; -1 = none is. */
  #packIndex = -1;
  #packLength = -1;
  /** While a conversion operator's type is skipped, its template arguments are not known yet. */
  #lenient = false;
  /** What follows the type are arguments of the operator, not of a template that T_ stands for. */
  #inConversion = false;
  /** Parameters of a generic lambda have no arguments to stand for them. */
  #inLambda = 0;

  constructor(text: string) {
    this.#text = text;
  }

  top(): string {
    // Block-invocation functions and the like may follow; the name is what counts.
    const text = this.#encoding(false);
    if (text.length > MAX_LENGTH) throw new NotMangled();
    return text;
  }

  #peek(length = 1): string {
    return this.#text.substr(this.#at, length);
  }

  #eat(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #need(text: string): void {
    if (!this.#eat(text)) throw new NotMangled();
  }

  #enter(): void {
    if (++this.#depth > MAX_DEPTH || ++this.#steps > MAX_STEPS) throw new NotMangled();
  }

  #digits(): string {
    const start = this.#at;
    while (this.#at < this.#text.length) {
      const c = this.#text.charCodeAt(this.#at);
      if (c < 48 || c > 57) break;
      this.#at++;
    }
    return this.#text.slice(start, this.#at);
  }

  /** `_` is 0, `0_` is 1, in base 36 where `base36`. */
  #sequence(base36: boolean): number {
    if (this.#eat('_')) return 0;
    const match = (base36 ? /^[0-9A-Z]+/ : /^\d+/).exec(this.#text.slice(this.#at, this.#at + 8))?.[0];
    if (match === undefined) throw new NotMangled();
    this.#at += match.length;
    this.#need('_');
    return Number.parseInt(match, base36 ? 36 : 10) + 1;
  }

  #remember(piece: Piece): Piece {
    this.#substitutions.push(piece);
    return piece;
  }

  /** A function or object. `withSignature`: its parameters too, as for the function around a local name. */
  #encoding(withSignature: boolean, withReturn = false): string {
    this.#enter();
    const special = this.#special();
    if (special !== undefined) {
      this.#depth--;
      return special;
    }
    const name = this.#name();
    this.#depth--;
    if (!withSignature || this.#at >= this.#text.length || this.#peek() === 'E' || this.#peek() === '.')
      return name.text;
    const result = name.isTemplate && !name.noReturn ? `${textOf(this.#type())} ` : '';
    return `${withReturn ? result : ''}${name.text}(${this.#parameters()})${name.qualifiers}`;
  }

  #special(): string | undefined {
    const two = this.#peek(2);
    const ofType = SPECIAL[two];
    if (ofType !== undefined) {
      this.#at += 2;
      return ofType + textOf(this.#type());
    }
    const ofEntity = SPECIAL_ENTITY[two];
    if (ofEntity !== undefined) {
      this.#at += 2;
      return ofEntity + this.#name().text;
    }
    if (two === 'GR') {
      this.#at += 2;
      const name = this.#name().text;
      const number = this.#peek() === '_' || /\w/.test(this.#peek()) ? this.#sequence(true) : 0;
      return `reference temporary #${number} for ${name}`;
    }
    if (two === 'TC') {
      this.#at += 2;
      const derived = textOf(this.#type());
      this.#digits();
      this.#need('_');
      return `construction vtable for ${textOf(this.#type())}-in-${derived}`;
    }
    if (two === 'Th' || two === 'Tv') {
      this.#at += 1;
      this.#callOffset();
      return `${two === 'Th' ? 'non-virtual' : 'virtual'} thunk to ${this.#encoding(true)}`;
    }
    if (two === 'Tc') {
      this.#at += 2;
      this.#callOffset();
      this.#callOffset();
      return `covariant return thunk to ${this.#encoding(true)}`;
    }
    return undefined;
  }

  #callOffset(): void {
    if (this.#eat('h')) this.#offset();
    else {
      this.#need('v');
      this.#offset();
      this.#offset();
    }
  }

  #offset(): void {
    this.#eat('n');
    this.#digits();
    this.#need('_');
  }

  #name(): Name {
    this.#enter();
    const name = this.#anyName();
    this.#depth--;
    return name;
  }

  #anyName(): Name {
    const c = this.#peek();
    if (c === 'N') return this.#nested();
    if (c === 'Z') return this.#local();
    let piece: Piece;
    let noReturn = false;
    if (c === 'S' && this.#peek(2) !== 'St') {
      piece = this.#substitution();
      if (this.#peek() !== 'I') return { text: textOf(piece), isTemplate: false, noReturn: false, qualifiers: '' };
    } else {
      const prefix = this.#eat('St') ? 'std::' : '';
      const part = this.#unqualified('', '');
      noReturn = part.noReturn;
      piece = plain(prefix + part.text);
      if (this.#peek() !== 'I') return { text: textOf(piece), isTemplate: false, noReturn, qualifiers: '' };
      this.#remember(piece);
    }
    return {
      text: joinArguments(textOf(piece), this.#templateArguments(true)),
      isTemplate: true,
      noReturn,
      qualifiers: '',
    };
  }

  #nested(): Name {
    this.#need('N');
    let qualifiers = '';
    // Written innermost first, printed outermost last.
    for (;;) {
      if (this.#eat('r')) qualifiers = ` restrict${qualifiers}`;
      else if (this.#eat('V')) qualifiers = ` volatile${qualifiers}`;
      else if (this.#eat('K')) qualifiers = ` const${qualifiers}`;
      else break;
    }
    if (this.#eat('R')) qualifiers += ' &';
    else if (this.#eat('O')) qualifiers += ' &&';
    // An explicit object parameter.
    else this.#eat('H');

    let text = '';
    /** The last simple name, which constructors repeat. */
    let last = '';
    let isTemplate = false;
    let noReturn = false;
    while (!this.#eat('E')) {
      const c = this.#peek();
      let remembered = false;
      if (c === '') throw new NotMangled();
      if (c === 'I') {
        text = joinArguments(text, this.#templateArguments(true));
        isTemplate = true;
      } else {
        const separator = text === '' ? '' : '::';
        isTemplate = false;
        if (c === 'S' && this.#peek(2) !== 'St' && text === '') {
          const standard = STANDARD[this.#peek(2)[1] ?? ''];
          // The full name where a constructor or destructor follows, as it repeats it.
          if (standard !== undefined && /[CD]/.test(this.#text[this.#at + 2] ?? '')) {
            this.#at += 2;
            text = standard[0];
            last = standard[1];
          } else {
            text = textOf(this.#substitution());
            last = lastName(text);
          }
          remembered = true;
        } else if (c === 'S' && this.#eat('St')) {
          text = 'std';
          remembered = true;
        } else if (c === 'T') {
          text += separator + textOf(this.#templateParameter());
          last = lastName(text);
        } else if (c === 'D' && /[tT]/.test(this.#text[this.#at + 1] ?? '')) {
          text += separator + textOf(this.#type());
          remembered = true;
        } else {
          const part = this.#unqualified(last, text);
          text += separator + part.text;
          noReturn = part.noReturn;
          if (part.simple) last = part.text;
        }
      }
      if (!remembered && this.#peek() !== 'E') this.#remember(plain(text));
      // A closure or data member whose scope ends here.
      this.#eat('M');
    }
    return { text, isTemplate, noReturn, qualifiers };
  }

  #local(): Name {
    this.#need('Z');
    const outer = this.#encoding(true);
    this.#need('E');
    if (this.#eat('s')) {
      this.#discriminator();
      return { text: `${outer}::string literal`, isTemplate: false, noReturn: false, qualifiers: '' };
    }
    if (this.#eat('d')) {
      const number = this.#sequence(false);
      const name = this.#name();
      return { ...name, text: `${outer}::{default arg#${number + 1}}::${name.text}` };
    }
    const name = this.#name();
    this.#discriminator();
    return { ...name, text: `${outer}::${name.text}` };
  }

  #discriminator(): void {
    if (this.#eat('__')) {
      this.#digits();
      this.#need('_');
    } else if (/^_\d/.test(this.#peek(2))) this.#at += 2;
  }

  #unqualified(enclosing: string, _scope: string): { text: string; noReturn: boolean; simple: boolean } {
    const result = this.#unqualifiedBase(enclosing);
    let { text } = result;
    while (this.#eat('B')) text += `[abi:${this.#sourceName()}]`;
    return { ...result, text };
  }

  #unqualifiedBase(enclosing: string): { text: string; noReturn: boolean; simple: boolean } {
    this.#eat('L');
    const c = this.#peek();
    if (/\d/.test(c)) return { text: this.#sourceName(), noReturn: false, simple: true };
    if (c === 'C' && /[1-5I]/.test(this.#text[this.#at + 1] ?? '')) {
      const inheriting = this.#text[this.#at + 1] === 'I';
      this.#at += inheriting ? 3 : 2;
      if (inheriting) this.#type();
      return { text: enclosing, noReturn: true, simple: false };
    }
    if (c === 'D' && /[0-5]/.test(this.#text[this.#at + 1] ?? '')) {
      this.#at += 2;
      return { text: `~${enclosing}`, noReturn: true, simple: false };
    }
    if (this.#eat('DC')) {
      const names: string[] = [];
      while (!this.#eat('E')) names.push(this.#sourceName());
      return { text: `[${names.join(', ')}]`, noReturn: false, simple: false };
    }
    if (this.#eat('Ut')) {
      return { text: `{unnamed type#${this.#sequence(false) + 1}}`, noReturn: false, simple: true };
    }
    if (this.#eat('Ul')) {
      this.#inLambda++;
      const parameters = this.#parameters();
      this.#inLambda--;
      this.#need('E');
      return { text: `{lambda(${parameters})#${this.#sequence(false) + 1}}`, noReturn: false, simple: true };
    }
    return this.#operator();
  }

  #operator(): { text: string; noReturn: boolean; simple: boolean } {
    const two = this.#peek(2);
    this.#at += 2;
    if (two === 'cv') return { text: `operator ${this.#conversionType()}`, noReturn: true, simple: false };
    if (two === 'li') return { text: `operator"" ${this.#sourceName()}`, noReturn: false, simple: false };
    const operator = OPERATORS[two];
    if (operator === undefined) throw new NotMangled();
    const sign = operator[0].trim();
    return { text: `operator${/^[a-z]/.test(sign) ? ' ' : ''}${sign}`, noReturn: false, simple: false };
  }

  /** The type may refer to template arguments that stand behind it: read past it, then read it again. */
  #conversionType(): string {
    const start = this.#at;
    const kept = this.#substitutions.length;
    const before = this.#lenient;
    this.#lenient = true;
    const first = textOf(this.#type());
    this.#lenient = before;
    if (this.#peek() !== 'I' || before) return first;
    const end = this.#at;
    const between = this.#substitutions.splice(kept);
    const outer = this.#arguments;
    // Substitutions of the type itself stand before those of the arguments.
    this.#substitutions.push(...between);
    this.#templateArguments(true);
    const inner = this.#arguments;
    this.#substitutions.length = kept;
    this.#at = start;
    this.#arguments = inner;
    this.#inConversion = true;
    const text = textOf(this.#type());
    this.#inConversion = false;
    this.#arguments = outer;
    this.#at = end;
    return text;
  }

  #sourceName(): string {
    const length = Number(this.#digits());
    const name = this.#text.substr(this.#at, length);
    if (length === 0 || name.length < length) throw new NotMangled();
    this.#at += length;
    return /^_GLOBAL_[._$]N/.test(name) ? '(anonymous namespace)' : name;
  }

  #substitution(): Piece {
    this.#need('S');
    const c = this.#peek();
    const standard = STANDARD[c];
    if (standard !== undefined) {
      this.#at++;
      let text = STANDARD_SHORT[c] ?? standard[0];
      // Short forms stand for the full ones, which is how c++filt prints them within longer names.
      if (STANDARD_SHORT[c] !== undefined) text = standard[0];
      if (this.#peek() === 'B') {
        while (this.#eat('B')) text += `[abi:${this.#sourceName()}]`;
        return this.#remember(plain(text));
      }
      return plain(text);
    }
    const piece = this.#substitutions[this.#sequence(true)];
    if (piece === undefined) throw new NotMangled();
    return piece;
  }

  #templateParameter(): Piece {
    this.#need('T');
    if (this.#eat('L')) {
      this.#digits();
      this.#need('_');
    }
    const index = this.#sequence(false);
    if (this.#inLambda > 0 && this.#arguments[index] === undefined) return plain(`auto:${index + 1}`);
    if (this.#inLambda > 0) return plain(`auto:${index + 1}`);
    const argument = this.#arguments[index];
    if (argument === undefined) {
      if (this.#lenient) return plain('?');
      throw new NotMangled();
    }
    if (argument.pack !== undefined && this.#packIndex >= 0) {
      this.#packLength = argument.pack.length;
      return argument.pack[this.#packIndex] ?? plain('');
    }
    return argument;
  }

  /** `keep`: T_ refers to these from now on. */
  #templateArguments(keep: boolean): string {
    this.#need('I');
    this.#enter();
    const pieces: Piece[] = [];
    while (!this.#eat('E')) {
      if (this.#at >= this.#text.length) throw new NotMangled();
      // A constraint, which is no argument.
      if (this.#eat('Q')) this.#expression();
      else pieces.push(this.#templateArgument());
    }
    this.#depth--;
    if (keep && !this.#lenient) this.#arguments = pieces;
    return pieces
      .map(textOf)
      .filter((text, i) => text !== '' || pieces[i]!.pack === undefined)
      .join(', ');
  }

  #templateArgument(): Piece {
    if (this.#eat('X')) {
      const text = this.#expression();
      this.#need('E');
      return plain(text);
    }
    if (this.#peek() === 'L') return plain(this.#literal());
    if (this.#eat('J')) {
      const pack: Piece[] = [];
      while (!this.#eat('E')) {
        if (this.#at >= this.#text.length) throw new NotMangled();
        pack.push(this.#templateArgument());
      }
      return { ...plain(''), pack };
    }
    return this.#type();
  }

  /** Parameters up to the end of the signature; a single `void` is none. */
  #parameters(): string {
    const types: string[] = [];
    while (this.#at < this.#text.length && !/[E.Q]/.test(this.#peek())) {
      // References of the member function behind its parameters.
      if (/^[RO]E/.test(this.#peek(2))) {
        this.#at++;
        break;
      }
      const text = textOf(this.#type());
      if (text !== '') types.push(text);
    }
    return types.length === 1 && types[0] === 'void' ? '' : types.join(', ');
  }

  #type(): Piece {
    this.#enter();
    const piece = this.#anyType();
    this.#depth--;
    if (piece.left.length + piece.right.length > MAX_LENGTH) throw new NotMangled();
    return piece;
  }

  #anyType(): Piece {
    const c = this.#peek();
    switch (c) {
      case 'P':
        this.#at++;
        return this.#remember(declare(this.#type(), '*'));
      case 'R':
      case 'O':
        this.#at++;
        return this.#remember(reference(this.#type(), c === 'R' ? '&' : '&&'));
      case 'r':
      case 'V':
      case 'K':
        return this.#remember(this.#qualified());
      case 'C':
      case 'G':
        this.#at++;
        return this.#remember(plain(`${textOf(this.#type())} ${c === 'C' ? '_Complex' : '_Imaginary'}`));
      case 'U': {
        this.#at++;
        const name = this.#sourceName();
        const extra = this.#peek() === 'I' ? `<${this.#templateArguments(false)}>` : '';
        return this.#remember(plain(`${textOf(this.#type())} ${name}${extra}`));
      }
      case 'F':
        return this.#remember(this.#functionType(''));
      case 'A':
        return this.#remember(this.#arrayType());
      case 'M': {
        this.#at++;
        const of = textOf(this.#type());
        const member = this.#type();
        if (member.needsParentheses) return this.#remember(declare(member, `${of}::*`));
        return this.#remember(plain(`${textOf(member)} ${of}::*`));
      }
      case 'T': {
        if (/^T[sue]/.test(this.#peek(2))) {
          this.#at += 2;
          return this.#remember(plain(this.#name().text));
        }
        const parameter = this.#remember(this.#templateParameter());
        if (this.#peek() !== 'I' || this.#lenient || this.#inConversion) return parameter;
        return this.#remember(plain(joinArguments(textOf(parameter), this.#templateArguments(false))));
      }
      case 'S':
        if (this.#peek(2) !== 'St') {
          const piece = this.#substitution();
          if (this.#peek() !== 'I') return piece;
          return this.#remember(plain(joinArguments(textOf(piece), this.#nestedArguments())));
        }
        return this.#remember(plain(this.#classType()));
      case 'D':
        return this.#dType();
      case 'u':
        this.#at++;
        return this.#remember(plain(this.#sourceName()));
      default: {
        const builtin = BUILTIN[c];
        if (builtin !== undefined) {
          this.#at++;
          return plain(builtin);
        }
        return this.#remember(plain(this.#classType()));
      }
    }
  }

  /** Arguments of a type within a signature do not become what T_ refers to. */
  #nestedArguments(): string {
    return this.#templateArguments(false);
  }

  #classType(): string {
    const outer = this.#arguments;
    const name = this.#name().text;
    this.#arguments = outer;
    return name;
  }

  #qualified(): Piece {
    let marks = '';
    for (;;) {
      if (this.#eat('r')) marks = ` restrict${marks}`;
      else if (this.#eat('V')) marks = ` volatile${marks}`;
      else if (this.#eat('K')) marks = ` const${marks}`;
      else break;
    }
    if (this.#peek() === 'F' || /^D[oOx]/.test(this.#peek(2))) return this.#functionType(marks);
    const inner = this.#type();
    if (inner.needsParentheses) return { ...inner, left: inner.left, right: inner.right + marks };
    // `const` is not doubled where a template argument has it.
    return inner.left.endsWith(marks) && inner.right === ''
      ? inner
      : { ...plain(inner.left + marks), right: inner.right };
  }

  #functionType(qualifiers: string): Piece {
    let exception = '';
    if (this.#eat('Do')) exception = ' noexcept';
    else if (this.#eat('DO')) {
      exception = ` noexcept(${this.#expression()})`;
      this.#need('E');
    }
    this.#eat('Dx');
    this.#need('F');
    this.#eat('Y');
    const result = this.#type();
    const parameters = this.#parameters();
    let references = '';
    if (this.#text[this.#at - 1] === 'R' && this.#peek() === 'E') references = ' &';
    else if (this.#text[this.#at - 1] === 'O' && this.#peek() === 'E') references = ' &&';
    this.#need('E');
    return {
      left: `${result.left} `,
      right: `(${parameters})${qualifiers}${references}${exception}${result.right}`,
      needsParentheses: true,
    };
  }

  #arrayType(): Piece {
    this.#need('A');
    const start = this.#at;
    let dimension = this.#digits();
    if (dimension === '' && this.#peek() !== '_') {
      this.#at = start;
      dimension = this.#expression();
    }
    this.#need('_');
    const element = this.#type();
    return { left: element.left, right: ` [${dimension}]${element.right.trimStart()}`, needsParentheses: true };
  }

  #dType(): Piece {
    const two = this.#peek(2);
    const builtin = BUILTIN[two];
    if (builtin !== undefined) {
      this.#at += 2;
      return plain(builtin);
    }
    switch (two) {
      case 'Dp':
        this.#at += 2;
        return this.#remember(this.#expandPack());
      case 'Dt':
      case 'DT': {
        this.#at += 2;
        const text = this.#expression();
        this.#need('E');
        return this.#remember(plain(`decltype (${text})`));
      }
      case 'DF': {
        this.#at += 2;
        const bits = this.#digits();
        const suffix = this.#eat('b') ? 'b' : this.#eat('x') ? 'x' : '';
        if (suffix === '') this.#need('_');
        return plain(suffix === 'b' ? 'std::bfloat16_t' : `_Float${bits}${suffix}`);
      }
      case 'Dv': {
        this.#at += 2;
        const size = this.#digits();
        this.#need('_');
        return this.#remember(plain(`${textOf(this.#type())} __vector(${size})`));
      }
      case 'Do':
      case 'DO':
      case 'Dx':
        return this.#remember(this.#functionType(''));
      default:
        throw new NotMangled();
    }
  }

  /** Reads the pattern once for each element of the pack in it. */
  #expandPack(): Piece {
    const start = this.#at;
    const outer = { index: this.#packIndex, length: this.#packLength };
    const elements: Piece[] = [];
    this.#packIndex = 0;
    this.#packLength = -1;
    const kept = this.#substitutions.length;
    const first = this.#type();
    const length = this.#packLength;
    const end = this.#at;
    if (length === -1) {
      this.#packIndex = outer.index;
      this.#packLength = outer.length;
      return plain(`${textOf(first)}...`);
    }
    const after = this.#substitutions.slice(kept);
    if (length > 0) elements.push(first);
    for (let i = 1; i < length; i++) {
      this.#packIndex = i;
      this.#at = start;
      this.#substitutions.length = kept;
      elements.push(this.#type());
    }
    this.#substitutions.length = kept;
    this.#substitutions.push(...after);
    this.#at = end;
    this.#packIndex = outer.index;
    this.#packLength = outer.length;
    return { ...plain(''), pack: elements };
  }

  #literal(): string {
    this.#need('L');
    if (this.#eat('_Z') || this.#eat('Z')) {
      const text = this.#encoding(true, true);
      this.#need('E');
      return text;
    }
    const type = this.#type();
    const match = /^(n?)([0-9a-zA-Z_.]*?)E/.exec(this.#text.slice(this.#at));
    if (match === null) throw new NotMangled();
    this.#at += match[0].length;
    const [, minus = '', digits = ''] = match;
    const value = `${minus === '' ? '' : '-'}${digits}`;
    const name = textOf(type);
    switch (name) {
      case 'bool':
        return digits === '0' ? 'false' : digits === '1' ? 'true' : `(bool)${value}`;
      case 'int':
        return value;
      case 'unsigned int':
        return `${value}u`;
      case 'long':
        return `${value}l`;
      case 'unsigned long':
        return `${value}ul`;
      case 'long long':
        return `${value}ll`;
      case 'unsigned long long':
        return `${value}ull`;
      case 'decltype(nullptr)':
        return digits === '' || digits === '0' ? `(decltype(nullptr))${value}` : value;
      default:
        return `(${name})${/^(float|double|long double|__float128)$/.test(name) ? `[${digits}]` : value}`;
    }
  }

  #expression(): string {
    this.#enter();
    const text = this.#anyExpression();
    this.#depth--;
    return text;
  }

  #expressionsTo(end: string): string {
    const parts: string[] = [];
    while (!this.#eat(end)) {
      if (this.#at >= this.#text.length) throw new NotMangled();
      parts.push(this.#expression());
    }
    return parts.join(', ');
  }

  #anyExpression(): string {
    const c = this.#peek();
    const two = this.#peek(2);
    if (c === 'L') return this.#literal();
    if (c === 'T') return textOf(this.#templateParameter());
    if (/^f[pL]/.test(two)) return this.#functionParameter();
    if (/^\d/.test(c)) return this.#simpleName();
    this.#at += 2;
    switch (two) {
      case 'cv': {
        const type = textOf(this.#type());
        if (this.#eat('_')) return `(${type})(${this.#expressionsTo('E')})`;
        return `(${type})(${this.#expression()})`;
      }
      case 'ad':
        return this.#addressOf();
      case 'cl':
        return `${parenthesised(this.#expression())}(${this.#expressionsTo('E')})`;
      case 'sr': {
        const type = textOf(this.#type());
        return `${type}::${this.#simpleName()}`;
      }
      case 'on':
        return this.#simpleName();
      case 'st':
        return `sizeof (${textOf(this.#type())})`;
      case 'sz':
        return `sizeof (${this.#expression()})`;
      case 'at':
        return `alignof (${textOf(this.#type())})`;
      case 'sZ':
        return this.#packSize();
      case 'sp':
        return this.#expandExpression();
      case 'nx':
        return `noexcept(${this.#expression()})`;
      case 'dt':
        return `${parenthesised(this.#expression())}.${this.#simpleName()}`;
      case 'pt':
        return `${parenthesised(this.#expression())}->${this.#simpleName()}`;
      case 'tl':
        return `${textOf(this.#type())}{${this.#expressionsTo('E')}}`;
      case 'il':
        return `{${this.#expressionsTo('E')}}`;
      case 'dc':
        return `dynamic_cast<${textOf(this.#type())}>(${this.#expression()})`;
      case 'sc':
        return `static_cast<${textOf(this.#type())}>(${this.#expression()})`;
      case 'cc':
        return `const_cast<${textOf(this.#type())}>(${this.#expression()})`;
      case 'rc':
        return `reinterpret_cast<${textOf(this.#type())}>(${this.#expression()})`;
      case 'qu': {
        const condition = this.#expression();
        const yes = this.#expression();
        return `${parenthesised(condition)}?${parenthesised(yes)} : ${parenthesised(this.#expression())}`;
      }
      case 'ix': {
        const array = parenthesised(this.#expression());
        return `${array}[${this.#expression()}]`;
      }
    }
    const operator = OPERATORS[two];
    if (operator === undefined || operator[1] === 0 || operator[1] > 2) throw new NotMangled();
    const [sign, operands] = operator;
    if (operands === 1) {
      if ((two === 'pp' || two === 'mm') && !this.#eat('_')) return `${parenthesised(this.#expression())}${sign}`;
      // The address of an overloaded function is written without its parentheses.
      return `${sign}${parenthesised(this.#expression())}`;
    }
    const left = this.#expression();
    const text = `${parenthesised(left)}${sign}${parenthesised(this.#expression())}`;
    return sign === '>' ? `(${text})` : text;
  }

  /** `&Class::member` is written without a signature, the address of a template's instance with all of it. */
  #addressOf(): string {
    const start = this.#at;
    const kept = this.#substitutions.length;
    const outer = this.#arguments;
    if (this.#eat('L_Z') || this.#eat('LZ')) {
      if (this.#peek() === 'N') {
        const name = this.#name();
        if (!name.isTemplate && name.qualifiers === '') {
          this.#parameters();
          this.#need('E');
          return `&${name.text}`;
        }
      }
      this.#at = start;
      this.#substitutions.length = kept;
      this.#arguments = outer;
    }
    return `&${parenthesised(this.#expression())}`;
  }

  #functionParameter(): string {
    this.#at++;
    if (this.#eat('L')) {
      this.#digits();
      this.#need('p');
    } else this.#need('p');
    if (this.#eat('T')) return 'this';
    while (/[rVK]/.test(this.#peek())) this.#at++;
    return `{parm#${this.#sequence(false) + 1}}`;
  }

  #packSize(): string {
    if (this.#peek() === 'T') {
      const piece = this.#templateParameter();
      return piece.pack === undefined ? `sizeof...(${textOf(piece)})` : String(piece.pack.length);
    }
    return `sizeof...(${this.#functionParameter()})`;
  }

  #expandExpression(): string {
    const start = this.#at;
    const outer = { index: this.#packIndex, length: this.#packLength };
    this.#packIndex = 0;
    this.#packLength = -1;
    const parts = [this.#expression()];
    const length = this.#packLength;
    const end = this.#at;
    for (let i = 1; i < length; i++) {
      this.#packIndex = i;
      this.#at = start;
      parts.push(this.#expression());
    }
    this.#at = end;
    this.#packIndex = outer.index;
    this.#packLength = outer.length;
    return length === -1 ? `${parts[0]}...` : length === 0 ? '' : parts.join(', ');
  }

  /** A name within an expression, with template arguments where it has them. */
  #simpleName(): string {
    this.#eat('on');
    const name = /\d/.test(this.#peek())
      ? this.#sourceName()
      : this.#eat('dn')
        ? `~${this.#sourceName()}`
        : this.#operator().text;
    return this.#peek() === 'I' ? joinArguments(name, this.#templateArguments(false)) : name;
  }
}

function reference(inner: Piece, mark: '&' | '&&'): Piece {
  // & to anything stays &; && to && stays &&.
  const base = inner.reference === undefined ? inner : inner.inner!;
  const collapsed = inner.reference === undefined ? mark : inner.reference === '&&' && mark === '&&' ? '&&' : '&';
  if (inner.pack !== undefined) return inner;
  return { ...declare(base, collapsed), reference: collapsed, inner: base };
}

/** `name<arguments>`; a space keeps two closing brackets, or an operator's own, apart. */
function joinArguments(name: string, inner: string): string {
  return `${name}${name.endsWith('<') ? ' ' : ''}<${inner}${inner.endsWith('>') ? ' ' : ''}>`;
}

function parenthesised(text: string): string {
  return /^[\w:]+$|^\{parm#\d+\}$/.test(text) ? text : `(${text})`;
}

/** The last name of a qualified one, without template arguments: what its constructors are called. */
function lastName(text: string): string {
  let depth = 0;
  let end = text.length;
  for (let i = text.length - 1; i >= 0; i--) {
    const c = text[i];
    if (c === '>') {
      depth++;
    } else if (c === '<') {
      depth--;
      if (depth === 0) end = i;
    } else if (c === ':' && depth === 0) return text.slice(i + 1, end);
  }
  return text.slice(0, end);
}
