import { readAranges } from './dwarf-aranges.ts';
import { At, Tag } from './dwarf-forms.ts';
import { type FunctionEntry, findFunctions } from './dwarf-functions.ts';
import { type LineRows, lowerBound, readLines } from './dwarf-line.ts';
import { FunctionNames } from './dwarf-names.ts';
import { readRanges } from './dwarf-ranges.ts';
import { type DwarfSections, type DwarfUnit, readEntry, readUnitHeaders } from './dwarf-unit.ts';

/** One level of inlining at an address. */
export interface DwarfFrame {
  /** '' where the debug information does not name it. */
  readonly name: string;
  readonly file: string;
  /** 1-based; 0 = unknown. */
  readonly line: number;
  readonly column: number;
  readonly inlined: boolean;
}

/** What the debug information says of some addresses. */
export interface DwarfResult {
  /** By index of the address: outermost first; undefined where no unit covers it. */
  readonly frames: readonly (readonly DwarfFrame[] | undefined)[];
  /** Units whose debug information is in other files (`.dwo`), which are not read. */
  readonly splitUnits: number;
}

/** Frames for `wanted` addresses (ascending), with inlined functions. Only units that cover one of them are parsed. */
export function readDwarfFrames(sections: DwarfSections, wanted: Float64Array): DwarfResult {
  const frames: (readonly DwarfFrame[] | undefined)[] = new Array(wanted.length);
  const units = readUnitHeaders(sections);
  const names = new FunctionNames(sections, units);
  const index = readAranges(sections.aranges, sections.littleEndian, wanted);
  let splitUnits = 0;
  for (const unit of units) {
    if (index.described.has(unit.offset) && !index.covering.has(unit.offset)) continue;
    try {
      const covered = coveredBy(sections, unit, wanted);
      if (covered === undefined) continue;
      if (covered.split) splitUnits++;
      fillUnit(sections, unit, covered, wanted, names, frames);
    } catch (error) {
      // One damaged unit leaves its addresses with the symbol's name alone.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { frames, splitUnits };
}

const ROOT_RANGE: ReadonlySet<number> = new Set([
  At.lowPc,
  At.highPc,
  At.ranges,
  At.stmtList,
  At.strOffsetsBase,
  At.addrBase,
  At.rnglistsBase,
]);
const ROOT_REST: ReadonlySet<number> = new Set([At.compDir, At.dwoName, At.gnuDwoName]);

interface Covered {
  /** Indices into the wanted addresses, ascending. */
  readonly indices: readonly number[];
  readonly compilationDirectory: string;
  readonly linesAt: number;
  readonly split: boolean;
}

/** Reads the root entry; undefined where the unit covers no wanted address. */
function coveredBy(sections: DwarfSections, unit: DwarfUnit, wanted: Float64Array): Covered | undefined {
  // Type units have no code.
  if (unit.type === 2 || unit.type === 6) return undefined;
  let root = readEntry(sections, unit, unit.root, ROOT_RANGE);
  if (root === undefined || (root.tag !== Tag.compileUnit && root.tag !== Tag.skeletonUnit)) return undefined;
  const base = (attribute: number): number | undefined => {
    const value = root?.values.get(attribute);
    return typeof value === 'number' ? value : undefined;
  };
  const strOffsets = base(At.strOffsetsBase);
  const addr = base(At.addrBase);
  const rnglists = base(At.rnglistsBase);
  if (strOffsets !== undefined || addr !== undefined || rnglists !== undefined) {
    // Indexed values that stood before their base were read wrongly: once more.
    unit.strOffsetsBase = strOffsets ?? unit.strOffsetsBase;
    unit.addrBase = addr ?? unit.addrBase;
    unit.rnglistsBase = rnglists ?? unit.rnglistsBase;
    root = readEntry(sections, unit, unit.root, ROOT_RANGE)!;
  }
  unit.lowPc = base(At.lowPc) ?? 0;
  const highPc = base(At.highPc);
  const rangesAt = base(At.ranges);
  const ranges =
    rangesAt !== undefined
      ? readRanges(sections, unit, rangesAt, root.rangesByIndex)
      : highPc !== undefined && unit.lowPc > 0
        ? [unit.lowPc, root.highIsLength ? unit.lowPc + highPc : highPc]
        : [];
  const indices = new Set<number>();
  for (let i = 0; i < ranges.length; i += 2) {
    for (let w = lowerBound(wanted, ranges[i]!); w < wanted.length && wanted[w]! < ranges[i + 1]!; w++) indices.add(w);
  }
  if (indices.size === 0) return undefined;
  const rest = readEntry(sections, unit, unit.root, ROOT_REST)!;
  const directory = rest.values.get(At.compDir);
  return {
    indices: [...indices].sort((a, b) => a - b),
    compilationDirectory: typeof directory === 'string' ? directory : '',
    linesAt: base(At.stmtList) ?? -1,
    split: rest.values.has(At.dwoName) || rest.values.has(At.gnuDwoName),
  };
}

function fillUnit(
  sections: DwarfSections,
  unit: DwarfUnit,
  { indices, compilationDirectory, linesAt }: Covered,
  wanted: Float64Array,
  names: FunctionNames,
  frames: (readonly DwarfFrame[] | undefined)[],
): void {
  const addresses = Float64Array.from(indices, i => wanted[i]!);
  const lines = linesAt < 0 ? undefined : readLines(sections, unit, linesAt, compilationDirectory, addresses);
  const levels: FunctionEntry[][] = indices.map(() => []);
  for (const entry of findFunctions(sections, unit, addresses)) {
    const { ranges } = entry;
    for (let i = 0; i < ranges.length; i += 2) {
      for (let w = lowerBound(addresses, ranges[i]!); w < addresses.length && addresses[w]! < ranges[i + 1]!; w++) {
        const level = levels[w]!;
        // A function nested in another (a closure in C, a local class) replaces it; what is inlined follows it.
        if (!entry.inlined) level.length = 0;
        level.push(entry);
      }
    }
  }
  const fileNames = new Map<number, string>();
  const fileName = (index: number): string => {
    let name = fileNames.get(index);
    if (name === undefined) {
      name = lines?.fileName(index) ?? '';
      fileNames.set(index, name);
    }
    return name;
  };
  indices.forEach((index, w) => {
    frames[index] = framesOf(levels[w]!, lines, w, names, fileName);
  });
}

/** Each level's line is where the next was called; the innermost one's comes from the line table. */
function framesOf(
  levels: readonly FunctionEntry[],
  lines: LineRows | undefined,
  at: number,
  names: FunctionNames,
  fileName: (index: number) => string,
): readonly DwarfFrame[] {
  const innermost = {
    file: fileName(lines?.file[at] ?? 0),
    line: lines?.line[at] ?? 0,
    column: lines?.column[at] ?? 0,
  };
  if (levels.length === 0) return [{ name: '', ...innermost, inlined: false }];
  return levels.map((level, i) => {
    const next = levels[i + 1];
    const place =
      next === undefined ? innermost : { file: fileName(next.callFile), line: next.callLine, column: next.callColumn };
    return { name: names.nameOf(level.offset), ...place, inlined: level.inlined };
  });
}
