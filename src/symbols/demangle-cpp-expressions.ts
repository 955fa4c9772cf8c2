import { CppCursor, joinArguments, type Name, NotMangled, type Piece, textOf } from './demangle-cpp-cursor.ts';
import { OPERATORS } from './demangle-cpp-tables.ts';

/** Expressions in template arguments, array bounds and decltype. */
export abstract class CppExpressions extends CppCursor {
  protected abstract type(): Piece;
  protected abstract name(): Name;
  protected abstract encoding(withSignature: boolean, withReturn?: boolean): string;
  protected abstract parameters(): string;
  protected abstract templateParameter(): Piece;
  protected abstract templateArguments(keep: boolean): string;
  protected abstract operator(): { readonly text: string };

  protected literal(): string {
    this.need('L');
    if (this.eat('_Z') || this.eat('Z')) {
      const text = this.encoding(true, true);
      this.need('E');
      return text;
    }
    const type = this.type();
    const match = /^(n?)([0-9a-zA-Z_.]*?)E/.exec(this.text.slice(this.at));
    if (match === null) throw new NotMangled();
    this.at += match[0].length;
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

  protected expression(): string {
    this.enter();
    const text = this.anyExpression();
    this.depth--;
    return text;
  }

  protected expressionsTo(end: string): string {
    const parts: string[] = [];
    while (!this.eat(end)) {
      if (this.at >= this.text.length) throw new NotMangled();
      parts.push(this.expression());
    }
    return parts.join(', ');
  }

  protected anyExpression(): string {
    const c = this.peek();
    const two = this.peek(2);
    if (c === 'L') return this.literal();
    if (c === 'T') return textOf(this.templateParameter());
    if (/^f[pL]/.test(two)) return this.functionParameter();
    if (/^\d/.test(c)) return this.simpleName();
    this.at += 2;
    switch (two) {
      case 'cv': {
        const type = textOf(this.type());
        if (this.eat('_')) return `(${type})(${this.expressionsTo('E')})`;
        return `(${type})(${this.expression()})`;
      }
      case 'ad':
        return this.addressOf();
      case 'cl':
        return `${parenthesised(this.expression())}(${this.expressionsTo('E')})`;
      case 'sr': {
        const type = textOf(this.type());
        return `${type}::${this.simpleName()}`;
      }
      case 'on':
        return this.simpleName();
      case 'st':
        return `sizeof (${textOf(this.type())})`;
      case 'sz':
        return `sizeof (${this.expression()})`;
      case 'at':
        return `alignof (${textOf(this.type())})`;
      case 'sZ':
        return this.packSize();
      case 'sp':
        return this.expandExpression();
      case 'nx':
        return `noexcept(${this.expression()})`;
      case 'dt':
        return `${parenthesised(this.expression())}.${this.simpleName()}`;
      case 'pt':
        return `${parenthesised(this.expression())}->${this.simpleName()}`;
      case 'tl':
        return `${textOf(this.type())}{${this.expressionsTo('E')}}`;
      case 'il':
        return `{${this.expressionsTo('E')}}`;
      case 'dc':
        return `dynamic_cast<${textOf(this.type())}>(${this.expression()})`;
      case 'sc':
        return `static_cast<${textOf(this.type())}>(${this.expression()})`;
      case 'cc':
        return `const_cast<${textOf(this.type())}>(${this.expression()})`;
      case 'rc':
        return `reinterpret_cast<${textOf(this.type())}>(${this.expression()})`;
      case 'qu': {
        const condition = this.expression();
        const yes = this.expression();
        return `${parenthesised(condition)}?${parenthesised(yes)} : ${parenthesised(this.expression())}`;
      }
      case 'ix': {
        const array = parenthesised(this.expression());
        return `${array}[${this.expression()}]`;
      }
    }
    const operator = OPERATORS[two];
    if (operator === undefined || operator[1] === 0 || operator[1] > 2) throw new NotMangled();
    const [sign, operands] = operator;
    if (operands === 1) {
      if ((two === 'pp' || two === 'mm') && !this.eat('_')) return `${parenthesised(this.expression())}${sign}`;
      // The address of an overloaded function is written without its parentheses.
      return `${sign}${parenthesised(this.expression())}`;
    }
    const left = this.expression();
    const text = `${parenthesised(left)}${sign}${parenthesised(this.expression())}`;
    return sign === '>' ? `(${text})` : text;
  }

  /** `&Class::member` is written without a signature, the address of a template's instance with all of it. */
  protected addressOf(): string {
    const start = this.at;
    const kept = this.substitutions.length;
    const outer = this.arguments;
    if (this.eat('L_Z') || this.eat('LZ')) {
      if (this.peek() === 'N') {
        const name = this.name();
        if (!name.isTemplate && name.qualifiers === '') {
          this.parameters();
          this.need('E');
          return `&${name.text}`;
        }
      }
      this.at = start;
      this.substitutions.length = kept;
      this.arguments = outer;
    }
    return `&${parenthesised(this.expression())}`;
  }

  protected functionParameter(): string {
    this.at++;
    if (this.eat('L')) {
      this.digits();
      this.need('p');
    } else this.need('p');
    if (this.eat('T')) return 'this';
    while (/[rVK]/.test(this.peek())) this.at++;
    return `{parm#${this.sequence(false) + 1}}`;
  }

  protected packSize(): string {
    if (this.peek() === 'T') {
      const piece = this.templateParameter();
      return piece.pack === undefined ? `sizeof...(${textOf(piece)})` : String(piece.pack.length);
    }
    return `sizeof...(${this.functionParameter()})`;
  }

  protected expandExpression(): string {
    const start = this.at;
    const outer = { index: this.packIndex, length: this.packLength };
    this.packIndex = 0;
    this.packLength = -1;
    const parts = [this.expression()];
    const length = this.packLength;
    const end = this.at;
    for (let i = 1; i < length; i++) {
      this.packIndex = i;
      this.at = start;
      parts.push(this.expression());
    }
    this.at = end;
    this.packIndex = outer.index;
    this.packLength = outer.length;
    return length === -1 ? `${parts[0]}...` : length === 0 ? '' : parts.join(', ');
  }

  /** A name within an expression, with template arguments where it has them. */
  protected simpleName(): string {
    this.eat('on');
    const name = /\d/.test(this.peek())
      ? this.sourceName()
      : this.eat('dn')
        ? `~${this.sourceName()}`
        : this.operator().text;
    return this.peek() === 'I' ? joinArguments(name, this.templateArguments(false)) : name;
  }
}

function parenthesised(text: string): string {
  return /^[\w:]+$|^\{parm#\d+\}$/.test(text) ? text : `(${text})`;
}
