import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';

/**
 * The zstd stream that runs through all COMPRESSED records of a file: each holds a flushed piece of one frame, so the
 * window of earlier records is needed for later ones.
 */
export class RecordDecompressor {
  #stream: ZstdDecompress | undefined;
  #parts: Uint8Array[] = [];
  #failure: Error | undefined;

  /** What `piece` unpacks to, all of it. Rejects where the stream is damaged. */
  async push(piece: Uint8Array): Promise<Uint8Array> {
    this.#stream ??= this.#open();
    const stream = this.#stream;
    await new Promise<void>(resolve => {
      const done = (): void => {
        stream.off('error', done);
        stream.off('end', done);
        resolve();
      };
      stream.once('error', done);
      stream.once('end', done);
      stream.write(piece, done);
    });
    // Output is handed on by the event loop at the latest, so one turn of it empties the stream.
    await new Promise<void>(resolve => setImmediate(resolve));
    if (this.#failure !== undefined) throw this.#failure;
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length === 1) return parts[0]!;
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  close(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
  }

  #open(): ZstdDecompress {
    const stream = createZstdDecompress({ chunkSize: 1 << 18 });
    stream.on('data', (part: Uint8Array) => this.#parts.push(part));
    stream.on('error', error => {
      this.#failure = error;
    });
    // A frame that ends is followed by a new one, which needs a new stream.
    stream.on('end', () => {
      if (this.#stream === stream) this.#stream = undefined;
    });
    return stream;
  }
}
