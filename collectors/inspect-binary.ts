import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { ByteReader, cStringAt } from '../src/base/byte-reader.ts';
import { Elf, Machine } from '../src/symbols/elf.ts';
import { estimateFramePointers, type FramePointerEstimate } from '../src/symbols/frame-pointers.ts';
import { sampleFunctions } from '../src/symbols/function-sample.ts';
import { type LineCoverage, lineCoverage } from '../src/symbols/line-coverage.ts';
import { fileSource } from './file-source.ts';
import { localObjectFiles } from './object-files.ts';

/** What an ELF program's file says of how well it can be profiled. */
export interface InspectedBinary {
  readonly path: string;
  /** Without links: what package managers and debug files know it by. */
  readonly realPath: string;
  readonly machine: string;
  readonly bits: 32 | 64;
  /** Started by the kernel alone: it names no dynamic loader. */
  readonly isStatic: boolean;
  /** Lower-case hex; '' = none. */
  readonly buildId: string;
  readonly language: 'rust' | 'go' | 'c++' | 'c' | 'unknown';
  /** As the compiler wrote it into `.comment`. */
  readonly compilers: readonly string[];
  /** Functions that `.text` has, as far as an index or symbols tell. */
  readonly functions: number;
  /** `.symtab` is there, here or in the separate debug information. */
  readonly hasSymbols: boolean;
  readonly stripped: boolean;
  readonly debug: {
    readonly where: 'inside' | 'separate' | 'none';
    /** The separate file, where one was found. */
    readonly file: string | undefined;
    /** The name that the program gives of it; '' = none. */
    readonly link: string;
    /** Where it was looked for in vain. */
    readonly lookedAt: readonly string[];
    readonly lines: LineCoverage;
  };
  readonly unwindTables: boolean;
  /** Undefined where the file does not tell. */
  readonly framePointers: FramePointerEstimate | undefined;
  /** A tokio program that can be listened to with --tokio-console. */
  readonly hasConsoleSubscriber: boolean;
}

const FUNCTIONS_LOOKED_AT = 3000;

/** Undefined where the file is no ELF program. */
export async function inspectBinary(path: string): Promise<InspectedBinary | undefined> {
  const elf = await Elf.open(await fileSource(path));
  if (elf === undefined) return undefined;
  const realPath = realpathSync(path);
  const has = (name: string): boolean => elf.section(name) !== undefined;
  const link = await elf.read('.gnu_debuglink');
  const debugLink = link === undefined ? '' : new ByteReader(link).cString();
  const isInside = has('.debug_info') || has('.zdebug_info');
  const search =
    isInside || (debugLink === '' && elf.buildId === '')
      ? { found: undefined, lookedAt: [] }
      : await findDebug(realPath, elf, debugLink);
  const debug = search.found?.elf;
  const sample = await sampleFunctions(elf, debug, FUNCTIONS_LOOKED_AT);
  const compilers = await compilersOf(elf);
  const isGo = has('.go.buildinfo') || has('.gopclntab');
  const strings = Buffer.from((await elf.read('.strtab')) ?? (await debug?.read('.strtab')) ?? []);
  return {
    path,
    realPath,
    machine: MACHINES.get(elf.machine) ?? `machine ${elf.machine}`,
    bits: elf.is64 ? 64 : 32,
    isStatic: !has('.interp'),
    buildId: elf.buildId,
    language: isGo
      ? 'go'
      : sample.isRust || compilers.some(c => c.startsWith('rustc'))
        ? 'rust'
        : languageOf(strings, compilers),
    compilers,
    functions: sample.count,
    hasSymbols: has('.symtab') || debug?.section('.symtab') !== undefined,
    stripped: !has('.symtab'),
    debug: {
      where: isInside ? 'inside' : debug !== undefined ? 'separate' : 'none',
      file: search.found?.place,
      link: debugLink,
      lookedAt: debug === undefined ? search.lookedAt : [],
      lines: await lineCoverage(debug ?? elf, undefined, sample),
    },
    unwindTables: has('.eh_frame') || has('.debug_frame'),
    framePointers: isGo ? undefined : await estimateFramePointers(elf, debug, sample),
    hasConsoleSubscriber: strings.includes('console_subscriber'),
  };
}

const MACHINES: ReadonlyMap<number, string> = new Map([
  [Machine.x86, 'x86'],
  [Machine.x86_64, 'x86-64'],
  [Machine.arm, 'ARM'],
  [Machine.aarch64, 'AArch64'],
  [Machine.riscv, 'RISC-V'],
]);

/** The separate debug information, where distributions and gdb keep it, checked by build id. */
async function findDebug(
  path: string,
  { buildId }: Elf,
  debugLink: string,
): Promise<{ found: { elf: Elf; place: string } | undefined; lookedAt: readonly string[] }> {
  const files = localObjectFiles({ home: homedir() });
  const lookedAt = files.candidates({ kind: 'debug', path, buildId, debugLink });
  for (const place of lookedAt) {
    const source = place === path ? undefined : await files.open(place);
    const elf = source === undefined ? undefined : await Elf.open(source);
    if (elf !== undefined && (buildId === '' || elf.buildId === buildId)) return { found: { elf, place }, lookedAt };
  }
  return { found: undefined, lookedAt };
}

/** Texts of `.comment`, each once. */
async function compilersOf(elf: Elf): Promise<string[]> {
  const bytes = await elf.read('.comment');
  const found = new Set<string>();
  for (let at = 0; bytes !== undefined && at < Math.min(bytes.length, 4096); ) {
    const text = cStringAt(bytes, at);
    if (text !== '') found.add(text);
    at += Buffer.byteLength(text) + 1;
  }
  return [...found];
}

/** By the mangling of names: C++ begins them with `_Z`. */
function languageOf(symbols: Buffer, compilers: readonly string[]): InspectedBinary['language'] {
  if (/\0_Z(?:N|[0-9])/.test(symbols.toString('latin1', 0, 1 << 20))) return 'c++';
  return symbols.length > 0 && compilers.length > 0 ? 'c' : 'unknown';
}
