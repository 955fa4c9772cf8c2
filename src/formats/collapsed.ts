// https://github.com/brendangregg/FlameGraph#2-fold-stacks
import { ByteWindow } from '../base/byte-window.ts';
import { TprofError } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { utf8Source } from '../base/utf8-source.ts';
import { type FrameIndex, NO_STACK, type Profile, type StackIndex } from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import { collapsedLosses, writeCollapsed } from './collapsed-write.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { frameOfText } from './frame-of-text.ts';
import { FrameTexts } from './frame-texts.ts';

/** `frame;frame;frame COUNT`, root first; a second count makes it a diff, the older first, as difffolded.pl writes it. */
export const collapsed: ProfileFormat = {
  id: 'collapsed',
  kind: 'profile',
  title: 'Collapsed (folded) stacks of FlameGraph and inferno',
  recognisedBy: 'text lines of frames separated by ; with a number at the end',
  extensions: ['.folded', '.collapsed', '.txt'],
  detect(head) {
    const lines = completeLines(head).filter(line => !COMMENT.test(line));
    if (lines.length === 0) return head.length > 1000 && /^[^\0\ufffd]*;[^\0\ufffd]*$/.test(decode(head)) ? 0.2 : 0;
    const matching = lines.filter(line => LINE.test(line));
    const hasStack = matching.some(line => line.includes(';'));
    // A short file with a line that was spoilt, by an editor or a warning of the tool that wrote it.
    if (matching.length < lines.length * 0.9) return hasStack && matching.length >= lines.length * 0.75 ? 0.3 : 0;
    return hasStack ? 0.5 : 0.2;
  },
  read: readCollapsed,
  write: writeCollapsed,
  losses: collapsedLosses,
};

const COMMENT = /^\/\//;
const LINE = /^[^\0\ufffd]*\S -?\d+(\.\d+)?(e[+-]?\d+)?$/;
const DIFF_LINE = /^[^\0\ufffd]*\S \d+(\.\d+)? \d+(\.\d+)?$/;

async function readCollapsed(original: Source, options: ProfileReadOptions): Promise<Profile> {
  const source = utf8Source(original);
  const lines = completeLines(source.head);
  const isDiff = lines.length > 0 && lines.every(line => DIFF_LINE.test(line));
  const unit = 'count';
  const builder = new ProfileBuilder(
    source.name,
    isDiff
      ? [
          { name: 'before', unit },
          { name: 'after', unit },
        ]
      : [{ name: 'samples', unit }],
  );
  if (isDiff) builder.defaultValue = 1;
  const reader = new CollapsedReader(builder, isDiff);
  const window = new ByteWindow(source, options.onProgress);
  let scanned = 0;
  for (;;) {
    const newline = window.bytes.indexOf(NEWLINE, window.pos + scanned);
    if (newline !== -1 && newline < window.end) {
      reader.line(window.bytes, window.pos, newline);
      window.pos = newline + 1;
      scanned = 0;
      continue;
    }
    scanned = window.available;
    if (await window.more()) continue;
    if (window.available > 0 && !reader.line(window.bytes, window.pos, window.end)) {
      builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
        example: `${source.name}: its last line has no count`,
      });
    }
    break;
  }
  if (reader.lines === 0) {
    throw new TprofError('input-invalid', `${source.name}: expected lines of frames and a count, found none`, {
      hint: 'tprof formats says what each format looks like',
    });
  }
  return builder.finish();
}

const NEWLINE = 10;
const SPACE = 0x20;
const SEMICOLON = 0x3b;

class CollapsedReader {
  lines = 0;
  readonly #builder: ProfileBuilder;
  readonly #isDiff: boolean;
  readonly #frames = new FrameTexts();
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  readonly #decoder = new TextDecoder();
  readonly #thread;
  readonly #values: number[];
  /** The stack part of the line before, and where its frames end, with the stack up to there: neighbours share much. */
  #last: DataView = new DataView(new ArrayBuffer(1 << 12));
  #lastLength = 0;
  #depth = 0;
  #ends: Int32Array = new Int32Array(64);
  #stacks: Int32Array = new Int32Array(64);

