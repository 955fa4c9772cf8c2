import { FrameFlag, type Profile } from '../model/profile.ts';
import { samplesByThread } from '../model/samples-by-thread.ts';
import { timeOriginNs } from '../model/time-origin.ts';
import type { ProfileWriteOptions } from './format.ts';
import { TextBytes } from './text-bytes.ts';

/** The first version whose stacks, frames and functions are shared by all threads, as they are in the model. */
const VERSION = 60;

export async function* writeFirefox(profile: Profile, options: ProfileWriteOptions): AsyncGenerator<Uint8Array> {
  yield* pieces(profile, options);
}

function* pieces(profile: Profile, options: ProfileWriteOptions): Generator<Uint8Array> {
  const out = new TextBytes();
  const tables = new SharedTables(profile);
  out.text('{"meta":');
  out.text(JSON.stringify(meta(profile, tables)));
  out.text(',\n"libs":');
  out.text(JSON.stringify(tables.libs));
  out.text(',\n"pages":[],"counters":[],"profilerOverhead":[],\n"shared":');
  yield* tables.pieces(out);
  out.text(',\n"threads":[');
  let first = true;
  const groups = samplesByThread(profile);
  const originNs = timeOriginNs(profile);
  for (const [index, rows] of groups.entries()) {
    if (rows.length === 0) continue;
    out.text(first ? '\n' : ',\n');
    first = false;
    yield* thread(out, profile, index, rows, weightColumn(profile, options), originNs);
  }
  out.text(']}\n');
  yield out.take();
}

/** Stretched where samples lie outside of what the source says that it recorded. */
function range(profile: Profile): object {
  const { durationNs, samples } = profile;
  if (durationNs === undefined) return {};
  const originNs = timeOriginNs(profile);
  let lastNs = durationNs;
  for (const time of samples.timeNs ?? []) lastNs = Math.max(lastNs, time - originNs);
  return { profilingStartTime: 0, profilingEndTime: decimal(lastNs / 1e6) };
}

/** CPU time has a place of its own, so that a file's weight can stay what it was. */
function weightColumn(profile: Profile, options: ProfileWriteOptions): number {
  const own = profile.valueTypes.findIndex(type => type.name === 'weight');
  const isCpu = profile.valueTypes[profile.defaultValue]?.name === 'cpu';
  return options.value ?? (isCpu && own !== -1 ? own : profile.defaultValue);
}

function meta(profile: Profile, tables: SharedTables): object {
  const startNs = (profile.epochNs ?? 0n) + BigInt(Math.round(timeOriginNs(profile)));
  const epochMs = profile.epochNs === undefined ? 0 : Number(startNs / 1000n) / 1000;
  return {
    preprocessedProfileVersion: VERSION,
    version: 24,
    product: profile.name,
    startTime: epochMs,
    interval: (profile.intervalNs ?? 1e6) / 1e6,
    processType: 0,
    stackwalk: 1,
    debug: false,
    symbolicated: true,
    categories: tables.categories,
    markerSchema: [],
    sampleUnits: { time: 'ms', eventDelay: 'ms', threadCPUDelta: 'ns' },
    usesOnlyOneStackType: true,
    sourceCodeIsNotOnSearchfox: true,
    extensions: { length: 0, baseURL: [], id: [], name: [] },
    ...range(profile),
  };
}

