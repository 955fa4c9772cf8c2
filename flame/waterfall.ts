import { formatCount, formatDuration, formatShare } from '../src/base/format-units.ts';
import { axisTicks } from './axis-ticks.ts';
import { hashOf } from './paint-of.ts';
import { CATEGORY_PAINTS, darkTone } from './palette.ts';
import { xmlText } from './xml-text.ts';

/** A task or a trace as rows of bars. Plain data: an analyzer's result, or anything else with times. */
export interface Waterfall {
  readonly title: string;
  /** Facts below the title, one a line. */
  readonly facts?: readonly string[];
  /** Length of the time axis; bars beyond it are cut at it, and counted. */
  readonly totalNs: number;
  readonly rows: readonly WaterfallRow[];
}

export interface WaterfallRow {
  readonly label: string;
  /** How far the label is indented. */
  readonly depth: number;
  readonly bars: readonly WaterfallBar[];
}

export interface WaterfallBar {
  /** After the beginning of the axis. */
  readonly startNs: number;
  readonly durationNs: number;
  /** Chooses the colour; `wait` is hatched, `unattributed` is hatched the other way and outlined. */
  readonly kind: string;
  readonly label: string;
}

export interface WaterfallOptions {
  readonly width?: number;
  /** Rows past this are left out, and counted in the picture. */
  readonly mostRows?: number;
}

const ROW = 22;
const BAR = 16;
const MARGIN = 10;
const CHARACTER = 6.7;

/** Kinds of a breakdown's parts, and its phases in their order; other kinds take a paint by a hash of their name. */
const KIND_PAINTS: Readonly<Record<string, number>> = {
  operation: 1,
  handler: 0,
  code: 5,
  span: 1,
  discovery: 4,
  enqueueing: 1,
  'message-send': 3,
  'worker-claim': 2,
  'worker-transition': 6,
  'result-submission': 8,
  'result-processing': 5,
  'task-coordination': 7,
};

/**
 * One picture of where a task's or trace's time went: a row a step or span, bars coloured by kind. Shows as an image
 * and in print; opened by itself, each bar says its name and length under the pointer. The text alternative has each
 * kind's total and each row's bars.
 */
export function renderWaterfallSvg(input: Waterfall, options: WaterfallOptions = {}): string {
  const width = options.width ?? 1200;
  const rows = input.rows.slice(0, options.mostRows ?? 200);
  const longest = Math.max(0, ...rows.map(row => row.label.length + row.depth * 2));
  const labels = Math.min(Math.ceil(width * 0.32), Math.max(90, Math.ceil(longest * CHARACTER) + 12));
  const left = MARGIN + labels;
  const scale = input.totalNs > 0 ? (width - left - MARGIN) / input.totalNs : 0;
  const id = `w${hashOf(`${input.title}${input.totalNs}`).toString(36)}`;
  const totals = kindTotals(rows);

  const out: string[] = [];
  out.push(`<text class="wt" x="${MARGIN}" y="24">${xmlText(fit(input.title, (width - 20) / 9.5))}</text>`);
  let y = 42;
  const facts = [`${formatDuration(input.totalNs)}, ${formatCount(input.rows.length)} rows`, ...(input.facts ?? [])];
  const hidden = input.rows.length - rows.length;
  if (hidden > 0) facts.push(`the last ${formatCount(hidden)} rows are not drawn`);
  const cut = cutBars(rows, input.totalNs);
  if (cut > 0) facts.push(`bars that reach beyond the axis, cut there: ${formatCount(cut)}`);
  for (const fact of facts) {
    out.push(`<text class="wf" x="${MARGIN}" y="${y}">${xmlText(fit(fact, (width - 20) / 7))}</text>`);
    y += 16;
  }
  let x = MARGIN;
  for (const [kind, total] of totals) {
    const text = `${kind} ${formatDuration(total)}`;
    const advance = 18 + text.length * 6.9 + 14;
    if (x + advance > width - MARGIN && x > MARGIN) {
      x = MARGIN;
      y += 18;
    }
    out.push(`<rect ${paint(kind, id)} x="${short(x)}" y="${y - 9}" width="12" height="12"/>`);
    out.push(`<text class="wf" x="${short(x + 18)}" y="${y + 1}">${xmlText(text)}</text>`);
    x += advance;
  }
  y += totals.length > 0 ? 18 : 0;

  const top = y + 14;
  const bottom = top + rows.length * ROW;
  for (const tick of axisTicks(input.totalNs, Math.max(2, Math.floor((width - left) / 110)))) {
    const at = short(left + tick * scale);
    const anchor = tick === 0 ? 'start' : tick > input.totalNs * 0.96 ? 'end' : 'middle';
    out.push(`<path class="wg" d="M${at} ${top - 4}V${bottom}"/>`);
    out.push(`<text class="wa" x="${at}" y="${top - 8}" text-anchor="${anchor}">${formatDuration(tick)}</text>`);
  }
  rows.forEach((row, i) => {
    const at = top + i * ROW;
    const indent = Math.min(row.depth, 12) * 12;
    out.push(
      `<text class="wl" x="${MARGIN + indent}" y="${at + 15}">${xmlText(fit(row.label, (labels - indent - 8) / CHARACTER))}</text>`,
    );
    for (const bar of row.bars) out.push(barMarkup(bar, at + (ROW - BAR) / 2, left, scale, input.totalNs, id));
  });
  const height = bottom + MARGIN;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d">\n`,
    `<title id="${id}-t">${xmlText(input.title)}</title>\n<desc id="${id}-d">${xmlText(describe(rows, totals, facts))}</desc>\n`,
    `<style>${STYLE}</style>\n${patterns(id)}\n${out.filter(Boolean).join('\n')}\n</svg>\n`,
  ].join('');
}

