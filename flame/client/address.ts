import type { FlameModel, FlameState } from '../flame-model.ts';

// The state of the picture lives in the fragment of its address: a link shows what its sender saw, and the browser's
// back and forward walk through the views. Part of the program inside the pictures.

/** `#zoom=12&search=parse`: only what differs from the state that the document opens with. */
export function writeAddress(state: FlameState, initial: FlameState): string {
  const parts: string[] = [];
  for (const key of Object.keys(initial) as (keyof FlameState)[]) {
    if (state[key] !== initial[key]) parts.push(`${key}=${encodeURIComponent(String(state[key]))}`);
  }
  return parts.join('&');
}

/** The state that a fragment describes; what it gets wrong (an old link, a typing error) is as in `initial`. */
export function readAddress(hash: string, initial: FlameState, model: FlameModel): FlameState {
  const state: Record<string, string | number | boolean> = { ...initial };
  const choices: Record<string, readonly string[]> = {
    order: ['left-heavy', 'time', 'name'],
    direction: ['flame', 'icicle'],
    recursion: ['keep', 'direct', 'all'],
    grouping: ['merged', 'process', 'thread'],
    palette: ['category', 'name', 'cpu', 'diff'],
    diffWidth: ['both', 'before', 'after'],
  };
  const limits: Record<string, number> = {
    value: model.valueTypes.length,
    sandwich: model.frames.length,
    zoom: Number.MAX_SAFE_INTEGER,
  };
  for (const part of hash.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=');
    if (at === -1) continue;
    const key = part.slice(0, at);
    let text = part.slice(at + 1);
    try {
      text = decodeURIComponent(text);
    } catch {
      // A stray % stands for itself.
    }
    if (choices[key] !== undefined) {
      if (choices[key].includes(text)) state[key] = text;
    } else if (limits[key] !== undefined) {
      const number = Number(text);
      if (Number.isInteger(number) && number >= (key === 'sandwich' ? -1 : 0) && number < limits[key]) {
        state[key] = number;
      }
    } else if (key === 'reversed' || key === 'matchCase') {
      state[key] = text === 'true';
    } else if (key === 'search') {
      state[key] = text;
    } else if (key === 'only' && /^([pt]\d+)?$/.test(text)) {
      const index = Number(text.slice(1));
      if (text === '' || index < (text[0] === 'p' ? model.processes.length : model.threads.length)) state[key] = text;
    }
  }
  return state as unknown as FlameState;
}
