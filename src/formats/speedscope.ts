// https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources
import { float64Column, int32Column } from '../base/column.ts';
import { TprofError } from '../base/errors.ts';
import { streamJson } from '../base/json-stream.ts';
import { asIndex, asNumber, asObject, asText } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import { type FrameIndex, NO_STACK, type Profile, type StackIndex, type Thread } from '../model/profile.ts';
import { ProfileBuilder } from '../model/profile-builder.ts';
import { StackInterner } from '../model/stack-interner.ts';
import { parseThreadLabel } from '../model/thread-label.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';
import { oneWeightLoss } from './one-weight.ts';
import { SPEEDSCOPE_SCHEMA, writeSpeedscope } from './speedscope-write.ts';

export const speedscope: ProfileFormat = {
  id: 'speedscope',
  kind: 'profile',
  title: 'speedscope JSON, one profile per process and thread',
  recognisedBy: 'JSON with its $schema, or shared.frames and profiles[].type',
  extensions: ['.speedscope.json'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    if (root !== 'object') return 0;
    if (paths.get('$schema') === SPEEDSCOPE_SCHEMA) return 1;
    if (paths.has('shared.frames[].name')) return 0.9;
    return paths.get('profiles[].type') === 'sampled' || paths.get('profiles[].type') === 'evented' ? 0.9 : 0;
  },
  read: readSpeedscope,
  write: writeSpeedscope,
  losses: oneWeightLoss,
};

/** One profile of the file. Stacks are interned as they come, over the file's own frame numbers. */
interface Part {
  type: string;
  name: string;
  unit: string;
  startValue: number;
  /** Stack (in the reader's own table) and weight of each sample. */
  readonly stack: ReturnType<typeof int32Column>;
  readonly weight: ReturnType<typeof float64Column>;
  /** When each begins: evented profiles only. */
  readonly at: ReturnType<typeof float64Column>;
  /** Evented: the stack that is open, since when. */
  open: number;
  since: number;
}

const NANOSECONDS: Readonly<Record<string, number>> = {
  nanoseconds: 1,
  microseconds: 1e3,
  milliseconds: 1e6,
  seconds: 1e9,
};

