import type { Warnings } from '../base/warnings.ts';
import type { CodeLocations, CodeModule } from './code-location.ts';
import { demangle } from './demangle.ts';
import { readDwarfFrames } from './dwarf.ts';
import { readDwarfSections } from './dwarf-unit.ts';
import { elfSymbolNames } from './elf-symbols.ts';
import { type ImageLoader, SYMBOLS_MISSING } from './image-loader.ts';
import { readJitDump } from './jitdump.ts';
import { type KernelReference, kernelSymbolNames } from './kernel-symbols.ts';
import { readPerfMap } from './perf-map.ts';
import { runtimeName } from './runtime-name.ts';

/** One function at one place of the source; several of them, one inlined in the other, share a location. */
export interface SourceFrame {
  readonly name: string;
  readonly decoration: string;
  readonly file: string;
  /** 1-based; 0 = unknown. */
  readonly line: number;
  readonly column: number;
  readonly category: string;
  readonly inlined: boolean;
}

/** Frames of each location, outermost first; undefined where nothing names it. Locations of one module may share them. */
export type LocationFrames = (readonly SourceFrame[] | undefined)[];

export interface SymbolizeOptions {
  readonly kernelReference: KernelReference | undefined;
  readonly jitDumps: ReadonlyMap<number, string>;
  /** When a location of run-time code was seen first, in nanoseconds of the recording's clock. */
  readonly firstSeenNs?: (location: number) => number | undefined;
}

/** Names every location, module by module, in order of address. */
export async function symbolize(
  locations: CodeLocations,
  loader: ImageLoader,
  warnings: Warnings,
  options: SymbolizeOptions,
): Promise<LocationFrames> {
  const frames: LocationFrames = new Array(locations.length);
  const byModule = locations.byModule();
  const kernel: number[] = [];
  for (const module of locations.modules) {
    const wanted = byModule[module.index]!;
    if (module.kind === 'kernel') for (const location of wanted) kernel.push(location);
    else if (module.kind === 'jit') await nameRuntimeCode(module, wanted, locations, loader, warnings, options, frames);
    else if (module.kind === 'file' || module.kind === 'vdso')
      await nameImage(module, wanted, locations, loader, warnings, frames);
  }
  await nameKernel(kernel, locations, loader, warnings, options, frames);
  return frames;
}

function plainFrame(name: string): SourceFrame {
  return { name, decoration: '', file: '', line: 0, column: 0, category: '', inlined: false };
}

async function nameImage(
  module: CodeModule,
  all: Uint32Array,
  locations: CodeLocations,
  loader: ImageLoader,
  warnings: Warnings,
  frames: LocationFrames,
): Promise<void> {
  const image = await loader.load(module);
  if (image === undefined) return;
  const { elf, debug } = image;
  const found: number[] = [];
  const addresses: number[] = [];
  for (const location of all) {
    const offset = locations.addressOf(location);
    const address = module.kind === 'vdso' ? offset : elf.addressOfOffset(offset);
    if (address === undefined) continue;
    found.push(location);
    addresses.push(address);
  }
  if (found.length === 0) return;
  const wanted = Float64Array.from(addresses);
  const symbols = await elfSymbolNames(elf, debug === undefined ? [] : [debug], wanted);
  const sections = await readDwarfSections(debug ?? elf, image.supplementary);
  const dwarf = sections === undefined ? undefined : readDwarfFrames(sections, wanted);
  if (dwarf !== undefined && dwarf.splitUnits > 0) {
    warnings.add('split-debug-info', 'debug information in .dwo files is not read: no inlined functions there', {
      count: dwarf.splitUnits,
      example: module.path,
    });
  }
  const plainOf = new Map<string, readonly SourceFrame[]>();
  for (let i = 0; i < found.length; i++) {
    const symbol = symbols[i] ?? '';
    let plain = plainOf.get(symbol);
    if (plain === undefined) {
      plain = [plainFrame(demangle(symbol))];
      plainOf.set(symbol, plain);
    }
    const { name } = plain[0]!;
    const lines = dwarf?.frames[i];
    if (lines === undefined) {
      if (name !== '') frames[found[i]!] = plain;
      continue;
    }
    const named = lines.map((line, level) => ({
      ...line,
      // The symbol of the function itself says more than its entry: clones, versions, and the whole of its name.
      name: level === 0 && name !== '' ? name : line.name || '[unknown]',
      decoration: '',
      category: '',
    }));
    if (name !== '' || named[0]!.name !== '[unknown]') frames[found[i]!] = named;
  }
  const unnamed = found.filter(location => frames[location] === undefined).length;
  // Some places never have a name: padding, hand-written stubs. Most of them without one is a stripped file.
  if (unnamed * 2 > found.length) {
    const where =
      image.lookedAt.length === 0 ? '' : `; looked for its debug information at ${image.lookedAt.join(', ')}`;
    warnings.add('symbols-missing', SYMBOLS_MISSING, {
      example: `${module.path}: it is stripped of its symbols${where}`,
    });
  }
  elf.forget();
  debug?.forget();
}

