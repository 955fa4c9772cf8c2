import { float64Column } from '../base/column.ts';
import { asArray, asNumber, asObject, type JsonObject } from '../base/narrow.ts';
import { NO_STACK, type StackIndex, type ThreadIndex } from '../model/profile.ts';
import type { ProfileBuilder } from '../model/profile-builder.ts';
import { CallTree } from './call-tree.ts';
import { frameOfCallFrame } from './v8-call-frame.ts';

/** A V8 profile in pieces: chunks come out of order, and hold nodes, samples and deltas of their own. */
export class ChunkedProfile {
  readonly pid: number;
  tid: number;
  #startUs = Number.NaN;
  readonly #tree = new CallTree();
  readonly #parents: [row: number, parentId: number][] = [];
  readonly #chunks: { readonly ts: number; readonly samples: readonly number[]; readonly deltas: readonly number[] }[] =
    [];
  #endUs = Number.NaN;

  constructor(pid: number, tid: number) {
    this.pid = pid;
    this.tid = tid;
  }

  /** Samples so far. */
  get length(): number {
    return this.#chunks.reduce((sum, { samples }) => sum + samples.length, 0);
  }

  start(tid: number, startUs: number): void {
    this.tid = tid;
    this.#startUs = startUs;
  }

  chunk(builder: ProfileBuilder, ts: number, data: JsonObject): void {
    const cpuProfile = asObject(data.cpuProfile);
    for (const value of asArray(cpuProfile.nodes)) {
      const node = asObject(value);
      const row = this.#tree.add();
      this.#tree.setId(row, asNumber(node.id, Number.NaN));
      const frame = frameOfCallFrame(node.callFrame);
      if (frame.name !== '(root)') this.#tree.setFrame(row, builder.frame(frame));
      if (node.parent !== undefined) this.#parents.push([row, asNumber(node.parent, Number.NaN)]);
      for (const child of asArray(node.children)) this.#tree.child(row, asNumber(child, Number.NaN));
    }
    const samples = numbers(cpuProfile.samples);
    const deltas = numbers(data.timeDeltas ?? cpuProfile.timeDeltas);
    if (samples.length > 0) this.#chunks.push({ ts, samples, deltas });
    const end = asNumber(data.endTime ?? cpuProfile.endTime, Number.NaN);
    if (!Number.isNaN(end)) this.#endUs = end;
  }

  /** A sample lasts until the next one, as in `cpuprofile`. */
  finish(builder: ProfileBuilder, thread: ThreadIndex): void {
    for (const [row, id] of this.#parents) {
      const parent = this.#tree.rowOf(id);
      if (parent !== undefined) this.#tree.setParent(row, parent);
    }
    const stacks = this.#tree.resolve(builder, builder.warnings);
    this.#chunks.sort((a, b) => a.ts - b.ts);
    const ids = float64Column();
    const times = float64Column();
    let now = Number.isNaN(this.#startUs) ? (this.#chunks[0]?.ts ?? 0) : this.#startUs;
    let latest = Number.NEGATIVE_INFINITY;
    for (const { samples, deltas } of this.#chunks) {
      for (const [i, id] of samples.entries()) {
        now += deltas[i] ?? 0;
        if (now < latest) {
          builder.warnings.add(
            'negative-deltas',
            'samples are earlier than the ones before them: taken as simultaneous',
          );
        }
        latest = Math.max(latest, now);
        ids.push(id);
        times.push(latest);
      }
    }
    for (let i = 0; i < ids.length; i++) {
      const row = this.#tree.rowOf(ids.get(i));
      const stack = row === undefined ? NO_STACK : (stacks[row]! as StackIndex);
      if (row === undefined) builder.warnings.add('damaged-input', 'samples name call tree nodes that are not there');
      const at = times.get(i);
      const next = i + 1 < times.length ? times.get(i + 1) : Math.max(at, this.#endUs);
      builder.sample({ thread, stack, timeNs: at * 1000, values: [Number.isNaN(next) ? 0 : (next - at) * 1000] });
    }
  }
}

function numbers(value: unknown): number[] {
  return asArray(value).map(item => asNumber(item, 0));
}
