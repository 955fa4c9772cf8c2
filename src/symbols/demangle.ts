import { demangleCpp } from './demangle-cpp.ts';
import { demangleRust } from './demangle-rust.ts';

/**
 * A function's name as its source has it: Rust (both schemes, without hashes), C++ (with template arguments, without
 * parameters). What is not mangled, or not in a known way, comes back unchanged.
 */
export function demangle(symbol: string): string {
  const at = symbol.indexOf('@');
  const bare = at === -1 ? symbol : symbol.slice(0, at);
  const plain = bare.startsWith('_') ? (demangleRust(bare) ?? demangleCpp(bare) ?? bare) : bare;
  // Behind an @ stands the version that a library gave a symbol, which is no part of the name, or `plt`.
  return symbol.endsWith('@plt') ? `${plain}@plt` : plain;
}
