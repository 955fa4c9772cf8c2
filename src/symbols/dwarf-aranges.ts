// https://dwarfstd.org/doc/DWARF5.pdf (6.1.2)
import { ByteReader } from '../base/byte-reader.ts';
import { lowerBound } from './dwarf-line.ts';

export interface ArangesIndex {
  /** Units (by offset) that the index describes. */
  readonly described: ReadonlySet<number>;
  /** Those of them that cover a wanted address. */
  readonly covering: ReadonlySet<number>;
}

/** `.debug_aranges`: tells which units can be left unread. Damage ends it; units behind are looked at one by one. */
export function readAranges(bytes: Uint8Array, littleEndian: boolean, wanted: Float64Array): ArangesIndex {
  const described = new Set<number>();
  const covering = new Set<number>();
  const r = new ByteReader(bytes, littleEndian);
  try {
    while (r.left >= 12) {
      const start = r.at;
      let length = r.u32();
      const wide = length === 0xffffffff;
      if (wide) length = r.u64();
      const end = r.at + length;
      if (r.u16() !== 2) break;
      const unit = wide ? r.u64() : r.u32();
      const addressSize = r.u8();
      if (r.u8() !== 0 || (addressSize !== 8 && addressSize !== 4)) break;
      // Pairs stand at multiples of their own size, counted from the set's beginning.
      const pair = addressSize * 2;
      r.at = start + Math.ceil((r.at - start) / pair) * pair;
      let pairs = 0;
      while (r.at + pair <= end) {
        const address = addressSize === 8 ? r.i64() : r.u32();
        const size = addressSize === 8 ? r.u64() : r.u32();
        if (address === 0 && size === 0) break;
        pairs++;
        const first = lowerBound(wanted, address);
        if (first < wanted.length && wanted[first]! < address + size) covering.add(unit);
      }
      // An empty set may stand for a unit that the compiler wrote no index for.
      if (pairs > 0) described.add(unit);
      r.at = end;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return { described, covering };
}
