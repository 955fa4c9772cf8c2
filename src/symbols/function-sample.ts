import { ByteReader } from '../base/byte-reader.ts';
import { demangle } from './demangle.ts';
import type { Elf } from './elf.ts';
import { elfSymbolNames } from './elf-symbols.ts';

export interface SampledFunction {
  readonly start: number;
  /** Where the next one begins. */
  readonly end: number;
  /** '' = the file does not name it. */
  readonly name: string;
  /** Came built with the compiler: it says nothing of how the rest was built. */
  readonly isStandardLibrary: boolean;
}

export interface FunctionSample {
  /** How many the file has. */
  readonly count: number;
  /** Evenly taken, ascending. */
  readonly functions: readonly SampledFunction[];
  readonly isRust: boolean;
}

/** Functions of `.text`, at most `most` of them; `debug` is the separate debug information, for names. */
export async function sampleFunctions(elf: Elf, debug: Elf | undefined, most: number): Promise<FunctionSample> {
  const text = elf.section('.text');
  const starts = text === undefined ? [] : ((await indexedStarts(elf)) ?? (await symbolStarts(elf, debug)));
  if (text === undefined) return { count: 0, functions: [], isRust: false };
  const own = [...new Set(starts)]
    .filter(start => start >= text.address && start < text.address + text.size)
    .sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(own.length / most));
  const looked: { readonly start: number; readonly end: number }[] = [];
  for (let i = 0; i < own.length; i += step) {
    looked.push({ start: own[i]!, end: own[i + 1] ?? text.address + text.size });
  }
  const symbols = await elfSymbolNames(
    elf,
    debug === undefined ? [] : [debug],
    Float64Array.from(looked, f => f.start),
  );
  let isRust = false;
  const functions = looked.map((range, i): SampledFunction => {
    const symbol = symbols[i] ?? '';
    if (RUST_SYMBOL.test(symbol)) isRust = true;
    const name = symbol === '' ? '' : demangle(symbol);
    return { ...range, name, isStandardLibrary: STANDARD_LIBRARY.test(name) };
  });
  return { count: own.length, functions, isRust };
}

const RUST_SYMBOL = /^_(?:ZN.*17h[0-9a-f]{16}E|R[A-Z])/;

/** Crates that come built with rustc, their functions of primitive types (`<u8 as core::fmt::Display>::fmt`), C's start-up. */
const STANDARD_LIBRARY =
  /^[<&[(*]*(?:(?:mut|const|dyn) )*(?:std|core|alloc|proc_macro|test|panic_unwind|unwind|hashbrown|gimli|addr2line|object|miniz_oxide|adler2?|rustc_demangle|compiler_builtins|__rustc|[iu](?:8|16|32|64|128|size)|f(?:32|64)|str|char|bool|_)(?:\[[0-9a-f]+\])?(?:::|[>\] ])|^(?:_start|_init|_fini|__\w+|rust_\w+|frame_dummy|register_tm_clones|deregister_tm_clones)$/;

/** By the index of `.eh_frame`; undefined where there is none of the encoding that linkers write. */
async function indexedStarts(elf: Elf): Promise<number[] | undefined> {
  const section = elf.section('.eh_frame_hdr');
  const bytes = await elf.read('.eh_frame_hdr');
  // Version 1, a count of 4 bytes, pairs of 4-byte offsets from the section itself.
  if (section === undefined || bytes === undefined || bytes.length < 12) return undefined;
  if (bytes[0] !== 1 || bytes[2] !== 0x03 || bytes[3] !== 0x3b) return undefined;
  const r = new ByteReader(bytes, elf.littleEndian, 8);
  const count = Math.min(r.u32(), Math.floor((bytes.length - 12) / 8));
  const starts: number[] = [];
  for (let i = 0; i < count; i++) {
    r.at = 12 + i * 8;
    starts.push(section.address + r.i32());
  }
  return starts;
}

const STT_FUNC = 2;

/** By symbols: of static programs, which often have no such index. */
async function symbolStarts(elf: Elf, debug: Elf | undefined): Promise<number[]> {
  const bytes = (await elf.read('.symtab')) ?? (await debug?.read('.symtab')) ?? (await elf.read('.dynsym'));
  const starts: number[] = [];
  if (bytes === undefined) return starts;
  const r = new ByteReader(bytes, elf.littleEndian);
  const size = elf.is64 ? 24 : 16;
  for (let at = 0; at + size <= bytes.length; at += size) {
    if ((bytes[at + (elf.is64 ? 4 : 12)]! & 15) !== STT_FUNC) continue;
    r.at = at + (elf.is64 ? 8 : 4);
    starts.push(elf.is64 ? r.i64() : r.u32());
  }
  return starts;
}
