import type { PaintScale } from './paint-of.ts';

/**
 * Colours of the pictures. Text on every fill is black, on a light page and on a dark one (where fills are toned down),
 * and no meaning rests on red against green: a test holds every pair of category paints, and the two ends of the diff
 * scale, apart for the three kinds of colour blindness, and the text at a contrast of 4.5 or more.
 */

/** Fills of categories: Paul Tol's "light" scheme, made for labelled cells, and two violets more. */
export const CATEGORY_PAINTS: readonly string[] = [
  '#ee8866',
  '#77aadd',
  '#99ddff',
  '#ffaabb',
  '#eedd88',
  '#44bb99',
  '#bbcc33',
  '#aaaa00',
  '#a48cf4',
  '#dddddd',
  '#bb7fae',
];

/** Which paint a known category takes; others share the paints by a hash of their name. */
export const CATEGORY_SLOTS: Readonly<Record<string, number>> = {
  application: 0,
  javascript: 0,
  user: 0,
  'database-client': 1,
  'messaging-client': 2,
  serialisation: 3,
  'logging-tracing': 4,
  gc: 5,
  'gc / cc': 5,
  allocation: 6,
  kernel: 7,
  waiting: 10,
  idle: 10,
  'compression-crypto': 8,
  locks: 8,
  runtime: 9,
  startup: 9,
  native: 9,
  jit: 4,
  unknown: 9,
  other: 9,
  '': 9,
};

/** Fills by name: one warm scale in which lightness alone varies; the colour says only "another function". */
export const NAME_PAINTS: readonly string[] = [
  '#fee8b0',
  '#fedc92',
  '#fecf76',
  '#fdc05f',
  '#fbb04d',
  '#f79f40',
  '#f28d3c',
  '#ea7c3c',
];

/** On the processor, and off it. */
export const CPU_PAINTS: readonly string[] = ['#f5a962', '#8fb8de'];

/** From much less to much more; blue against orange, pale in the middle. Labels carry ▼ and ▲ besides. */
export const DIFF_PAINTS: readonly string[] = [
  '#5b9bd5',
  '#9cc4e8',
  '#cfe2f3',
  '#e8e8e8',
  '#fbdcb8',
  '#f7b267',
  '#ef8632',
];

/** Style rules of all fills: `c0…`, `n0…`, `w0…`, `d0…`. On a dark page each is toned down by a fifth. */
export function paintRules(): string {
  const groups = [
    ['c', CATEGORY_PAINTS],
    ['n', NAME_PAINTS],
    ['w', CPU_PAINTS],
    ['d', DIFF_PAINTS],
  ] as const;
  const rules = (tone: (paint: string) => string): string =>
    groups.map(([letter, paints]) => paints.map((paint, i) => `.${letter}${i}{fill:${tone(paint)}}`).join('')).join('');
  return `${rules(paint => paint)}@media screen and (prefers-color-scheme:dark){${rules(darkTone)}}`;
}

/** The fill on a dark page. */
export function darkTone(paint: string): string {
  return `#${[1, 3, 5]
    .map(at => Math.round(Number.parseInt(paint.slice(at, at + 2), 16) * 0.8))
    .map(part => part.toString(16).padStart(2, '0'))
    .join('')}`;
}

/** The palette as the functions that travel inside the pictures need it. */
export const PAINT_SCALE: PaintScale = {
  categories: CATEGORY_PAINTS.length,
  names: NAME_PAINTS.length,
  slots: CATEGORY_SLOTS,
};
