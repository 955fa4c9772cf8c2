import type { Source } from '../base/source.ts';
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

/** Where a name stands in the list: most are passed by, and only those that are used become text. */
interface ListedName {
  readonly bytes: Uint8Array;
  readonly at: number;
}

function nameOf({ bytes, at }: ListedName): string {
  return textAt(bytes, at);
}

/** Modules are loaded from here on (x86-64); the list of the kernel itself, below, is in order of address. */
const MODULES_START = -0x40000000;

/**
 * Names of `wanted` addresses (ascending) from `/proc/kallsyms`: `ffffffff81000000 T _text`, with `[module]` behind the
 * symbols of modules. Undefined where the kernel hides its addresses (all are 0: kptr_restrict). Scanned as bytes, and
 * only as far as needed: the kernel makes its 10 MB of lines while they are read.
 */
export async function kernelSymbolNames(
  source: Source,
  wanted: Float64Array,
  reference: KernelReference | undefined,
): Promise<KernelNames | undefined> {
  const nearest = new NearestSymbols<ListedName>(wanted, (a, b) => betterAlias(nameOf(a), nameOf(b)));
  const last = wanted.at(-1) ?? 0;
  let shift = 0;
  /** The reference was found, or is not needed. */
  let placed = reference === undefined;
  let seen = 0;
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of source.chunks()) {
    const bytes = joined(rest, chunk);
    let line = 0;
    let passed = false;
    for (;;) {
      const end = bytes.indexOf(10, line);
      if (end === -1) break;
      // t: code; w: weak code. Data does not run.
      const type = end - line > 19 ? bytes[line + 17]! | 0x20 : 0;
      if (type === 0x74 || type === 0x77) {
        const listed = hexWord(bytes, line) * 4294967296 + (hexWord(bytes, line + 8) >>> 0);
        if (listed < 0) {
          // The kernel's first symbol tells how far it has moved; it stands before all others of its code.
          if (!placed && textAt(bytes, line + 19) === reference?.symbol) {
            shift = listed - reference.address;
            placed = true;
          }
          const address = listed - shift;
          const rank = bytes[line + 17] === 0x54 ? 1 : 0;
          const slot = nearest.slot(address, rank);
          if (slot >= 0) nearest.offer(slot, address, Number.POSITIVE_INFINITY, rank, { bytes, at: line + 19 });
          passed ||= address > last && last < MODULES_START && seen > 0;
          seen++;
        }
      }
      line = end + 1;
    }
    if (passed) break;
    rest = bytes.subarray(line);
  }
  if (seen === 0) return undefined;
  let previous: ListedName | undefined;
  let text: string | undefined;
  const names = Array.from(wanted, (_, i) => {
    const name = nearest.at(i)?.name;
    if (name !== previous) text = name === undefined ? undefined : nameOf(name);
    previous = name;
    return text;
  });
  return { names, shift };
}

function joined(rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (rest.length === 0) return chunk;
  const bytes = new Uint8Array(rest.length + chunk.length);
  bytes.set(rest);
  bytes.set(chunk, rest.length);
  return bytes;
}

/** The name at `at`, up to the tab before `[module]` or the line's end. */
function textAt(bytes: Uint8Array, at: number): string {
  let end = at;
  while (end < bytes.length && bytes[end]! > 32) end++;
  return String.fromCharCode(...bytes.subarray(at, end));
}

function betterAlias(a: string, b: string): boolean {
  if (a.startsWith('__') !== b.startsWith('__')) return b.startsWith('__');
  return a.length !== b.length ? a.length > b.length : a < b;
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
