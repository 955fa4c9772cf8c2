import type { Profile } from '../src/model/profile.ts';
import { buildView } from './build-view.ts';
import { encodeModel } from './codec.ts';
import type { FlameModel } from './flame-model.ts';
import { DATA_ID, flameProgram } from './flame-program.ts';
import { flameState } from './flame-state.ts';
import { mergeProfile } from './merge.ts';
import { PAINT_SCALE } from './palette.ts';
import { stillPicture } from './still-picture.ts';
import { type FlameOptions, stillSvg } from './svg.ts';
import { jsonForMarkup, xmlText } from './xml-text.ts';

/** Samples that are kept in order of time, for the time-ordered view, without the file growing out of hand. */
const MOST_TIMED_SAMPLES = 1_000_000;

/**
 * A flame graph as one HTML page that asks for nothing else: the same program as in the SVG, with all threads, all
 * weights, and time order where the profile has times. Its policy forbids every request.
 */
export function renderFlameHtml(input: Profile | FlameModel, options: FlameOptions = {}): string {
  const model = 'nodes' in input ? input : mergeProfile(input, everything(input, options));
  const state = flameState(model, options);
  const width = options.width ?? 1200;
  const still = stillPicture(model, buildView(model, state), state, PAINT_SCALE, width);
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n",
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    `<meta name="color-scheme" content="light dark">\n<title>${xmlText(model.title)}</title>\n</head>\n<body class="page">\n`,
    '<div id="flame-host"></div>\n',
    `${stillSvg(model, still, width)}</svg>\n`,
    `<script type="application/json" id="${DATA_ID}">${jsonForMarkup(encodeModel(model, state))}</script>\n`,
    `<script>\n${flameProgram()}\n</script>\n</body>\n</html>\n`,
  ].join('');
}

function everything(profile: Profile, options: FlameOptions): FlameOptions {
  const rest = [...profile.valueTypes.keys()].filter(v => v !== profile.defaultValue);
  return {
    ...options,
    values: options.values ?? [profile.defaultValue, ...rest],
    threads: options.threads ?? true,
    timeOrder: options.timeOrder ?? profile.samples.length <= MOST_TIMED_SAMPLES,
  };
}
