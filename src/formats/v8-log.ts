// https://github.com/v8/v8/blob/main/tools/profile.mjs (JsonProfile)
import { TprofError } from '../base/errors.ts';
import { streamJson } from '../base/json-stream.ts';
import { asArray, asIndex, asNumber, asObject, asText } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import { decorationOf } from '../model/frame-text.ts';
import { FrameFlag, type FrameIndex, NO_STACK, type Profile } from '../model/profile.ts';
import { type FrameInput, ProfileBuilder } from '../model/profile-builder.ts';
import type { ProfileFormat, ProfileReadOptions } from './format.ts';
import { frameOfText } from './frame-of-text.ts';
import { readJsonHead } from './json-head.ts';
import { scriptOfUrl } from './v8-call-frame.ts';

/**
 * What `node --prof-process --preprocess` makes of an isolate log. `samples` counts ticks (the default, as V8's own
 * report does); `wall` is the time until the next tick.
 */
export const v8Log: ProfileFormat = {
  id: 'v8-log',
  kind: 'profile',
  title: 'V8 tick log, preprocessed: node --prof, node --prof-process --preprocess',
  recognisedBy: 'JSON with code[].type, then functions and ticks',
  extensions: ['.v8log.json'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    if (root !== 'object') return 0;
    return paths.has('code[].type') && paths.has('code[].name') ? 0.9 : paths.has('ticks[].tm') ? 0.9 : 0;
  },
  read: readV8Log,
};

const TIERS: Readonly<Record<string, string>> = { Opt: '*', Unopt: '~', Baseline: '^', Sparkplug: '^', Maglev: '+' };
/** V8's states of a tick that say more than its stack. */
const STATES: Readonly<Record<number, FrameInput>> = {
  1: { name: '(garbage collector)', category: 'GC' },
  8: { name: '(idle)', category: 'Idle' },
};

interface Code {
  readonly name: string;
  readonly type: string;
  readonly kind: string;
  readonly func: number;
}

async function readV8Log(source: Source, options: ProfileReadOptions): Promise<Profile> {
  const code: Code[] = [];
  const functions: string[] = [];
  const ticks: { readonly timeUs: number; readonly state: number; readonly stack: readonly unknown[] }[] = [];
  const { damage } = await streamJson(
    source,
    {
      fields: {
        code: {
          each: value => {
            const { name, type, kind, func } = asObject(value);
            code.push({ name: asText(name), type: asText(type), kind: asText(kind), func: asIndex(func, -1) });
          },
        },
        functions: { each: value => functions.push(asText(asObject(value).name)) },
        ticks: {
          each: value => {
            const { tm, vm, s } = asObject(value);
            ticks.push({ timeUs: asNumber(tm, 0), state: asNumber(vm, -1), stack: asArray(s) });
          },
        },
      },
    },
    options.onProgress,
  );
  if (code.length === 0 || (damage !== undefined && ticks.length === 0)) {
    const found = damage === undefined ? 'none' : `${damage.reason} at byte ${damage.offset}`;
    throw new TprofError('input-invalid', `${source.name}: expected code, functions and ticks, found ${found}`, {
      hint: 'make it with: node --prof-process --preprocess isolate-….log, of the same Node that wrote the log',
    });
  }
  const builder = new ProfileBuilder(source.name, [
    { name: 'samples', unit: 'count' },
    { name: 'wall', unit: 'nanoseconds' },
  ]);
  if (damage !== undefined) {
    builder.warnings.add('damaged-input', 'an input ends early or is damaged; what came before was used', {
      example: `${source.name}: ${damage.reason} at byte ${damage.offset}`,
    });
  }
  const thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  const frames: (FrameIndex | undefined)[] = [];
  const unknown = (id: unknown): FrameIndex => {
    builder.warnings.add('symbols-missing', 'addresses belong to no code that the log knows', { example: String(id) });
    return builder.frame({ name: '[unknown]' });
  };
  for (const [i, { timeUs, state, stack: pairs }] of ticks.entries()) {
    let stack = NO_STACK;
    // Pairs of code and offset, the leaf first; -1 fills what is not known.
    for (let at = (pairs.length - 1) & ~1; at >= 0; at -= 2) {
      const id = asNumber(pairs[at], -1);
      if (id === -1) continue;
      const entry = code[id];
      if (entry !== undefined) frames[id] ??= builder.frame(frameOf(entry, functions));
      stack = builder.stack(stack, entry === undefined ? unknown(id) : frames[id]!);
    }
    const extra = STATES[state];
    if (extra !== undefined) stack = builder.stack(stack, builder.frame(extra));
    const next = ticks[i + 1]?.timeUs ?? timeUs;
    builder.sample({ thread, stack, timeNs: timeUs * 1000, values: [1, Math.max(0, next - timeUs) * 1000] });
  }
  return builder.finish();
}

function frameOf({ name, type, kind, func }: Code, functions: readonly string[]): FrameInput {
  if (type === 'JS') return scriptFrame(functions[func] ?? name, TIERS[kind] ?? '');
  if (type === 'SHARED_LIB')
    return { name: `[${name.slice(name.lastIndexOf('/') + 1)}]`, module: name, category: 'Native' };
  if (type === 'CPP') return { name: name || '[unknown]', category: 'Native' };
  return { ...frameOfText(kind === '' ? name : `${kind}:${name}`), category: kind };
}

/** Both names and paths may hold blanks: a path begins at a root, if it has one. */
const SCRIPT = /^(?:(.*?) )?((?:\/|file:|node:|https?:|[A-Za-z]:[\\/]).*?|\S*?):(\d+):(\d+)$/s;

/** `name file:line:column`; the name is empty for code of a whole script. */
function scriptFrame(text: string, tier: string): FrameInput {
  const match = SCRIPT.exec(text);
  const name = match === null ? text : (match[1] ?? '');
  return {
    name: name === '' ? '(anonymous)' : name,
    decoration: decorationOf(`JS:${tier}${text}`, name === '' ? '(anonymous)' : name),
    ...scriptOfUrl(match?.[2] ?? ''),
    line: asIndex(match?.[3], 0),
    column: asIndex(match?.[4], 0),
    category: 'JavaScript',
    flags: FrameFlag.jit,
  };
}
