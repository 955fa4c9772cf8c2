import type { FlameView } from './flame-model.ts';

export interface BoxVisitor {
  /** A box to draw: its left edge and width in pixels. */
  box(node: number, x: number, width: number): void;
  /** Neighbouring children of `parent` that are too narrow to draw one by one, as one stretch. */
  rest(parent: number, level: number, x: number, width: number, total: number): void;
}

/**
 * Visits what is worth drawing of a view: boxes of at least `minWidth` pixels between the levels `lowest` and `highest`
 * when `zoom` fills `width`, callers of `zoom` first. Work is bounded by what fits on the screen, not by the size of
 * the view. Part of the program inside the pictures.
 */
export function walkBoxes(
  view: FlameView,
  zoom: number,
  width: number,
  minWidth: number,
  lowest: number,
  highest: number,
  visitor: BoxVisitor,
): void {
  const { parent, level, end, start, total } = view;
  for (let up = parent[zoom]!; up >= 0; up = parent[up]!) {
    if (level[up]! >= lowest && level[up]! <= highest) visitor.box(up, 0, width);
  }
  const scale = total[zoom]! > 0 ? width / total[zoom]! : 0;
  const from = start[zoom]!;
  let restParent = -1;
  let restLevel = 0;
  let restStart = 0;
  let restTotal = 0;
  const flush = (): void => {
    const restWidth = restTotal * scale;
    if (restParent >= 0 && restWidth >= minWidth && restLevel >= lowest && restLevel <= highest) {
      visitor.rest(restParent, restLevel, (restStart - from) * scale, restWidth, restTotal);
    }
    restParent = -1;
  };
  const last = end[zoom]!;
  for (let i = zoom; i < last; ) {
    const at = level[i]!;
    const boxWidth = i === zoom ? width : total[i]! * scale;
    if (boxWidth < minWidth) {
      if (restParent !== parent[i] || restLevel !== at) {
        flush();
        restParent = parent[i]!;
        restLevel = at;
        restStart = start[i]!;
        restTotal = 0;
      }
      restTotal += total[i]!;
      i = end[i]!;
      continue;
    }
    flush();
    if (at >= lowest && at <= highest) visitor.box(i, (start[i]! - from) * scale, boxWidth);
    i = (at > 0 && at >= highest) || (at < 0 && at <= lowest) ? end[i]! : i + 1;
  }
  flush();
}
