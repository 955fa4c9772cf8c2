import { LineCache } from '../base/line-cache.ts';
import {
  FrameFlag,
  type FrameIndex,
  NO_STACK,
  type Profile,
  type StackIndex,
  type ThreadIndex,
} from '../model/profile.ts';
import { type FrameInput, ProfileBuilder } from '../model/profile-builder.ts';
import type { ProfileReadOptions } from './format.ts';
import { frameOfText } from './frame-of-text.ts';
import { type EventLine, parseEventLine } from './perf-script-event.ts';
import { moduleFlags, parseStackLine } from './perf-script-names.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const HASH = 0x23;

/** What a stack line stands for, learnt once for each distinct line. */
interface LineFrames {
  /** Root first; several where the symbol holds inlined calls (`a->b`). Empty: a process name, which is no frame. */
  readonly frames: readonly FrameIndex[];
  /** The same, as they were entered: a source line below gives them a place. */
  readonly inputs: readonly FrameInput[];
  /** An inlined frame's own line names no module: that of the machine frame below it is taken. */
  readonly inlined: { readonly input: FrameInput; readonly byModule: Map<string, FrameIndex> } | undefined;
  readonly module: string;
}

/**
 * Lines to samples, on bytes: a stack line is looked up as it stands (address and all) and parsed only when it is new,
 * and stacks that share their callers with the sample before are entered from where they differ.
 */
export class PerfScriptReader {
  readonly #builder: ProfileBuilder;
  readonly #options: ProfileReadOptions;
  readonly #decoder = new TextDecoder();
  /** Values: index into `#known`. Java's names are cut otherwise, so its lines are kept apart. */
  readonly #lines = new LineCache();
  readonly #javaLines = new LineCache();
  readonly #known: LineFrames[] = [];
  /** Lines that differ in their address alone mean the same. */
  readonly #numberOf = new Map<string, number>();
  readonly #threadList: { readonly index: ThreadIndex; readonly isJava: boolean }[] = [];

  /** The sample being read; undefined between two. */
  #event: EventLine | undefined;
  #thread: { readonly index: ThreadIndex; readonly isJava: boolean } | undefined;
  /** Line numbers of its stack, leaf first. */
  readonly #stack: number[] = [];
  /** Lines, stacks and modules in force of the sample before, root first. */
  readonly #lastLines: number[] = [];
  readonly #lastStacks: StackIndex[] = [];
  readonly #lastModules: string[] = [];
  readonly #columnOf = new Map<string, number>();
  #values: number[] = [];
  #timed: boolean | undefined;

  constructor(name: string, options: ProfileReadOptions) {
    this.#options = options;
    this.#builder = new ProfileBuilder(name, []);
  }

  /** Takes all complete lines of `bytes[start, end)`; returns where the first incomplete one begins. */
  lines(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    for (;;) {
      if (this.#event !== undefined) {
        const cache = this.#thread!.isJava ? this.#javaLines : this.#lines;
        const next = cache.follow(bytes, at, end);
        if (next !== -1) {
          this.#stack.push(cache.followed);
          at = next + 1;
          continue;
        }
      }
      const newline = bytes.indexOf(NEWLINE, at);
      if (newline === -1 || newline >= end) return at;
      this.#line(bytes, at, newline);
      at = newline + 1;
    }
  }

