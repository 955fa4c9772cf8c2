import type { Source } from '../base/source.ts';
import { readAll } from '../base/source.ts';
import { NearestSymbols } from './nearest-symbols.ts';

/** Where a symbol was when something was recorded: kernels are loaded at another place at each boot. */
export interface KernelReference {
  readonly symbol: string;
  readonly address: number;
}

export interface KernelNames {
  readonly names: readonly (string | undefined)[];
  /** How far the listed kernel is from the recorded one; 0 = the same boot. */
  readonly shift: number;
}

/**
 * Names of `wanted` addresses (ascending) from `/proc/kallsyms`: `ffffffff81000000 T _text`, with `[module]` behind the
 * symbols of modules. Undefined where the kernel hides its addresses (all are 0: kptr_restrict). Scanned as bytes: it
 * has 10 MB of lines.
 */
export async function kernelSymbolNames(
  source: Source,
  wanted: Float64Array,
  reference: KernelReference | undefined,
): Promise<KernelNames | undefined> {
  const bytes = await readAll(source);
  const now = reference === undefined ? undefined : addressOf(bytes, reference.symbol);
  const shift = now === undefined || reference === undefined ? 0 : now - reference.address;
  const nameAt = (at: number): string => {
    let end = at;
    while (end < bytes.length && bytes[end]! > 32) end++;
    return String.fromCharCode(...bytes.subarray(at, end));
  };
  const nearest = new NearestSymbols<number>(
    wanted.map(address => address + shift),
    (a, b) => betterAlias(nameAt(a), nameAt(b)),
  );
  let seen = 0;
  for (let line = 0; line + 19 < bytes.length; ) {
    const type = bytes[line + 17]!;
    // t: code; w: weak code. Data does not run.
    if ((type | 0x20) === 0x74 || (type | 0x20) === 0x77) {
      const address = hexWord(bytes, line) * 4294967296 + (hexWord(bytes, line + 8) >>> 0);
      if (address < 0) {
        seen++;
        const rank = type === 0x54 ? 1 : 0;
        const slot = nearest.slot(address, rank);
        if (slot >= 0) nearest.offer(slot, address, Number.POSITIVE_INFINITY, rank, line + 19);
      }
    }
    const end = bytes.indexOf(10, line + 19);
    if (end === -1) break;
    line = end + 1;
  }
  if (seen === 0) return undefined;
  const names = Array.from(wanted, (_, i) => {
    const symbol = nearest.at(i);
    return symbol === undefined ? undefined : nameAt(symbol.name);
  });
  return { names, shift };
}

function betterAlias(a: string, b: string): boolean {
  if (a.startsWith('__') !== b.startsWith('__')) return b.startsWith('__');
  return a.length !== b.length ? a.length > b.length : a < b;
}

function addressOf(bytes: Uint8Array, symbol: string): number | undefined {
  const wanted = new TextEncoder().encode(` ${symbol}\n`);
  for (let at = bytes.indexOf(wanted[1]!); at !== -1; at = bytes.indexOf(wanted[1]!, at + 1)) {
    let i = 0;
    while (i < wanted.length && bytes[at - 1 + i] === wanted[i]) i++;
    // The line is: 16 digits, a space, a letter, a space, the name.
    if (i === wanted.length && at >= 19) {
      return hexWord(bytes, at - 19) * 4294967296 + (hexWord(bytes, at - 11) >>> 0);
    }
  }
  return undefined;
}

/** Eight hex digits as a signed 32-bit word. */
function hexWord(bytes: Uint8Array, at: number): number {
  let word = 0;
  for (let i = at; i < at + 8; i++) {
    const c = bytes[i]!;
    word = (word << 4) | (c <= 57 ? c - 48 : (c | 0x20) - 87);
  }
  return word;
}
