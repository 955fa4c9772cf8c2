// https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/ehframechpt.html
// https://dwarfstd.org/doc/DWARF5.pdf (6.4)
import { ByteReader } from '../base/byte-reader.ts';
import { type Cie, executeCallFrame, type UnwindRow } from './call-frame-program.ts';
import type { Elf } from './elf.ts';

/** Unwind rows of one object file, from `.eh_frame` (found through `.eh_frame_hdr`) and `.debug_frame`. */
export class CallFrameInfo {
  readonly #tables: readonly FrameSection[];
  readonly #rows = new Map<number, UnwindRow | undefined>();

  private constructor(tables: readonly FrameSection[]) {
    this.#tables = tables;
  }

  /** Undefined where the file has no unwind tables. `debug` is its separate debug information. */
  static async open(elf: Elf, debug: Elf | undefined): Promise<CallFrameInfo | undefined> {
    const tables: FrameSection[] = [];
    for (const [file, name] of [
      [elf, '.eh_frame'],
      [elf, '.debug_frame'],
      [debug, '.debug_frame'],
    ] as const) {
      const section = file?.section(name);
      const bytes = await file?.read(name);
      if (file === undefined || section === undefined || bytes === undefined) continue;
      const isEh = name === '.eh_frame';
      const header = isEh ? file.section('.eh_frame_hdr') : undefined;
      const headerBytes = isEh ? await file.read('.eh_frame_hdr') : undefined;
      const index =
        header !== undefined && headerBytes !== undefined
          ? searchTable(headerBytes, header.address, section.address)
          : undefined;
      tables.push(new FrameSection(bytes, section.address, isEh, file.littleEndian, file.is64, index));
    }
    return tables.length === 0 ? undefined : new CallFrameInfo(tables);
  }

  /** How to get from code at `address` to its caller; undefined where the tables do not cover it. */
  row(address: number): UnwindRow | undefined {
    if (this.#rows.has(address)) return this.#rows.get(address);
    let row: UnwindRow | undefined;
    for (const table of this.#tables) {
      row = table.row(address);
      if (row !== undefined) break;
    }
    this.#rows.set(address, row);
    return row;
  }
}

interface Fde {
  readonly start: number;
  readonly end: number;
  readonly rowStarts: readonly number[];
  readonly rows: readonly UnwindRow[];
}

/** Starts of functions in ascending order, and where in `.eh_frame` the description of each is. */
interface SearchTable {
  readonly count: number;
  startOf(index: number): number;
  offsetOf(index: number): number;
}

const DATAREL_SDATA4 = 0x3b;

function searchTable(header: Uint8Array, headerAddress: number, frameAddress: number): SearchTable | undefined {
  // The one encoding that linkers write; anything else is found by walking the section.
  if (header.length < 12 || header[0] !== 1 || header[3] !== DATAREL_SDATA4) return undefined;
  if (header[1] !== 0x1b || header[2] !== 0x03) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const count = Math.min(view.getUint32(8, true), Math.floor((header.length - 12) / 8));
  return {
    count,
    startOf: i => headerAddress + view.getInt32(12 + i * 8, true),
    offsetOf: i => headerAddress + view.getInt32(16 + i * 8, true) - frameAddress,
  };
}

class FrameSection {
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #isEh: boolean;
  readonly #littleEndian: boolean;
  readonly #is64: boolean;
  #index: SearchTable | undefined;
  readonly #cies = new Map<number, Cie | undefined>();
  readonly #fdes = new Map<number, Fde | undefined>();

  constructor(
    bytes: Uint8Array,
    address: number,
    isEh: boolean,
    littleEndian: boolean,
    is64: boolean,
    index: SearchTable | undefined,
  ) {
    this.#bytes = bytes;
    this.#address = address;
    this.#isEh = isEh;
    this.#littleEndian = littleEndian;
    this.#is64 = is64;
    this.#index = index;
  }

