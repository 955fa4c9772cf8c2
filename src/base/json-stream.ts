import { type JsonDamage, JsonScanner } from './json-scanner.ts';
import type { Source } from './source.ts';

/**
 * What a reader wants of a JSON document, in the document's own shape. Whatever the shape does not name is skipped
 * without being decoded, so that memory grows with what is kept: documents larger than V8's longest string are fine.
 *
 *     { fields: { nodes: { each: addNode }, samples: { numbers: addSample } } }
 *
 * A value of another kind than its shape says (null where an array may stand) is skipped and counted.
 */
export type JsonShape =
  /** The whole value, decoded at once; at most `LARGEST_VALUE` bytes. */
  | { readonly value: (value: unknown) => void }
  /** An array of numbers; `null`, strings and booleans among them arrive as NaN. */
  | { readonly numbers: (value: number) => void; readonly begin?: () => void; readonly end?: () => void }
  /** An array, each element decoded at once. */
  | { readonly each: (value: unknown) => void; readonly begin?: () => void; readonly end?: () => void }
  | { readonly items: JsonShape; readonly begin?: () => void; readonly end?: () => void }
  /** May refer to itself: a tree of any depth is walked without recursion. */
  | {
      readonly fields: Readonly<Record<string, JsonShape>>;
      readonly begin?: () => void;
      /** Not called for an object that is cut off. */
      readonly end?: () => void;
    }
  /** Where the document may hold one kind or the other. */
  | { readonly array: JsonShape; readonly object: JsonShape };

export interface JsonOutcome {
  /** Undefined: the document was whole. */
  readonly damage: JsonDamage | undefined;
  /** Values that were of another kind than their shape. */
  readonly mismatches: number;
}

/** Reads one JSON document, calling back in document order. Damage ends the reading; what came before was delivered. */
export async function streamJson(
  source: Source,
  shape: JsonShape,
  onProgress?: (bytes: number) => void,
): Promise<JsonOutcome> {
  const scanner = new JsonScanner(shape);
  let bytes = 0;
  for await (const chunk of source.chunks()) {
    scanner.feed(chunk);
    bytes += chunk.length;
    onProgress?.(bytes);
    if (scanner.damage !== undefined) break;
  }
  scanner.end();
  return { damage: scanner.damage, mismatches: scanner.mismatches };
}
