// https://dwarfstd.org/doc/DWARF5.pdf (7.5.1)
import { ByteReader } from '../base/byte-reader.ts';
import { type Abbreviation, AbbreviationTable, At, Form, formSize, Skip } from './dwarf-forms.ts';
import type { Elf } from './elf.ts';
import { SectionBytes } from './section-bytes.ts';

/** Sections of one file; those that it lacks are empty. */
export interface DwarfSections {
  readonly littleEndian: boolean;
  readonly info: SectionBytes;
  readonly abbrev: Uint8Array;
  readonly line: SectionBytes;
  readonly str: SectionBytes;
  readonly lineStr: SectionBytes;
  readonly strOffsets: SectionBytes;
  readonly addr: SectionBytes;
  readonly ranges: SectionBytes;
  readonly rnglists: SectionBytes;
  readonly aranges: Uint8Array;
  /** Tables of `abbrev` that were read, by offset and format. */
  readonly abbreviationTables: Map<number, AbbreviationTable>;
  /** Strings and entries that several debug files share (dwz). */
  readonly supplementary: DwarfSections | undefined;
}

export async function readDwarfSections(elf: Elf, supplementary: Elf | undefined): Promise<DwarfSections | undefined> {
  const none = new Uint8Array(0);
  const info = await elf.parts('.debug_info');
  const abbrev = await elf.read('.debug_abbrev');
  if (info === undefined || abbrev === undefined) return undefined;
  const section = async (name: string): Promise<SectionBytes> => (await elf.parts(name)) ?? SectionBytes.whole(none);
  return {
    littleEndian: elf.littleEndian,
    info,
    abbrev,
    line: await section('.debug_line'),
    str: await section('.debug_str'),
    lineStr: await section('.debug_line_str'),
    strOffsets: await section('.debug_str_offsets'),
    addr: await section('.debug_addr'),
    ranges: await section('.debug_ranges'),
    rnglists: await section('.debug_rnglists'),
    aranges: (await elf.read('.debug_aranges')) ?? none,
    abbreviationTables: new Map(),
    supplementary: supplementary === undefined ? undefined : await readDwarfSections(supplementary, undefined),
  };
}

/** Bytes of a unit's header, at most. */
const LONGEST_HEADER = 48;

/** Header of one unit, and what its root entry says. */
export interface DwarfUnit {
  readonly offset: number;
  readonly end: number;
  readonly version: number;
  readonly offsetSize: number;
  readonly addressSize: number;
  /** 1 compile, 3 partial, 4 skeleton (of split DWARF), 2 type, …; 1 before version 5. */
  readonly type: number;
  /** Where the root entry is. */
  readonly root: number;
  readonly abbreviationsAt: number;
  abbreviations: AbbreviationTable | undefined;
  strOffsetsBase: number;
  addrBase: number;
  rnglistsBase: number;
  lowPc: number;
}

