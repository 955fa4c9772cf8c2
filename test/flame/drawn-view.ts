import { labelOf } from '../../flame/box-text.ts';
import { buildView } from '../../flame/build-view.ts';
import type { FlameModel } from '../../flame/flame-model.ts';
import { flameState, type ViewOptions } from '../../flame/flame-state.ts';

/** A view as text: a line a box in preorder, `label  total (self) @start`, indented by level; callers are led by `^`. */
export function drawnView(model: FlameModel, options: ViewOptions): string {
  const view = buildView(model, flameState(model, options));
  const lines: string[] = [];
  for (let i = 0; i < view.length; i++) {
    const level = view.level[i]!;
    const sides = view.before === undefined ? '' : ` ${view.before[i]}→${view.after![i]}`;
    const indent = level < 0 ? `${'  '.repeat(-level - 1)}^ ` : '  '.repeat(level);
    lines.push(
      `${indent}${labelOf(model, view.frame[i]!)}  ${view.total[i]} (${view.self[i]}) @${view.start[i]}${sides}`,
    );
  }
  if (view.cutStacks > 0) lines.push(`${view.cutStacks} stacks cut at ${view.cutDepth}`);
  return lines.join('\n');
}
