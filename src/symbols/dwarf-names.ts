import { demangle } from './demangle.ts';
import { At } from './dwarf-forms.ts';
import { type DwarfSections, type DwarfUnit, type EntryReference, readEntry, readUnitHeaders } from './dwarf-unit.ts';

const NAMING: ReadonlySet<number> = new Set([
  At.name,
  At.linkageName,
  At.mipsLinkageName,
  At.abstractOrigin,
  At.specification,
]);

/** How many references are followed from one entry to the next. */
const MAX_HOPS = 16;

/** Names of function entries, through the abstract origins and declarations that they refer to. */
export class FunctionNames {
  readonly #sections: DwarfSections;
  readonly #units: readonly DwarfUnit[];
  readonly #names = new Map<EntryReference, string>();
  #supplementaryUnits: readonly DwarfUnit[] | undefined;

  constructor(sections: DwarfSections, units: readonly DwarfUnit[]) {
    this.#sections = sections;
    this.#units = units;
  }

  /** '' where the file does not name it. */
  nameOf(reference: EntryReference): string {
    let name = this.#names.get(reference);
    if (name === undefined) {
      name = this.#find(reference);
      this.#names.set(reference, name);
    }
    return name;
  }

  #find(first: EntryReference): string {
    let reference = first;
    let plain = '';
    let shared = false;
    try {
      for (let hop = 0; hop < MAX_HOPS; hop++) {
        // Below zero: in the file that several share, from where references stay in that file.
        if (reference < 0) {
          shared = true;
          reference = -1 - reference;
        }
        const sections = shared ? this.#sections.supplementary : this.#sections;
        if (sections === undefined) break;
        if (shared) this.#supplementaryUnits ??= readUnitHeaders(sections);
        const unit = unitAt(shared ? this.#supplementaryUnits! : this.#units, reference);
        const entry = unit === undefined ? undefined : readEntry(sections, unit, reference, NAMING);
        if (entry === undefined) break;
        const linkage = entry.values.get(At.linkageName) ?? entry.values.get(At.mipsLinkageName);
        if (typeof linkage === 'string' && linkage !== '') return demangle(linkage);
        const name = entry.values.get(At.name);
        if (plain === '' && typeof name === 'string') plain = name;
        const next = entry.values.get(At.abstractOrigin) ?? entry.values.get(At.specification);
        if (typeof next !== 'number') break;
        reference = next;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    return plain;
  }
}

function unitAt(units: readonly DwarfUnit[], offset: number): DwarfUnit | undefined {
  let low = 0;
  let high = units.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (units[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  const unit = units[low];
  return unit !== undefined && offset >= unit.offset ? unit : undefined;
}