async function nameRuntimeCode(
  module: CodeModule,
  wanted: Uint32Array,
  locations: CodeLocations,
  loader: ImageLoader,
  warnings: Warnings,
  { jitDumps, firstSeenNs }: SymbolizeOptions,
  frames: LocationFrames,
): Promise<void> {
  if (wanted.length === 0) return;
  const tables: { find(address: number, atNs?: number): { readonly name: string } | undefined }[] = [];
  const dump = jitDumps.get(module.pid);
  if (dump !== undefined) {
    const source = await loader.objects.open(dump);
    const table = source === undefined ? undefined : await readJitDump(source, warnings);
    if (table !== undefined) tables.push(table);
  }
  const places = loader.objects.candidates({ kind: 'perf-map', pid: module.pid });
  for (const place of places) {
    const source = await loader.objects.open(place);
    if (source === undefined) continue;
    tables.push(await readPerfMap(source, warnings));
    break;
  }
  if (tables.length === 0) {
    warnings.add('symbols-missing', 'code that a runtime generated has no names: it wrote no perf map or jitdump', {
      example: `pid ${module.pid}: looked at ${[...(dump === undefined ? [] : [dump]), ...places].join(', ')}`,
    });
    return;
  }
  const framesOf = new Map<string, readonly SourceFrame[]>();
  for (const location of wanted) {
    for (const table of tables) {
      const symbol = table.find(locations.addressOf(location), firstSeenNs?.(location));
      if (symbol === undefined) continue;
      let named = framesOf.get(symbol.name);
      if (named === undefined) {
        named = [{ ...runtimeName(symbol.name), inlined: false }];
        framesOf.set(symbol.name, named);
      }
      frames[location] = named;
      break;
    }
  }
}

async function nameKernel(
  found: number[],
  locations: CodeLocations,
  loader: ImageLoader,
  warnings: Warnings,
  { kernelReference }: SymbolizeOptions,
  frames: LocationFrames,
): Promise<void> {
  if (found.length === 0) return;
  found.sort((a, b) => locations.addressOf(a) - locations.addressOf(b));
  const wanted = Float64Array.from(found, location => locations.addressOf(location));
  const places = loader.objects.candidates({ kind: 'kernel-symbols' });
  for (const place of places) {
    const source = await loader.objects.open(place);
    const result = source === undefined ? undefined : await kernelSymbolNames(source, wanted, kernelReference);
    if (result === undefined) continue;
    if (result.shift !== 0) {
      warnings.add(
        'kernel-moved',
        'the kernel was started again since the recording: its functions are named by distance from its beginning',
      );
    }
    // Neighbours are mostly of one function.
    let last: readonly SourceFrame[] = [plainFrame('')];
    let lastModule: CodeModule | undefined;
    result.names.forEach((name, i) => {
      if (name === undefined) return;
      const module = locations.moduleOf(found[i]!);
      if (last[0]!.name !== name || module !== lastModule) last = [plainFrame(name)];
      lastModule = module;
      frames[found[i]!] = last;
    });
    return;
  }
  warnings.add('symbols-missing', 'functions of the kernel have no names: it hides its addresses', {
    example: `looked at ${places.join(', ')}; mend with: sudo sysctl kernel.kptr_restrict=0 kernel.perf_event_paranoid=1`,
  });
}
