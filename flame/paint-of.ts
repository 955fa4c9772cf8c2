import { deltaShare, labelOf } from './box-text.ts';
import type { FlameModel, FlamePalette, FlameView } from './flame-model.ts';

/** Counts and slots of the palette, handed in so that the functions here can travel inside the pictures. */
export interface PaintScale {
  readonly categories: number;
  readonly names: number;
  readonly slots: Readonly<Record<string, number>>;
}

// All functions here are part of the program inside the pictures.

/** A small number that depends on the text alone (FNV-1a): the same function has the same colour in every picture. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

export function categorySlot(category: string, scale: PaintScale): number {
  return scale.slots[category] ?? hashOf(category) % scale.categories;
}

/**
 * Step of the diff scale, 0 (much less) … 6 (much more): by the change relative to the larger side, and only where it is
 * a twentieth of a point of the whole or more, so that small boxes do not shout.
 */
export function diffStep(view: FlameView, node: number): number {
  const delta = deltaShare(view, node);
  if (Math.abs(delta) < 0.0005) return 3;
  const all = { before: view.before?.[0] ?? 0, after: view.after?.[0] ?? 0 };
  const before = all.before === 0 ? 0 : view.before![node]! / all.before;
  const after = all.after === 0 ? 0 : view.after![node]! / all.after;
  const relative = delta / Math.max(before, after);
  const size = Math.abs(relative) >= 0.5 ? 3 : Math.abs(relative) >= 0.15 ? 2 : Math.abs(relative) >= 0.03 ? 1 : 0;
  return 3 + Math.sign(relative) * size;
}

/** Class that fills a box. */
export function paintOf(
  model: FlameModel,
  view: FlameView,
  node: number,
  palette: FlamePalette,
  scale: PaintScale,
): string {
  const frame = view.frame[node]!;
  const { frames } = model;
  if (palette === 'diff' && view.before !== undefined) return `d${diffStep(view, node)}`;
  if (frame === 0 || frame >= frames.length) return 'all';
  switch (palette) {
    case 'category':
      return `c${categorySlot(frames.categories[frames.category[frame]!]!, scale)}`;
    case 'cpu':
      return `w${frames.waiting[frame]!}`;
    default:
      return `n${hashOf(labelOf(model, frame)) % scale.names}`;
  }
}

/** The label of a box as it is drawn: in a diff with a sign that does not need colour. */
export function markedLabel(model: FlameModel, view: FlameView, node: number, palette: FlamePalette): string {
  const label = labelOf(model, view.frame[node]!);
  if (palette !== 'diff' || view.before === undefined || node === 0) return label;
  if (view.before[node] === 0) return `+ ${label}`;
  if (view.after![node] === 0) return `× ${label}`;
  const step = diffStep(view, node);
  return step < 3 ? `▼ ${label}` : step > 3 ? `▲ ${label}` : label;
}
