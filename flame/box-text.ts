import { formatShare, formatValue } from '../src/base/format-units.ts';
import type { FlameModel, FlameView } from './flame-model.ts';

// Words about boxes. All functions here are part of the program inside the pictures.

/** Name of a frame; frames past the table are processes and threads. */
export function labelOf(model: FlameModel, frame: number): string {
  const group = frame - model.frames.length;
  if (group < 0) return model.frames.labels[frame]!;
  if (group < model.processes.length) return model.processes[group]!;
  const thread = model.threads[group - model.processes.length]!;
  return model.processes.length > 1 ? `${model.processes[thread.process]} · ${thread.label}` : thread.label;
}

/**
 * A label cut to `characters`: leading path segments go first (`a::b::c` → `b::c`), since the end of a qualified name
 * says more; then the end. '' where not even three characters fit.
 */
export function shortLabel(label: string, characters: number): string {
  if (label.length <= characters) return label;
  if (characters < 3) return '';
  let rest = label;
  for (let at = rest.indexOf('::'); at > 0 && rest.length > characters; at = rest.indexOf('::')) {
    // Only plain segments: `<T as a::b>::c` is no list of segments.
    if (!/^[A-Za-z0-9_]+$/.test(rest.slice(0, at))) break;
    rest = rest.slice(at + 2);
  }
  return rest.length <= characters ? rest : `${rest.slice(0, characters - 1)}…`;
}

/** `+12.3 %` points of share between the two sides of a diff. */
export function deltaShare(view: FlameView, node: number): number {
  const share = (column: Float64Array | undefined): number => {
    const all = column?.[0] ?? 0;
    return all === 0 ? 0 : column![node]! / all;
  };
  return share(view.after) - share(view.before);
}

/** What is known of a box, a line each: name, place, total, self, and both sides of a diff. */
export function boxLines(model: FlameModel, view: FlameView, node: number, zoom: number, value: number): string[] {
  const frame = view.frame[node]!;
  const lines = [labelOf(model, frame)];
  if (frame > 0 && frame < model.frames.length) {
    const where = [
      model.frames.places[model.frames.place[frame]!]!,
      model.frames.categories[model.frames.category[frame]!]!,
    ];
    const text = where.filter(part => part !== '').join(' · ');
    if (text !== '') lines.push(text);
  }
  const unit = model.valueTypes[value]!.unit;
  const part = (amount: number): string => {
    const all = view.total[0]! === 0 ? 0 : amount / view.total[0]!;
    return `${formatValue(amount, unit)} (${formatShare(all)})`;
  };
  if (view.before !== undefined && view.after !== undefined) {
    const side = (column: Float64Array): string =>
      `${formatValue(column[node]!, unit)} (${formatShare(column[0]! === 0 ? 0 : column[node]! / column[0]!)})`;
    const delta = deltaShare(view, node) * 100;
    lines.push(`before ${side(view.before)}, after ${side(view.after)}`);
    const state = view.before[node] === 0 ? ', new' : view.after[node] === 0 ? ', gone' : '';
    lines.push(`change ${delta < 0 ? '−' : '+'}${Math.abs(delta).toFixed(2)} points${state}`);
    return lines;
  }
  lines.push(`total ${part(view.total[node]!)}`);
  if (view.level[node]! >= 0) lines.push(`self ${part(view.self[node]!)}`);
  if (zoom !== 0 && view.total[zoom]! > 0) {
    lines.push(`${formatShare(view.total[node]! / view.total[zoom]!)} of ${labelOf(model, view.frame[zoom]!)}`);
  }
  return lines;
}
