import { hierarchy, partition } from 'd3-hierarchy';
import { formatCount, formatShare, formatValue } from '../src/base/format-units.ts';
import { labelOf, shortLabel } from './box-text.ts';
import type { FlameModel, FlameState, FlameView } from './flame-model.ts';
import { functionTotals } from './function-totals.ts';
import { GEOMETRY } from './geometry.ts';
import { legendOf } from './legend.ts';
import { markedLabel, type PaintScale, paintOf } from './paint-of.ts';
import { walkBoxes } from './walk-boxes.ts';
import { xmlText } from './xml-text.ts';

/** Rows of the still picture; deeper ones are for the live one. A taller picture is no longer seen at a glance. */
const MOST_ROWS = 64;
/** A row that is emptier than this, and all rows beyond it, is left to the live picture too. */
const FULL_ENOUGH = 0.01;
/** Boxes of the still picture, by the size of the view: keeps it small beside the data, and quick in `<img>`. */
const mostBoxes = (view: FlameView): number => Math.max(1500, Math.min(6000, view.length / 4));
/** Functions named in the text alternative. */
const MOST_FUNCTIONS = 10;

export interface StillPicture {
  /** Elements between `<svg>` and `</svg>`. */
  readonly markup: string;
  readonly height: number;
  /** Text alternative: weight and top functions. */
  readonly description: string;
}

/** A drawn box, or a stretch of boxes that are too narrow (`node` -1). */
interface Datum {
  readonly node: number;
  readonly level: number;
  readonly total: number;
  /** What of `total` no child covers. */
  own: number;
  readonly children: Datum[];
}

/**
 * The part of a view that is legible without a program: in `<img>`, in print, in a viewer of pictures. Laid out by
 * d3-hierarchy's partition; boxes of one colour are one path, labels are text only where they fit.
 */
export function stillPicture(
  model: FlameModel,
  view: FlameView,
  state: FlameState,
  scale: PaintScale,
  width: number,
): StillPicture {
  const { margin, row, padding } = GEOMETRY;
  const inner = width - 2 * margin;
  const [lowest, highest] = fullRows(view);
  const hidden = view.maxLevel - highest + (lowest - view.minLevel);
  const head = header(model, view, state, scale, width, hidden);
  const upward = state.direction === 'flame' && state.sandwich < 0;
  const yOf = (level: number): number => head.height + (upward ? highest - level : level - lowest) * row;

  const paths = new Map<string, string[]>();
  const texts: string[] = [];
  const halves = view.minLevel < 0 ? [prune(view, inner, 0, highest), prune(view, inner, lowest, 0)] : [];
  for (const root of halves.length > 0 ? halves : [prune(view, inner, lowest, highest)]) {
    const boxes = partition<Datum>().size([inner, 1])(hierarchy(root, box => box.children).sum(box => box.own));
    boxes.each(({ data: { node, level }, x0, x1 }) => {
      const x = margin + x0;
      const base = node === -1 ? 'rest' : paintOf(model, view, node, state.palette, scale);
      const paint = state.sandwich >= 0 && node === 0 ? `${base} focused` : base;
      const path = paths.get(paint) ?? [];
      paths.set(paint, path);
      path.push(`M${short(x)} ${yOf(level)}h${short(Math.max(x1 - x0 - 0.5, 0.5))}v${row - 1}H${short(x)}z`);
      const fits = Math.floor((x1 - x0 - 2 * padding) / GEOMETRY.character);
      const label = node === -1 ? '' : shortLabel(markedLabel(model, view, node, state.palette), fits);
      if (label !== '')
        texts.push(`<text x="${short(x + padding)}" y="${yOf(level) + row - 5}">${xmlText(label)}</text>`);
    });
  }
  const boxes = [...paths]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([paint, path]) => `<path class="${paint}" d="${path.join('')}"/>`);
  return {
    markup: `${head.markup}\n<g>\n${boxes.join('\n')}\n</g>\n<g class="b">\n${texts.join('\n')}\n</g>\n`,
    height: head.height + (highest - lowest + 1) * row + margin,
    description: describe(model, view, state),
  };
}

/** First and last level of the still picture. */
function fullRows(view: FlameView): readonly [number, number] {
  const covered = new Float64Array(view.maxLevel - view.minLevel + 1);
  for (let i = 0; i < view.length; i++) covered[view.level[i]! - view.minLevel]! += view.total[i]!;
  const reach = (step: 1 | -1, most: number): number => {
    let level = 0;
    while (Math.abs(level) < most && (covered[level + step - view.minLevel] ?? 0) > view.total[0]! * FULL_ENOUGH) {
      level += step;
    }
    return level;
  };
  const lowest = reach(-1, MOST_ROWS / 2);
  return [lowest, reach(1, MOST_ROWS - 1 + lowest)];
}

