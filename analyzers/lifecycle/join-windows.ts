import type { CatalogWindow } from './catalog.ts';
import type { Observation } from './observation.ts';

/** A stretch between two markers of one step, in which statements of a known order run. */
interface Window {
  readonly spec: CatalogWindow;
  readonly step: string;
  readonly fromNs: number;
  readonly toNs: number;
  readonly queues: readonly (RegExp | undefined)[];
  /** How many slots from each position to the end must be filled; none where its end never came. */
  readonly required: readonly number[];
}

interface State {
  cost: number;
  /** Next slot and end of the last statement, per active window. */
  readonly at: readonly { readonly slot: number; readonly lastNs: number }[];
  readonly choice: Choice | undefined;
}

interface Choice {
  readonly before: Choice | undefined;
  readonly record: Observation;
  readonly window: Window;
}

/** Clocks of markers and statements are read microseconds apart. */
const SLACK_NS = 100_000;
const OPEN_WINDOW_NS = 1e9;
const OVERLAP_NS = 20_000;
const MISSING_SLOT = 10;
const BROKEN_CONTINUITY = 6;
const BEFORE_WINDOW = 8;
const LEFT_OVER = 4;
const HOPELESS = 20;
const STATES_KEPT = 64;

/**
 * Gives statements without ids to steps. Each window (two markers that name a step) must be filled by its statements
 * in their fixed order, one ending before the next begins; with several steps in flight in one process the windows
 * overlap, and the assignment that fills all of them best wins: dynamic programming over the statements in order of
 * their ends. Sets `windowStep` and `windowContext`; returns how many required statements were not found per step.
 */
export function joinWindows(
  observations: readonly Observation[],
  candidates: readonly Observation[],
  specs: readonly CatalogWindow[],
  background: ReadonlySet<string>,
): Map<string, number> {
  const unfilled = new Map<string, number>();
  const byProcess = new Map<number, { markers: Observation[]; records: Observation[] }>();
  const of = (process: number): { markers: Observation[]; records: Observation[] } => {
    const known = byProcess.get(process) ?? { markers: [], records: [] };
    byProcess.set(process, known);
    return known;
  };
  for (const o of candidates) of(o.process).records.push(o);
  for (const o of observations) if (o.form === 'marker' && o.ids.stepUuid !== '') of(o.process).markers.push(o);
  for (const { markers, records } of byProcess.values()) {
    records.sort((a, b) => a.endNs - b.endNs);
    const windows = findWindows(markers, specs);
    solve(windows, records, unfilled);
    adoptStrangers(
      windows,
      records.filter(o => o.windowStep === '' && !background.has(o.what)),
      records,
    );
  }
  return unfilled;
}

function findWindows(markers: readonly Observation[], specs: readonly CatalogWindow[]): Window[] {
  const windows: Window[] = [];
  for (const spec of specs) {
    const from = new Set(spec.from);
    const to = new Set(spec.to);
    const relevant = markers.filter(m => m.ids.stepUuid !== '' && (from.has(m.what) || to.has(m.what)));
    const required: number[] = new Array(spec.slots.length + 1).fill(0);
    for (let i = spec.slots.length - 1; i >= 0; i--) {
      required[i] = required[i + 1]! + (spec.slots[i]!.optional === true ? 0 : 1);
    }
    const queues = spec.slots.map(slot => (slot.queue === undefined ? undefined : new RegExp(slot.queue)));
    // From the last to the first, so that what ends a window is known when its begin is met.
    const nextOfStep = new Map<string, Observation>();
    let nextBegin: Observation | undefined;
    for (let i = relevant.length - 1; i >= 0; i--) {
      const marker = relevant[i]!;
      const step = marker.ids.stepUuid;
      const next = nextOfStep.get(step);
      if (from.has(marker.what)) {
        const fromNs = marker.startNs;
        if (next !== undefined && to.has(next.what)) {
          windows.push({ spec, queues, step, fromNs, toNs: next.startNs, required });
        } else {
          // A claim that failed says nothing: it lasts until the next of its kind at the latest.
          const toNs = nextBegin === undefined ? fromNs + OPEN_WINDOW_NS : nextBegin.startNs;
          windows.push({ spec, queues, step, fromNs, toNs, required: required.map(() => 0) });
        }
        nextBegin = marker;
      }
      nextOfStep.set(step, marker);
    }
  }
  return windows.sort((a, b) => a.fromNs - b.fromNs || a.toNs - b.toNs);
}