  /** A last line without its newline: whole, or cut. A sample whose stack is cut would be a wrong one. */
  lastLine(bytes: Uint8Array, start: number, end: number): void {
    const between = this.#event === undefined;
    if (this.#line(bytes, start, end) && !(between && this.#event !== undefined)) {
      this.endOfSample();
      return;
    }
    this.#event = undefined;
    this.#stack.length = 0;
    this.#builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: 'the last line is cut off',
    });
  }

  /** False: the line is none of event, frame, comment or space. */
  #line(bytes: Uint8Array, start: number, lineEnd: number): boolean {
    if (bytes[start] === HASH) return true;
    let end = lineEnd;
    while (end > start && bytes[end - 1]! <= SPACE) end--;
    if (end === start) {
      this.endOfSample();
      return true;
    }
    if (this.#event !== undefined) return this.#stackLine(bytes, start, end);
    return this.#eventLine(bytes, start, end);
  }

  #eventLine(bytes: Uint8Array, start: number, end: number): boolean {
    const event = parseEventLine(this.#decoder.decode(bytes.subarray(start, end)).replaceAll('\t', ' '));
    if (event === undefined || event.event === '') {
      this.#skipped('lines are no event and follow none', bytes, start, end);
      return false;
    }
    this.#event = event;
    this.#thread = this.#threadOf(event);
    this.#lines.restart();
    this.#javaLines.restart();
    if (event.frame === undefined) return true;
    const frame = new TextEncoder().encode(event.frame);
    const known = this.#stackLine(frame, 0, frame.length);
    this.endOfSample();
    return known;
  }

  #threadOf(event: EventLine): { readonly index: ThreadIndex; readonly isJava: boolean } {
    const { comm: threadName, tid, pid = 0 } = event;
    const index = this.#builder.thread({ pid, tid, processName: '', threadName });
    this.#threadList[index] ??= { index, isJava: threadName.startsWith('java') };
    return this.#threadList[index];
  }

  #stackLine(bytes: Uint8Array, start: number, end: number): boolean {
    const isJava = this.#thread!.isJava;
    const cache = isJava ? this.#javaLines : this.#lines;
    let number = cache.find(bytes, start, end);
    if (number === -1) {
      const known = this.#learn(this.#decoder.decode(bytes.subarray(start, end)), isJava);
      if (known === undefined && this.#sourceLine(this.#decoder.decode(bytes.subarray(start, end)))) return true;
      if (known === undefined) {
        this.#skipped('lines below an event are no frames', bytes, start, end);
        return false;
      }
      number = this.#number(known);
      cache.learn(bytes, start, end, number);
    }
    this.#stack.push(number);
    return true;
  }

  #number(line: LineFrames): number {
    const key =
      line.inlined === undefined ? `${line.frames.join()},${line.module}` : `i${JSON.stringify(line.inlined.input)}`;
    let number = this.#numberOf.get(key);
    if (number === undefined) {
      number = this.#known.push(line) - 1;
      this.#numberOf.set(key, number);
    }
    return number;
  }

  #learn(text: string, isJava: boolean): LineFrames | undefined {
    const withAddresses = this.#options.flags?.has('addrs') === true;
    const line = parseStackLine(text.replaceAll('\t', ' '), isJava, withAddresses);
    if (line === undefined) return undefined;
    const { module } = line;
    const [first] = line.frames;
    if (module === 'inlined' && first !== undefined && line.frames.length === 1) {
      return {
        frames: [],
        inputs: [],
        module: '',
        inlined: { input: frameOfText(first.printed), byModule: new Map() },
      };
    }
    const flags = moduleFlags(module);
    const known = module === '[unknown]' ? '' : module;
    const inputs = line.frames.map(({ printed, name, inlinedPart }): FrameInput => {
      const shown = inlinedPart && !printed.includes('_[i]') ? `${printed}_[i]` : printed;
      const frame = name === printed ? frameOfText(shown) : frameOfText(name, shown);
      const own = (frame.flags ?? 0) & ~FrameFlag.jit;
      return {
        ...frame,
        module: frame.module === undefined || frame.module === '' ? known : frame.module,
        flags: inlinedPart ? own | FrameFlag.inlined : own | flags,
        ...(flags === FrameFlag.kernel && !frame.category ? { category: 'Kernel' } : {}),
      };
    });
    const frames = inputs.map(input => this.#builder.frame(input));
    return { frames, inputs, module: known, inlined: undefined };
  }

  /** `perf script -F +srcline` prints `file:line` below each frame. */
  #sourceLine(text: string): boolean {
    const match = /^\s*(\S.*):(\d{1,9})$/.exec(text);
    const number = this.#stack.at(-1);
    if (match === null || number === undefined) return false;
    const key = `@${number} ${match[0]}`;
    let placed = this.#numberOf.get(key);
    if (placed === undefined) {
      const line = this.#known[number]!;
      const place = (input: FrameInput): FrameInput =>
        input.file === undefined || input.file === '' ? { ...input, file: match[1]!, line: Number(match[2]) } : input;
      const inputs = line.inputs.map((input, i) => (i === line.inputs.length - 1 ? place(input) : input));
      const frames = inputs.map(input => this.#builder.frame(input));
      const inlined = line.inlined && { input: place(line.inlined.input), byModule: new Map<string, FrameIndex>() };
      placed = this.#known.push({ ...line, inputs, frames, inlined }) - 1;
      this.#numberOf.set(key, placed);
    }
    this.#stack[this.#stack.length - 1] = placed;
    return true;
  }

  /** Enters the sample that is open, if any. */
  endOfSample(): void {
    const event = this.#event;
    if (event === undefined) return;
    this.#event = undefined;
    const stack = this.#enterStack();
    const column = this.#column(event.event);
    this.#values.fill(0);
    this.#values[column] = event.period;
    const thread = this.#thread!.index;
    this.#timed ??= event.timeNs !== undefined;
    if (this.#timed) {
      this.#builder.sample({ thread, stack, timeNs: event.timeNs ?? 0, values: this.#values });
    } else {
      this.#builder.aggregate({ thread, stack, values: this.#values });
    }
  }

  #enterStack(): StackIndex {
    const lines = this.#stack;
    const last = this.#lastLines;
    const stacks = this.#lastStacks;
    const modules = this.#lastModules;
    const depth = lines.length;
    let same = 0;
    while (same < depth && same < last.length && last[same] === lines[depth - 1 - same]) same++;
    let stack = same === 0 ? NO_STACK : stacks[same - 1]!;
    let module = same === 0 ? '' : modules[same - 1]!;
    last.length = same;
    stacks.length = same;
    modules.length = same;
    for (let i = same; i < depth; i++) {
      const number = lines[depth - 1 - i]!;
      const line = this.#known[number]!;
      if (line.inlined !== undefined) stack = this.#builder.stack(stack, this.#inlinedFrame(line.inlined, module));
      else {
        for (const frame of line.frames) stack = this.#builder.stack(stack, frame);
        if (line.module !== '') module = line.module;
      }
      last.push(number);
      modules.push(module);
      stacks.push(stack);
    }
    lines.length = 0;
    return stack;
  }

  #inlinedFrame(inlined: NonNullable<LineFrames['inlined']>, module: string): FrameIndex {
    let frame = inlined.byModule.get(module);
    if (frame === undefined) {
      frame = this.#builder.frame({ ...inlined.input, module, flags: FrameFlag.inlined });
      inlined.byModule.set(module, frame);
    }
    return frame;
  }

  #column(event: string): number {
    let column = this.#columnOf.get(event);
    if (column === undefined) {
      const isClock = event === 'cpu-clock' || event === 'task-clock';
      column = this.#builder.addValueType({ name: event, unit: isClock ? 'nanoseconds' : 'count' });
      this.#columnOf.set(event, column);
      this.#values = new Array<number>(this.#columnOf.size).fill(0);
    }
    return column;
  }

  #skipped(message: string, bytes: Uint8Array, start: number, end: number): void {
    const example = this.#decoder.decode(bytes.subarray(start, Math.min(end, start + 80)));
    this.#builder.warnings.add('lines-skipped', message, { example });
  }

  get samples(): number {
    return this.#builder.sampleCount;
  }

  finish(): Profile {
    const wanted = this.#options.event === undefined ? undefined : this.#columnOf.get(this.#options.event);
    if (wanted !== undefined) this.#builder.defaultValue = wanted;
    return this.#builder.finish();
  }
}
