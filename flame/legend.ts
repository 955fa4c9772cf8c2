import { formatShare } from '../src/base/format-units.ts';
import type { FlameModel, FlamePalette, FlameView } from './flame-model.ts';
import { categorySlot, type PaintScale } from './paint-of.ts';

export interface LegendEntry {
  /** Class that fills the swatch. */
  readonly paint: string;
  readonly text: string;
}

/**
 * What the colours of a palette mean, with the share of self weight where they stand for categories, largest first.
 * Empty where colours mean nothing. Part of the program inside the pictures.
 */
export function legendOf(
  model: FlameModel,
  view: FlameView,
  palette: FlamePalette,
  reversed: boolean,
  scale: PaintScale,
): LegendEntry[] {
  if (palette === 'name') return [];
  if (palette === 'diff') {
    return [
      { paint: 'd0', text: '▼ half or less' },
      { paint: 'd1', text: '▼ less' },
      { paint: 'd3', text: 'unchanged' },
      { paint: 'd5', text: '▲ more' },
      { paint: 'd6', text: '▲ double or more' },
      { paint: 'd6', text: '+ new' },
      { paint: 'd0', text: '× gone' },
    ];
  }
  const { frames } = model;
  const cpu = palette === 'cpu';
  const self = new Float64Array(cpu ? 2 : frames.categories.length);
  const seen = new Uint8Array(self.length);
  for (let i = 1; i < view.length; i++) {
    const frame = view.frame[i]!;
    if (frame >= frames.length || view.level[i]! < 0) continue;
    const group = cpu ? frames.waiting[frame]! : frames.category[frame]!;
    // In a reversed tree the weight of a function itself is the width of its box at the root.
    if (!reversed) self[group]! += view.self[i]!;
    else if (view.level[i] === 1) self[group]! += view.total[i]!;
    seen[group] = 1;
  }
  const groups = [...self.keys()].filter(group => seen[group] === 1);
  groups.sort((a, b) => self[b]! - self[a]! || a - b);
  return groups.slice(0, 16).map(group => {
    const share = view.total[0]! > 0 ? ` ${formatShare(self[group]! / view.total[0]!)}` : '';
    if (cpu) return { paint: `w${group}`, text: `${group === 1 ? 'off-CPU' : 'on-CPU'}${share}` };
    const id = frames.categories[group]!;
    return { paint: `c${categorySlot(id, scale)}`, text: `${id === '' ? 'uncategorised' : id}${share}` };
  });
}
