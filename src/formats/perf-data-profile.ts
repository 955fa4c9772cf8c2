import {
  FrameFlag,
  type FrameIndex,
  NO_STACK,
  type Profile,
  type StackIndex,
  type ThreadIndex,
} from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import type { LocationFrames, SourceFrame } from '../symbols/symbolize.ts';
import { CollectedFlag, OFF_CPU_EVENT, type PerfCollector } from './perf-data-collector.ts';
import type { PerfEvent, PerfHeader } from './perf-data-header.ts';

/** Builds the profile of what was collected, once every location has its frames. */
export function buildPerfProfile(
  name: string,
  header: PerfHeader,
  collector: PerfCollector,
  frames: LocationFrames,
  firstTime: { readonly epochNs: bigint | undefined; readonly timed: boolean },
  wantedEvent: number,
): Profile {
  const { samples } = collector;
  let offCpu = false;
  for (let s = 0; s < samples.event.length; s++) offCpu ||= samples.event.get(s) === OFF_CPU_EVENT;
  const types = header.events.map(event => ({ name: event.name, unit: unitOf(event) }));
  const builder = new ProfileBuilder(name, offCpu ? [...types, { name: 'off-cpu', unit: 'nanoseconds' }] : types);
  builder.defaultValue = wantedEvent;
  builder.lostSamples = collector.lost;

  const stacks = new StackMaker(builder, collector, frames);
  const threads: (ThreadIndex | undefined)[] = new Array(collector.processes.runs.length);
  const values = new Array<number>(types.length + 1).fill(0);
  const count = samples.event.length;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (let s = 0; s < count; s++) {
    const time = samples.timeNs.get(s);
    if (time < first) first = time;
    if (time > last) last = time;
  }
  for (let s = 0; s < count; s++) {
    const runIndex = samples.thread.get(s);
    let thread = threads[runIndex];
    if (thread === undefined) {
      const run = collector.processes.runs[runIndex]!;
      thread = builder.thread({
        pid: Math.max(0, run.pid),
        tid: Math.max(0, run.tid),
        processName: run.process.name || run.name,
        threadName: run.name,
      });
      threads[runIndex] = thread;
    }
    const event = samples.event.get(s);
    const column = event === OFF_CPU_EVENT ? types.length : event;
    values[column] = samples.value.get(s);
    const stack = stacks.stackOf(samples.node.get(s), samples.flags.get(s));
    if (firstTime.timed) builder.sample({ thread, stack, timeNs: samples.timeNs.get(s) - first, values });
    else builder.aggregate({ thread, stack, values });
    values[column] = 0;
  }
  if (firstTime.timed && count > 0) {
    builder.durationNs = last - first;
    if (firstTime.epochNs !== undefined && header.clockOffsetNs !== undefined) {
      builder.epochNs = firstTime.epochNs + BigInt(Math.round(first)) + header.clockOffsetNs;
    }
  }
  const { attr } = header.events[wantedEvent] ?? header.events[0]!;
  if (attr.freq && attr.samplePeriod > 0) builder.intervalNs = 1e9 / attr.samplePeriod;
  else if (!attr.freq && unitOf(header.events[wantedEvent] ?? header.events[0]!) === 'nanoseconds') {
    builder.intervalNs = attr.samplePeriod;
  }
  return builder.finish();
}

/** The clocks count time; everything else is counted. */
function unitOf({ attr }: PerfEvent): 'nanoseconds' | 'count' {
  return attr.type === 1 && (attr.config === 0 || attr.config === 1) ? 'nanoseconds' : 'count';
}

/** Turns nodes of the address tree into stacks of named frames, each node once. */
class StackMaker {
  readonly #builder: ProfileBuilder;
  readonly #collector: PerfCollector;
  readonly #frames: LocationFrames;
  /** Where each location's frames begin in `#frameList`, and how many they are; 0 = not made yet. */
  readonly #framesAt: Int32Array;
  readonly #frameCounts: Int32Array;
  #frameList: Int32Array = new Int32Array(1 << 10);
  #frameListLength = 0;
  /** A location that has the same frames: those of one function often share them. */
  readonly #madeFor = new Map<readonly SourceFrame[], number>();
  /** Stack + 2 by node; 0 = not made yet. The second for stacks that lack their outer end. */
  readonly #stackOf: readonly [Int32Array, Int32Array];
  #path: Int32Array = new Int32Array(256);
  #truncatedRoot: StackIndex | undefined;

  constructor(builder: ProfileBuilder, collector: PerfCollector, frames: LocationFrames) {
    this.#builder = builder;
    this.#collector = collector;
    this.#frames = frames;
    this.#stackOf = [new Int32Array(collector.tree.length), new Int32Array(collector.tree.length)];
    this.#framesAt = new Int32Array(collector.locations.length);
    this.#frameCounts = new Int32Array(collector.locations.length);
  }

