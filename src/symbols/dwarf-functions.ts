import { ByteReader } from '../base/byte-reader.ts';
import { type Abbreviation, At, Form, Skip, Tag } from './dwarf-forms.ts';
import { lowerBound } from './dwarf-line.ts';
import { type AddressRanges, readRanges } from './dwarf-ranges.ts';
import { abbreviationsOf, type DwarfSections, type DwarfUnit, isAddressForm, readValue } from './dwarf-unit.ts';

/** A function, or an inlined copy of one, that covers a wanted address. */
export interface FunctionEntry {
  readonly offset: number;
  readonly inlined: boolean;
  readonly ranges: AddressRanges;
  readonly callFile: number;
  readonly callLine: number;
  readonly callColumn: number;
}

/**
 * Walks a unit's entries once and keeps the functions that cover wanted addresses, with all that is inlined in them.
 * In order of the file: a containing function precedes what it contains. Entries of other kinds are stepped over
 * without being decoded, and functions that no address falls into with their whole subtree where that is cheap.
 */
export function findFunctions(sections: DwarfSections, unit: DwarfUnit, wanted: Float64Array): FunctionEntry[] {
  const found: FunctionEntry[] = [];
  sections.info.need(unit.offset, unit.end);
  const info = sections.info.bytes;
  const abbreviations = abbreviationsOf(sections, unit);
  const r = new ByteReader(info, sections.littleEndian);
  let at = unit.root;
  let depth = 0;
  /** Depths of the functions around the current place that cover an address: what is inlined there is read. */
  const inside: number[] = [];
  while (at < unit.end) {
    const start = at;
    let code = info[at++]!;
    if (code >= 0x80) {
      r.at = start;
      code = r.uleb();
      at = r.at;
    }
    if (code === 0) {
      depth--;
      if (depth <= 0) break;
      while (inside.length > 0 && inside.at(-1)! >= depth) inside.pop();
      continue;
    }
    const abbreviation = abbreviations.get(code);
    if (abbreviation === undefined) break;
    const { tag } = abbreviation;
    const attributesAt = at;
    if (tag === Tag.subprogram || (tag === Tag.inlinedSubroutine && inside.length > 0)) {
      r.at = at;
      const entry = readFunction(sections, unit, r, abbreviation, start, wanted);
      at = r.at;
      if (entry !== undefined) {
        if (tag === Tag.subprogram && abbreviation.hasChildren) inside.push(depth);
        found.push(entry);
      } else if (abbreviation.hasChildren && abbreviation.siblingAt >= 0) {
        r.at = attributesAt + abbreviation.siblingAt;
        const sibling = unit.offset + r.u32();
        if (sibling > at && sibling <= unit.end) {
          at = sibling;
          continue;
        }
      }
    } else {
      const { skips } = abbreviation;
      for (let i = 0; i < skips.length; i++) {
        const step = skips[i]!;
        if (step >= 0) at += step;
        else at = skipVariable(info, at, step, r, unit);
      }
    }
    if (abbreviation.hasChildren) depth++;
    else if (depth === 0) break;
  }
  return found;
}

function skipVariable(info: Uint8Array, start: number, step: number, r: ByteReader, unit: DwarfUnit): number {
  let at = start;
  switch (step) {
    case Skip.uleb:
      while (info[at++]! >= 0x80);
      return at;
    case Skip.blockUleb: {
      const length = info[at++]!;
      if (length < 0x80) return at + length;
      r.at = start;
      const long = r.uleb();
      return r.at + long;
    }
    case Skip.cString:
      while (at < unit.end && info[at++] !== 0);
      return at;
    case Skip.block1:
      return at + 1 + info[at]!;
    case Skip.block2:
      r.at = at;
      return at + 2 + r.u16();
    case Skip.block4:
      r.at = at;
      return at + 4 + r.u32();
    default:
      throw new RangeError('indirect form');
  }
}

function readFunction(
  sections: DwarfSections,
  unit: DwarfUnit,
  r: ByteReader,
  abbreviation: Abbreviation,
  offset: number,
  wanted: Float64Array,
): FunctionEntry | undefined {
  let lowPc = 0;
  let highPc = 0;
  let highIsLength = false;
  let rangesValue = -1;
  let rangesByIndex = false;
  let callFile = 0;
  let callLine = 0;
  let callColumn = 0;
  const { attributes, forms, constants } = abbreviation;
  for (let i = 0; i < attributes.length; i++) {
    const form = forms[i]!;
    const attribute = attributes[i]!;
    switch (attribute) {
      case At.lowPc:
        lowPc = readValue(sections, unit, r, form, 0) as number;
        break;
      case At.highPc:
        highPc = readValue(sections, unit, r, form, constants[i]!) as number;
        highIsLength = !isAddressForm(form);
        break;
      case At.ranges:
        rangesValue = readValue(sections, unit, r, form, 0) as number;
        rangesByIndex = form === Form.rnglistx;
        break;
      case At.callFile:
        callFile = readValue(sections, unit, r, form, constants[i]!) as number;
        break;
      case At.callLine:
        callLine = readValue(sections, unit, r, form, constants[i]!) as number;
        break;
      case At.callColumn:
        callColumn = readValue(sections, unit, r, form, constants[i]!) as number;
        break;
      default:
        skipAttribute(sections, unit, r, form);
    }
  }
  let ranges: AddressRanges = [];
  if (rangesValue >= 0) ranges = readRanges(sections, unit, rangesValue, rangesByIndex);
  else if (lowPc > 0) ranges = [lowPc, highIsLength ? lowPc + highPc : highPc];
  for (let i = 0; i < ranges.length; i += 2) {
    const first = lowerBound(wanted, ranges[i]!);
    if (first < wanted.length && wanted[first]! < ranges[i + 1]!) {
      return { offset, inlined: abbreviation.tag === Tag.inlinedSubroutine, ranges, callFile, callLine, callColumn };
    }
  }
  return undefined;
}

/** Common forms by their size; strings are not decoded. */
function skipAttribute(sections: DwarfSections, unit: DwarfUnit, r: ByteReader, form: number): void {
  switch (form) {
    case Form.strp:
    case Form.secOffset:
    case Form.lineStrp:
      r.at += unit.offsetSize;
      return;
    case Form.data1:
    case Form.flag:
    case Form.strx1:
      r.at += 1;
      return;
    case Form.data2:
    case Form.strx2:
      r.at += 2;
      return;
    case Form.ref4:
    case Form.data4:
      r.at += 4;
      return;
    case Form.flagPresent:
    case Form.implicitConst:
      return;
    case Form.exprloc:
      r.skip(r.uleb());
      return;
    case Form.strx:
      r.uleb();
      return;
    default:
      readValue(sections, unit, r, form, 0);
  }
}
