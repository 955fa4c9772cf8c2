// https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling

import { joinArguments, MAX_LENGTH, type Name, NotMangled, type Piece, plain, textOf } from './demangle-cpp-cursor.ts';
import { OPERATORS, SPECIAL, SPECIAL_ENTITY, STANDARD } from './demangle-cpp-tables.ts';
import { CppTypes } from './demangle-cpp-types.ts';

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

/** Names of functions and objects, with all that they are nested in. */
class CppParser extends CppTypes {
  top(): string {
    // Block-invocation functions and the like may follow; the name is what counts.
    const text = this.encoding(false);
    if (text.length > MAX_LENGTH) throw new NotMangled();
    return text;
  }

  /** A function or object. `withSignature`: its parameters too, as for the function around a local name. */
  protected encoding(withSignature: boolean, withReturn = false): string {
    this.enter();
    const special = this.special();
    if (special !== undefined) {
      this.depth--;
      return special;
    }
    const name = this.name();
    this.depth--;
    if (!withSignature || this.at >= this.text.length || this.peek() === 'E' || this.peek() === '.') return name.text;
    const result = name.isTemplate && !name.noReturn ? `${textOf(this.type())} ` : '';
    return `${withReturn ? result : ''}${name.text}(${this.parameters()})${name.qualifiers}`;
  }

  protected special(): string | undefined {
    const two = this.peek(2);
    const ofType = SPECIAL[two];
    if (ofType !== undefined) {
      this.at += 2;
      return ofType + textOf(this.type());
    }
    const ofEntity = SPECIAL_ENTITY[two];
    if (ofEntity !== undefined) {
      this.at += 2;
      return ofEntity + this.name().text;
    }
    if (two === 'GR') {
      this.at += 2;
      const name = this.name().text;
      const number = this.peek() === '_' || /\w/.test(this.peek()) ? this.sequence(true) : 0;
      return `reference temporary #${number} for ${name}`;
    }
    if (this.peek(3) === 'GTt') {
      this.at += 3;
      return `transaction clone for ${this.encoding(true)}`;
    }
    if (two === 'TC') {
      this.at += 2;
      const derived = textOf(this.type());
      this.digits();
      this.need('_');
      return `construction vtable for ${textOf(this.type())}-in-${derived}`;
    }
    if (two === 'Th' || two === 'Tv') {
      this.at += 1;
      this.callOffset();
      return `${two === 'Th' ? 'non-virtual' : 'virtual'} thunk to ${this.encoding(true)}`;
    }
    if (two === 'Tc') {
      this.at += 2;
      this.callOffset();
      this.callOffset();
      return `covariant return thunk to ${this.encoding(true)}`;
    }
    return undefined;
  }

  protected callOffset(): void {
    if (this.eat('h')) this.offset();
    else {
      this.need('v');
      this.offset();
      this.offset();
    }
  }

  protected offset(): void {
    this.eat('n');
    this.digits();
    this.need('_');
  }

  protected name(): Name {
    this.enter();
    const name = this.anyName();
    this.depth--;
    return name;
  }

  protected anyName(): Name {
    const c = this.peek();
    if (c === 'N') return this.nested();
    if (c === 'Z') return this.local();
    let piece: Piece;
    let noReturn = false;
    if (c === 'S' && this.peek(2) !== 'St') {
      piece = this.substitution();
      if (this.peek() !== 'I') return { text: textOf(piece), isTemplate: false, noReturn: false, qualifiers: '' };
    } else {
      const prefix = this.eat('St') ? 'std::' : '';
      const part = this.unqualified('', '');
      noReturn = part.noReturn;
      piece = plain(prefix + part.text);
      if (this.peek() !== 'I') return { text: textOf(piece), isTemplate: false, noReturn, qualifiers: '' };
      this.remember(piece);
    }
    return {
      text: joinArguments(textOf(piece), this.templateArguments(true)),
      isTemplate: true,
      noReturn,
      qualifiers: '',
    };
  }

