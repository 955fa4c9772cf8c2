import { FrameFlag, type Profile } from '../model/profile.ts';
import { StackInterner } from '../model/stack-interner.ts';
import { timeOriginNs } from '../model/time-origin.ts';
import type { ProfileWriteOptions } from './format.ts';
import { PprofBytes } from './pprof-wire.ts';

export function pprofLosses(profile: Profile): string[] {
  return profile.samples.timeNs === undefined
    ? []
    : ['it holds no time of a sample: samples of one stack are added up'];
}

/**
 * Names, functions and locations come before the samples, so that a file that is cut still means something. A machine
 * frame and what is inlined into it are one location.
 */
export async function* writePprof(profile: Profile, options: ProfileWriteOptions): AsyncGenerator<Uint8Array> {
  const out = new PprofBytes();
  for (const _ of new PprofWriter(profile, options, out).fields()) {
    if (out.length > 1 << 16) yield out.take();
  }
  if (out.length > 0) yield out.take();
}

class PprofWriter {
  readonly #profile: Profile;
  readonly #options: ProfileWriteOptions;
  readonly #out: PprofBytes;
  readonly #strings: string[] = [''];
  readonly #stringOf = new Map<string, number>([['', 0]]);
  /** A location is a chain of frames: a machine frame, then what is inlined into it. */
  readonly #chains = new StackInterner();
  readonly #locationOf = new Map<number, number>();
  readonly #functionOf = new Map<string, number>();
  readonly #mappingOf = new Map<string, number>();
  readonly #functions: { name: number; file: number }[] = [];
  readonly #mappings: { start: number; end: number; fileOffset: number; file: number; buildId: number }[] = [];

  constructor(profile: Profile, options: ProfileWriteOptions, out: PprofBytes) {
    this.#profile = profile;
    this.#options = options;
    this.#out = out;
  }

