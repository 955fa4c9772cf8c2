// https://github.com/KDE/heaptrack/blob/master/src/analyze/accumulatedtracedata.cpp
import { float64Column, int32Column, uint32Column } from '../base/column.ts';
import { TprofError } from '../base/errors.ts';
import { readLines, type Source } from '../base/source.ts';
import { FrameFlag, type FrameIndex, NO_STACK, type Profile, type StackIndex } from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';

/**
 * A heaptrack recording after heaptrack_interpret (`heaptrack` runs it by itself). Weights: at the moment of the
 * highest use (the default, as heaptrack's own report), allocated in total, and not freed at the end.
 */
export const heaptrack: ProfileFormat = {
  id: 'heaptrack',
  kind: 'profile',
  title: 'heaptrack recording, interpreted',
  recognisedBy: 'text whose first line is "v" and two hexadecimal versions',
  extensions: ['.heaptrack'],
  detect: head =>
    /^v [0-9a-f]{1,8}( [0-9a-f]{1,2})?\r?\n/.test(new TextDecoder().decode(head.subarray(0, 64))) ? 0.95 : 0,
  read: readHeaptrack,
};

async function readHeaptrack(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const reader = new HeaptrackReader(source.name);
  let bytes = 0;
  let lines = 0;
  let held: string | undefined;
  for await (const line of readLines(source)) {
    if (held !== undefined) reader.line(held);
    held = line;
    bytes += line.length + 1;
    if ((++lines & 0xffff) === 0) options.onProgress?.(bytes);
  }
  // A number that is cut is another number: a last line without an end is left out.
  const isWhole = await endsWithNewline(source);
  if (held !== undefined && isWhole) reader.line(held);
  return reader.finish(isWhole);
}

/** The last line of a file that was cut has no end. */
async function endsWithNewline(source: Source): Promise<boolean> {
  if (source.size === undefined || source.size === 0) return true;
  const [last] = await source.range(source.size - 1, 1);
  return last === 0x0a;
}

/** One letter a line; numbers are hexadecimal, tables count from 1. */
class HeaptrackReader {
  readonly #name: string;
  readonly #builder: ProfileBuilder;
  #version = Number.NaN;
  #command = '';
  #lines = 0;
  readonly #strings: string[] = [''];
  /** Frames of each instruction pointer, outermost first. */
  readonly #pointers: (readonly FrameIndex[])[] = [[]];
  /** Stack of each trace. */
  readonly #traces = int32Column();
  readonly #size = float64Column();
  readonly #trace = uint32Column();
  readonly #allocated = float64Column();
  readonly #alive = float64Column();
  readonly #atPeak = float64Column();
  /** Allocations that changed since the peak, each once. */
  #changed: number[] = [];
  readonly #isChanged: boolean[] = [];
  #use = 0;
  #peak = 0;
  #lastMs = 0;

