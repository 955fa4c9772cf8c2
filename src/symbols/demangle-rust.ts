// https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
import { demangleRustV0 } from './demangle-rust-v0.ts';

/** A Rust symbol of either scheme, without its hash; undefined where it is none. */
export function demangleRust(symbol: string): string | undefined {
  // LLVM appends what it made of a function (.llvm.123, .cold); the hash of the legacy scheme stands before it.
  const dot = symbol.indexOf('.llvm.');
  const text = dot === -1 ? symbol : symbol.slice(0, dot);
  if (text.startsWith('_R')) return demangleRustV0(text);
  return demangleLegacy(text);
}

/** `_ZN` (length, name)… 17h followed by 16 hex digits, `E`. */
function demangleLegacy(symbol: string): string | undefined {
  const match = /^_?_?ZN(.*)17h[0-9a-f]{16}E(\..*)?$/.exec(symbol);
  if (match === null) return undefined;
  const inner = match[1]!;
  const parts: string[] = [];
  let at = 0;
  while (at < inner.length) {
    const digits = /^\d+/.exec(inner.slice(at, at + 6))?.[0];
    if (digits === undefined) return undefined;
    at += digits.length;
    const length = Number(digits);
    if (length === 0 || at + length > inner.length) return undefined;
    parts.push(plainSegment(inner.slice(at, at + length)));
    at += length;
  }
  return parts.length === 0 ? undefined : parts.join('::');
}

const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

function plainSegment(segment: string): string {
  const text = segment.startsWith('_$') ? segment.slice(1) : segment;
  return text
    .replace(/\$([A-Z]{1,2}|u[0-9a-f]+)\$/g, (whole, code: string) => {
      const known = ESCAPES[code];
      if (known !== undefined) return known;
      const point = code.startsWith('u') ? Number.parseInt(code.slice(1), 16) : Number.NaN;
      return point > 0x1f && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    })
    .replace(/\.\./g, '::');
}
