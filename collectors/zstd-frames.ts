// https://www.rfc-editor.org/rfc/rfc8878#section-3.1
import { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';

/**
 * Unpacks every frame of a zstd stream. Node's own stream ends after the first frame without a word, while log
 * rotation, `pzstd` and `cat a.zst b.zst` all make files of several.
 */
export async function* unpackZstd(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = framePieces(packed);
  for (;;) {
    const first = await pieces.next();
    if (first.done === true) return;
    const frame = async function* (): AsyncGenerator<Uint8Array> {
      let piece = first.value;
      for (;;) {
        yield piece.bytes;
        if (piece.last) return;
        const next = await pieces.next();
        if (next.done === true) return;
        piece = next.value;
      }
    };
    const plain = createZstdDecompress();
    const input = Readable.from(frame());
    input.on('error', error => plain.destroy(error));
    input.pipe(plain);
    yield* plain as AsyncIterable<Uint8Array>;
  }
}

interface Piece {
  readonly bytes: Uint8Array;
  /** The frame ends with these bytes. */
  readonly last: boolean;
}

/** Cuts a stream at frame ends by walking frame and block headers; nothing is decoded. Skippable frames are left out. */
async function* framePieces(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, undefined> {
  let pending: Uint8Array = new Uint8Array(0);
  /** Bytes of the current block or trailer that pass through unseen. */
  let through = 0;
  let state: 'frame' | 'block' | 'last-block' | 'skip' = 'frame';
  let checksumBytes = 0;
  for await (const chunk of packed) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let at = 0;
    let from = 0;
    for (;;) {
      if (through > 0) {
        const step = Math.min(through, pending.length - at);
        at += step;
        through -= step;
        if (through > 0) break;
      }
      if (state === 'last-block') {
        yield { bytes: pending.subarray(from, at), last: true };
        from = at;
        state = 'frame';
      } else if (state === 'skip') {
        from = at;
        state = 'frame';
      }
      if (state === 'frame') {
        if (pending.length - at < 8) break;
        const view = new DataView(pending.buffer, pending.byteOffset + at);
        if ((view.getUint32(0, true) & 0xfffffff0) >>> 0 === 0x184d2a50) {
          through = 8 + view.getUint32(4, true);
          state = 'skip';
          continue;
        }
        const descriptor = view.getUint8(4);
        const singleSegment = (descriptor >> 5) & 1;
        const contentSize = [singleSegment, 2, 4, 8][descriptor >> 6]!;
        checksumBytes = descriptor & 4 ? 4 : 0;
        through = 5 + (1 - singleSegment) + [0, 1, 2, 4][descriptor & 3]! + contentSize;
        state = 'block';
        continue;
      }
      if (pending.length - at < 3) break;
      const header = pending[at]! | (pending[at + 1]! << 8) | (pending[at + 2]! << 16);
      const isLast = (header & 1) === 1;
      const isRepeated = ((header >> 1) & 3) === 1;
      through = 3 + (isRepeated ? 1 : header >> 3) + (isLast ? checksumBytes : 0);
      if (isLast) state = 'last-block';
    }
    if (state === 'skip') from = at;
    else if (state !== 'frame' && at > from) {
      yield { bytes: pending.subarray(from, at), last: false };
      from = at;
    }
    pending = pending.subarray(from);
  }
  if (pending.length > 0) yield { bytes: pending, last: true };
  return undefined;
}
