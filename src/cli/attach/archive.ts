import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { createTarPacker } from 'modern-tar';

export interface ArchivedFile {
  /** Relative to the folder, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Every file below a folder with its size and checksum, in order of name. */
export async function listFiles(folder: string): Promise<ArchivedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: ArchivedFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    files.push({
      path: relative(folder, path).split(sep).join('/'),
      bytes: (await stat(path)).size,
      sha256: hash.digest('hex'),
    });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Packs a folder below `root/` into a `.tar.gz`. Owners, times and modes of this machine stay out: the same files give
 * the same archive.
 */
export async function writeArchive(
  folder: string,
  root: string,
  files: readonly ArchivedFile[],
  target: string,
): Promise<void> {
  const { readable, controller } = createTarPacker();
  const packed = pipeline(Readable.fromWeb(readable), createGzip(), createWriteStream(target));
  for (const { path, bytes } of files) {
    const body = controller.add({
      name: `${root}/${path}`,
      size: bytes,
      mode: 0o644,
      mtime: new Date(0),
      uid: 0,
      gid: 0,
      uname: '',
      gname: '',
    });
    await Readable.toWeb(createReadStream(join(folder, path))).pipeTo(body);
  }
  controller.finalize();
  await packed;
}
