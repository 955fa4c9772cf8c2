import type { FlameModel, FlameState } from './flame-model.ts';
import { writeNumbers } from './number-text.ts';

/** A model as it travels inside a picture: plain JSON whose long columns are number text (see `number-text.ts`). */
export interface FlamePayload {
  readonly title: string;
  readonly facts: readonly string[];
  readonly labels: readonly string[];
  readonly places: readonly string[];
  readonly categories: readonly string[];
  /** A triple a frame: place, category, waiting. */
  readonly frames: string;
  readonly nodeCount: number;
  /** A pair a node but the root: levels up from the node before, frame. */
  readonly nodes: string;
  readonly rowCount: number;
  /** A row: thread and node as differences to the row before, then each value in its quantum. */
  readonly rows: string;
  /** What one step of each value column weighs. */
  readonly quanta: readonly number[];
  readonly threads: readonly (readonly [label: string, process: number])[];
  readonly processes: readonly string[];
  readonly valueTypes: readonly { readonly name: string; readonly unit: string }[];
  readonly defaultValue: number;
  readonly diff: { readonly before: number; readonly after: number } | null;
  readonly timeOrdered: boolean;
  /** The view that the document opens with. */
  readonly state: FlameState;
}

/** Difference as a whole number ≥ 0: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
const zigzag = (difference: number): number => (difference < 0 ? -2 * difference - 1 : 2 * difference);

/**
 * About six characters a node. Whole numbers stay exact: a column is divided by the greatest common divisor of its
 * values (often the sampling period). Other columns are rounded to a trillionth of their total.
 */
export function encodeModel(model: FlameModel, state: FlameState): FlamePayload {
  const { frames, nodes, rows } = model;
  const depth = new Int32Array(nodes.length);
  for (let i = 1; i < nodes.length; i++) depth[i] = depth[nodes.parent[i]!]! + 1;
  const quanta = rows.values.map(quantumOf);
  return {
    title: model.title,
    facts: model.facts,
    labels: frames.labels,
    places: frames.places,
    categories: frames.categories,
    frames: writeNumbers(put => {
      for (let f = 0; f < frames.length; f++) {
        put(frames.place[f]!);
        put(frames.category[f]!);
        put(frames.waiting[f]!);
      }
    }),
    nodeCount: nodes.length,
    nodes: writeNumbers(put => {
      for (let i = 1; i < nodes.length; i++) {
        put(depth[i - 1]! + 1 - depth[i]!);
        put(nodes.frame[i]!);
      }
    }),
    rowCount: rows.length,
    rows: writeNumbers(put => {
      let thread = 0;
      let node = 0;
      for (let r = 0; r < rows.length; r++) {
        if (model.threads.length > 1) put(zigzag(rows.thread[r]! - thread));
        put(zigzag(rows.node[r]! - node));
        thread = rows.thread[r]!;
        node = rows.node[r]!;
        for (let v = 0; v < quanta.length; v++) put(Math.round(rows.values[v]![r]! / quanta[v]!));
      }
    }),
    quanta,
    threads: model.threads.map(thread => [thread.label, thread.process] as const),
    processes: model.processes,
    valueTypes: model.valueTypes.map(({ name, unit }) => ({ name, unit })),
    defaultValue: model.defaultValue,
    diff: model.diff ?? null,
    timeOrdered: model.timeOrdered,
    state,
  };
}

function quantumOf(values: Float64Array): number {
  let divisor = 0;
  let total = 0;
  let whole = true;
  for (const value of values) {
    total += value;
    if (!whole || value === 0) continue;
    if (!Number.isSafeInteger(value)) {
      whole = false;
      continue;
    }
    let a = value;
    while (divisor !== 0) [a, divisor] = [divisor, a % divisor];
    divisor = a;
  }
  if (whole) return divisor === 0 ? 1 : divisor;
  return 10 ** (Math.floor(Math.log10(total)) - 12);
}
