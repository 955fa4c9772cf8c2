import { demangleRust } from './demangle-rust.ts';

/** A function's name as its source has it. What is not mangled, or not in a known way, comes back unchanged. */
export function demangle(symbol: string): string {
  const at = symbol.indexOf('@');
  const bare = at === -1 ? symbol : symbol.slice(0, at);
  const plain = demangleRust(bare) ?? bare;
  // Behind an @ stands the version that a library gave a symbol, which is no part of the name, or `plt`.
  return symbol.endsWith('@plt') ? `${plain}@plt` : plain;
}
