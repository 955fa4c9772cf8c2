// https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/tools/perf/Documentation/jit-interface.txt
import { readLines, type Source } from '../base/source.ts';
import type { Warnings } from '../base/warnings.ts';
import { SymbolTable } from './symbol-table.ts';

/**
 * `perf-PID.map`: `START SIZE name`, in hex, with or without 0x; names may hold spaces. A runtime appends as it goes, so
 * a later line holds where it overlaps an earlier one.
 */
export async function readPerfMap(source: Source, warnings: Warnings): Promise<SymbolTable> {
  const starts: number[] = [];
  const ends: number[] = [];
  const names: string[] = [];
  for await (const line of readLines(source)) {
    const match = /^(?:0x)?([0-9a-f]+) (?:0x)?([0-9a-f]+) (.*)$/i.exec(line);
    if (match === null) {
      if (line !== '') {
        warnings.add('damaged-input', 'lines that are not `START SIZE name` were left out of a perf map', {
          example: `${source.name}: ${line.slice(0, 80)}`,
        });
      }
      continue;
    }
    const start = Number.parseInt(match[1]!, 16);
    const size = Number.parseInt(match[2]!, 16);
    if (size === 0) continue;
    starts.push(start);
    ends.push(start + size);
    names.push(match[3]!);
  }
  return latestSymbols(starts, ends, names);
}

/** Of stretches that overlap, the latest holds; an earlier one keeps what is left of it in front. */
export function latestSymbols(
  starts: readonly number[],
  ends: readonly number[],
  names: readonly string[],
): SymbolTable {
  const order = starts.map((_, i) => i).sort((a, b) => starts[a]! - starts[b]! || a - b);
  const keptStarts: number[] = [];
  const keptEnds: number[] = [];
  const kept: number[] = [];
  for (const i of order) {
    // Ordered by start: only entries before it can reach into it. The later line wins the overlap.
    let covered = false;
    while (kept.length > 0 && keptEnds.at(-1)! > starts[i]!) {
      const last = kept.length - 1;
      if (kept[last]! > i) {
        covered = keptEnds[last]! > starts[i]!;
        break;
      }
      keptEnds[last] = starts[i]!;
      if (keptEnds[last]! > keptStarts[last]!) break;
      kept.pop();
      keptStarts.pop();
      keptEnds.pop();
    }
    const start = covered ? keptEnds.at(-1)! : starts[i]!;
    if (start >= ends[i]!) continue;
    kept.push(i);
    keptStarts.push(start);
    keptEnds.push(ends[i]!);
  }
  return new SymbolTable(Float64Array.from(keptStarts), Float64Array.from(keptEnds), k => names[kept[k]!]!);
}
