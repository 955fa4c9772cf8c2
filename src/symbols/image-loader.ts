import { ByteReader } from '../base/byte-reader.ts';
import type { Warnings } from '../base/warnings.ts';
import type { CodeModule } from './code-location.ts';
import { Elf } from './elf.ts';
import type { ObjectFiles } from './object-files.ts';

/** An object file as it was recorded, with where more about it is to be found. */
export interface LoadedImage {
  readonly elf: Elf;
  /** Separate debug information, where the file has none itself and one was found. */
  readonly debug: Elf | undefined;
  /** DWARF that several debug files share. */
  readonly supplementary: Elf | undefined;
  /** Where debug information was looked for without success; empty where it was found. */
  readonly lookedAt: readonly string[];
}

/** One sentence for all object files; the examples say which, and where was looked. */
export const SYMBOLS_MISSING =
  'object files of the recording are not here, or without symbols: their functions have no names';

/** Finds and opens each module's file once, checked by build id. What is not found is a warning that says where it looked. */
export class ImageLoader {
  readonly #objects: ObjectFiles;
  readonly #warnings: Warnings;
  readonly #images = new Map<number, Promise<LoadedImage | undefined>>();

  constructor(objects: ObjectFiles, warnings: Warnings) {
    this.#objects = objects;
    this.#warnings = warnings;
  }

  get objects(): ObjectFiles {
    return this.#objects;
  }

  load(module: CodeModule): Promise<LoadedImage | undefined> {
    let image = this.#images.get(module.index);
    if (image === undefined) {
      image = this.#load(module);
      this.#images.set(module.index, image);
    }
    return image;
  }

  async #load(module: CodeModule): Promise<LoadedImage | undefined> {
    if (module.kind !== 'file' && module.kind !== 'vdso') return undefined;
    const { path, buildId, pid } = module;
    const places = this.#objects.candidates({ kind: 'image', path: cleanPath(path), buildId, pid });
    const { elf, others } = await this.#firstElf(places, buildId);
    if (elf === undefined) {
      const what = others > 0 ? `another build is there now (wanted ${buildId})` : 'not found';
      this.#warnings.add('symbols-missing', SYMBOLS_MISSING, {
        example: `${path}: ${what}; looked at ${places.join(', ')}`,
      });
      return undefined;
    }
    const { debug, lookedAt } = await this.#debug(elf, path);
    return { elf, debug, supplementary: await this.#supplementary(debug ?? elf), lookedAt };
  }

  async #debug(elf: Elf, path: string): Promise<Pick<LoadedImage, 'debug' | 'lookedAt'>> {
    const own = elf.section('.debug_info') ?? elf.section('.zdebug_info');
    if (own !== undefined) return { debug: undefined, lookedAt: [] };
    const link = await elf.read('.gnu_debuglink');
    const debugLink = link === undefined ? '' : new ByteReader(link).cString();
    if (debugLink === '' && elf.buildId === '') return { debug: undefined, lookedAt: [path] };
    const places = this.#objects.candidates({ kind: 'debug', path, buildId: elf.buildId, debugLink });
    const debug = (await this.#firstElf(places, elf.buildId)).elf;
    return { debug, lookedAt: debug === undefined ? places : [] };
  }

  async #supplementary(elf: Elf): Promise<Elf | undefined> {
    const link = await elf.read('.gnu_debugaltlink');
    if (link === undefined) return undefined;
    const r = new ByteReader(link);
    const name = r.cString();
    const buildId = Array.from(link.subarray(r.at), byte => byte.toString(16).padStart(2, '0')).join('');
    const places = this.#objects.candidates({ kind: 'supplementary', path: elf.source.name, buildId, link: name });
    return (await this.#firstElf(places, buildId)).elf;
  }

  async #firstElf(places: readonly string[], buildId: string): Promise<{ elf: Elf | undefined; others: number }> {
    let others = 0;
    for (const place of places) {
      const source = await this.#objects.open(place);
      const elf = source === undefined ? undefined : await Elf.open(source);
      if (elf === undefined) continue;
      if (buildId === '' || elf.buildId === '' || sameBuild(elf.buildId, buildId)) return { elf, others };
      others++;
    }
    return { elf: undefined, others };
  }
}

/** A field of fixed length in the recording may pad, or cut, a build id of another length. */
function sameBuild(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  return a.slice(0, length) === b.slice(0, length) && /^0*$/.test(a.slice(length) + b.slice(length));
}

/** The kernel marks files that were replaced or removed since they were mapped. */
function cleanPath(path: string): string {
  return path.endsWith(' (deleted)') ? path.slice(0, -' (deleted)'.length) : path;
}
