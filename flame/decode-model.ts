import type { FlamePayload } from './codec.ts';
import type { FlameModel } from './flame-model.ts';
import { numberReader } from './number-text.ts';

/** The model that `encodeModel` wrote. Part of the program inside the pictures. */
export function decodeModel(payload: FlamePayload): FlameModel {
  const frameCount = payload.labels.length;
  const frames = {
    length: frameCount,
    labels: payload.labels,
    place: new Uint32Array(frameCount),
    places: payload.places,
    category: new Uint8Array(frameCount),
    categories: payload.categories,
    waiting: new Uint8Array(frameCount),
  };
  let read = numberReader(payload.frames);
  for (let f = 0; f < frameCount; f++) {
    frames.place[f] = read();
    frames.category[f] = read();
    frames.waiting[f] = read();
  }
  const nodes = {
    length: payload.nodeCount,
    parent: new Int32Array(payload.nodeCount),
    frame: new Uint32Array(payload.nodeCount),
  };
  nodes.parent[0] = -1;
  read = numberReader(payload.nodes);
  for (let i = 1; i < nodes.length; i++) {
    let parent = i - 1;
    for (let up = read(); up > 0; up--) parent = nodes.parent[parent]!;
    nodes.parent[i] = parent;
    nodes.frame[i] = read();
  }
  const length = payload.rowCount;
  const rows = {
    length,
    thread: new Uint32Array(length),
    node: new Uint32Array(length),
    values: payload.quanta.map(() => new Float64Array(length)),
  };
  const unzigzag = (value: number): number => (value % 2 === 1 ? -(value + 1) / 2 : value / 2);
  read = numberReader(payload.rows);
  let thread = 0;
  let node = 0;
  for (let r = 0; r < length; r++) {
    if (payload.threads.length > 1) thread += unzigzag(read());
    node += unzigzag(read());
    rows.thread[r] = thread;
    rows.node[r] = node;
    for (let v = 0; v < payload.quanta.length; v++) rows.values[v]![r] = read() * payload.quanta[v]!;
  }
  return {
    title: payload.title,
    facts: payload.facts,
    frames,
    nodes,
    rows,
    threads: payload.threads.map(([label, process]) => ({ label, process })),
    processes: payload.processes,
    valueTypes: payload.valueTypes,
    defaultValue: payload.defaultValue,
    diff: payload.diff ?? undefined,
    timeOrdered: payload.timeOrdered,
  };
}
