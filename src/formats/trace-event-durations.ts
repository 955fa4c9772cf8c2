import { float64Column, uint8Column, uint32Column } from '../base/column.ts';
import { Interner } from '../base/interner.ts';
import { type FrameIndex, NO_STACK, type StackIndex, type ThreadIndex } from '../model/profile.ts';
import type { ProfileBuilder } from '../model/profile-builder.ts';

/** Order of events of one instant: ends, then begins (the longer first), then the ends of what has no length. */
const Turn = { end: 0, begin: 1, endOfEmpty: 2 } as const;

interface Open {
  readonly name: number;
  readonly frame: FrameIndex;
  readonly stack: StackIndex;
}

/** Begin, end and complete events of one thread. */
export class DurationEvents {
  readonly pid: number;
  readonly tid: number;
  readonly #names = new Interner();
  readonly #turn = uint8Column();
  readonly #at = float64Column();
  readonly #length = float64Column();
  readonly #name = uint32Column();
  readonly #category = uint32Column();

  constructor(pid: number, tid: number) {
    this.pid = pid;
    this.tid = tid;
  }

  /** `length` is NaN for plain begins and ends. Microseconds. */
  add(phase: 'B' | 'E' | 'X', at: number, length: number, name: string, category: string): void {
    if (phase !== 'E') this.#push(Turn.begin, at, length, name, category);
    if (phase === 'E') this.#push(Turn.end, at, Number.NaN, name, category);
    if (phase === 'X') this.#push(length === 0 ? Turn.endOfEmpty : Turn.end, at + length, length, name, category);
  }

  #push(turn: number, at: number, length: number, name: string, category: string): void {
    this.#turn.push(turn);
    this.#at.push(at);
    this.#length.push(length);
    this.#name.push(this.#names.intern(name));
    this.#category.push(this.#names.intern(category));
  }

  /** Each stretch of time between two events is a sample of the events that are open. */
  finish(builder: ProfileBuilder, thread: ThreadIndex): void {
    const order = Uint32Array.from({ length: this.#at.length }, (_, i) => i).sort((a, b) => this.#compare(a, b));
    const open: Open[] = [];
    // An end may stand before its begin where both are at one instant.
    const early = new Map<number, number>();
    let since = Number.NaN;
    for (const row of order) {
      const at = this.#at.get(row);
      const top = open.at(-1);
      if (top !== undefined && at > since) {
        builder.sample({ thread, stack: top.stack, timeNs: since * 1000, values: [(at - since) * 1000] });
      }
      if (at !== since) early.clear();
      since = at;
      const name = this.#name.get(row);
      if (this.#turn.get(row) === Turn.begin) {
        const ended = early.get(name) ?? 0;
        if (ended > 0 && Number.isNaN(this.#length.get(row))) early.set(name, ended - 1);
        else {
          const frame = this.#frame(builder, row);
          open.push({ name, frame, stack: builder.stack(top?.stack ?? NO_STACK, frame) });
        }
        continue;
      }
      // The empty name of an end stands for whatever is innermost.
      const found = open.findLastIndex(o => o.name === name);
      if (found === -1 && this.#names.strings[name] !== 'anonymous') {
        early.set(name, (early.get(name) ?? 0) + 1);
        builder.warnings.add('events-unbalanced', 'events end that were not open, or not the innermost');
        continue;
      }
      const closes = found === -1 ? open.length - 1 : found;
      if (closes !== open.length - 1) {
        builder.warnings.add('events-unbalanced', 'events end that were not open, or not the innermost');
      }
      if (closes >= 0) this.#close(builder, open, closes);
    }
    if (open.length > 0) {
      builder.warnings.add(
        'events-unbalanced',
        'events begin and never end: their time after the last event is not known',
        {
          count: open.length,
        },
      );
    }
  }

  /** Takes the event at `index` out; those inside it go on, now called by what called it. */
  #close(builder: ProfileBuilder, open: Open[], index: number): void {
    const inner = open.splice(index);
    for (const { name, frame } of inner.slice(1)) {
      open.push({ name, frame, stack: builder.stack(open.at(-1)?.stack ?? NO_STACK, frame) });
    }
  }

  #frame(builder: ProfileBuilder, row: number): FrameIndex {
    const category = this.#names.strings[this.#category.get(row)]!;
    return builder.frame({ name: this.#names.strings[this.#name.get(row)]!, category });
  }

  #compare(a: number, b: number): number {
    const byTime = this.#at.get(a) - this.#at.get(b);
    if (byTime !== 0) return byTime;
    const turn = this.#turn.get(a);
    if (turn !== this.#turn.get(b)) return turn - this.#turn.get(b);
    const lengths = this.#length.get(b) - this.#length.get(a);
    // Of ends, the shorter (inner) first; of begins, the longer (outer) first.
    if (!Number.isNaN(lengths) && lengths !== 0) return turn === Turn.begin ? lengths : -lengths;
    return a - b;
  }
}
