import { TprofError } from '../src/base/errors.ts';
import type { FlameModel, FlameState } from './flame-model.ts';

/** The view that a picture opens with: what the caller says, and sensible choices for the rest. */
export interface ViewOptions extends Partial<Omit<FlameState, 'sandwich'>> {
  /** Name of a function: its callers and callees. */
  readonly sandwichOf?: string;
}

/** Throws `TprofError('usage')` for a time order without times and for a function that is not there. */
export function flameState(model: FlameModel, options: ViewOptions): FlameState {
  if (options.order === 'time' && !model.timeOrdered) {
    throw new TprofError(
      'usage',
      `${model.title}: a time-ordered view needs the time of each sample, and there is none`,
      {
        hint: 'leave out --time-order: the boxes are then ordered by weight',
      },
    );
  }
  let sandwich = -1;
  if (options.sandwichOf !== undefined) {
    sandwich = model.frames.labels.indexOf(options.sandwichOf, 1);
    if (sandwich === -1) {
      throw new TprofError('usage', `${model.title}: there is no function named '${options.sandwichOf}'`, {
        hint: `give a whole name, as boxes show it${similar(model, options.sandwichOf)}`,
      });
    }
  }
  const { frames } = model;
  const anyWaiting = frames.waiting.includes(1);
  const telling = new Set(frames.category.subarray(1)).size > 1;
  return {
    value: model.defaultValue,
    order: 'left-heavy',
    direction: 'flame',
    reversed: false,
    recursion: 'keep',
    grouping: 'merged',
    only: '',
    diffWidth: 'both',
    zoom: 0,
    search: '',
    matchCase: false,
    palette: model.diff !== undefined ? 'diff' : anyWaiting && !telling ? 'cpu' : telling ? 'category' : 'name',
    ...definedOnly(options),
    sandwich,
  };
}

function similar(model: FlameModel, name: string): string {
  const wanted = name.toLowerCase();
  const close = model.frames.labels.filter((label, f) => f > 0 && label.toLowerCase().includes(wanted)).slice(0, 3);
  return close.length === 0 ? '' : `, for example ${close.map(label => `'${label}'`).join(', ')}`;
}

function definedOnly(options: ViewOptions): Partial<FlameState> {
  const { sandwichOf: _, ...rest } = options;
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
}
