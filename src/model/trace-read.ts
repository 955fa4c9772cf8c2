import { AttributeType, type AttributeValue, type Trace } from './trace.ts';

/** A table whose rows own attributes: spans, events, links, logs. */
interface Attributed {
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
}

/** The value of attribute row `at`, as JavaScript has it (`bytes`, `json` and `bigint` as text). */
export function attributeValue(trace: Trace, at: number): AttributeValue {
  const { type, value } = trace.attributes;
  const v = value[at]!;
  switch (type[at]) {
    case AttributeType.int:
    case AttributeType.double:
      return v;
    case AttributeType.bool:
      return v !== 0;
    default:
      return trace.strings[v]!;
  }
}

/** The attribute `key` of row `row`, where `key` is the index of the interned key (-1: never seen, so undefined). */
export function attribute(trace: Trace, table: Attributed, row: number, key: number): AttributeValue | undefined {
  if (key < 0) return undefined;
  const start = table.attrStart[row]!;
  const end = start + table.attrCount[row]!;
  for (let at = start; at < end; at++) if (trace.attributes.key[at] === key) return attributeValue(trace, at);
  return undefined;
}

/** All attributes of a row, in their order; a key that occurs twice keeps its last value. */
export function attributesOf(trace: Trace, table: Attributed, row: number): Map<string, AttributeValue> {
  const result = new Map<string, AttributeValue>();
  const start = table.attrStart[row]!;
  const end = start + table.attrCount[row]!;
  for (let at = start; at < end; at++) {
    result.set(trace.strings[trace.attributes.key[at]!]!, attributeValue(trace, at));
  }
  return result;
}

/** Codes of the hexadecimal digits. */
const HEX = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0));

/** Lower-case hex of a span id. */
export function spanIdHex(high: number, low: number): string {
  return String.fromCharCode(
    HEX[high >>> 28]!,
    HEX[(high >>> 24) & 15]!,
    HEX[(high >>> 20) & 15]!,
    HEX[(high >>> 16) & 15]!,
    HEX[(high >>> 12) & 15]!,
    HEX[(high >>> 8) & 15]!,
    HEX[(high >>> 4) & 15]!,
    HEX[high & 15]!,
    HEX[low >>> 28]!,
    HEX[(low >>> 24) & 15]!,
    HEX[(low >>> 20) & 15]!,
    HEX[(low >>> 16) & 15]!,
    HEX[(low >>> 12) & 15]!,
    HEX[(low >>> 8) & 15]!,
    HEX[(low >>> 4) & 15]!,
    HEX[low & 15]!,
  );
}
