import { decoratedName } from '../model/frame-text.ts';
import { FrameFlag, type Profile, type Thread } from '../model/profile.ts';
import { StackInterner } from '../model/stack-interner.ts';
import { childLists } from './child-lists.ts';
import type { ProfileWriteOptions } from './format.ts';
import { oneWeightLoss } from './one-weight.ts';
import { inLargePieces } from './text-pieces.ts';

/**
 * One line a distinct stack, sorted by bytes as inferno sorts. The thread's name is the root frame where it has one.
 *
 * Options are inferno's: `kernel`, `jit` (`all` is both), `pid`, `tid`; and of stackcollapse-perf.pl `inline`
 * (inlined frames are marked `_[i]`) and `context` (`name:file:line` where the line is known).
 */
export function writeCollapsed(profile: Profile, options: ProfileWriteOptions): AsyncIterable<string> {
  return inLargePieces(lines(profile, options));
}

export function collapsedLosses(profile: Profile, options: ProfileWriteOptions): string[] {
  const lost = isDiff(profile) ? [] : oneWeightLoss(profile, options);
  let without = 0;
  for (const stack of profile.samples.stack) if (stack < 0) without++;
  if (without > 0) lost.push(`samples without a stack are left out: ${without}`);
  return lost;
}

function* lines(profile: Profile, options: ProfileWriteOptions): Generator<string> {
  const { tree, texts, weights } = collapse(profile, options);
  const rank = ranks(texts);
  const { parent, frame, length } = tree.finish();
  const { firstChild, nextSibling } = childLists(parent);
  // A node's own line and the lines below it are two items of one order: `a`, `a b`, `a;c`.
  const items = (above: number): number[] => {
    const found: number[] = [];
    for (let node = firstChild[above]!; node !== -1; node = nextSibling[node]!) {
      if (weights.some(column => column.get(node) !== 0)) found.push(node * 2);
      if (firstChild[node] !== -1) found.push(node * 2 + 1);
    }
    const key = (item: number): number => rank[frame[item >> 1]! * 2 + (item & 1)]!;
    return found.sort((a, b) => key(b) - key(a));
  };
  const open = [{ prefix: '', items: items(length) }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const item = top.items.pop();
    if (item === undefined) {
      open.pop();
      continue;
    }
    const node = item >> 1;
    const text = top.prefix + texts[frame[node]!]!;
    if ((item & 1) === 1) open.push({ prefix: `${text};`, items: items(node) });
    else yield `${text} ${weights.map(column => decimal(column.get(node))).join(' ')}\n`;
  }
}

/** Stacks over printed texts: frames that print alike are one frame, stacks that print alike one line. */
function collapse(
  profile: Profile,
  options: ProfileWriteOptions,
): { tree: StackInterner; texts: readonly string[]; weights: { get(node: number): number }[] } {
  const { samples, stacks, threads } = profile;
  const texts: string[] = [];
  const textOf = new Map<string, number>();
  const intern = (text: string): number => {
    let index = textOf.get(text);
    if (index === undefined) {
      index = texts.push(text) - 1;
      textOf.set(text, index);
    }
    return index;
  };
  const frameText = frameTexts(profile, options, intern);
  const tree = new StackInterner();
  const roots = threads.map(thread => {
    const name = rootName(thread, options);
    return name === '' ? -1 : tree.intern(-1, intern(name));
  });
  // Threads that share a root frame share the map from stacks to nodes.
  const nodeOf = new Map<number, Int32Array>();
  const columns = isDiff(profile) ? [0, 1] : [options.value ?? profile.defaultValue];
  const sums = columns.map(() => new Float64Array(1024));
  const path: number[] = [];
  for (let s = 0; s < samples.length; s++) {
    const stack = samples.stack[s]!;
    if (stack < 0 || columns.every(v => samples.values[v]![s] === 0)) continue;
    const root = roots[samples.thread[s]!]!;
    let nodes = nodeOf.get(root);
    if (nodes === undefined) {
      nodes = new Int32Array(stacks.length).fill(-1);
      nodeOf.set(root, nodes);
    }
    let at = stack;
    while (at >= 0 && nodes[at] === -1) {
      path.push(at);
      at = stacks.parent[at]!;
    }
    let node = at < 0 ? root : nodes[at]!;
    for (let next = path.pop(); next !== undefined; next = path.pop()) {
      node = tree.intern(node, frameText[stacks.frame[next]!]!);
      nodes[next] = node;
    }
    for (const [c, v] of columns.entries()) {
      if (node >= sums[c]!.length) sums[c] = larger(sums[c]!, tree.length);
      sums[c]![node]! += samples.values[v]![s]!;
    }
  }
  return { tree, texts, weights: sums.map(column => ({ get: node => column[node] ?? 0 })) };
}

function larger(column: Float64Array, needed: number): Float64Array<ArrayBuffer> {
  const result = new Float64Array(Math.max(needed, column.length * 2));
  result.set(column);
  return result;
}

/** Index of the printed text of each frame. A `;` would end the frame, so it is printed as `:`. */
function frameTexts(profile: Profile, options: ProfileWriteOptions, intern: (text: string) => number): Uint32Array {
  const { frames, strings } = profile;
  const has = (flag: string): boolean => options.flags?.has(flag) === true;
  const kernel = has('kernel') || has('all');
  const jit = has('jit') || has('all');
  const inline = has('inline');
  const context = has('context');
  const result = new Uint32Array(frames.length);
  for (let i = 0; i < frames.length; i++) {
    const flags = frames.flags[i]!;
    let text = decoratedName(strings[frames.name[i]!]!, strings[frames.decoration[i]!]!);
    if (context && frames.line[i]! > 0) {
      const file = strings[frames.file[i]!]!;
      text += `:${file.slice(file.lastIndexOf('/') + 1)}:${frames.line[i]}`;
    }
    if (inline && (flags & FrameFlag.inlined) !== 0) text = annotated(text, '_[i]');
    else if (kernel && (flags & FrameFlag.kernel) !== 0) text = annotated(text, '_[k]');
    else if (jit && (flags & FrameFlag.jit) !== 0) text = annotated(text, '_[j]');
    result[i] = intern(text.replace(/[;\r\n]/g, c => (c === ';' ? ':' : ' ')));
  }
  return result;
}

function annotated(text: string, annotation: string): string {
  return text.includes(annotation) ? text : text + annotation;
}

/** The name of the thread (`comm`), with ids where they are asked for. */
function rootName(thread: Thread, options: ProfileWriteOptions): string {
  const name = (thread.threadName || thread.processName).replaceAll(' ', '_').replaceAll(';', ':');
  const pid = thread.pid === 0 ? '?' : String(thread.pid);
  if (options.flags?.has('tid') === true) return `${name}-${pid}/${thread.tid}`;
  return options.flags?.has('pid') === true ? `${name}-${pid}` : name;
}

/** Place of each text, alone (even) and with a `;` behind it (odd), in the order of bytes. */
function ranks(texts: readonly string[]): Uint32Array {
  const keys = texts.flatMap(text => [text, `${text};`]);
  const order = Uint32Array.from(keys, (_, i) => i);
  order.sort((a, b) => (keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : 0));
  const rank = new Uint32Array(keys.length);
  for (const [place, key] of order.entries()) rank[key] = place;
  return rank;
}

function isDiff(profile: Profile): boolean {
  const [before, after] = profile.valueTypes;
  return profile.valueTypes.length === 2 && before?.name === 'before' && after?.name === 'after';
}

/** Never with an exponent, which readers of this format do not know. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(0) : String(Number(value.toFixed(6)));
}