  row(address: number): UnwindRow | undefined {
    this.#index ??= this.#walk();
    const index = this.#index;
    let low = 0;
    let high = index.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (index.startOf(middle) <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const fde = this.#fdeAt(index.offsetOf(low - 1));
    if (fde === undefined || address < fde.start || address >= fde.end) return undefined;
    let row = fde.rows[0];
    for (let i = 1; i < fde.rows.length && fde.rowStarts[i]! <= address; i++) row = fde.rows[i];
    return row;
  }

  #fdeAt(offset: number): Fde | undefined {
    if (this.#fdes.has(offset)) return this.#fdes.get(offset);
    let fde: Fde | undefined;
    try {
      fde = this.#readFde(offset);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    this.#fdes.set(offset, fde);
    return fde;
  }

  /** Length, where the entry ends, and where its CIE is; -1 = it is a CIE itself. */
  #entry(r: ByteReader): { readonly end: number; readonly cie: number } {
    let length = r.u32();
    const wide = length === 0xffffffff;
    if (wide) length = r.u64();
    const idAt = r.at;
    const id = wide ? r.u64() : r.u32();
    const end = Math.min(this.#bytes.length, idAt + length);
    if (this.#isEh) return { end, cie: id === 0 ? -1 : idAt - id };
    return { end, cie: id === (wide ? 2 ** 64 : 0xffffffff) ? -1 : id };
  }

  /** An index of a section that has none. */
  #walk(): SearchTable {
    const found: { start: number; offset: number }[] = [];
    const r = new ByteReader(this.#bytes, this.#littleEndian);
    try {
      while (r.left >= 8) {
        const offset = r.at;
        // Zero length: a terminator, which linkers leave in the middle of joined sections.
        if (r.u32() === 0) continue;
        r.at = offset;
        const { end, cie } = this.#entry(r);
        if (end <= offset) break;
        const head = cie < 0 ? undefined : this.#cie(cie);
        if (head !== undefined) found.push({ start: this.#pointer(r, head.pointerEncoding), offset });
        r.at = end;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    found.sort((a, b) => a.start - b.start);
    return { count: found.length, startOf: i => found[i]!.start, offsetOf: i => found[i]!.offset };
  }

  #readFde(offset: number): Fde | undefined {
    const r = new ByteReader(this.#bytes, this.#littleEndian, offset);
    const { end, cie: cieOffset } = this.#entry(r);
    const cie = cieOffset < 0 ? undefined : this.#cie(cieOffset);
    if (cie === undefined) return undefined;
    const start = this.#pointer(r, cie.pointerEncoding);
    const length = this.#pointer(r, cie.pointerEncoding & 0x0f);
    if (cie.augmented) r.skip(r.uleb());
    const program = this.#bytes.subarray(r.at, end);
    const setLocation = (at: ByteReader): number => this.#pointer(at, cie.pointerEncoding);
    return { start, end: start + length, ...executeCallFrame(cie, program, start, this.#littleEndian, setLocation) };
  }

  #cie(offset: number): Cie | undefined {
    if (this.#cies.has(offset)) return this.#cies.get(offset);
    const cie = this.#readCie(offset);
    this.#cies.set(offset, cie);
    return cie;
  }

  #readCie(offset: number): Cie | undefined {
    const r = new ByteReader(this.#bytes, this.#littleEndian, offset);
    const { end, cie } = this.#entry(r);
    if (cie !== -1) return undefined;
    const version = r.u8();
    const augmentation = r.cString();
    if (version >= 4) r.skip(2);
    const codeAlign = r.uleb();
    const dataAlign = r.sleb();
    const returnRegister = version === 1 ? r.u8() : r.uleb();
    let pointerEncoding = 0;
    let signal = false;
    let programAt = r.at;
    if (augmentation.startsWith('z')) {
      const length = r.uleb();
      programAt = r.at + length;
      for (const letter of augmentation.slice(1)) {
        if (letter === 'R') pointerEncoding = r.u8();
        else if (letter === 'L') r.u8();
        else if (letter === 'P') this.#pointer(r, r.u8());
        else if (letter === 'S') signal = true;
      }
    }
    const program = this.#bytes.subarray(programAt, end);
    return {
      codeAlign,
      dataAlign,
      returnRegister,
      pointerEncoding,
      signal,
      augmented: augmentation.startsWith('z'),
      program,
    };
  }

  /** A pointer in one of the DW_EH_PE encodings, as an address of the object file. */
  #pointer(r: ByteReader, encoding: number): number {
    const at = this.#address + r.at;
    const value = encodedValue(r, encoding & 0x0f, this.#is64);
    return (encoding & 0x70) === 0x10 ? value + at : value;
  }
}

function encodedValue(r: ByteReader, format: number, is64: boolean): number {
  switch (format) {
    case 0x01:
      return r.uleb();
    case 0x02:
      return r.u16();
    case 0x03:
      return r.u32();
    case 0x09:
      return r.sleb();
    case 0x0a:
      return r.i16();
    case 0x0b:
      return r.i32();
    default:
      return format === 0 && !is64 ? r.u32() : r.i64();
  }
}