  /** Writes field after field; the generator's only use is to let its caller flush. */
  *fields(): Generator<void> {
    const { samples, valueTypes, epochNs, durationNs, intervalNs } = this.#profile;
    const out = this.#out;
    const inner = new PprofBytes();
    for (const { name, unit } of valueTypes) {
      inner.int(1, this.#text(name));
      inner.int(2, this.#text(unit));
      out.message(1, inner);
    }
    const chainOf = this.#chainsOfStacks();
    const rows = this.#sampleRows();
    const locations: number[] = [];
    for (const { stack } of rows) this.#locationsOf(stack, chainOf, locations);
    const writeLocations = [...this.#locationOf].map(([chain, id]) => this.#location(chain, id));
    const labels = samples.labelSets.map(set => set.map(l => ({ ...l, keyText: this.#text(l.key) })));
    for (const label of labels.flat()) {
      if (typeof label.value === 'string') this.#text(label.value);
      this.#text(label.unit ?? '');
    }
    const threads = this.#profile.threads.map(thread => this.#threadLabels(thread));
    const defaultType = this.#text(valueTypes[this.#options.value ?? this.#profile.defaultValue]?.name ?? '');
    const nanoseconds = intervalNs === undefined ? 0 : this.#text('nanoseconds');
    const cpu = intervalNs === undefined ? 0 : this.#text('cpu');
    for (const text of this.#strings) {
      out.text(6, text);
      yield;
    }
    if (epochNs !== undefined) out.int(9, epochNs + BigInt(Math.round(timeOriginNs(this.#profile))));
    if (durationNs !== undefined) out.int(10, Math.round(durationNs));
    if (intervalNs !== undefined) {
      inner.int(1, cpu);
      inner.int(2, nanoseconds);
      out.message(11, inner);
      out.int(12, Math.round(intervalNs));
    }
    out.int(14, defaultType);
    for (const [i, mapping] of this.#mappings.entries()) {
      inner.int(1, i + 1);
      inner.int(2, mapping.start);
      inner.int(3, mapping.end);
      inner.int(4, mapping.fileOffset);
      inner.int(5, mapping.file);
      inner.int(6, mapping.buildId);
      // Has functions, file names, line numbers, inlined frames: nothing is left to look up.
      for (const field of [7, 8, 9, 10]) inner.int(field, 1);
      out.message(3, inner);
    }
    for (const [i, { name, file }] of this.#functions.entries()) {
      inner.int(1, i + 1);
      inner.int(2, name);
      inner.int(3, name);
      inner.int(4, file);
      out.message(5, inner);
      yield;
    }
    for (const write of writeLocations) {
      write(inner);
      out.message(4, inner);
      yield;
    }
    const labelBytes = new PprofBytes();
    for (const { row, stack, values } of rows) {
      inner.packed(1, this.#locationsOf(stack, chainOf, locations));
      inner.packed(2, values);
      for (const label of threads[samples.thread[row]!]!) {
        labelBytes.int(1, label.key);
        labelBytes.int(2, label.text);
        labelBytes.int(3, label.number);
        inner.message(3, labelBytes);
      }
      for (const label of labels[samples.labelSet?.[row] ?? 0]!) {
        labelBytes.int(1, label.keyText);
        if (typeof label.value === 'string') labelBytes.int(2, this.#text(label.value));
        else labelBytes.int(3, Math.round(label.value));
        labelBytes.int(4, this.#text(label.unit ?? ''));
        inner.message(3, labelBytes);
      }
      out.message(2, inner);
      yield;
    }
  }

  /** Samples of one thread, stack and label set added up, in order of appearance. */
  #sampleRows(): { readonly row: number; readonly stack: number; readonly values: number[] }[] {
    const { samples } = this.#profile;
    const rows: { row: number; stack: number; values: number[] }[] = [];
    const rowOf = new Map<string, number>();
    for (let s = 0; s < samples.length; s++) {
      const key = `${samples.thread[s]},${samples.stack[s]},${samples.labelSet?.[s] ?? 0}`;
      const known = rowOf.get(key);
      if (known === undefined) {
        rowOf.set(key, rows.length);
        rows.push({ row: s, stack: samples.stack[s]!, values: samples.values.map(column => column[s]!) });
      } else for (const [v, column] of samples.values.entries()) rows[known]!.values[v]! += column[s]!;
    }
    for (const { values } of rows) for (const [v, value] of values.entries()) values[v] = Math.round(value);
    return rows;
  }

  #chainsOfStacks(): Int32Array {
    const { frames, stacks } = this.#profile;
    const chains = new Int32Array(stacks.length);
    for (let i = 0; i < stacks.length; i++) {
      const frame = stacks.frame[i]!;
      const parent = stacks.parent[i]!;
      const isInlined = (frames.flags[frame]! & FrameFlag.inlined) !== 0 && parent >= 0;
      chains[i] = this.#chains.intern(isInlined ? chains[parent]! : -1, frame);
    }
    return chains;
  }

  /** Ids of a stack's locations, the leaf first, into `into`. */
  #locationsOf(stack: number, chainOf: Int32Array, into: number[]): number[] {
    const { stacks } = this.#profile;
    into.length = 0;
    for (let at = stack; at >= 0; at = stacks.parent[at]!) {
      const chain = chainOf[at]!;
      let id = this.#locationOf.get(chain);
      if (id === undefined) {
        id = this.#locationOf.size + 1;
        this.#locationOf.set(chain, id);
      }
      into.push(id);
      for (let c = this.#chains.parent(chain); c >= 0; c = this.#chains.parent(c)) at = stacks.parent[at]!;
    }
    return into;
  }

  /** Enters the names of a location now, so that the string table is complete; what is returned writes it later. */
  #location(chain: number, id: number): (inner: PprofBytes) => void {
    const { frames } = this.#profile;
    const lines: { func: number; line: number; column: number }[] = [];
    let frame = 0;
    for (let at = chain; at >= 0; at = this.#chains.parent(at)) {
      frame = this.#chains.frame(at);
      lines.push({ func: this.#function(frame), line: frames.line[frame]!, column: frames.column[frame]! });
    }
    const mapping = this.#mapping(frame);
    const address = frames.address[frame]!;
    const lineBytes = new PprofBytes();
    return inner => {
      inner.int(1, id);
      inner.int(2, mapping);
      if (address !== -1) inner.int(3, address);
      for (const { func, line, column } of lines) {
        lineBytes.int(1, func);
        lineBytes.int(2, line);
        lineBytes.int(3, column);
        inner.message(4, lineBytes);
      }
    };
  }

  #function(frame: number): number {
    const { frames, strings } = this.#profile;
    const key = `${frames.name[frame]},${frames.file[frame]}`;
    let id = this.#functionOf.get(key);
    if (id === undefined) {
      const name = this.#text(strings[frames.name[frame]!]!);
      id = this.#functions.push({ name, file: this.#text(strings[frames.file[frame]!]!) });
      this.#functionOf.set(key, id);
    }
    return id;
  }

  /** A frame's own mapping, or one that has its object file's name alone. A package's name is no mapping. */
  #mapping(frame: number): number {
    const { frames, mappings, strings } = this.#profile;
    const module = strings[frames.module[frame]!]!;
    const own = mappings[frames.mapping[frame]!];
    if (own === undefined && !/^[/[]|\\/.test(module)) return 0;
    const mapping = own ?? { start: 0, end: 0, fileOffset: 0, path: module, buildId: '' };
    const key = `${mapping.start},${mapping.end},${mapping.fileOffset},${mapping.buildId},${mapping.path}`;
    let id = this.#mappingOf.get(key);
    if (id === undefined) {
      const { start, end, fileOffset, path, buildId } = mapping;
      id = this.#mappings.push({ start, end, fileOffset, file: this.#text(path), buildId: this.#text(buildId) });
      this.#mappingOf.set(key, id);
    }
    return id;
  }

  #threadLabels(thread: Profile['threads'][number]): { key: number; text: number; number: number }[] {
    const labels: { key: number; text: number; number: number }[] = [];
    const { pid, tid, processName, threadName } = thread;
    if (pid !== 0) labels.push({ key: this.#text('pid'), text: 0, number: pid });
    if (tid !== 0) labels.push({ key: this.#text('tid'), text: 0, number: tid });
    if (processName !== '') labels.push({ key: this.#text('process'), text: this.#text(processName), number: 0 });
    if (threadName !== '') labels.push({ key: this.#text('thread'), text: this.#text(threadName), number: 0 });
    return labels;
  }

  #text(text: string): number {
    let index = this.#stringOf.get(text);
    if (index === undefined) {
      index = this.#strings.push(text) - 1;
      this.#stringOf.set(text, index);
    }
    return index;
  }
}