async function readSpeedscope(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const frames: unknown[] = [];
  const parts: Part[] = [];
  const stacks = new StackInterner();
  const warnings = new SpeedscopeDoubts();
  let title = '';
  let exporter = '';
  let part = newPart();
  let current = -1;
  const { damage } = await streamJson(
    source,
    {
      fields: {
        name: { value: value => (title = asText(value)) },
        exporter: { value: value => (exporter = asText(value)) },
        shared: { fields: { frames: { each: frame => frames.push(frame) } } },
        profiles: {
          items: {
            begin: () => {
              part = newPart();
              parts.push(part);
            },
            fields: {
              type: { value: value => (part.type = asText(value)) },
              name: { value: value => (part.name = asText(value)) },
              unit: { value: value => (part.unit = asText(value)) },
              startValue: { value: value => (part.startValue = asNumber(value, 0)) },
              samples: {
                items: {
                  begin: () => (current = -1),
                  numbers: frame => (current = stacks.intern(current, Number.isNaN(frame) ? MISSING : frame >>> 0)),
                  end: () => part.stack.push(current),
                },
              },
              weights: { numbers: weight => part.weight.push(Number.isNaN(weight) ? 0 : weight) },
              events: { each: event => addEvent(part, event, stacks, warnings) },
            },
          },
        },
      },
    },
    options.onProgress,
  );
  if (frames.length === 0 && (damage !== undefined || parts.length === 0)) {
    const found = damage === undefined ? 'neither' : `${damage.reason} at byte ${damage.offset}`;
    throw new TprofError('input-invalid', `${source.name}: expected shared.frames and profiles, found ${found}`, {
      hint: 'if it is another format, name it with --from (tprof formats lists them)',
    });
  }
  const usable = parts.filter(p => p.stack.length > 0);
  const units = [...new Set(usable.map(p => (NANOSECONDS[p.unit] === undefined ? p.unit : 'nanoseconds')))];
  const valueTypes = (units.length === 0 ? ['none'] : units).map(unit =>
    unit === 'nanoseconds'
      ? { name: 'time', unit }
      : unit === 'bytes'
        ? { name: 'bytes', unit }
        : { name: 'samples', unit: 'count' },
  );
  const builder = new ProfileBuilder(title === '' ? source.name : title, valueTypes);
  if (damage !== undefined) {
    builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${damage.reason} at byte ${damage.offset}`,
    });
  }
  warnings.report(builder);
  const fromPySpy = exporter.startsWith('py-spy');
  const stackOf = enterStacks(builder, stacks, fromPySpy ? withoutProcesses(frames) : frames);
  const timed = units.length === 1 && units[0] === 'nanoseconds';
  const labels = new Set<string>();
  for (const p of usable) {
    const thread = builder.thread(threadOf(p, labels, fromPySpy));
    const scale = NANOSECONDS[p.unit] ?? 1;
    const column =
      valueTypes.length === 1 ? 0 : units.indexOf(NANOSECONDS[p.unit] === undefined ? p.unit : 'nanoseconds');
    const values = valueTypes.map(() => 0);
    let at = p.startValue;
    if (p.weight.length < p.stack.length) {
      builder.warnings.add('damaged-input', 'samples without a weight were left out', {
        count: p.stack.length - p.weight.length,
        example: `profile ${p.name}`,
      });
    }
    for (let i = 0; i < p.stack.length && i < p.weight.length; i++) {
      const stack = (p.stack.get(i) < 0 ? NO_STACK : stackOf[p.stack.get(i)]!) as StackIndex;
      const weight = p.weight.get(i);
      values[column] = weight * scale;
      if (p.type === 'evented') at = p.at.get(i);
      if (timed) builder.sample({ thread, stack, timeNs: at * scale, values });
      else builder.aggregate({ thread, stack, values });
      at += Math.max(0, weight);
    }
  }
  return builder.finish();
}

/** Frame number of what is no number. */
const MISSING = 0xffffffff;

function newPart(): Part {
  return {
    type: '',
    name: '',
    unit: 'none',
    startValue: 0,
    stack: int32Column(),
    weight: float64Column(),
    at: float64Column(),
    open: -1,
    since: Number.NaN,
  };
}

/** Counts what events say that cannot be; kept apart because the builder is made when all units are known. */
class SpeedscopeDoubts {
  #unordered = 0;
  #unbalanced = 0;

  unordered(): void {
    this.#unordered++;
  }

  unbalanced(): void {
    this.#unbalanced++;
  }

  report(builder: ProfileBuilder): void {
    if (this.#unordered > 0) {
      builder.warnings.add('events-unordered', 'events are earlier than the ones before them: taken as simultaneous', {
        count: this.#unordered,
      });
    }
    if (this.#unbalanced > 0) {
      builder.warnings.add('events-unbalanced', 'frames are closed that are not open, or not the innermost', {
        count: this.#unbalanced,
      });
    }
  }
}

/** Opens or closes a frame; the time since the last event belongs to the stack that was open. */
function addEvent(part: Part, value: unknown, stacks: StackInterner, doubts: SpeedscopeDoubts): void {
  const event = asObject(value);
  const frame = asIndex(event.frame, MISSING);
  let at = asNumber(event.at, Number.NaN);
  if (Number.isNaN(at) || at < part.since) {
    doubts.unordered();
    at = Number.isNaN(part.since) ? 0 : part.since;
  }
  if (part.open >= 0 && at > part.since) {
    part.stack.push(part.open);
    part.at.push(part.since);
    part.weight.push(at - part.since);
  }
  part.since = at;
  if (event.type === 'O') {
    part.open = stacks.intern(part.open, frame);
    return;
  }
  let closed = part.open;
  while (closed >= 0 && stacks.frame(closed) !== frame) closed = stacks.parent(closed);
  if (closed !== part.open || closed < 0) doubts.unbalanced();
  if (closed >= 0) part.open = stacks.parent(closed);
}

/** py-spy stands the processes above a stack on it, as frames: the profile has threads for that. */
function withoutProcesses(frames: readonly unknown[]): unknown[] {
  return frames.map(value => {
    const { name, line } = asObject(value);
    return asIndex(line, 0) === 0 && /^process \d+:".*"$/s.test(asText(name)) ? NO_FRAME : value;
  });
}

/** Stands for a frame that is none: its stack is that of its caller. */
const NO_FRAME = Symbol('no frame');

/** Stacks over the file's frame numbers → stacks of the profile. Numbers without a frame are counted. */
function enterStacks(builder: ProfileBuilder, stacks: StackInterner, frames: readonly unknown[]): Int32Array {
  const frameOf = frames.map(value => {
    if (value === NO_FRAME) return value;
    const frame = asObject(value);
    return builder.frame({
      name: asText(frame.name),
      file: asText(frame.file),
      line: asIndex(frame.line, 0),
      column: asIndex(frame.col, 0),
    });
  });
  const result = new Int32Array(stacks.length);
  for (let i = 0; i < stacks.length; i++) {
    const number = stacks.frame(i);
    let frame = frameOf[number];
    if (frame === undefined) {
      builder.warnings.add('damaged-input', 'samples name frames that are not there', { example: `frame ${number}` });
      frame = builder.frame({ name: '[unknown]' });
    }
    const parent = stacks.parent(i);
    const caller = (parent < 0 ? NO_STACK : result[parent]!) as StackIndex;
    result[i] = frame === NO_FRAME ? caller : builder.stack(caller, frame satisfies FrameIndex);
  }
  return result;
}

/** Profiles of one name are different threads. */
function threadOf(part: Part, labels: Set<string>, fromPySpy: boolean): Thread {
  const thread = (fromPySpy ? parsePySpyThread(part.name) : undefined) ?? parseThreadLabel(part.name);
  const key = (t: Thread): string => `${t.pid},${t.tid},${t.processName}\0${t.threadName}`;
  let result = thread;
  for (let n = 2; labels.has(key(result)); n++) result = { ...thread, threadName: `${thread.threadName} #${n}` };
  labels.add(key(result));
  return result;
}

/** `Process 123 Thread 124 "MainThread"`, of one process without it; ids of a pthread, which are addresses, are no thread ids. */
function parsePySpyThread(name: string): Thread | undefined {
  const match = /^(?:Process (\d{1,9}) )?Thread (\d+|0x[0-9A-Fa-f]+) "(.*)"$/s.exec(name);
  if (match === null) return undefined;
  const tid = Number(match[2]);
  return { pid: Number(match[1] ?? 0), tid: tid <= 0x7fffffff ? tid : 0, processName: '', threadName: match[3] ?? '' };
}