/** The boxes that are wide enough, as objects for d3; the limit on their number decides what is wide enough. */
function prune(view: FlameView, width: number, lowest: number, highest: number): Datum {
  for (let minWidth = GEOMETRY.minWidth; ; minWidth *= 1.5) {
    const made = new Map<number, Datum>();
    const add = (parent: number, datum: Datum): void => {
      const up = made.get(parent);
      if (up === undefined) return;
      up.children.push(datum);
      up.own = Math.max(0, up.own - datum.total);
    };
    walkBoxes(view, 0, width, minWidth, lowest, highest, {
      box(node) {
        const total = view.total[node]!;
        const datum = { node, level: view.level[node]!, total, own: total, children: [] };
        add(view.parent[node]!, datum);
        made.set(node, datum);
      },
      rest(parent, level, _x, _width, total) {
        add(parent, { node: -1, level, total, own: total, children: [] });
      },
    });
    if (made.size <= mostBoxes(view)) return made.get(0)!;
  }
}

/** Title, facts and legend. */
function header(
  model: FlameModel,
  view: FlameView,
  state: FlameState,
  scale: PaintScale,
  width: number,
  hidden: number,
): { markup: string; height: number } {
  const { margin } = GEOMETRY;
  const cut = (text: string, pixels: number): string => {
    const most = Math.floor((width - 2 * margin) / pixels);
    return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
  };
  const lines = [`<text class="title" x="${margin}" y="24">${xmlText(cut(model.title, 9.5))}</text>`];
  let y = 43;
  const facts = [...model.facts, ...viewFacts(model, view, state)];
  if (hidden > 0)
    facts.push(`${formatCount(hidden)} more rows than the still picture has: open this file in a browser`);
  for (const fact of facts) {
    lines.push(`<text class="fact" x="${margin}" y="${y}">${xmlText(cut(fact, 7))}</text>`);
    y += 16;
  }
  const entries = legendOf(model, view, state.palette, state.reversed, scale);
  let x = margin;
  for (const { paint, text } of entries) {
    const advance = 18 + text.length * 6.9 + 16;
    if (x + advance > width - margin && x > margin) {
      x = margin;
      y += 18;
    }
    lines.push(`<rect class="${paint}" x="${short(x)}" y="${y - 9}" width="12" height="12"/>`);
    lines.push(`<text class="fact" x="${short(x + 18)}" y="${y + 1}">${xmlText(text)}</text>`);
    x += advance;
  }
  return { markup: lines.join('\n'), height: y + (entries.length > 0 ? 14 : -2) };
}

/** What is unusual about the view, in words; the live picture shows the same. */
function viewFacts(model: FlameModel, view: FlameView, state: FlameState): string[] {
  const facts: string[] = [];
  if (state.sandwich >= 0) facts.push(`callers (above) and callees (below) of ${labelOf(model, state.sandwich)}`);
  else if (state.reversed) facts.push('reversed: functions where the weight is, each with its callers');
  if (state.order === 'time' && model.timeOrdered) facts.push('in order of time, from left to right');
  if (state.recursion !== 'keep') {
    facts.push(
      state.recursion === 'direct' ? 'direct recursion is one box' : 'recursion, also through others, is one box',
    );
  }
  if (view.cutStacks > 0) {
    facts.push(`${formatCount(view.cutStacks)} stacks are cut at ${formatCount(view.cutDepth)} callers`);
  }
  if (view.total[0] === 0) facts.push('no samples with a weight');
  return facts;
}

function describe(model: FlameModel, view: FlameView, state: FlameState): string {
  const all = view.total[0]!;
  const unit = model.valueTypes[state.value]!.unit;
  const lines = [...model.facts, ...viewFacts(model, view, state)];
  const top = functionTotals(view).filter(row => row.frame < model.frames.length);
  if (all > 0 && !state.reversed && top.length > 0) {
    lines.push('Most self weight:');
    for (const { frame, self, total } of top.slice(0, MOST_FUNCTIONS)) {
      lines.push(
        `${labelOf(model, frame)}: self ${formatValue(self, unit)} (${formatShare(self / all)}), total ${formatShare(total / all)}`,
      );
    }
  }
  return lines.join('\n');
}

/** A tenth of a pixel is enough, and `.5` is shorter than `0.5`. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10).replace(/^0\./, '.');
}
