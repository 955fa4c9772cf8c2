/**
 * Where bytes come from, without saying how: a file, standard input, a buffer in a test. Readers never ask for one
 * giant string (V8 strings end at 512 MB, users' files do not): they stream `chunks()`, or seek with `range()`.
 */
export interface Source {
  /** What the user typed, for messages and `inputs` of results. */
  readonly name: string;
  /** Total bytes, or undefined for a stream of unknown length. After decompression where the name says `.gz`/`.zst`. */
  readonly size: number | undefined;
  /** The first bytes (at most 4 KiB, fewer when the source is shorter). Detection sees nothing else. */
  readonly head: Uint8Array;
  /** All bytes from the start. May be called again unless the source is a stream. */
  chunks(): AsyncIterable<Uint8Array>;
  /** `length` bytes from `offset`; shorter at the end of the source. */
  range(offset: number, length: number): Promise<Uint8Array>;
  /**
   * Fills `into` with the bytes from `offset` and returns how many there were, at once and without an array of their own:
   * for readers of many ranges. Absent where bytes have to be waited for.
   */
  readonly fill?: (offset: number, into: Uint8Array) => number;
  /** After reading: why the bytes ended early (a cut `.gz`), if they did. The opener turns it into `damaged-input`. */
  readonly damage?: () => string | undefined;
}

/** How many bytes detection may look at. */
export const HEAD_BYTES = 4096;

/** A source over bytes in memory: tests, decompressed records, small files. */
export function memorySource(name: string, bytes: Uint8Array | string): Source {
  const data = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return {
    name,
    size: data.length,
    head: data.subarray(0, HEAD_BYTES),
    async *chunks() {
      for (let offset = 0; offset < data.length; offset += 1 << 20) yield data.subarray(offset, offset + (1 << 20));
    },
    async range(offset, length) {
      return data.subarray(offset, offset + length);
    },
    fill(offset, into) {
      const part = data.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** All bytes of a source as one array: only for formats whose size is bounded by nature. */
export async function readAll(source: Source): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source.chunks()) {
    parts.push(chunk);
    length += chunk.length;
  }
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/**
 * Lines of a source as strings, without their `\n` or `\r\n`; a byte-order mark is dropped. A line longer than V8's
 * string limit is the caller's format error: text formats have no such lines.
 */
export async function* readLines(source: Source): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  for await (const chunk of source.chunks()) {
    const text = rest + decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      yield text.slice(start, text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end);
      start = end + 1;
    }
    rest = text.slice(start);
  }
  rest += decoder.decode();
  if (rest !== '') yield rest.endsWith('\r') ? rest.slice(0, -1) : rest;
}
