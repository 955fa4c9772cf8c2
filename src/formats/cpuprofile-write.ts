import type { Profile } from '../model/profile.ts';
import { samplesByThread } from '../model/samples-by-thread.ts';
import { threadsAsRoots } from '../model/threads-as-roots.ts';
import { childLists } from './child-lists.ts';
import type { ProfileWriteOptions } from './format.ts';
import { inLargePieces } from './text-pieces.ts';
import { callFrameJson } from './v8-call-frame.ts';

/**
 * Nodes are written in the order of the stack table, so that reading them back gives the same table. Where a sample's
 * weight ends before the next sample begins, `(idle)` fills the gap: the format has no other way to leave one.
 */
export function writeCpuprofile(profile: Profile, options: ProfileWriteOptions): AsyncIterable<string> {
  return inLargePieces(pieces(profile.threads.length > 1 ? threadsAsRoots(profile) : profile, options));
}

const ROOT_ID = 1;
/** Node id of stack 0; the others follow. */
const FIRST_ID = 2;

function* pieces(profile: Profile, options: ProfileWriteOptions): Generator<string> {
  const timeline = layOut(profile, options);
  const { stacks } = profile;
  const idleId = FIRST_ID + stacks.length;
  const hits = new Uint32Array(idleId + 1);
  for (const node of timeline.nodes) hits[node]!++;
  const { firstChild, nextSibling } = childLists(stacks.parent);
  const children = (from: number): string => {
    const ids: number[] = [];
    for (let child = from; child !== -1; child = nextSibling[child]!) ids.push(FIRST_ID + child);
    return ids.join(',');
  };
  const roots = children(firstChild[stacks.length]!);
  const idle = hits[idleId]! > 0 ? `${roots === '' ? '' : ','}${idleId}` : '';
  yield `{"nodes":[{"id":1,"callFrame":${SPECIAL_FRAME('(root)')},"hitCount":${hits[ROOT_ID]},"children":[${roots}${idle}]}`;
  for (let stack = 0; stack < stacks.length; stack++) {
    const id = FIRST_ID + stack;
    const frame = callFrameJson(profile, stacks.frame[stack]!);
    yield `,\n{"id":${id},"callFrame":${frame},"hitCount":${hits[id]},"children":[${children(firstChild[stack]!)}]}`;
  }
  if (idle !== '')
    yield `,\n{"id":${idleId},"callFrame":${SPECIAL_FRAME('(idle)')},"hitCount":${hits[idleId]},"children":[]}`;
  yield `],\n"startTime":${timeline.startUs},"endTime":${timeline.endUs},\n"samples":[`;
  for (let i = 0; i < timeline.nodes.length; i++) yield `${i === 0 ? '' : ','}${timeline.nodes[i]}`;
  yield '],\n"timeDeltas":[';
  for (let i = 0; i < timeline.nodes.length; i++) yield `${i === 0 ? '' : ','}${timeline.deltasUs[i]}`;
  yield ']}\n';
}

const SPECIAL_FRAME = (name: string): string =>
  `{"functionName":"${name}","scriptId":"0","url":"","lineNumber":-1,"columnNumber":-1}`;

interface Timeline {
  readonly startUs: number;
  readonly endUs: number;
  /** Node id of each sample, and the time since the sample before. */
  readonly nodes: readonly number[];
  readonly deltasUs: readonly number[];
}

function layOut(profile: Profile, options: ProfileWriteOptions): Timeline {
  const { samples, stacks, valueTypes } = profile;
  const wall = valueTypes.findIndex(type => type.name === 'wall' && type.unit === 'nanoseconds');
  const value = options.value ?? (wall === -1 ? profile.defaultValue : wall);
  const weights = samples.values[value] ?? new Float64Array(samples.length);
  const isTime = valueTypes[value]?.unit === 'nanoseconds';
  const timesNs = isTime ? samples.timeNs : undefined;
  const rows = samplesByThread(profile)[0] ?? new Uint32Array(0);
  const startUs = timesNs === undefined || rows.length === 0 ? 0 : Math.round(timesNs[rows[0]!]! / 1000);
  const nodes: number[] = [];
  const deltasUs: number[] = [];
  let atUs = startUs;
  const emit = (node: number, us: number): void => {
    // Rounding the time, not the difference, keeps the sum exact.
    const at = Math.max(atUs, Math.round(us));
    nodes.push(node);
    deltasUs.push(at - atUs);
    atUs = at;
  };
  /** Where the weight of the last sample ends. */
  let endUs = startUs;
  for (const s of rows) {
    const us = timesNs === undefined ? endUs : timesNs[s]! / 1000;
    if (us > endUs + 1) {
      emit(FIRST_ID + stacks.length, endUs);
      endUs = us;
    }
    emit(samples.stack[s]! < 0 ? ROOT_ID : FIRST_ID + samples.stack[s]!, endUs);
    endUs += Math.max(0, weights[s]! / (isTime ? 1000 : 1));
  }
  return { startUs, endUs: Math.max(atUs, Math.round(endUs)), nodes, deltasUs };
}
