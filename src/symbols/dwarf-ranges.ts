// https://dwarfstd.org/doc/DWARF5.pdf (2.17.3, 7.25), https://dwarfstd.org/doc/DWARF4.pdf (2.17.3)
import { ByteReader } from '../base/byte-reader.ts';
import { type DwarfSections, type DwarfUnit, indexedAddress } from './dwarf-unit.ts';

/** Starts and exclusive ends, one after the other. */
export type AddressRanges = readonly number[];

/** Bytes of one entry of a list, at most; and how much of the section is made to be here at once. */
const LONGEST_ENTRY = 32;
const READ_AHEAD = 1024;

/** The list that a DW_AT_ranges names. Damaged lists give what came before the damage. */
export function readRanges(sections: DwarfSections, unit: DwarfUnit, value: number, byIndex: boolean): AddressRanges {
  const ranges: number[] = [];
  try {
    if (unit.version >= 5) newLists(sections, unit, value, byIndex, ranges);
    else oldList(sections, unit, value, ranges);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return ranges;
}

function oldList(sections: DwarfSections, unit: DwarfUnit, offset: number, ranges: number[]): void {
  const r = new ByteReader(sections.ranges.bytes, sections.littleEndian, offset);
  let base = unit.lowPc;
  for (let ready = offset; ; ) {
    if (r.at + LONGEST_ENTRY > ready) {
      ready = r.at + READ_AHEAD;
      sections.ranges.need(r.at, ready);
    }
    const start = unit.addressSize === 8 ? r.i64() : r.u32();
    const end = unit.addressSize === 8 ? r.i64() : r.u32();
    if (start === 0 && end === 0) return;
    if (start === -1 || (unit.addressSize === 4 && start === 0xffffffff)) base = end;
    else add(ranges, base + start, base + end);
  }
}

function newLists(sections: DwarfSections, unit: DwarfUnit, value: number, byIndex: boolean, ranges: number[]): void {
  let offset = value;
  if (byIndex) {
    const at = unit.rnglistsBase + value * unit.offsetSize;
    sections.rnglists.need(at, at + unit.offsetSize);
    const r = new ByteReader(sections.rnglists.bytes, sections.littleEndian, at);
    offset = unit.rnglistsBase + (unit.offsetSize === 8 ? r.u64() : r.u32());
  }
  const r = new ByteReader(sections.rnglists.bytes, sections.littleEndian, offset);
  const address = (): number => (unit.addressSize === 8 ? r.i64() : r.u32());
  const indexed = (): number => indexedAddress(sections, unit, r.uleb());
  let base = unit.lowPc;
  for (let ready = offset; ; ) {
    if (r.at + LONGEST_ENTRY > ready) {
      ready = r.at + READ_AHEAD;
      sections.rnglists.need(r.at, ready);
    }
    const kind = r.u8();
    switch (kind) {
      case 0:
        return;
      case 1:
        base = indexed();
        break;
      case 2: {
        const start = indexed();
        add(ranges, start, indexed());
        break;
      }
      case 3: {
        const start = indexed();
        add(ranges, start, start + r.uleb());
        break;
      }
      case 4: {
        const start = r.uleb();
        add(ranges, base + start, base + r.uleb());
        break;
      }
      case 5:
        base = address();
        break;
      case 6: {
        const start = address();
        add(ranges, start, address());
        break;
      }
      case 7: {
        const start = address();
        add(ranges, start, start + r.uleb());
        break;
      }
      default:
        throw new RangeError('range list entry');
    }
  }
}

/** Code that the linker dropped is left at 0 (or near the top): such a range would cover what is really there. */
function add(ranges: number[], start: number, end: number): void {
  if (start > 0 && end > start) ranges.push(start, end);
}