  constructor(builder: ProfileBuilder, isDiff: boolean) {
    this.#builder = builder;
    this.#isDiff = isDiff;
    this.#values = isDiff ? [0, 0] : [0];
    this.#thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  }

  /** One line without its `\n`. False: it is none of stack and count. */
  line(bytes: Uint8Array, start: number, lineEnd: number): boolean {
    let end = lineEnd;
    while (end > start && bytes[end - 1]! <= SPACE) end--;
    if (end === start || (bytes[start] === 0x23 && bytes[start + 1] === SPACE)) return true;
    let stackEnd = lastSpace(bytes, start, end);
    const last = number(bytes, stackEnd + 1, end, this.#decoder);
    if (stackEnd <= start || Number.isNaN(last)) return this.#skipped(bytes, start, end);
    this.#values[this.#isDiff ? 1 : 0] = last;
    if (this.#isDiff) {
      const between = lastSpace(bytes, start, stackEnd);
      const before = number(bytes, between + 1, stackEnd, this.#decoder);
      if (between <= start || Number.isNaN(before)) return this.#skipped(bytes, start, end);
      this.#values[0] = before;
      stackEnd = between;
    }
    while (stackEnd > start && bytes[stackEnd - 1] === SPACE) stackEnd--;
    this.lines++;
    this.#builder.aggregate({
      thread: this.#thread,
      stack: this.#stack(bytes, start, stackEnd),
      values: this.#values,
    });
    return true;
  }

  #stack(bytes: Uint8Array, start: number, end: number): StackIndex {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const view = this.#view;
    const length = end - start;
    const same = this.#sameLength(view, start, length);
    // Frames that end inside the common part are the same frames.
    let depth = this.#depth;
    while (depth > 0 && (this.#ends[depth - 1]! >= same || bytes[start + this.#ends[depth - 1]!] !== SEMICOLON))
      depth--;
    let stack = (depth === 0 ? NO_STACK : this.#stacks[depth - 1]!) as StackIndex;
    let from = start + (depth === 0 ? 0 : this.#ends[depth - 1]! + 1);
    while (from <= end) {
      let frame = this.#frames.find(view, from, end);
      if (frame === -1) frame = this.#newFrame(bytes, from);
      stack = this.#builder.stack(stack, frame as FrameIndex);
      if (depth === this.#ends.length) this.#deepen();
      this.#ends[depth] = this.#frames.end - start;
      this.#stacks[depth++] = stack;
      from = this.#frames.end + 1;
    }
    this.#depth = depth;
    if (length > this.#last.byteLength) {
      const longer = new Uint8Array(length * 2);
      longer.set(new Uint8Array(this.#last.buffer, 0, same));
      this.#last = new DataView(longer.buffer);
    }
    new Uint8Array(this.#last.buffer).set(bytes.subarray(start + same, end), same);
    this.#lastLength = length;
    return stack;
  }

  /** How many bytes are those of the line before. */
  #sameLength(view: DataView, start: number, length: number): number {
    const last = this.#last;
    const limit = Math.min(length, this.#lastLength);
    let same = 0;
    while (same + 4 <= limit && last.getInt32(same) === view.getInt32(start + same)) same += 4;
    while (same < limit && last.getUint8(same) === view.getUint8(start + same)) same++;
    return same;
  }

  #deepen(): void {
    const ends = new Int32Array(this.#ends.length * 2);
    ends.set(this.#ends);
    const stacks = new Int32Array(this.#ends.length * 2);
    stacks.set(this.#stacks);
    this.#ends = ends;
    this.#stacks = stacks;
  }

  #newFrame(bytes: Uint8Array, start: number): FrameIndex {
    const text = this.#decoder.decode(bytes.subarray(start, this.#frames.end));
    const frame = this.#builder.frame(frameOfText(text));
    this.#frames.learn(bytes, start, frame);
    return frame;
  }

  #skipped(bytes: Uint8Array, start: number, end: number): false {
    this.#builder.warnings.add('lines-skipped', 'lines are none of stack and count', {
      example: this.#decoder.decode(bytes.subarray(start, Math.min(end, start + 80))),
    });
    return false;
  }
}

function lastSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at >= start && bytes[at] !== SPACE) at--;
  return at;
}

/** Decimal digits without a detour over a string; anything else by the long way, NaN where it is no number. */
function number(bytes: Uint8Array, start: number, end: number, decoder: InstanceType<typeof TextDecoder>): number {
  if (end === start || end - start > 40) return Number.NaN;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9 || at - start > 14) {
      const text = decoder.decode(bytes.subarray(start, end));
      return /^[-+]?(\d|\.\d)/.test(text) ? Number(text) : Number.NaN;
    }
    value = value * 10 + digit;
  }
  return value;
}

function completeLines(head: Uint8Array): string[] {
  // Decoded first: in UTF-16 a newline is two bytes, in either order.
  const text = decode(head);
  const end = text.lastIndexOf('\n');
  const whole = end === -1 ? (head.length < 4096 ? text : '') : text.slice(0, end);
  return whole
    .split('\n')
    .map(line => line.trimEnd())
    .filter(line => line !== '' && !line.startsWith('# '));
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}
