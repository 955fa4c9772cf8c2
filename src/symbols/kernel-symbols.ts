import type { Source } from '../base/source.ts';
import { readAll } from '../base/source.ts';
import { buildSymbolTable, type SymbolTable } from './symbol-table.ts';

export interface KernelSymbols {
  readonly table: SymbolTable;
  /** Address of a symbol that tells where the kernel was loaded; undefined where it is not listed. */
  addressOf(name: string): number | undefined;
}

/**
 * `/proc/kallsyms`: `ffffffff81000000 T _text`, with `[module]` behind the symbols of modules. Undefined where the
 * kernel hides its addresses (all are 0: kptr_restrict). Scanned as bytes: it has 10 MB of lines.
 */
export async function readKernelSymbols(source: Source): Promise<KernelSymbols | undefined> {
  const bytes = await readAll(source);
  const starts: number[] = [];
  const nameAt: number[] = [];
  const nameEnd: number[] = [];
  const global: boolean[] = [];
  for (let line = 0; line < bytes.length; ) {
    let end = bytes.indexOf(10, line);
    if (end === -1) end = bytes.length;
    if (end - line > 19) {
      const type = bytes[line + 17]! | 0x20;
      // t: code; w: weak code. Data does not run.
      if (type === 0x74 || type === 0x77) {
        const address = hexWord(bytes, line) * 4294967296 + (hexWord(bytes, line + 8) >>> 0);
        if (address < 0) {
          starts.push(address);
          nameAt.push(line + 19);
          global.push(bytes[line + 17] === 0x54);
          let nameStop = line + 19;
          while (nameStop < end && bytes[nameStop] !== 9 && bytes[nameStop] !== 32) nameStop++;
          nameEnd.push(nameStop);
        }
      }
    }
    line = end + 1;
  }
  if (starts.length === 0) return undefined;
  const nameOf = (i: number): string => String.fromCharCode(...bytes.subarray(nameAt[i]!, nameEnd[i]!));
  const table = buildSymbolTable(
    Float64Array.from(starts),
    new Float64Array(starts.length),
    (a, b) => betterAlias(nameOf(a), global[a]!, nameOf(b), global[b]!),
    nameOf,
    () => 0,
  );
  return {
    table,
    addressOf: name => {
      for (let i = 0; i < starts.length; i++) {
        if (nameEnd[i]! - nameAt[i]! === name.length && nameOf(i) === name) return starts[i];
      }
      return undefined;
    },
  };
}

function betterAlias(a: string, aGlobal: boolean, b: string, bGlobal: boolean): boolean {
  if (aGlobal !== bGlobal) return aGlobal;
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