  constructor(name: string) {
    this.#name = name;
    this.#builder = new ProfileBuilder(name, [
      { name: 'peak_space', unit: 'bytes' },
      { name: 'alloc_space', unit: 'bytes' },
      { name: 'alloc_objects', unit: 'count' },
      { name: 'inuse_space', unit: 'bytes' },
      { name: 'inuse_objects', unit: 'count' },
    ]);
    this.#traces.push(NO_STACK);
  }

  line(line: string): void {
    this.#lines++;
    const words = line.split(' ');
    switch (line[0]) {
      case 'v':
        this.#version = words.length > 2 ? hex(words[2]) : 0;
        return;
      case 'X':
        this.#command = line.slice(2);
        return;
      case 's':
        // Since version 3 the length stands before the string, so that it may hold anything.
        this.#strings.push(this.#version >= 3 ? line.slice(3 + (words[1] ?? '').length) : line.slice(2));
        return;
      case 'i':
        this.#pointer(words);
        return;
      case 't': {
        const parent = hex(words[2]);
        let stack = (parent < this.#traces.length ? this.#traces.get(parent) : NO_STACK) as StackIndex;
        for (const frame of this.#pointers[hex(words[1])] ?? this.#damaged(line, [])) {
          stack = this.#builder.stack(stack, frame);
        }
        this.#traces.push(stack);
        return;
      }
      case 'a':
        this.#size.push(Math.max(0, hex(words[1])));
        this.#trace.push(hex(words[2]) >>> 0);
        for (const column of [this.#allocated, this.#alive, this.#atPeak]) column.push(0);
        this.#isChanged.push(false);
        return;
      case '+':
      case '-':
        this.#change(line, hex(words[1]), line[0] === '+' ? 1 : -1);
        return;
      case 'c':
        this.#lastMs = Math.max(this.#lastMs, hex(words[1]));
        return;
      case 'A':
      case 'I':
      case 'R':
      case 'S':
      case '#':
      case 'm':
      case undefined:
        return;
      default:
        this.#damaged(line, undefined);
    }
  }

  /** `i ADDRESS MODULE [FUNCTION FILE LINE]…`: the innermost function first, then those that it is inlined into. */
  #pointer(words: readonly string[]): void {
    const address = hex(words[1]);
    const module = this.#strings[hex(words[2])] ?? '';
    const own = { module, address: Number.isSafeInteger(address) ? address : -1 };
    const frames: FrameIndex[] = [];
    const base = module.slice(module.lastIndexOf('/') + 1);
    const count = Math.max(1, Math.floor((words.length - 3) / 3) + (words.length % 3 === 1 ? 1 : 0));
    for (let call = count - 1; call >= 0; call--) {
      const [func, file, line] = words.slice(3 + call * 3, 6 + call * 3);
      const name = this.#strings[hex(func)] || `[${base || 'unknown'}]`;
      const place = { file: this.#strings[hex(file)] ?? '', line: fitting(hex(line)) };
      const flags = call === count - 1 ? 0 : FrameFlag.inlined;
      frames.push(this.#builder.frame({ ...own, ...place, name, flags }));
    }
    this.#pointers.push(frames);
  }

  #change(line: string, index: number, by: number): void {
    if (!(index >= 0 && index < this.#size.length)) {
      this.#damaged(line, undefined);
      return;
    }
    if (by > 0) this.#allocated.set(index, this.#allocated.get(index) + 1);
    this.#alive.set(index, Math.max(0, this.#alive.get(index) + by));
    this.#use += by * this.#size.get(index);
    if (this.#isChanged[index] !== true) {
      this.#isChanged[index] = true;
      this.#changed.push(index);
    }
    if (this.#use <= this.#peak) return;
    this.#peak = this.#use;
    for (const changed of this.#changed) {
      this.#atPeak.set(changed, this.#alive.get(changed));
      this.#isChanged[changed] = false;
    }
    this.#changed = [];
  }

  #damaged<T>(line: string, instead: T): T {
    this.#builder.warnings.add('damaged-input', 'lines cannot be understood and were left out', {
      example: `line ${this.#lines}: ${line.slice(0, 60)}`,
    });
    return instead;
  }

  finish(isWhole: boolean): Profile {
    const builder = this.#builder;
    if (!(this.#version >= 1) || this.#size.length === 0) {
      const found = Number.isNaN(this.#version) ? 'no version' : `version ${this.#version}`;
      throw new TprofError(
        'input-invalid',
        `${this.#name}: expected an interpreted heaptrack recording of file version 1 or later with allocations, found ${found} and ${this.#size.length} kinds of allocations`,
        { hint: 'a raw recording is made readable by: heaptrack --interpret FILE' },
      );
    }
    if (!isWhole) this.#damaged('the last line is cut off', undefined);
    if (this.#lastMs > 0) builder.durationNs = this.#lastMs * 1e6;
    const thread = builder.thread({ pid: 0, tid: 0, processName: this.#command, threadName: '' });
    for (let i = 0; i < this.#size.length; i++) {
      const trace = this.#trace.get(i);
      const stack = (trace < this.#traces.length ? this.#traces.get(trace) : NO_STACK) as StackIndex;
      const size = this.#size.get(i);
      const [allocated, alive] = [this.#allocated.get(i), this.#alive.get(i)];
      const values = [this.#atPeak.get(i) * size, allocated * size, allocated, alive * size, alive];
      builder.aggregate({ thread, stack, values });
    }
    return builder.finish();
  }
}

/** NaN where the word is no hexadecimal number; absent words are 0. */
function hex(word: string | undefined): number {
  if (word === undefined || word === '') return 0;
  return /^[0-9a-fA-F]{1,16}$/.test(word) ? Number.parseInt(word, 16) : Number.NaN;
}

function fitting(line: number): number {
  return line >= 0 && line <= 0xffffffff ? line : 0;
}