function* thread(
  out: TextBytes,
  profile: Profile,
  index: number,
  rows: Uint32Array,
  value: number,
  originNs: number,
): Generator<Uint8Array> {
  const { samples, threads, valueTypes } = profile;
  const { pid, tid, processName, threadName } = threads[index]!;
  const processId = String(pid === 0 ? index + 1 : pid);
  const type = valueTypes[value];
  const weightType = type?.unit === 'nanoseconds' ? 'tracing-ms' : type?.unit === 'bytes' ? 'bytes' : 'samples';
  const weights = samples.values[value] ?? new Float64Array(samples.length);
  const scale = weightType === 'tracing-ms' ? 1e-6 : 1;
  const cpu = valueTypes.findIndex(t => t.name === 'cpu' && t.unit === 'nanoseconds');
  const times = samples.timeNs;
  const own = {
    // The Firefox Profiler lists threads by name.
    name: threadName || processName,
    isMainThread: pid !== 0 && (tid === pid || tid === 0),
    processType: 'default',
    processName,
    pid: processId,
    tid: tid === 0 ? processId : String(tid),
    processStartupTime: 0,
    processShutdownTime: null,
    registerTime: 0,
    unregisterTime: null,
    pausedRanges: [],
    showMarkersInTimeline: false,
    markers: { length: 0, category: [], data: [], endTime: [], name: [], phase: [], startTime: [] },
  };
  out.text(
    `${JSON.stringify(own).slice(0, -1)},"samples":{"length":${rows.length},"weightType":"${weightType}","stack":`,
  );
  yield* list(out, rows.length, i => (samples.stack[rows[i]!]! < 0 ? 'null' : samples.stack[rows[i]!]!));
  out.text(',"time":');
  if (times === undefined) yield* list(out, rows.length, i => i);
  else yield* decimals(out, rows, s => (times[s]! - originNs) * 1e-6);
  out.text(',"weight":');
  yield* decimals(out, rows, s => weights[s]! * scale);
  if (cpu !== -1) {
    out.text(',"threadCPUDelta":');
    const delta = samples.values[cpu]!;
    yield* list(out, rows.length, i => Math.round(delta[rows[i]!]!));
  }
  out.text('}}');
}

/** Milliseconds to the nanosecond: what binary fractions add behind it would differ after each pass. */
function* decimals(out: TextBytes, rows: Uint32Array, value: (row: number) => number): Generator<Uint8Array> {
  out.text('[');
  for (let i = 0; i < rows.length; i++) {
    if (i > 0) out.byte(COMMA);
    out.decimal(value(rows[i]!));
    if (out.full) yield out.take();
  }
  out.text(']');
}

