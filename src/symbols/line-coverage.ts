import { readDwarfFrames } from './dwarf.ts';
import { readDwarfSections } from './dwarf-unit.ts';
import type { Elf } from './elf.ts';
import type { FunctionSample } from './function-sample.ts';

/** Looking an address up parses the unit that covers it: a few tell enough. */
const MOST_LOOKED_UP = 60;

export interface LineCoverage {
  /** Functions that were looked up, without those that came built with the compiler where they are known. */
  readonly looked: number;
  /** Of them, those whose source line is known. */
  readonly withLine: number;
}

/**
 * Whether debug information speaks of the program's own code: rustc links a standard library that brings debug
 * information of its own, so that its sections alone say nothing. `elf` holds the debug information.
 */
export async function lineCoverage(
  elf: Elf,
  supplementary: Elf | undefined,
  sample: FunctionSample,
): Promise<LineCoverage> {
  const own = sample.functions.filter(f => !f.isStandardLibrary);
  const step = Math.max(1, Math.ceil(own.length / MOST_LOOKED_UP));
  const looked = own.filter((_, i) => i % step === 0);
  const sections = await readDwarfSections(elf, supplementary);
  if (sections === undefined) return { looked: looked.length, withLine: 0 };
  const { frames } = readDwarfFrames(
    sections,
    Float64Array.from(looked, f => f.start),
  );
  return { looked: looked.length, withLine: frames.filter(stack => stack?.some(frame => frame.line > 0)).length };
}
