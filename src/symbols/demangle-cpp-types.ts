import { joinArguments, MAX_LENGTH, NotMangled, type Piece, plain, textOf } from './demangle-cpp-cursor.ts';
import { CppExpressions } from './demangle-cpp-expressions.ts';
import { BUILTIN, STANDARD, STANDARD_SHORT } from './demangle-cpp-tables.ts';

/** Types, template arguments, and what they refer back to. */
export abstract class CppTypes extends CppExpressions {
  protected type(): Piece {
    this.enter();
    const piece = this.anyType();
    this.depth--;
    if (piece.left.length + piece.right.length > MAX_LENGTH) throw new NotMangled();
    return piece;
  }

  protected anyType(): Piece {
    const c = this.peek();
    switch (c) {
      case 'P':
        this.at++;
        return this.remember(declare(this.type(), '*'));
      case 'R':
      case 'O':
        this.at++;
        return this.remember(reference(this.type(), c === 'R' ? '&' : '&&'));
      case 'r':
      case 'V':
      case 'K':
        return this.remember(this.qualified());
      case 'C':
      case 'G':
        this.at++;
        return this.remember(plain(`${textOf(this.type())} ${c === 'C' ? '_Complex' : '_Imaginary'}`));
      case 'U': {
        this.at++;
        const name = this.sourceName();
        const extra = this.peek() === 'I' ? `<${this.templateArguments(false)}>` : '';
        return this.remember(plain(`${textOf(this.type())} ${name}${extra}`));
      }
      case 'F':
        return this.remember(this.functionType(''));
      case 'A':
        return this.remember(this.arrayType());
      case 'M': {
        this.at++;
        const of = textOf(this.type());
        const member = this.type();
        if (member.needsParentheses) return this.remember(declare(member, `${of}::*`));
        return this.remember(plain(`${textOf(member)} ${of}::*`));
      }
      case 'T': {
        if (/^T[sue]/.test(this.peek(2))) {
          this.at += 2;
          return this.remember(plain(this.name().text));
        }
        const parameter = this.remember(this.templateParameter());
        if (this.peek() !== 'I' || this.lenient || this.inConversion) return parameter;
        return this.remember(plain(joinArguments(textOf(parameter), this.templateArguments(false))));
      }
      case 'S':
        if (this.peek(2) !== 'St') {
          const piece = this.substitution();
          if (this.peek() !== 'I') return piece;
          return this.remember(plain(joinArguments(textOf(piece), this.nestedArguments())));
        }
        return this.remember(plain(this.classType()));
      case 'D':
        return this.dType();
      case 'u':
        this.at++;
        return this.remember(plain(this.sourceName()));
      default: {
        const builtin = BUILTIN[c];
        if (builtin !== undefined) {
          this.at++;
          return plain(builtin);
        }
        return this.remember(plain(this.classType()));
      }
    }
  }

  /** Arguments of a type within a signature do not become what T_ refers to. */
  protected nestedArguments(): string {
    return this.templateArguments(false);
  }

  protected classType(): string {
    const outer = this.arguments;
    const name = this.name().text;
    this.arguments = outer;
    return name;
  }

  protected qualified(): Piece {
    let marks = '';
    for (;;) {
      if (this.eat('r')) marks = ` restrict${marks}`;
      else if (this.eat('V')) marks = ` volatile${marks}`;
      else if (this.eat('K')) marks = ` const${marks}`;
      else break;
    }
    if (this.peek() === 'F' || /^D[oOx]/.test(this.peek(2))) return this.functionType(marks);
    const inner = this.type();
    if (inner.needsParentheses) return { ...inner, left: inner.left, right: inner.right + marks };
    // `const` is not doubled where a template argument has it.
    return inner.left.endsWith(marks) && inner.right === ''
      ? inner
      : { ...plain(inner.left + marks), right: inner.right };
  }

  protected functionType(qualifiers: string): Piece {
    let exception = '';
    if (this.eat('Do')) exception = ' noexcept';
    else if (this.eat('DO')) {
      exception = ` noexcept(${this.expression()})`;
      this.need('E');
    }
    this.eat('Dx');
    this.need('F');
    this.eat('Y');
    const result = this.type();
    const parameters = this.parameters();
    let references = '';
    if (this.text[this.at - 1] === 'R' && this.peek() === 'E') references = ' &';
    else if (this.text[this.at - 1] === 'O' && this.peek() === 'E') references = ' &&';
    this.need('E');
    return {
      left: `${result.left} `,
      right: `(${parameters})${qualifiers}${references}${exception}${result.right}`,
      needsParentheses: true,
    };
  }

  protected arrayType(): Piece {
    this.need('A');
    const start = this.at;
    let dimension = this.digits();
    if (dimension === '' && this.peek() !== '_') {
      this.at = start;
      dimension = this.expression();
    }
    this.need('_');
    const element = this.type();
    return { left: element.left, right: ` [${dimension}]${element.right.trimStart()}`, needsParentheses: true };
  }