function decimal(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

const COMMA = 0x2c;

const COLORS = ['grey', 'yellow', 'orange', 'blue', 'green', 'purple', 'magenta', 'lightblue', 'red', 'brown'];

/** Functions, resources and libraries as the format has them: a frame is a place in a function. */
class SharedTables {
  readonly libs: object[] = [];
  readonly categories: { name: string; color: string; subcategories: string[] }[] = [];
  readonly #profile: Profile;
  readonly #libOf = new Map<number, number>();
  readonly #categoryOf = new Map<number, number>();
  readonly #sourceOf = new Map<number, number>();
  readonly #funcOf = new Map<string, number>();
  readonly #func: { name: number; lib: number; source: number; frame: number }[] = [];
  readonly #frameFunc: Uint32Array;

  constructor(profile: Profile) {
    this.#profile = profile;
    const { frames, mappings, strings } = profile;
    this.#category(0);
    this.#frameFunc = new Uint32Array(frames.length);
    for (let i = 0; i < frames.length; i++) {
      this.#category(frames.category[i]!);
      const module = frames.module[i]!;
      // A package's name is no library.
      const isLibrary = module !== 0 && (frames.mapping[i]! >= 0 || /^[/[]|\\/.test(strings[module]!));
      const lib = isLibrary ? this.#lib(module, mappings[frames.mapping[i]!]?.buildId ?? '') : -1;
      const source = frames.file[i] === 0 ? -1 : indexOf(this.#sourceOf, frames.file[i]!);
      const key = `${frames.name[i]},${lib},${source}`;
      let func = this.#funcOf.get(key);
      if (func === undefined) {
        func = this.#func.push({ name: frames.name[i]!, lib, source, frame: i }) - 1;
        this.#funcOf.set(key, func);
      }
      this.#frameFunc[i] = func;
    }
  }

  #category(name: number): number {
    const known = this.#categoryOf.get(name);
    if (known !== undefined) return known;
    const index = this.categories.length;
    this.#categoryOf.set(name, index);
    const text = this.#profile.strings[name]!;
    this.categories.push({
      name: text === '' ? 'Other' : text,
      color: COLORS[index % COLORS.length]!,
      subcategories: ['Other'],
    });
    return index;
  }

  #lib(module: number, buildId: string): number {
    const known = this.#libOf.get(module);
    if (known !== undefined) return known;
    const path = this.#profile.strings[module]!;
    const name = baseName(path);
    const index = this.libs.length;
    this.#libOf.set(module, index);
    const codeId = buildId === '' ? null : buildId;
    this.libs.push({ name, path, debugName: name, debugPath: path, breakpadId: '', codeId, arch: null });
    return index;
  }

  *pieces(out: TextBytes): Generator<Uint8Array> {
    const { frames, stacks, strings } = this.#profile;
    const resources = [...this.#libOf];
    out.text('{"stringArray":');
    // A library's name stands before its functions: without its folder.
    const names = resources.map(([module]) => baseName(strings[module]!));
    yield* list(out, strings.length + names.length, i => JSON.stringify(strings[i] ?? names[i - strings.length]));
    out.text(`,"sources":{"length":${this.#sourceOf.size},"uuid":`);
    const sources = [...this.#sourceOf.keys()];
    yield* list(out, sources.length, () => 'null');
    out.text(',"filename":');
    yield* list(out, sources.length, i => sources[i]!);
    out.text(`},\n"stackTable":{"length":${stacks.length},"prefix":`);
    yield* list(out, stacks.length, i => (stacks.parent[i]! < 0 ? 'null' : stacks.parent[i]!));
    out.text(',"frame":');
    yield* list(out, stacks.length, i => stacks.frame[i]!);
    out.text(`},\n"frameTable":{"length":${frames.length},"func":`);
    yield* list(out, frames.length, i => this.#frameFunc[i]!);
    out.text(',"address":');
    yield* list(out, frames.length, i => (Number.isInteger(frames.address[i]!) ? frames.address[i]! : -1));
    out.text(',"inlineDepth":');
    yield* list(out, frames.length, i => ((frames.flags[i]! & FrameFlag.inlined) !== 0 ? 1 : 0));
    out.text(',"category":');
    yield* list(out, frames.length, i => this.#categoryOf.get(frames.category[i]!) ?? 0);
    out.text(',"subcategory":');
    yield* list(out, frames.length, () => 0);
    out.text(',"nativeSymbol":');
    yield* list(out, frames.length, () => 'null');
    out.text(',"innerWindowID":');
    yield* list(out, frames.length, () => 0);
    out.text(',"line":');
    yield* list(out, frames.length, i => frames.line[i]! || 'null');
    out.text(',"column":');
    yield* list(out, frames.length, i => frames.column[i]! || 'null');
    out.text(`},\n"funcTable":{"length":${this.#func.length},"name":`);
    const func = this.#func;
    const isJs = func.map(({ frame }) => strings[frames.category[frame]!] === 'JavaScript');
    yield* list(out, func.length, i => func[i]!.name);
    out.text(',"isJS":');
    yield* list(out, func.length, i => String(isJs[i]));
    out.text(',"relevantForJS":');
    yield* list(out, func.length, () => 'false');
    out.text(',"resource":');
    yield* list(out, func.length, i => func[i]!.lib);
    out.text(',"source":');
    yield* list(out, func.length, i => (func[i]!.source < 0 ? 'null' : func[i]!.source));
    out.text(',"lineNumber":');
    yield* list(out, func.length, () => 'null');
    out.text(',"columnNumber":');
    yield* list(out, func.length, () => 'null');
    out.text(`},\n"resourceTable":{"length":${resources.length},"lib":`);
    yield* list(out, resources.length, i => resources[i]![1]);
    out.text(',"name":');
    yield* list(out, resources.length, i => strings.length + i);
    out.text(',"host":');
    yield* list(out, resources.length, () => 'null');
    out.text(',"type":');
    yield* list(out, resources.length, () => 1);
    out.text('},\n"nativeSymbols":{"length":0,"libIndex":[],"address":[],"name":[],"functionSize":[]}}');
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function indexOf(map: Map<number, number>, key: number): number {
  let index = map.get(key);
  if (index === undefined) {
    index = map.size;
    map.set(key, index);
  }
  return index;
}

function* list(
  out: TextBytes,
  length: number,
  value: (i: number) => number | string | undefined,
): Generator<Uint8Array> {
  out.text('[');
  for (let i = 0; i < length; i++) {
    if (i > 0) out.byte(COMMA);
    const item = value(i);
    if (typeof item === 'number') out.number(item);
    else out.text(`${item}`);
    if (out.full) yield out.take();
  }
  out.text(']');
}
