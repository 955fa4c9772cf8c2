import {
  formatBytes,
  formatCount,
  formatDuration,
  formatShare,
  formatValue,
  significant,
} from '../src/base/format-units.ts';
import { boxLines, deltaShare, labelOf, shortLabel } from './box-text.ts';
import { buildView, selfWeights, timeOrderedTree } from './build-view.ts';
import { readAddress, writeAddress } from './client/address.ts';
import { createControls, foundText, functionTable, KEYS } from './client/controls.ts';
import { createElement, createShape } from './client/create-element.ts';
import { drawBoxes, rowOf } from './client/draw-boxes.ts';
import { startFlame } from './client/start-flame.ts';
import { neighbour, nextMatch, nodeAt, pathOf, widestChild } from './client/steps.ts';
import { createTooltip } from './client/tooltip.ts';
import { collapseRecursion } from './collapse-recursion.ts';
import { decodeModel } from './decode-model.ts';
import { functionTotals, matchedTotal } from './function-totals.ts';
import { GEOMETRY } from './geometry.ts';
import { growTree } from './grow-tree.ts';
import { layOut } from './lay-out.ts';
import { legendOf } from './legend.ts';
import { numberReader } from './number-text.ts';
import { categorySlot, diffStep, hashOf, markedLabel, paintOf } from './paint-of.ts';
import { PAINT_SCALE } from './palette.ts';
import { growCallers, reverseTree, sandwichTree } from './turn-tree.ts';
import { walkBoxes } from './walk-boxes.ts';

/** Id of the element whose text is the payload. */
export const DATA_ID = 'flame-data';

/**
 * The functions that run in the browser. The same ones draw the still picture here, and are checked as TypeScript; the
 * room reads no files, so their source is taken from the functions themselves. Each refers to globals and to others of
 * this list alone, by the name that it is declared with. (Tools that rename functions must leave this package as it is.)
 */
const FUNCTIONS: readonly ((...given: never[]) => unknown)[] = [
  significant,
  formatDuration,
  formatBytes,
  formatShare,
  formatCount,
  formatValue,
  numberReader,
  decodeModel,
  growTree,
  collapseRecursion,
  growCallers,
  reverseTree,
  sandwichTree,
  timeOrderedTree,
  selfWeights,
  layOut,
  buildView,
  walkBoxes,
  functionTotals,
  matchedTotal,
  labelOf,
  shortLabel,
  deltaShare,
  boxLines,
  hashOf,
  categorySlot,
  diffStep,
  paintOf,
  markedLabel,
  legendOf,
  createElement,
  createShape,
  writeAddress,
  readAddress,
  widestChild,
  neighbour,
  nextMatch,
  pathOf,
  nodeAt,
  rowOf,
  drawBoxes,
  createTooltip,
  foundText,
  functionTable,
  createControls,
  startFlame,
];

/** The whole program as one script. Contains neither `<` nor `&` in a way that XML or HTML would read. */
export function flameProgram(): string {
  const source = FUNCTIONS.map(fn => compact(String(fn)));
  return [
    "'use strict';",
    `const KEYS=${JSON.stringify(KEYS)};`,
    ...source,
    `startFlame(window,JSON.parse(document.getElementById('${DATA_ID}').textContent),${JSON.stringify(GEOMETRY)},${JSON.stringify(PAINT_SCALE)});`,
  ].join('\n');
}

/** Without indentation and comments on lines of their own; no function of the list has a text of several lines. */
function compact(source: string): string {
  return source
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^(\/\/|\/\*|\*)/.test(line))
    .join('\n')
    .replace(/ {2,}/g, ' ');
}
