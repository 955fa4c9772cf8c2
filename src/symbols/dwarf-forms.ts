// https://dwarfstd.org/doc/DWARF5.pdf (7.5)
import { ByteReader } from '../base/byte-reader.ts';

/** Attributes that symbols need, in DWARF's numbers. */
export const At = {
  sibling: 0x01,
  name: 0x03,
  stmtList: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  compDir: 0x1b,
  abstractOrigin: 0x31,
  specification: 0x47,
  ranges: 0x55,
  callColumn: 0x57,
  callFile: 0x58,
  callLine: 0x59,
  linkageName: 0x6e,
  strOffsetsBase: 0x72,
  addrBase: 0x73,
  rnglistsBase: 0x74,
  dwoName: 0x76,
  mipsLinkageName: 0x2007,
  gnuDwoName: 0x2130,
} as const;

export const Tag = {
  inlinedSubroutine: 0x1d,
  subprogram: 0x2e,
  compileUnit: 0x11,
  partialUnit: 0x3c,
  skeletonUnit: 0x4a,
} as const;

export const Form = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuAddrIndex: 0x1f01,
  gnuStrIndex: 0x1f02,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

/** Steps of a skip program: a positive number skips that many bytes. */
export const Skip = { uleb: -1, blockUleb: -2, cString: -3, block1: -4, block2: -5, block4: -6, indirect: -7 } as const;

/** Bytes of a form, or a `Skip` step where they vary. -100 = a form that is not known. */
export function formSize(form: number, offsetSize: number, addressSize: number, version: number): number {
  switch (form) {
    case Form.addr:
      return addressSize;
    case Form.flagPresent:
    case Form.implicitConst:
      return 0;
    case Form.data1:
    case Form.flag:
    case Form.ref1:
    case Form.strx1:
    case Form.addrx1:
      return 1;
    case Form.data2:
    case Form.ref2:
    case Form.strx2:
    case Form.addrx2:
      return 2;
    case Form.strx3:
    case Form.addrx3:
      return 3;
    case Form.data4:
    case Form.ref4:
    case Form.strx4:
    case Form.addrx4:
    case Form.refSup4:
      return 4;
    case Form.data8:
    case Form.ref8:
    case Form.refSig8:
    case Form.refSup8:
      return 8;
    case Form.data16:
      return 16;
    case Form.refAddr:
      return version <= 2 ? addressSize : offsetSize;
    case Form.strp:
    case Form.secOffset:
    case Form.lineStrp:
    case Form.strpSup:
    case Form.gnuRefAlt:
    case Form.gnuStrpAlt:
      return offsetSize;
    case Form.sdata:
    case Form.udata:
    case Form.refUdata:
    case Form.strx:
    case Form.addrx:
    case Form.loclistx:
    case Form.rnglistx:
    case Form.gnuAddrIndex:
    case Form.gnuStrIndex:
      return Skip.uleb;
    case Form.block:
    case Form.exprloc:
      return Skip.blockUleb;
    case Form.string:
      return Skip.cString;
    case Form.block1:
      return Skip.block1;
    case Form.block2:
      return Skip.block2;
    case Form.block4:
      return Skip.block4;
    case Form.indirect:
      return Skip.indirect;
    default:
      return -100;
  }
}

/** The shape of a kind of entry: which attributes follow its code, and how to step over them. */
export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly number[];
  readonly forms: readonly number[];
  /** Values of DW_FORM_implicit_const. */
  readonly constants: readonly number[];
  /** Fixed bytes in a row are one step. */
  readonly skips: readonly number[];
  /** Offset of DW_AT_sibling where everything before it has a fixed size and it is a ref4; else -1. */
  readonly siblingAt: number;
}

/**
 * One unit's abbreviations. Declarations are found in order, as far as a code is asked for, and read when they are
 * used: most units are left after their first entry. Sizes depend on the unit's format.
 */
export class AbbreviationTable {
  readonly #bytes: Uint8Array;
  readonly #littleEndian: boolean;
  readonly #offsetSize: number;
  readonly #addressSize: number;
  readonly #version: number;
  /** Where each declaration begins, behind its code. */
  readonly #found: number[] = [];
  readonly #table: (Abbreviation | undefined)[] = [];
  /** End of the declarations found so far; -1 = all are. */
  #next: number;

  constructor(
    bytes: Uint8Array,
    at: number,
    littleEndian: boolean,
    unit: { readonly offsetSize: number; readonly addressSize: number; readonly version: number },
  ) {
    this.#bytes = bytes;
    this.#next = at < bytes.length ? at : -1;
    this.#littleEndian = littleEndian;
    this.#offsetSize = unit.offsetSize;
    this.#addressSize = unit.addressSize;
    this.#version = unit.version;
  }

  get(code: number): Abbreviation | undefined {
    const known = this.#table[code];
    if (known !== undefined) return known;
    while (this.#found[code] === undefined) if (!this.#findNext()) return undefined;
    const abbreviation = this.#read(this.#found[code]!);
    this.#table[code] = abbreviation;
    return abbreviation;
  }

  #findNext(): boolean {
    if (this.#next < 0) return false;
    const bytes = this.#bytes;
    const r = new ByteReader(bytes, this.#littleEndian, this.#next);
    const code = r.uleb();
    if (code === 0 || code > 1 << 20) {
      this.#next = -1;
      return false;
    }
    this.#found[code] = r.at;
    let at = r.at;
    // Tag, and whether it has children; then pairs of LEB128 numbers up to a pair of zeros.
    while (bytes[at++]! >= 0x80);
    at++;
    for (;;) {
      if (at >= bytes.length) throw new RangeError('abbreviations');
      const attribute = bytes[at++]!;
      if (attribute >= 0x80) while (bytes[at++]! >= 0x80);
      const form = bytes[at++]!;
      if (form >= 0x80) while (bytes[at++]! >= 0x80);
      if (form === Form.implicitConst) while (bytes[at++]! >= 0x80);
      if (attribute === 0 && form === 0) break;
    }
    this.#next = at;
    return true;
  }

  #read(start: number): Abbreviation {
    const r = new ByteReader(this.#bytes, this.#littleEndian, start);
    const tag = r.uleb();
    const hasChildren = r.u8() === 1;
    const attributes: number[] = [];
    const forms: number[] = [];
    const constants: number[] = [];
    const skips: number[] = [];
    let siblingAt = -1;
    let fixed = 0;
    let run = 0;
    for (;;) {
      const attribute = r.uleb();
      const form = r.uleb();
      if (attribute === 0 && form === 0) break;
      constants.push(form === Form.implicitConst ? r.sleb() : 0);
      const size = formSize(form, this.#offsetSize, this.#addressSize, this.#version);
      if (size === -100) throw new RangeError(`form 0x${form.toString(16)}`);
      if (attribute === At.sibling && form === Form.ref4 && fixed >= 0) siblingAt = fixed;
      attributes.push(attribute);
      forms.push(form);
      if (size >= 0) {
        run += size;
        if (fixed >= 0) fixed += size;
      } else {
        if (run > 0) skips.push(run);
        run = 0;
        fixed = -1;
        skips.push(size);
      }
    }
    if (run > 0) skips.push(run);
    return { tag, hasChildren, attributes, forms, constants, skips, siblingAt };
  }
}
