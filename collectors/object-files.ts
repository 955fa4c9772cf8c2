import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { memorySource, type Source } from '../src/base/source.ts';
import type { ObjectFiles, WantedFile } from '../src/symbols/object-files.ts';
import { fileSource } from './file-source.ts';

export interface ObjectFilesOptions {
  /** Folder of the recording: what was copied beside it is preferred to what this machine has now. */
  readonly besides?: string;
  /** Home folder, for perf's own cache `~/.debug`. */
  readonly home?: string;
}

const DEBUG_ROOT = '/usr/lib/debug';

/** The object files of this machine, where perf, gdb and distributions keep them. */
export function localObjectFiles(options: ObjectFilesOptions = {}): ObjectFiles {
  return {
    candidates: wanted => [...new Set(candidates(wanted, options))],
    open: place => openPlace(place),
  };
}

function candidates(wanted: WantedFile, { besides, home }: ObjectFilesOptions): string[] {
  switch (wanted.kind) {
    case 'image': {
      const cache =
        home === undefined ? [] : perfCache(home, wanted.buildId, wanted.path === '[vdso]' ? 'vdso' : 'elf');
      if (wanted.path === '[vdso]') return ['[vdso]', ...cache];
      // A process in a container names files by its own root.
      const throughRoot = wanted.pid > 0 ? [`/proc/${wanted.pid}/root${wanted.path}`] : [];
      return [
        ...(besides === undefined ? [] : [join(besides, basename(wanted.path))]),
        wanted.path,
        ...throughRoot,
        ...cache,
      ];
    }
    case 'debug': {
      const { path, buildId, debugLink } = wanted;
      const byId =
        buildId.length > 4 ? [`${DEBUG_ROOT}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`] : [];
      const folder = dirname(path);
      const linked =
        debugLink === ''
          ? []
          : [join(folder, debugLink), join(folder, '.debug', debugLink), join(DEBUG_ROOT, folder, debugLink)];
      const cache = home === undefined ? [] : perfCache(home, buildId, 'debug');
      return [...byId, ...linked, `${DEBUG_ROOT}${path}.debug`, `${DEBUG_ROOT}${path}`, ...cache];
    }
    case 'supplementary': {
      const { path, buildId, link } = wanted;
      const byId =
        buildId.length > 4 ? [`${DEBUG_ROOT}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`] : [];
      return [...byId, join(dirname(path), link)];
    }
    case 'kernel-symbols':
      return [
        ...(besides === undefined ? [] : [join(besides, 'kallsyms'), join(besides, 'kcore_dir', 'kallsyms')]),
        '/proc/kallsyms',
      ];
    case 'perf-map': {
      const file = `perf-${wanted.pid}.map`;
      const inner = namespacePid(wanted.pid);
      return [
        ...(besides === undefined ? [] : [join(besides, file)]),
        `/tmp/${file}`,
        ...(inner === undefined ? [] : [`/proc/${wanted.pid}/root/tmp/perf-${inner}.map`]),
      ];
    }
  }
}

function perfCache(home: string, buildId: string, file: string): string[] {
  if (buildId.length <= 4) return [];
  return [join(home, '.debug', '.build-id', buildId.slice(0, 2), buildId.slice(2), file)];
}

/** The pid that a process has in its own namespace, which is the one in the name of its perf map. */
function namespacePid(pid: number): number | undefined {
  try {
    const line = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return line === undefined ? undefined : Number(line.trim().split(/\s+/).at(-1));
  } catch {
    return undefined;
  }
}

async function openPlace(place: string): Promise<Source | undefined> {
  if (place === '[vdso]') return ownVdso();
  try {
    const stat = statSync(place);
    if (!stat.isFile()) return undefined;
    if (place === '/proc/kallsyms') return generatedFile(place);
    if (place.startsWith('/proc/') && stat.size === 0) return memorySource(place, readFileSync(place));
    return await fileSource(place);
  } catch {
    return undefined;
  }
}

/** A file that the kernel writes while it is read, which takes longer than to read it: a reader can stop in between. */
function generatedFile(place: string): Source {
  return {
    name: place,
    size: undefined,
    head: new Uint8Array(0),
    async *chunks() {
      const fd = openSync(place, 'r');
      try {
        for (;;) {
          // The kernel hands out a page at a time: an event for each would cost more than the page.
          const bytes = Buffer.allocUnsafe(1 << 18);
          let filled = 0;
          for (let got = 1; got > 0 && filled < bytes.length; filled += got)
            got = readSync(fd, bytes, { offset: filled });
          if (filled === 0) return;
          yield bytes.subarray(0, filled);
        }
      } finally {
        closeSync(fd);
      }
    },
    range: async (offset, length) => readFileSync(place).subarray(offset, offset + length),
  };
}

/** The kernel's shared object has no file; this process has the same one mapped. */
function ownVdso(): Source | undefined {
  try {
    const line = /^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$/m.exec(readFileSync('/proc/self/maps', 'utf8'));
    if (line === null) return undefined;
    const start = Number.parseInt(line[1]!, 16);
    const bytes = Buffer.alloc(Number.parseInt(line[2]!, 16) - start);
    const fd = openSync('/proc/self/mem', 'r');
    try {
      const read = readSync(fd, bytes, 0, bytes.length, start);
      return memorySource('[vdso]', bytes.subarray(0, read));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
