import { open, readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asArray, asObject, asText } from '../src/base/narrow.ts';
import { Warnings } from '../src/base/warnings.ts';
import type { Profile } from '../src/model/profile.ts';

/** Maps above this are not worth their time: they belong to bundles of browsers. */
const LARGEST_MAP = 1 << 27;
/** How much of a script's end is looked at for the comment that names its map. */
const TAIL_BYTES = 1 << 16;

/**
 * The profile with frames of compiled scripts at the place in the source that they came from (TypeScript, bundles),
 * where the script and its map lie on this machine. Names stay, since V8 has them from the script. A map that cannot be
 * read is a warning; a script without one is left as it is.
 */
export async function withSourceMaps(profile: Profile): Promise<Profile> {
  const { frames, strings } = profile;
  const maps = new Map<number, Promise<LoadedMap | undefined>>();
  const warnings = new Warnings();
  for (let i = 0; i < frames.length; i++) {
    const file = frames.file[i]!;
    if (frames.line[i] === 0 || maps.has(file)) continue;
    const path = strings[file]!;
    if (/\.[cm]?jsx?$/.test(path) && isAbsolute(path)) maps.set(file, load(path, warnings));
  }
  if (maps.size === 0) return profile;
  const loaded = new Map<number, LoadedMap>();
  for (const [file, promise] of maps) {
    const map = await promise;
    if (map !== undefined) loaded.set(file, map);
  }
  warnings.merge(profile.warnings);
  if (loaded.size === 0) return { ...profile, warnings: warnings.list() };
  return { ...mapped(profile, loaded), warnings: warnings.list() };
}

interface LoadedMap {
  readonly map: SourceMap;
  /** Folder that relative sources count from. */
  readonly folder: string;
}

function mapped(profile: Profile, maps: ReadonlyMap<number, LoadedMap>): Profile {
  const strings = [...profile.strings];
  const indexOf = new Map(strings.map((text, i) => [text, i]));
  const { frames } = profile;
  const file = frames.file.slice();
  const line = frames.line.slice();
  const column = frames.column.slice();
  for (let i = 0; i < frames.length; i++) {
    const loaded = maps.get(file[i]!);
    if (loaded === undefined || line[i] === 0) continue;
    const entry = loaded.map.findEntry(line[i]! - 1, Math.max(0, column[i]! - 1));
    if (!('originalSource' in entry)) continue;
    const path = pathOf(entry.originalSource, loaded.folder);
    let index = indexOf.get(path);
    if (index === undefined) {
      index = strings.push(path) - 1;
      indexOf.set(path, index);
    }
    file[i] = index;
    line[i] = entry.originalLine + 1;
    column[i] = entry.originalColumn + 1;
  }
  return { ...profile, strings, frames: { ...frames, file, line, column } };
}

function pathOf(source: string, folder: string): string {
  if (source.startsWith('file://')) return fileURLToPath(source);
  return /^[a-z][a-z0-9+.-]+:/i.test(source) ? source : resolve(folder, source);
}

async function load(script: string, warnings: Warnings): Promise<LoadedMap | undefined> {
  const url = await mapUrl(script);
  if (url === undefined) return undefined;
  const inline = /^data:application\/json[^,]*?(;base64)?,/.exec(url);
  try {
    const path = resolve(dirname(script), decodeURIComponent(url));
    const text =
      inline === null
        ? await readFile(path, 'utf8')
        : Buffer.from(url.slice(inline[0].length), inline[1] === undefined ? 'utf8' : 'base64').toString('utf8');
    if (text.length > LARGEST_MAP) throw new Error('it is larger than 128 MiB');
    const payload = asObject(JSON.parse(text));
    if (asText(payload.mappings) === '' && asArray(payload.sections).length === 0)
      throw new Error('it has no mappings');
    const folder = resolve(dirname(inline === null ? path : script), asText(payload.sourceRoot));
    // The root is applied here, once: sources of this map are looked at without it.
    return { map: new SourceMap({ ...payload, sourceRoot: '' } as unknown as SourceMapPayload), folder };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warnings.add(
      'source-map-missing',
      'scripts name source maps that cannot be read: frames stay where the script has them',
      {
        example: `${script}: ${reason}`,
      },
    );
    return undefined;
  }
}

/** What the last `sourceMappingURL` comment of a script says; undefined where it has none or is not here. */
async function mapUrl(script: string): Promise<string | undefined> {
  try {
    const handle = await open(script);
    try {
      const { size } = await handle.stat();
      let length = Math.min(size, TAIL_BYTES);
      for (;;) {
        const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
        const tail = buffer.toString('utf8');
        const found = [...tail.matchAll(/\/[/*][#@] sourceMappingURL=(\S+?)(?:\s*\*\/)?\s*$/gm)].at(-1)?.[1];
        if (found !== undefined) return found;
        // An inline map may be longer than the tail, and has no line break.
        if (length === size || length >= LARGEST_MAP || tail.includes('\n', tail.length - length + 1)) return undefined;
        length = Math.min(size, length * 8, LARGEST_MAP);
      }
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
