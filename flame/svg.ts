import type { Profile } from '../src/model/profile.ts';
import { buildView } from './build-view.ts';
import { encodeModel } from './codec.ts';
import type { FlameModel } from './flame-model.ts';
import { DATA_ID, flameProgram } from './flame-program.ts';
import { flameState, type ViewOptions } from './flame-state.ts';
import { flameStyle } from './flame-style.ts';
import { type MergeOptions, mergeProfile } from './merge.ts';
import { PAINT_SCALE } from './palette.ts';
import { type StillPicture, stillPicture } from './still-picture.ts';
import { jsonForMarkup, xmlText } from './xml-text.ts';

export interface FlameOptions extends MergeOptions, ViewOptions {
  /** Width of the still picture in pixels; the live one follows the window. */
  readonly width?: number;
}

const WIDTH = 1200;

/**
 * A flame graph as one SVG file that asks for nothing else. As an image, or where scripts are off, it shows the top of
 * the graph; opened by itself it is the whole of it: names once, an integer tree, drawn on demand.
 *
 * A profile is merged as `options` say; a model, merged already, is drawn as it is. The same input gives the same bytes.
 */
export function renderFlameSvg(input: Profile | FlameModel, options: FlameOptions = {}): string {
  const model =
    'nodes' in input
      ? input
      : mergeProfile(input, { ...options, timeOrder: options.order === 'time', threads: needsThreads(options) });
  const state = flameState(model, options);
  const width = options.width ?? WIDTH;
  const still = stillPicture(model, buildView(model, state), state, PAINT_SCALE, width);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    stillSvg(model, still, width),
    `<script type="application/json" id="${DATA_ID}">${jsonForMarkup(encodeModel(model, state))}</script>\n`,
    `<script><![CDATA[\n${flameProgram().replaceAll(']]>', ']] >')}\n]]></script>\n</svg>\n`,
  ].join('');
}

/** The still picture as an `<svg>` that is not closed yet. */
export function stillSvg(model: FlameModel, still: StillPicture, width: number): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" id="flame" width="${width}" height="${still.height}" viewBox="0 0 ${width} ${still.height}" role="img" aria-labelledby="flame-title flame-text">\n`,
    `<title id="flame-title">${xmlText(model.title)}</title>\n`,
    `<desc id="flame-text">${xmlText(still.description)}</desc>\n`,
    `<style>${flameStyle()}</style>\n`,
    `<g id="flame-still">\n${still.markup}</g>\n`,
  ].join('');
}

/** One picture, one view: threads are kept apart only where it shows them. */
export function needsThreads(options: FlameOptions): boolean {
  return options.threads ?? ((options.grouping ?? 'merged') !== 'merged' || (options.only ?? '') !== '');
}