  stackOf(node: number, flags: number): StackIndex {
    if (node < 0) return NO_STACK;
    const truncated = (flags & CollectedFlag.truncated) !== 0;
    const made = this.#stackOf[truncated ? 1 : 0];
    const { tree } = this.#collector;
    let depth = 0;
    let at = node;
    while (at >= 0 && made[at] === 0) {
      if (depth === this.#path.length) this.#path = doubled(this.#path);
      this.#path[depth++] = at;
      at = tree.parentOf(at);
    }
    let stack = (at >= 0 ? made[at]! - 2 : NO_STACK) as StackIndex;
    while (depth > 0) {
      at = this.#path[--depth]!;
      const location = tree.locationOf(at);
      if (location < 0) stack = truncated ? this.#cutOff() : NO_STACK;
      else {
        if (this.#frameCounts[location] === 0) this.#makeFrames(location);
        const first = this.#framesAt[location]!;
        const last = first + this.#frameCounts[location]!;
        for (let f = first; f < last; f++) stack = this.#builder.stack(stack, this.#frameList[f]! as FrameIndex);
      }
      made[at] = stack + 2;
    }
    return (flags & CollectedFlag.waiting) !== 0 ? this.#waiting(node, truncated) : stack;
  }

  #cutOff(): StackIndex {
    this.#truncatedRoot ??= this.#builder.stack(
      NO_STACK,
      this.#builder.frame({ name: '[truncated stack]', flags: FrameFlag.truncated }),
    );
    return this.#truncatedRoot;
  }

  /** The same stack, whose innermost frame is marked as where the thread waits. */
  #waiting(node: number, truncated: boolean): StackIndex {
    const { tree } = this.#collector;
    const location = tree.locationOf(node);
    if (location < 0) {
      return this.#builder.stack(NO_STACK, this.#builder.frame({ name: '[off-cpu]', flags: FrameFlag.waiting }));
    }
    const parent = tree.parentOf(node);
    let stack = parent < 0 ? NO_STACK : this.stackOf(parent, truncated ? CollectedFlag.truncated : 0);
    const frames = this.#inputsAt(location);
    frames.forEach((frame, i) => {
      const flags = i === frames.length - 1 ? (frame.flags ?? 0) | FrameFlag.waiting : (frame.flags ?? 0);
      stack = this.#builder.stack(stack, this.#builder.frame({ ...frame, flags }));
    });
    return stack;
  }

  #makeFrames(location: number): void {
    const named = this.#frames[location];
    const twin = named === undefined ? undefined : this.#madeFor.get(named);
    if (twin !== undefined) {
      this.#framesAt[location] = this.#framesAt[twin]!;
      this.#frameCounts[location] = this.#frameCounts[twin]!;
      return;
    }
    if (named !== undefined) this.#madeFor.set(named, location);
    const inputs = this.#inputsAt(location);
    this.#framesAt[location] = this.#frameListLength;
    this.#frameCounts[location] = inputs.length;
    for (const input of inputs) {
      if (this.#frameListLength === this.#frameList.length) this.#frameList = doubled(this.#frameList);
      this.#frameList[this.#frameListLength++] = this.#builder.frame(input);
    }
  }

  #inputsAt(location: number): Parameters<ProfileBuilder['frame']>[0][] {
    const module = this.#collector.locations.moduleOf(location);
    const named = this.#frames[location];
    const kindFlags =
      module.kind === 'kernel' ? FrameFlag.kernel : module.kind === 'jit' && named !== undefined ? FrameFlag.jit : 0;
    const moduleName = module.kind === 'jit' && named !== undefined ? `perf-${module.pid}.map` : module.path;
    const category = module.kind === 'kernel' ? 'Kernel' : '';
    if (named !== undefined) {
      return named.map(frame => ({
        name: frame.name,
        decoration: frame.decoration,
        module: moduleName,
        file: frame.file,
        line: frame.line,
        column: frame.column,
        category: frame.category === '' ? category : frame.category,
        flags: kindFlags | (frame.inlined ? FrameFlag.inlined : 0),
      }));
    }
    // Nothing names it: the frame keeps its address and mapping, so that it can be named elsewhere.
    const mapping = this.#collector.mappingOf[location];
    let address = this.#collector.locations.addressOf(location);
    let row = -1;
    if (mapping !== undefined) {
      if (module.kind === 'file' || module.kind === 'vdso') address += mapping.start - mapping.fileOffset;
      const { start, end, fileOffset } = mapping;
      row = this.#builder.mapping({ start, end, fileOffset, path: module.path, buildId: module.buildId });
    }
    const base = module.path.slice(module.path.lastIndexOf('/') + 1);
    const name = base === '' ? '[unknown]' : base.startsWith('[') ? base : `[${base}]`;
    return [
      { name, module: module.path, category, address: address >= 0 ? address : -1, mapping: row, flags: kindFlags },
    ];
  }
}

function doubled(list: Int32Array): Int32Array {
  const longer = new Int32Array(list.length * 2);
  longer.set(list);
  return longer;
}
