import type { Source } from './source.ts';

/**
 * Text as UTF-8 without a byte-order mark, whatever wrote it: PowerShell's `>` makes UTF-16 of what passes through it.
 */
export function utf8Source(source: Source): Source {
  const [a, b, c] = source.head;
  if (a === 0xff && b === 0xfe) return transcoded(source, 'utf-16le');
  if (a === 0xfe && b === 0xff) return transcoded(source, 'utf-16be');
  if (a !== 0xef || b !== 0xbb || c !== 0xbf) return source;
  return { ...source, head: source.head.subarray(3), chunks: () => without(source, 3) };
}

async function* without(source: Source, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of source.chunks()) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function transcoded(source: Source, encoding: string): Source {
  const encoder = new TextEncoder();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const decoder = new TextDecoder(encoding);
    for await (const chunk of source.chunks()) yield encoder.encode(decoder.decode(chunk, { stream: true }));
    yield encoder.encode(decoder.decode());
  }
  const head = encoder.encode(new TextDecoder(encoding).decode(source.head.subarray(0, source.head.length & ~1)));
  return { ...source, size: undefined, head, chunks };
}