/** All units, by their headers alone. Stops where the section is damaged. */
export function readUnitHeaders(sections: DwarfSections): DwarfUnit[] {
  const units: DwarfUnit[] = [];
  const { info } = sections;
  const r = new ByteReader(info.bytes, sections.littleEndian);
  try {
    while (r.left >= 11) {
      const offset = r.at;
      info.need(offset, offset + LONGEST_HEADER);
      let length = r.u32();
      const offsetSize = length === 0xffffffff ? 8 : 4;
      if (offsetSize === 8) length = r.u64();
      const end = r.at + length;
      if (end > info.bytes.length) break;
      const version = r.u16();
      let type = 1;
      let addressSize: number;
      let abbreviationsAt: number;
      if (version >= 5) {
        type = r.u8();
        addressSize = r.u8();
        abbreviationsAt = offsetSize === 8 ? r.u64() : r.u32();
        if (type === 4 || type === 5) r.skip(8);
        else if (type === 2 || type === 6) r.skip(8 + offsetSize);
      } else {
        abbreviationsAt = offsetSize === 8 ? r.u64() : r.u32();
        addressSize = r.u8();
      }
      if (version >= 2 && version <= 5) {
        const bases = {
          strOffsetsBase: version >= 5 ? 8 : 0,
          addrBase: version >= 5 ? 8 : 0,
          rnglistsBase: 12,
          lowPc: 0,
        };
        const head = { offset, end, version, offsetSize, addressSize, type, root: r.at, abbreviationsAt };
        units.push({ ...head, ...bases, abbreviations: undefined });
      }
      r.at = end;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return units;
}

export function abbreviationsOf(sections: DwarfSections, unit: DwarfUnit): AbbreviationTable {
  if (unit.abbreviations !== undefined) return unit.abbreviations;
  const { abbreviationsAt, offsetSize, addressSize, version } = unit;
  // Units share tables, where a linker merged them; a table's sizes depend on the unit's format.
  const key = abbreviationsAt * 256 + offsetSize + addressSize * 16 + (version <= 2 ? 128 : 0);
  let table = sections.abbreviationTables.get(key);
  if (table === undefined) {
    table = new AbbreviationTable(sections.abbrev, abbreviationsAt, sections.littleEndian, unit);
    sections.abbreviationTables.set(key, table);
  }
  unit.abbreviations = table;
  return table;
}

/** Offset of an entry; one in the supplementary file is -1 - offset. */
export type EntryReference = number;

/**
 * Values of one entry's attributes. Numbers: addresses, constants, section offsets, entry references. A high_pc given
 * as a length is left as it is: `highIsLength` says so.
 */
export interface EntryValues {
  readonly tag: number;
  readonly values: Map<number, number | string>;
  readonly highIsLength: boolean;
  /** DW_AT_ranges by index in the unit's table of lists, not by offset. */
  readonly rangesByIndex: boolean;
}

/** `wanted`: only these attributes are decoded, as strings cost more than all else. */
export function readEntry(
  sections: DwarfSections,
  unit: DwarfUnit,
  offset: number,
  wanted?: ReadonlySet<number>,
): EntryValues | undefined {
  const { info } = sections;
  const r = new ByteReader(info.bytes, sections.littleEndian);
  // An entry tells its length by being read: where it went on beyond what was here, it is read again.
  for (let end = offset + 512; ; end = r.at + 512) {
    info.need(offset, end);
    r.at = offset;
    const abbreviation = abbreviationsOf(sections, unit).get(r.uleb());
    const values = abbreviation === undefined ? undefined : readAttributes(sections, unit, r, abbreviation, wanted);
    if (r.at <= end || end >= info.bytes.length) return values;
  }
}

function readAttributes(
  sections: DwarfSections,
  unit: DwarfUnit,
  r: ByteReader,
  abbreviation: Abbreviation,
  wanted: ReadonlySet<number> | undefined,
): EntryValues {
  const values = new Map<number, number | string>();
  let highIsLength = false;
  let rangesByIndex = false;
  for (let i = 0; i < abbreviation.attributes.length; i++) {
    const attribute = abbreviation.attributes[i]!;
    const form = abbreviation.forms[i]!;
    if (wanted !== undefined && !wanted.has(attribute) && form !== Form.indirect) {
      skipForm(r, formSize(form, unit.offsetSize, unit.addressSize, unit.version));
      continue;
    }
    const value = readValue(sections, unit, r, form, abbreviation.constants[i]!);
    if (value !== undefined) values.set(attribute, value);
    if (attribute === At.highPc) highIsLength = !isAddressForm(form);
    if (attribute === At.ranges) rangesByIndex = form === Form.rnglistx;
  }
  return { tag: abbreviation.tag, values, highIsLength, rangesByIndex };
}

export function isAddressForm(form: number): boolean {
  return (
    form === Form.addr ||
    form === Form.addrx ||
    (form >= Form.addrx1 && form <= Form.addrx4) ||
    form === Form.gnuAddrIndex
  );
}

/** Reads one value; undefined for blocks, which no symbol needs. */
export function readValue(
  sections: DwarfSections,
  unit: DwarfUnit,
  r: ByteReader,
  form: number,
  constant: number,
): number | string | undefined {
  switch (form) {
    case Form.addr:
      return unit.addressSize === 8 ? r.i64() : r.u32();
    case Form.implicitConst:
      return constant;
    case Form.flagPresent:
      return 1;
    case Form.data1:
    case Form.flag:
      return r.u8();
    case Form.data2:
      return r.u16();
    case Form.data4:
      return r.u32();
    case Form.data8:
      return r.u64();
    case Form.udata:
    case Form.rnglistx:
    case Form.loclistx:
      return r.uleb();
    case Form.sdata:
      return r.sleb();
    case Form.secOffset:
      return offsetOf(unit, r);
    case Form.ref1:
      return unit.offset + r.u8();
    case Form.ref2:
      return unit.offset + r.u16();
    case Form.ref4:
      return unit.offset + r.u32();
    case Form.ref8:
      return unit.offset + r.u64();
    case Form.refUdata:
      return unit.offset + r.uleb();
    case Form.refAddr:
      return unit.version <= 2 && unit.addressSize === 8 ? r.u64() : offsetOf(unit, r);
    case Form.refSup4:
      return -1 - r.u32();
    case Form.refSup8:
      return -1 - r.u64();
    case Form.gnuRefAlt:
      return -1 - offsetOf(unit, r);
    case Form.string:
      return r.cString();
    case Form.strp:
      return sections.str.text(offsetOf(unit, r));
    case Form.lineStrp:
      return sections.lineStr.text(offsetOf(unit, r));
    case Form.strpSup:
    case Form.gnuStrpAlt:
      return sections.supplementary?.str.text(offsetOf(unit, r)) ?? '';
    case Form.strx:
    case Form.gnuStrIndex:
      return indexedString(sections, unit, r.uleb());
    case Form.strx1:
      return indexedString(sections, unit, r.u8());
    case Form.strx2:
      return indexedString(sections, unit, r.u16());
    case Form.strx3:
      return indexedString(sections, unit, u24(r));
    case Form.strx4:
      return indexedString(sections, unit, r.u32());
    case Form.addrx:
    case Form.gnuAddrIndex:
      return indexedAddress(sections, unit, r.uleb());
    case Form.addrx1:
      return indexedAddress(sections, unit, r.u8());
    case Form.addrx2:
      return indexedAddress(sections, unit, r.u16());
    case Form.addrx3:
      return indexedAddress(sections, unit, u24(r));
    case Form.addrx4:
      return indexedAddress(sections, unit, r.u32());
    case Form.indirect:
      return readValue(sections, unit, r, r.uleb(), constant);
    default:
      skipForm(r, formSize(form, unit.offsetSize, unit.addressSize, unit.version));
      return undefined;
  }
}

function offsetOf(unit: DwarfUnit, r: ByteReader): number {
  return unit.offsetSize === 8 ? r.u64() : r.u32();
}

function u24(r: ByteReader): number {
  const first = r.u8();
  return r.littleEndian ? first | (r.u16() << 8) : (first << 16) | r.u16();
}

export function skipForm(r: ByteReader, step: number): void {
  switch (step) {
    case Skip.uleb:
      r.uleb();
      break;
    case Skip.blockUleb:
      r.skip(r.uleb());
      break;
    case Skip.cString: {
      const end = r.bytes.indexOf(0, r.at);
      r.at = end === -1 ? r.bytes.length : end + 1;
      break;
    }
    case Skip.block1:
      r.skip(r.u8());
      break;
    case Skip.block2:
      r.skip(r.u16());
      break;
    case Skip.block4:
      r.skip(r.u32());
      break;
    default:
      if (step < 0) throw new RangeError('form');
      r.skip(step);
  }
}

function indexedString(sections: DwarfSections, unit: DwarfUnit, index: number): string {
  const at = unit.strOffsetsBase + index * unit.offsetSize;
  sections.strOffsets.need(at, at + unit.offsetSize);
  return sections.str.text(offsetOf(unit, new ByteReader(sections.strOffsets.bytes, sections.littleEndian, at)));
}

export function indexedAddress(sections: DwarfSections, unit: DwarfUnit, index: number): number {
  const at = unit.addrBase + index * unit.addressSize;
  sections.addr.need(at, at + unit.addressSize);
  const r = new ByteReader(sections.addr.bytes, sections.littleEndian, at);
  return unit.addressSize === 8 ? r.i64() : r.u32();
}
