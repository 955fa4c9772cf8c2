import { demangleRust } from './demangle-rust.ts';

/** A function's name as its source has it. What is not mangled, or not in a known way, comes back unchanged. */
export function demangle(symbol: string): string {
  const bare = symbol.endsWith('@plt') ? symbol.slice(0, -4) : symbol;
  const plain = demangleRust(bare) ?? bare;
  return bare === symbol ? plain : `${plain}@plt`;
}