  protected nested(): Name {
    this.need('N');
    let qualifiers = '';
    // Written innermost first, printed outermost last.
    for (;;) {
      if (this.eat('r')) qualifiers = ` restrict${qualifiers}`;
      else if (this.eat('V')) qualifiers = ` volatile${qualifiers}`;
      else if (this.eat('K')) qualifiers = ` const${qualifiers}`;
      else break;
    }
    if (this.eat('R')) qualifiers += ' &';
    else if (this.eat('O')) qualifiers += ' &&';
    // An explicit object parameter.
    else this.eat('H');

    let text = '';
    /** The last simple name, which constructors repeat. */
    let last = '';
    let isTemplate = false;
    let noReturn = false;
    while (!this.eat('E')) {
      const c = this.peek();
      let remembered = false;
      if (c === '') throw new NotMangled();
      if (c === 'I') {
        text = joinArguments(text, this.templateArguments(true));
        isTemplate = true;
      } else {
        const separator = text === '' ? '' : '::';
        isTemplate = false;
        if (c === 'S' && this.peek(2) !== 'St' && text === '') {
          const standard = STANDARD[this.peek(2)[1] ?? ''];
          // The full name where a constructor or destructor follows, as it repeats it.
          if (standard !== undefined && /[CD]/.test(this.text[this.at + 2] ?? '')) {
            this.at += 2;
            text = standard[0];
            last = standard[1];
          } else {
            text = textOf(this.substitution());
            last = lastName(text);
          }
          remembered = true;
        } else if (c === 'S' && this.eat('St')) {
          text = 'std';
          remembered = true;
        } else if (c === 'T') {
          text += separator + textOf(this.templateParameter());
          last = lastName(text);
        } else if (c === 'D' && /[tT]/.test(this.text[this.at + 1] ?? '')) {
          text += separator + textOf(this.type());
          remembered = true;
        } else {
          const part = this.unqualified(last, text);
          text += separator + part.text;
          noReturn = part.noReturn;
          if (part.simple) last = part.text;
        }
      }
      if (!remembered && this.peek() !== 'E') this.remember(plain(text));
      // A closure or data member whose scope ends here.
      this.eat('M');
    }
    return { text, isTemplate, noReturn, qualifiers };
  }

  protected local(): Name {
    this.need('Z');
    const outer = this.encoding(true);
    this.need('E');
    if (this.eat('s')) {
      this.discriminator();
      return { text: `${outer}::string literal`, isTemplate: false, noReturn: false, qualifiers: '' };
    }
    if (this.eat('d')) {
      const number = this.sequence(false);
      const name = this.name();
      return { ...name, text: `${outer}::{default arg#${number + 1}}::${name.text}` };
    }
    const name = this.name();
    this.discriminator();
    return { ...name, text: `${outer}::${name.text}` };
  }

  protected discriminator(): void {
    if (this.eat('__')) {
      this.digits();
      this.need('_');
    } else if (/^_\d/.test(this.peek(2))) this.at += 2;
  }

  protected unqualified(enclosing: string, _scope: string): { text: string; noReturn: boolean; simple: boolean } {
    const result = this.unqualifiedBase(enclosing);
    let { text } = result;
    while (this.eat('B')) text += `[abi:${this.sourceName()}]`;
    return { ...result, text };
  }

  protected unqualifiedBase(enclosing: string): { text: string; noReturn: boolean; simple: boolean } {
    this.eat('L');
    const c = this.peek();
    if (/\d/.test(c)) return { text: this.sourceName(), noReturn: false, simple: true };
    if (c === 'C' && /[1-5I]/.test(this.text[this.at + 1] ?? '')) {
      const inheriting = this.text[this.at + 1] === 'I';
      this.at += inheriting ? 3 : 2;
      if (inheriting) this.type();
      return { text: enclosing, noReturn: true, simple: false };
    }
    if (c === 'D' && /[0-5]/.test(this.text[this.at + 1] ?? '')) {
      this.at += 2;
      return { text: `~${enclosing}`, noReturn: true, simple: false };
    }
    if (this.eat('DC')) {
      const names: string[] = [];
      while (!this.eat('E')) names.push(this.sourceName());
      return { text: `[${names.join(', ')}]`, noReturn: false, simple: false };
    }
    if (this.eat('Ut')) {
      return { text: `{unnamed type#${this.sequence(false) + 1}}`, noReturn: false, simple: true };
    }
    if (this.eat('Ul')) {
      this.inLambda++;
      const parameters = this.parameters();
      this.inLambda--;
      this.need('E');
      return { text: `{lambda(${parameters})#${this.sequence(false) + 1}}`, noReturn: false, simple: true };
    }
    return this.operator();
  }

  protected operator(): { text: string; noReturn: boolean; simple: boolean } {
    const two = this.peek(2);
    this.at += 2;
    if (two === 'cv') return { text: `operator ${this.conversionType()}`, noReturn: true, simple: false };
    if (two === 'li') return { text: `operator"" ${this.sourceName()}`, noReturn: false, simple: false };
    const operator = OPERATORS[two];
    if (operator === undefined) throw new NotMangled();
    const sign = operator[0].trim();
    return { text: `operator${/^[a-z]/.test(sign) ? ' ' : ''}${sign}`, noReturn: false, simple: false };
  }

  /** The type may refer to template arguments that stand behind it: read past it, then read it again. */
  protected conversionType(): string {
    const start = this.at;
    const kept = this.substitutions.length;
    const before = this.lenient;
    this.lenient = true;
    const first = textOf(this.type());
    this.lenient = before;
    if (this.peek() !== 'I' || before) return first;
    const end = this.at;
    const between = this.substitutions.splice(kept);
    const outer = this.arguments;
    // Substitutions of the type itself stand before those of the arguments.
    this.substitutions.push(...between);
    this.templateArguments(true);
    const inner = this.arguments;
    this.substitutions.length = kept;
    this.at = start;
    this.arguments = inner;
    this.inConversion = true;
    const text = textOf(this.type());
    this.inConversion = false;
    this.arguments = outer;
    this.at = end;
    return text;
  }
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