function barMarkup(bar: WaterfallBar, y: number, left: number, scale: number, totalNs: number, id: string): string {
  const start = Math.max(0, bar.startNs);
  const end = Math.min(totalNs, bar.startNs + bar.durationNs);
  if (end < start) return '';
  const width = Math.max((end - start) * scale, 0.8);
  const x = left + start * scale;
  const text = fit(bar.label, (width - 6) / CHARACTER);
  const title = `${bar.label}: ${formatDuration(bar.durationNs)} from ${formatDuration(bar.startNs)} (${bar.kind})`;
  return [
    `<g><title>${xmlText(title)}</title><rect ${paint(bar.kind, id)} x="${short(x)}" y="${y}" width="${short(width)}" height="${BAR}"/>`,
    text === ''
      ? ''
      : `<text class="${hatched(bar.kind) ? 'wb wh' : 'wb'}" x="${short(x + 3)}" y="${y + 12}">${xmlText(text)}</text>`,
    '</g>',
  ].join('');
}

/** Fill of a kind: a paint, or hatching where nobody worked or nobody knows. */
function paint(kind: string, id: string): string {
  if (hatched(kind) && kind !== 'unattributed') return `class="wq" fill="url(#${id}-q)"`;
  if (kind === 'unattributed') return `class="wu" fill="url(#${id}-u)"`;
  // The grey paint is for neither: it is too close to the hatching.
  return `class="w${KIND_PAINTS[kind] ?? hashOf(kind) % 9}"`;
}

function hatched(kind: string): boolean {
  return /^(wait|queue|queued|waiting|unattributed)$/.test(kind);
}

/** Hatching that tells waits (thin, rising) from what nothing explains (bold, falling, outlined) without colour. */
function patterns(id: string): string {
  const pattern = (name: string, size: number, turn: number, line: string): string =>
    `<pattern id="${id}-${name}" width="${size}" height="${size}" patternUnits="userSpaceOnUse" patternTransform="rotate(${turn})"><rect class="${name}0" width="${size}" height="${size}"/><path class="${name}1" d="M0 0V${size}" stroke-width="${line}"/></pattern>`;
  return `<defs>${pattern('q', 6, 45, '2')}${pattern('u', 8, -45, '5')}</defs>`;
}

/** Kinds with the sum of their bars, largest first. */
function kindTotals(rows: readonly WaterfallRow[]): [kind: string, totalNs: number][] {
  const totals = new Map<string, number>();
  for (const { bars } of rows) {
    for (const { kind, durationNs } of bars) totals.set(kind, (totals.get(kind) ?? 0) + durationNs);
  }
  return [...totals].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

function cutBars(rows: readonly WaterfallRow[], totalNs: number): number {
  let count = 0;
  // A thousandth: sums of parts may differ from the whole in the last digit.
  const slack = totalNs * 1e-3;
  for (const { bars } of rows) {
    for (const { startNs, durationNs } of bars) if (startNs < -slack || startNs + durationNs > totalNs + slack) count++;
  }
  return count;
}

function describe(
  rows: readonly WaterfallRow[],
  totals: readonly (readonly [string, number])[],
  facts: readonly string[],
): string {
  const all = totals.reduce((sum, [, total]) => sum + total, 0);
  return [
    ...facts,
    ...totals.map(([kind, total]) => `${kind}: ${formatDuration(total)} (${formatShare(all === 0 ? 0 : total / all)})`),
    ...rows.map(row => {
      const bars = row.bars.slice(0, 40).map(bar => `${bar.label} ${formatDuration(bar.durationNs)} (${bar.kind})`);
      const more = row.bars.length > 40 ? `, and ${row.bars.length - 40} more` : '';
      return `${row.label}: ${bars.length === 0 ? 'nothing' : bars.join(', ')}${more}`;
    }),
  ].join('\n');
}

/** A text cut to so many characters; '' where fewer than three fit. */
function fit(text: string, characters: number): string {
  const most = Math.floor(characters);
  if (text.length <= most) return text;
  return most < 3 ? '' : `${text.slice(0, most - 1)}…`;
}

const short = (value: number): string => String(Math.round(value * 10) / 10);

const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans','DejaVu Sans',sans-serif";
const paints = (tone: (paint: string) => string): string =>
  CATEGORY_PAINTS.map((color, i) => `.w${i}{fill:${tone(color)}}`).join('');
const STYLE = `
.wt{font:600 17px ${FONT};fill:#15181d}.wf,.wl{font:12px ${FONT};fill:#444c56}.wl{fill:#15181d}
.wa{font:11px ${FONT};fill:#57606a}.wb{font:11px ${FONT};fill:#000;pointer-events:none}.wg{stroke:#d5dae1;stroke-width:1}
.wh{stroke:#fff;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.q0{fill:#fff}.q1{stroke:#8b949e}.wq{stroke:#8b949e;stroke-width:.5}
.u0{fill:#fff}.u1{stroke:#3d444d}.wu{stroke:#15181d;stroke-width:1}
${paints(color => color)}
@media screen and (prefers-color-scheme:dark){
.wt,.wl,.wh{fill:#eef1f5}.wh{stroke:#14171c}.wf,.wa{fill:#b6bec9}.wg{stroke:#343b45}
.q0,.u0{fill:#14171c}.q1{stroke:#8b949e}.u1{stroke:#c9d1d9}.wu{stroke:#eef1f5}
${paints(darkTone)}
}
`;