function solve(windows: readonly Window[], records: readonly Observation[], unfilled: Map<string, number>): void {
  let active: Window[] = [];
  let states: State[] = [{ cost: 0, at: [], choice: undefined }];
  let next = 0;
  const close = (untilNs: number): void => {
    const staying = active.filter(w => w.toNs + SLACK_NS >= untilNs);
    if (staying.length === active.length) return;
    const kept = active.map((w, i) => (w.toNs + SLACK_NS >= untilNs ? i : -1)).filter(i => i !== -1);
    states = states.map(state => {
      let cost = state.cost;
      active.forEach((w, i) => {
        if (w.toNs + SLACK_NS < untilNs) cost += MISSING_SLOT * w.required[state.at[i]!.slot]!;
      });
      return { cost, at: kept.map(i => state.at[i]!), choice: state.choice };
    });
    active = staying;
    states = best(states);
  };
  for (const record of records) {
    close(record.endNs);
    for (; next < windows.length && windows[next]!.fromNs <= record.endNs; next++) {
      const window = windows[next]!;
      if (window.toNs + SLACK_NS < record.endNs) {
        for (const state of states) state.cost += MISSING_SLOT * window.required[0]!;
        continue;
      }
      active = [...active, window];
      states = states.map(s => ({ ...s, at: [...s.at, { slot: 0, lastNs: window.fromNs }] }));
    }
    if (active.length === 0) continue;
    const following: State[] = [];
    for (const state of states) {
      let fits = false;
      active.forEach((window, i) => {
        const { slot, lastNs } = state.at[i]!;
        const found = slotFor(window, slot, record);
        if (found === -1) return;
        fits = true;
        const skipped = window.required[slot]! - window.required[found]!;
        let cost = state.cost + MISSING_SLOT * skipped;
        if (record.startNs < window.fromNs - SLACK_NS) cost += BEFORE_WINDOW;
        else if (record.startNs < lastNs - OVERLAP_NS) cost += BROKEN_CONTINUITY;
        const at = state.at.map((a, j) => (j === i ? { slot: found + 1, lastNs: record.endNs } : a));
        following.push({ cost, at, choice: { before: state.choice, record, window } });
      });
      following.push(fits ? { ...state, cost: state.cost + LEFT_OVER } : state);
    }
    states = best(following);
  }
  close(Number.POSITIVE_INFINITY);
  take(states[0], windows, unfilled);
}

/** The first slot from `slot` on that the record can fill; -1 = none. */
function slotFor(window: Window, slot: number, record: Observation): number {
  const { slots } = window.spec;
  for (let i = slot; i < slots.length; i++) {
    if (!slots[i]!.what.includes(record.what)) continue;
    const queue = window.queues[i];
    if (queue !== undefined && record.ids.queue !== '' && !queue.test(record.ids.queue)) continue;
    return i;
  }
  return -1;
}

/** The cheapest state of each position, cheapest first; what is far behind the best will not catch up. */
function best(states: State[]): State[] {
  if (states.length < 2) return states;
  let least = Number.POSITIVE_INFINITY;
  for (const state of states) least = Math.min(least, state.cost);
  const byPosition = new Map<string, State>();
  for (const state of states) {
    if (state.cost > least + HOPELESS) continue;
    let key = '';
    for (const { slot, lastNs } of state.at) key += `${slot}:${lastNs} `;
    const known = byPosition.get(key);
    if (known === undefined || state.cost < known.cost) byPosition.set(key, state);
  }
  return [...byPosition.values()].sort((a, b) => a.cost - b.cost).slice(0, STATES_KEPT);
}

function take(state: State | undefined, windows: readonly Window[], unfilled: Map<string, number>): void {
  const filled = new Map<Window, number>();
  for (let choice = state?.choice; choice !== undefined; choice = choice.before) {
    const { record, window } = choice;
    record.windowStep = window.step;
    record.windowContext = window.spec.context;
    const slot = window.spec.slots.find(s => s.what.includes(record.what));
    if (slot?.optional !== true) filled.set(window, (filled.get(window) ?? 0) + 1);
  }
  for (const window of windows) {
    const missing = window.required[0]! - (filled.get(window) ?? 0);
    if (missing > 0) unfilled.set(window.step, (unfilled.get(window.step) ?? 0) + missing);
  }
}

/**
 * What no slot expects, as another version may run it: where one window alone is open, and none of its own statements
 * ran at the same time, it is that step's. Where several are open nobody knows.
 */
function adoptStrangers(
  windows: readonly Window[],
  strangers: readonly Observation[],
  records: readonly Observation[],
): void {
  if (strangers.length === 0) return;
  const ofStep = new Map<string, Observation[]>();
  for (const o of records) {
    if (o.windowStep === '') continue;
    const list = ofStep.get(o.windowStep);
    if (list === undefined) ofStep.set(o.windowStep, [o]);
    else list.push(o);
  }
  let open: Window[] = [];
  let next = 0;
  for (const stranger of strangers) {
    for (; next < windows.length && windows[next]!.fromNs <= stranger.endNs; next++) open.push(windows[next]!);
    open = open.filter(w => w.toNs >= stranger.startNs);
    const [window] = open;
    if (window === undefined || open.length > 1) continue;
    if (stranger.startNs < window.fromNs || stranger.endNs > window.toNs || window.required[0] === 0) continue;
    const own = ofStep.get(window.step) ?? [];
    if (own.some(o => o.startNs < stranger.endNs && o.endNs > stranger.startNs)) continue;
    stranger.windowStep = window.step;
    stranger.windowContext = window.spec.context;
  }
}
