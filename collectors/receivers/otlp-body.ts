import { promisify } from 'node:util';
import { gunzip, gunzipSync, inflate, inflateSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';

export type BodyResult =
  | { readonly kind: 'body'; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'unknown-encoding' }
  | { readonly kind: 'damaged' };

/** Bodies below this are unpacked at once: handing them to another thread costs more than it saves. */
const SMALL_BYTES = 64 << 10;

const CODECS = {
  gzip: { now: gunzipSync, later: promisify(gunzip) },
  // HTTP's `deflate` has the zlib wrapper.
  deflate: { now: inflateSync, later: promisify(inflate) },
  zstd: { now: zstdDecompressSync, later: promisify(zstdDecompress) },
} as const;

/** What a receiver understands, for `grpc-accept-encoding` and `Accept-Encoding`. */
export const BODY_ENCODINGS = 'identity,gzip,deflate,zstd';

/** Undoes a content encoding; stops as soon as `limitBytes` are exceeded, however small the packed body was. */
export async function unpackBody(packed: Buffer, encoding: string, limitBytes: number): Promise<BodyResult> {
  const name = encoding
    .trim()
    .toLowerCase()
    .replace(/^x-gzip$/, 'gzip');
  if (name === '' || name === 'identity') {
    return packed.length > limitBytes ? { kind: 'too-large' } : { kind: 'body', body: packed };
  }
  if (name !== 'gzip' && name !== 'deflate' && name !== 'zstd') return { kind: 'unknown-encoding' };
  if (packed.length === 0) return { kind: 'body', body: packed };
  const options = { maxOutputLength: limitBytes };
  const codec = CODECS[name];
  try {
    const body = packed.length < SMALL_BYTES ? codec.now(packed, options) : await codec.later(packed, options);
    return { kind: 'body', body };
  } catch (error) {
    return { kind: (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'damaged' };
  }
}
