// https://dwarfstd.org/doc/DWARF5.pdf (6.2), and versions 2 to 4 of the same
import { ByteReader } from '../base/byte-reader.ts';
import { Form, formSize } from './dwarf-forms.ts';
import { type DwarfSections, type DwarfUnit, readValue, skipForm } from './dwarf-unit.ts';

/** Places in the source for wanted addresses: file is an index for `fileName`; line 0 = not known. */
export interface LineRows {
  readonly file: Uint32Array;
  readonly line: Uint32Array;
  readonly column: Uint32Array;
  fileName(index: number): string;
}

interface LineHeader {
  readonly programAt: number;
  readonly programEnd: number;
  readonly minInstruction: number;
  readonly defaultIsStmt: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly opcodeLengths: Uint8Array;
  readonly directories: readonly string[];
  readonly files: readonly { readonly name: string; readonly directory: number }[];
  /** Version 5 counts files from 0, older ones from 1. */
  readonly firstFile: number;
}

/**
 * Runs the unit's line program once and keeps the rows that cover the wanted addresses (ascending). The rows of a
 * sequence ascend too, so that each row is compared with one address.
 */
export function readLines(
  sections: DwarfSections,
  unit: DwarfUnit,
  offset: number,
  compilationDirectory: string,
  wanted: Float64Array,
): LineRows {
  const count = wanted.length;
  const rows = { file: new Uint32Array(count), line: new Uint32Array(count), column: new Uint32Array(count) };
  let header: LineHeader | undefined;
  try {
    header = readLineHeader(sections, unit, offset);
    if (header !== undefined) runProgram(sections, header, wanted, rows);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return {
    ...rows,
    fileName: index => {
      const file = header?.files[index - header.firstFile];
      if (file === undefined || header === undefined) return '';
      const directory = header.directories[file.directory] ?? '';
      return joinPath(compilationDirectory, joinPath(directory, file.name));
    },
  };
}

function joinPath(directory: string, name: string): string {
  return name.startsWith('/') || directory === '' ? name : `${directory.replace(/\/$/, '')}/${name}`;
}

function readLineHeader(sections: DwarfSections, unit: DwarfUnit, offset: number): LineHeader | undefined {
  sections.line.need(offset, offset + 16);
  const r = new ByteReader(sections.line.bytes, sections.littleEndian, offset);
  let length = r.u32();
  const offsetSize = length === 0xffffffff ? 8 : 4;
  if (offsetSize === 8) length = r.u64();
  const programEnd = Math.min(sections.line.bytes.length, r.at + length);
  sections.line.need(offset, programEnd);
  const version = r.u16();
  if (version < 2 || version > 5) return undefined;
  if (version >= 5) r.skip(2);
  const headerLength = offsetSize === 8 ? r.u64() : r.u32();
  const programAt = r.at + headerLength;
  const minInstruction = r.u8();
  if (version >= 4) r.skip(1);
  const defaultIsStmt = r.u8() !== 0;
  const lineBase = r.i8();
  const lineRange = r.u8();
  const opcodeBase = r.u8();
  const opcodeLengths = r.take(Math.max(0, opcodeBase - 1));
  const base = {
    programAt,
    programEnd,
    minInstruction,
    defaultIsStmt,
    lineBase,
    lineRange: lineRange || 1,
    opcodeBase,
    opcodeLengths,
  };
  if (version >= 5) {
    const at: DwarfUnit = { ...unit, version, offsetSize };
    const directories = readEntryTable(sections, at, r).map(entry => entry.name);
    return { ...base, directories, files: readEntryTable(sections, at, r), firstFile: 0 };
  }
  const directories = [''];
  for (let name = r.cString(); name !== ''; name = r.cString()) directories.push(name);
  const files: { name: string; directory: number }[] = [];
  for (let name = r.cString(); name !== ''; name = r.cString()) {
    files.push({ name, directory: r.uleb() });
    r.uleb();
    r.uleb();
  }
  return { ...base, directories, files, firstFile: 1 };
}

const Content = { path: 1, directoryIndex: 2 } as const;

function readEntryTable(
  sections: DwarfSections,
  unit: DwarfUnit,
  r: ByteReader,
): { name: string; directory: number }[] {
  const formats: [number, number][] = [];
  for (let i = r.u8(); i > 0; i--) formats.push([r.uleb(), r.uleb()]);
  const count = r.uleb();
  if (count > r.left) throw new RangeError('line table entries');
  const entries: { name: string; directory: number }[] = [];
  for (let i = 0; i < count; i++) {
    let name = '';
    let directory = 0;
    for (const [content, form] of formats) {
      if (content === Content.path) {
        const value =
          form === Form.strp
            ? sections.str.text(unit.offsetSize === 8 ? r.u64() : r.u32())
            : readValue(sections, unit, r, form, 0);
        name = typeof value === 'string' ? value : '';
      } else if (content === Content.directoryIndex) {
        const value = readValue(sections, unit, r, form, 0);
        directory = typeof value === 'number' ? value : 0;
      } else skipForm(r, formSize(form, unit.offsetSize, unit.addressSize, unit.version));
    }
    entries.push({ name, directory });
  }
  return entries;
}

function runProgram(
  sections: DwarfSections,
  header: LineHeader,
  wanted: Float64Array,
  rows: { readonly file: Uint32Array; readonly line: Uint32Array; readonly column: Uint32Array },
): void {
  const { programEnd, minInstruction, lineBase, lineRange, opcodeBase, opcodeLengths } = header;
  const r = new ByteReader(sections.line.bytes, sections.littleEndian, header.programAt);
  let address = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  /** The row before, which covers addresses up to the current one; -1 = a sequence begins. */
  let rowAddress = -1;
  let rowFile = 0;
  let rowLine = 0;
  let rowColumn = 0;
  /** First wanted address that the sequence has not passed. */
  let next = 0;
  let nextAddress = Number.POSITIVE_INFINITY;
  let dead = false;

  const emit = (): void => {
    if (rowAddress === -1) {
      // Sequences of code that the linker dropped begin at 0.
      dead = address <= 0;
      next = lowerBound(wanted, address);
      nextAddress = next < wanted.length ? wanted[next]! : Number.POSITIVE_INFINITY;
    } else {
      while (nextAddress < address) {
        if (!dead && nextAddress >= rowAddress) {
          rows.file[next] = rowFile;
          rows.line[next] = rowLine;
          rows.column[next] = rowColumn;
        }
        next++;
        nextAddress = next < wanted.length ? wanted[next]! : Number.POSITIVE_INFINITY;
      }
    }
    rowAddress = address;
    rowFile = file;
    rowLine = line;
    rowColumn = column;
  };

  while (r.at < programEnd) {
    const op = r.u8();
    if (op >= opcodeBase) {
      const adjusted = op - opcodeBase;
      address += Math.trunc(adjusted / lineRange) * minInstruction;
      line += lineBase + (adjusted % lineRange);
      emit();
      continue;
    }
    switch (op) {
      case 0: {
        const length = r.uleb();
        const end = r.at + length;
        const extended = length > 0 ? r.u8() : 0;
        if (extended === 1) {
          emit();
          address = 0;
          file = 1;
          line = 1;
          column = 0;
          rowAddress = -1;
        } else if (extended === 2) {
          address = length === 9 ? r.i64() : length === 5 ? r.u32() : 0;
        }
        r.at = end;
        break;
      }
      case 1:
        emit();
        break;
      case 2:
        address += r.uleb() * minInstruction;
        break;
      case 3:
        line += r.sleb();
        break;
      case 4:
        file = r.uleb();
        break;
      case 5:
        column = r.uleb();
        break;
      case 8:
        address += Math.trunc((255 - opcodeBase) / lineRange) * minInstruction;
        break;
      case 9:
        address += r.u16();
        break;
      default:
        for (let i = opcodeLengths[op - 1] ?? 0; i > 0; i--) r.uleb();
    }
  }
}

export function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
