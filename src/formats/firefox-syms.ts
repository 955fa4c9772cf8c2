import { streamJson } from '../base/json-stream.ts';
import { asArray, asIndex, asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';

export interface SidecarFrame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

interface Library {
  readonly symbols: readonly {
    readonly start: number;
    readonly size: number;
    readonly frames: readonly SidecarFrame[];
  }[];
  /** Address → index into `symbols`. */
  readonly known: ReadonlyMap<number, number>;
}

/** The symbols that samply leaves beside a profile (`.syms.json`), by library and library-relative address. */
export class FirefoxSymbols {
  readonly #libraries: ReadonlyMap<string, Library>;

  constructor(libraries: ReadonlyMap<string, Library>) {
    this.#libraries = libraries;
  }

  /** The function at `address`, outermost first, then what is inlined into it; undefined where it is not known. */
  find(lib: JsonObject, address: number): readonly SidecarFrame[] | undefined {
    const library = this.#libraries.get(key(asText(lib.debugName), asText(lib.breakpadId)));
    if (library === undefined) return undefined;
    const at = library.known.get(address) ?? containing(library, address);
    return library.symbols[at]?.frames;
  }
}

export async function readSyms(source: Source): Promise<FirefoxSymbols> {
  const strings: string[] = [];
  const data: JsonObject[] = [];
  await streamJson(source, {
    fields: {
      string_table: { each: text => strings.push(asText(text)) },
      data: { each: library => data.push(asObject(library)) },
    },
  });
  const text = (index: unknown): string => strings[asIndex(index, strings.length)] ?? '';
  const libraries = new Map<string, Library>();
  for (const library of data) {
    const symbols = asArray(library.symbol_table).map(entry => {
      const symbol = asObject(entry);
      const name = text(symbol.symbol);
      // The innermost call comes first in the file.
      const frames = asArray(symbol.frames)
        .map(value => {
          const frame = asObject(value);
          return { name: text(frame.function) || name, file: text(frame.file), line: asIndex(frame.line, 0) };
        })
        .reverse();
      return {
        start: asNumber(symbol.rva, 0),
        size: asNumber(symbol.size, 0),
        frames: frames.length > 0 ? frames : [{ name, file: '', line: 0 }],
      };
    });
    const known = new Map<number, number>();
    for (const pair of asArray(library.known_addresses)) {
      const [address, index] = asArray(pair);
      known.set(asNumber(address, -1), asIndex(index, symbols.length));
    }
    libraries.set(key(asText(library.debug_name), asText(library.debug_id)), { symbols, known });
  }
  return new FirefoxSymbols(libraries);
}

/** Ids are written with and without dashes, in either case, and with or without the age that follows the 32 digits. */
function key(debugName: string, debugId: string): string {
  const digits = debugId.replaceAll('-', '').toUpperCase();
  return `${debugName}\0${digits.length === 32 ? `${digits}0` : digits}`;
}

/** Index of the symbol whose range holds `address`; symbols are sorted by start. -1: none. */
function containing({ symbols }: Library, address: number): number {
  let low = 0;
  let high = symbols.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (symbols[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  const found = symbols[low - 1];
  return found !== undefined && (found.size === 0 || address < found.start + found.size) ? low - 1 : -1;
}
