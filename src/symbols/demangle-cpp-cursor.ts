// https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling

/** Beyond these a hostile name stays mangled. */
const MAX_DEPTH = 200;
export const MAX_LENGTH: number = 1 << 16;
const MAX_STEPS = 1 << 16;

/** The text does not follow the grammar. */
export class NotMangled extends Error {}

/** A type in two halves: declarators of arrays and functions stand around what they declare. */
export interface Piece {
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

export const plain = (left: string): Piece => ({ left, right: '', needsParentheses: false });

export function textOf(piece: Piece): string {
  if (piece.pack !== undefined)
    return piece.pack
      .map(textOf)
      .filter(text => text !== '')
      .join(', ');
  return piece.left + piece.right;
}

export interface Name {
  readonly text: string;
  /** It ends with template arguments: then its signature begins with the return type. */
  readonly isTemplate: boolean;
  /** Constructors, destructors and conversions have no return type even so. */
  readonly noReturn: boolean;
  /** ` const`, ` &` … of the member function. */
  readonly qualifiers: string;
}

/** `name<arguments>`; a space keeps two closing brackets, or an operator's own, apart. */
export function joinArguments(name: string, inner: string): string {
  return `${name}${name.endsWith('<') ? ' ' : ''}<${inner}${inner.endsWith('>') ? ' ' : ''}>`;
}

/** A mangled name with a place in it, and what its grammar refers back to. */
export abstract class CppCursor {
  protected readonly text: string;
  protected at = 0;
  protected depth = 0;
  protected steps = 0;
  protected readonly substitutions: Piece[] = [];
  /** Arguments that T_ refers to; replaced by each template that is read. */
  protected arguments: readonly Piece[] = [];
  /** Element of the packs in the pattern that is being expanded; -1 = none is. */
  protected packIndex = -1;
  protected packLength = -1;
  /** While a conversion operator's type is skipped, its template arguments are not known yet. */
  protected lenient = false;
  /** What follows the type are arguments of the operator, not of a template that T_ stands for. */
  protected inConversion = false;
  /** Parameters of a generic lambda have no arguments to stand for them. */
  protected inLambda = 0;

  constructor(text: string) {
    this.text = text;
  }

  protected peek(length = 1): string {
    return this.text.substr(this.at, length);
  }

  protected eat(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  protected need(text: string): void {
    if (!this.eat(text)) throw new NotMangled();
  }

  protected enter(): void {
    if (++this.depth > MAX_DEPTH || ++this.steps > MAX_STEPS) throw new NotMangled();
  }

  protected digits(): string {
    const start = this.at;
    while (this.at < this.text.length) {
      const c = this.text.charCodeAt(this.at);
      if (c < 48 || c > 57) break;
      this.at++;
    }
    return this.text.slice(start, this.at);
  }

  /** `_` is 0, `0_` is 1, in base 36 where `base36`. */
  protected sequence(base36: boolean): number {
    if (this.eat('_')) return 0;
    const match = (base36 ? /^[0-9A-Z]+/ : /^\d+/).exec(this.text.slice(this.at, this.at + 8))?.[0];
    if (match === undefined) throw new NotMangled();
    this.at += match.length;
    this.need('_');
    return Number.parseInt(match, base36 ? 36 : 10) + 1;
  }

  protected remember(piece: Piece): Piece {
    this.substitutions.push(piece);
    return piece;
  }

  protected sourceName(): string {
    const length = Number(this.digits());
    const name = this.text.substr(this.at, length);
    if (length === 0 || name.length < length) throw new NotMangled();
    this.at += length;
    return /^_GLOBAL_[._$]N/.test(name) ? '(anonymous namespace)' : name;
  }
}
