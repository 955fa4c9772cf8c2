// https://www.postgresql.org/docs/current/sql-syntax-lexical.html

/**
 * How placeholders begin: `[redacted-email-1]`. Without a colon or an equals sign, so that no pattern takes a
 * placeholder's own words for a key and its value.
 */
export const REDACTED = '[redacted-';

/**
 * Replaces the literals of a statement by `replace(literal)`; identifiers, keywords, parameters (`$1`) and comments
 * without text stay, so that the statement's fingerprint does. Numbers that belong to the statement's shape (after
 * LIMIT, OFFSET, in casts and types) are literals too: their value may be a person's.
 */
export function replaceSqlLiterals(sql: string, replace: (literal: string) => string): string {
  let out = '';
  let at = 0;
  while (at < sql.length) {
    const c = sql[at]!;
    if (sql.startsWith(REDACTED, at)) {
      const end = endOfQuoted(sql, at, ']');
      out += sql.slice(at, end);
      at = end;
    } else if (c === "'") {
      const escapes = /[eE]$/.test(out) && !/\w[eE]$/.test(out);
      const end = endOfString(sql, at, escapes);
      // Behind a JSON operator stands a key that the program's author wrote, part of the statement's shape.
      const isKey = /->>?\s*$/.test(out);
      out += isKey ? sql.slice(at, end) : `'${replace(sql.slice(at + 1, end - 1))}'`;
      at = end;
    } else if (c === '"') {
      const end = endOfQuoted(sql, at, '"');
      out += sql.slice(at, end);
      at = end;
    } else if (c === '$') {
      const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(sql.slice(at, at + 66))?.[0];
      const close = tag === undefined ? -1 : sql.indexOf(tag, at + tag.length);
      if (tag === undefined) {
        const parameter = /^\$\d*/.exec(sql.slice(at, at + 12))![0];
        out += parameter;
        at += parameter.length;
      } else {
        const end = close === -1 ? sql.length : close;
        out += tag + replace(sql.slice(at + tag.length, end)) + (close === -1 ? '' : tag);
        at = close === -1 ? end : end + tag.length;
      }
    } else if (c === '-' && sql[at + 1] === '-') {
      const end = sql.indexOf('\n', at);
      const stop = end === -1 ? sql.length : end;
      out += `-- ${replace(sql.slice(at + 2, stop))}`;
      at = stop;
    } else if (c === '/' && sql[at + 1] === '*') {
      const end = sql.indexOf('*/', at + 2);
      const stop = end === -1 ? sql.length : end;
      out += `/* ${replace(sql.slice(at + 2, stop))} */`;
      at = end === -1 ? stop : stop + 2;
    } else if (/\d/.test(c)) {
      const number = /^\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(sql.slice(at, at + 400))![0];
      // One- and two-digit numbers are shape (`+ 1`, `LIMIT 50`, `LIMIT 1`), and say nothing of anybody.
      out += number.length <= 2 ? number : replace(number);
      at += number.length;
    } else if (/[A-Za-z_]/.test(c)) {
      const word = /^\w+/.exec(sql.slice(at))![0];
      out += word;
      at += word.length;
    } else {
      out += c;
      at++;
    }
  }
  return out;
}

/** Index behind the closing quote; the end of the text where it never closes. */
function endOfString(sql: string, start: number, escapes: boolean): number {
  for (let at = start + 1; at < sql.length; at++) {
    if (escapes && sql[at] === '\\') at++;
    else if (sql[at] === "'") {
      if (sql[at + 1] !== "'") return at + 1;
      at++;
    }
  }
  return sql.length + 1;
}

function endOfQuoted(sql: string, start: number, quote: string): number {
  const end = sql.indexOf(quote, start + 1);
  return end === -1 ? sql.length : end + 1;
}