  protected dType(): Piece {
    const two = this.peek(2);
    const builtin = BUILTIN[two];
    if (builtin !== undefined) {
      this.at += 2;
      return plain(builtin);
    }
    switch (two) {
      case 'Dp':
        this.at += 2;
        return this.remember(this.expandPack());
      case 'Dt':
      case 'DT': {
        this.at += 2;
        const text = this.expression();
        this.need('E');
        return this.remember(plain(`decltype (${text})`));
      }
      case 'DF': {
        this.at += 2;
        const bits = this.digits();
        const suffix = this.eat('b') ? 'b' : this.eat('x') ? 'x' : '';
        if (suffix === '') this.need('_');
        return plain(suffix === 'b' ? 'std::bfloat16_t' : `_Float${bits}${suffix}`);
      }
      case 'Dv': {
        this.at += 2;
        const size = this.digits();
        this.need('_');
        return this.remember(plain(`${textOf(this.type())} __vector(${size})`));
      }
      case 'Do':
      case 'DO':
      case 'Dx':
        return this.remember(this.functionType(''));
      default:
        throw new NotMangled();
    }
  }

  /** Reads the pattern once for each element of the pack in it. */
  protected expandPack(): Piece {
    const start = this.at;
    const outer = { index: this.packIndex, length: this.packLength };
    const elements: Piece[] = [];
    this.packIndex = 0;
    this.packLength = -1;
    const kept = this.substitutions.length;
    const first = this.type();
    const length = this.packLength;
    const end = this.at;
    if (length === -1) {
      this.packIndex = outer.index;
      this.packLength = outer.length;
      return plain(`${textOf(first)}...`);
    }
    const after = this.substitutions.slice(kept);
    if (length > 0) elements.push(first);
    for (let i = 1; i < length; i++) {
      this.packIndex = i;
      this.at = start;
      this.substitutions.length = kept;
      elements.push(this.type());
    }
    this.substitutions.length = kept;
    this.substitutions.push(...after);
    this.at = end;
    this.packIndex = outer.index;
    this.packLength = outer.length;
    return { ...plain(''), pack: elements };
  }

  protected substitution(): Piece {
    this.need('S');
    const c = this.peek();
    const standard = STANDARD[c];
    if (standard !== undefined) {
      this.at++;
      let text = STANDARD_SHORT[c] ?? standard[0];
      // Short forms stand for the full ones, which is how c++filt prints them within longer names.
      if (STANDARD_SHORT[c] !== undefined) text = standard[0];
      if (this.peek() === 'B') {
        while (this.eat('B')) text += `[abi:${this.sourceName()}]`;
        return this.remember(plain(text));
      }
      return plain(text);
    }
    const piece = this.substitutions[this.sequence(true)];
    if (piece === undefined) throw new NotMangled();
    return piece;
  }

  protected templateParameter(): Piece {
    this.need('T');
    if (this.eat('L')) {
      this.digits();
      this.need('_');
    }
    const index = this.sequence(false);
    if (this.inLambda > 0 && this.arguments[index] === undefined) return plain(`auto:${index + 1}`);
    if (this.inLambda > 0) return plain(`auto:${index + 1}`);
    const argument = this.arguments[index];
    if (argument === undefined) {
      if (this.lenient) return plain('?');
      throw new NotMangled();
    }
    if (argument.pack !== undefined && this.packIndex >= 0) {
      this.packLength = argument.pack.length;
      return argument.pack[this.packIndex] ?? plain('');
    }
    return argument;
  }

  /** `keep`: T_ refers to these from now on. */
  protected templateArguments(keep: boolean): string {
    this.need('I');
    this.enter();
    const pieces: Piece[] = [];
    while (!this.eat('E')) {
      if (this.at >= this.text.length) throw new NotMangled();
      // A constraint, which is no argument.
      if (this.eat('Q')) this.expression();
      else pieces.push(this.templateArgument());
    }
    this.depth--;
    if (keep && !this.lenient) this.arguments = pieces;
    return pieces
      .map(textOf)
      .filter((text, i) => text !== '' || pieces[i]!.pack === undefined)
      .join(', ');
  }

  protected templateArgument(): Piece {
    if (this.eat('X')) {
      const text = this.expression();
      this.need('E');
      return plain(text);
    }
    if (this.peek() === 'L') return plain(this.literal());
    if (this.eat('J')) {
      const pack: Piece[] = [];
      while (!this.eat('E')) {
        if (this.at >= this.text.length) throw new NotMangled();
        pack.push(this.templateArgument());
      }
      return { ...plain(''), pack };
    }
    return this.type();
  }

  /** Parameters up to the end of the signature; a single `void` is none. */
  protected parameters(): string {
    const types: string[] = [];
    while (this.at < this.text.length && !/[E.Q]/.test(this.peek())) {
      // References of the member function behind its parameters.
      if (/^[RO]E/.test(this.peek(2))) {
        this.at++;
        break;
      }
      const text = textOf(this.type());
      if (text !== '') types.push(text);
    }
    return types.length === 1 && types[0] === 'void' ? '' : types.join(', ');
  }
}

function declare(inner: Piece, mark: string): Piece {
  if (inner.needsParentheses) {
    return { left: `${inner.left.trimEnd()} (${mark}`, right: `)${inner.right}`, needsParentheses: false };
  }
  return { left: inner.left + mark, right: inner.right, needsParentheses: false };
}

function reference(inner: Piece, mark: '&' | '&&'): Piece {
  // & to anything stays &; && to && stays &&.
  const base = inner.reference === undefined ? inner : inner.inner!;
  const collapsed = inner.reference === undefined ? mark : inner.reference === '&&' && mark === '&&' ? '&&' : '&';
  if (inner.pack !== undefined) return inner;
  return { ...declare(base, collapsed), reference: collapsed, inner: base };
}
