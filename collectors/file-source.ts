import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TprofError } from '../src/base/errors.ts';
import { HEAD_BYTES, type Source } from '../src/base/source.ts';
import { unpackZstd } from './zstd-frames.ts';

/** How much of a compressed or piped input is held for random access before tprof asks for a plain file. */
const HELD_BYTES_LIMIT = 2 ** 31;

type Compression = 'gzip' | 'zstd' | undefined;

/** A source whose bytes are a file's; `.gz` and `.zst` are unpacked on the way (told by content, not by name). */
export async function fileSource(path: string): Promise<Source> {
  const handle = await openForReading(path);
  try {
    const { size } = await handle.stat();
    const head = await readAt(handle, 0, Math.min(HEAD_BYTES, size));
    const compression = compressionOf(head);
    if (compression === undefined) {
      return {
        name: path,
        size,
        head,
        chunks: () => createReadStream(path, { highWaterMark: 1 << 20 }),
        range: (offset, length) => rangeOfFile(path, offset, length),
        fill: fillFromFile(path),
      };
    }
    return await unpacked(path, () => createReadStream(path, { highWaterMark: 1 << 18 }), compression);
  } finally {
    await handle.close();
  }
}

/** A source over a pipe (`-`): it can be streamed once; random access holds what was read. */
export async function pipeSource(name: string, stream: Readable): Promise<Source> {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const first: Uint8Array[] = [];
  let have = 0;
  while (have < HEAD_BYTES) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    first.push(value);
    have += value.length;
  }
  const start = Buffer.concat(first);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield start;
    for (;;) {
      const { value, done } = await iterator.next();
      if (done === true) return;
      yield value;
    }
  }
  const compression = compressionOf(start);
  if (compression !== undefined) {
    const plain = await pipeSource(name, Readable.from(unpack(Readable.from(bytes()), compression, () => {})));
    return plain;
  }
  return heldSource(name, start.subarray(0, HEAD_BYTES), bytes);
}

async function unpacked(path: string, read: () => Readable, compression: 'gzip' | 'zstd'): Promise<Source> {
  let damage: string | undefined;
  const bytes = (): AsyncGenerator<Uint8Array> =>
    unpack(read(), compression, reason => {
      damage = reason;
    });
  const head: Uint8Array[] = [];
  let have = 0;
  for await (const chunk of bytes()) {
    head.push(chunk);
    have += chunk.length;
    if (have >= HEAD_BYTES) break;
  }
  const source = heldSource(path, Buffer.concat(head).subarray(0, HEAD_BYTES), bytes);
  return { ...source, damage: () => damage };
}

/** Streams afresh on every `chunks()`; holds the whole only once `range()` is asked for. */
function heldSource(name: string, head: Uint8Array, bytes: () => AsyncIterable<Uint8Array>): Source {
  let held: Promise<Buffer> | undefined;
  return {
    name,
    size: undefined,
    head,
    chunks: async function* () {
      if (held !== undefined) yield await held;
      else yield* bytes();
    },
    range: async (offset, length) => {
      held ??= holdAll(name, bytes());
      return (await held).subarray(offset, offset + length);
    },
  };
}

async function holdAll(name: string, bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bytes) {
    parts.push(part);
    length += part.length;
    if (length > HELD_BYTES_LIMIT) {
      throw new TprofError(
        'input-invalid',
        `${name}: this format needs random access, and over 2 GiB came unpacked or through a pipe`,
        {
          hint: 'unpack it to a file first (gunzip, unzstd) and name that file',
        },
      );
    }
  }
  return Buffer.concat(parts, length);
}

/** Unpacked bytes; a cut or broken stream ends early and says so, so that readers give what came before. */
async function* unpack(
  packed: Readable,
  compression: 'gzip' | 'zstd',
  onDamage: (reason: string) => void,
): AsyncGenerator<Uint8Array> {
  try {
    if (compression === 'zstd') {
      yield* unpackZstd(packed);
      return;
    }
    const plain = createGunzip();
    packed.on('error', error => plain.destroy(error));
    packed.pipe(plain);
    yield* plain as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!/^(Z_|ZSTD_)/.test(code)) throw error;
    onDamage(`the ${compression} data is cut or damaged (${message})`);
  } finally {
    packed.destroy();
  }
}

function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return undefined;
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new TprofError('input-invalid', `${path}: expected a file, found a folder`);
    }
    return handle;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new TprofError('input-missing', `${path}: there is no such file or folder`, { cause });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new TprofError('input-missing', `${path}: not allowed to read it`, { hint: `ls -l ${path}`, cause });
    }
    throw cause;
  }
}

/** Opened for each range: sources have no close, and seeking readers ask for few, large ranges. */
async function rangeOfFile(path: string, offset: number, length: number): Promise<Uint8Array> {
  const handle = await openForReading(path);
  try {
    return await readAt(handle, offset, length);
  } finally {
    await handle.close();
  }
}

/** Sources have no close: the file stays open until the caller gives way to others, as thousands of ranges may follow. */
function fillFromFile(path: string): NonNullable<Source['fill']> {
  let file = -1;
  return (offset, into) => {
    if (file === -1) {
      const opened = openSync(path, 'r');
      file = opened;
      setImmediate(() => {
        file = -1;
        closeSync(opened);
      });
    }
    let done = 0;
    while (done < into.length) {
      const bytes = readSync(file, into, done, into.length - done, offset + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  };
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
