import { copyFrames } from './copy-frames.ts';
import { type FrameIndex, NO_STACK, type Profile, type StackIndex, type Thread, type ValueType } from './profile.ts';
import { ProfileBuilder } from './profile-builder.ts';

/**
 * Several profiles of one run as one: threads are kept apart, times count from the earliest epoch. Profiles without
 * an epoch are taken to share one clock (the monotonic one of their machine). Where some have an epoch and others do
 * not, or only some have times, there is no common clock: the result has no times and says so. A profile without times
 * that counts something else altogether (a heap beside the CPU) does not take the others' times away: it stands at
 * their end.
 */
export function mergeProfiles(profiles: readonly Profile[], name: string): Profile {
  const [only] = profiles;
  if (only !== undefined && profiles.length === 1) return { ...only, name };
  const valueTypes = allValueTypes(profiles);
  const builder = new ProfileBuilder(name, valueTypes);
  const clock = commonClock(profiles);
  if (clock.kind === 'none' && profiles.some(p => p.samples.timeNs !== undefined)) {
    builder.warnings.add('times-missing', 'the profiles have no clock in common: samples are merged without times');
  }
  if (clock.kind === 'epoch') builder.epochNs = clock.epochNs;
  const endNs = clock.kind === 'none' ? 0 : lastTimeNs(profiles, clock);
  const preferred = only?.valueTypes[only.defaultValue];
  if (preferred !== undefined) builder.defaultValue = valueTypes.findIndex(type => same(type, preferred));
  const threadKeys = new Set<string>();
  for (const profile of profiles) {
    const { samples, stacks } = profile;
    const frameOf = copyFrames(profile, builder);
    const stackOf = new Int32Array(stacks.length);
    for (let i = 0; i < stacks.length; i++) {
      const parent = stacks.parent[i]!;
      const at = (parent < 0 ? NO_STACK : stackOf[parent]!) as StackIndex;
      stackOf[i] = builder.stack(at, frameOf[stacks.frame[i]!]! as FrameIndex);
    }
    const threadOf = profile.threads.map(thread => builder.thread(apart(thread, profile, threadKeys)));
    const columnOf = valueTypes.map(type => profile.valueTypes.findIndex(own => same(own, type)));
    const shift = clock.kind === 'epoch' ? Number((profile.epochNs ?? clock.epochNs) - clock.epochNs) : 0;
    const values = new Array<number>(valueTypes.length).fill(0);
    for (let s = 0; s < samples.length; s++) {
      for (let v = 0; v < values.length; v++) {
        const column = columnOf[v]!;
        values[v] = column < 0 ? 0 : samples.values[column]![s]!;
      }
      const row = {
        thread: threadOf[samples.thread[s]!]!,
        stack: (samples.stack[s]! < 0 ? NO_STACK : stackOf[samples.stack[s]!]!) as StackIndex,
        values,
        labels: samples.labelSet === undefined ? [] : samples.labelSets[samples.labelSet[s]!]!,
      };
      if (clock.kind === 'none') builder.aggregate(row);
      else builder.sample({ ...row, timeNs: samples.timeNs === undefined ? endNs : samples.timeNs[s]! + shift });
    }
    builder.lostSamples += profile.lostSamples;
    builder.warnings.merge(profile.warnings);
  }
  builder.durationNs = longest(profiles, clock);
  const intervals = new Set(profiles.map(p => p.intervalNs));
  builder.intervalNs = intervals.size === 1 ? only?.intervalNs : undefined;
  return builder.finish();
}

type Clock =
  | { readonly kind: 'epoch'; readonly epochNs: bigint }
  | { readonly kind: 'shared' }
  | { readonly kind: 'none' };

function commonClock(profiles: readonly Profile[]): Clock {
  const timed = profiles.filter(p => p.samples.length > 0 && !standsAside(p, profiles));
  if (timed.length === 0 || timed.some(p => p.samples.timeNs === undefined)) return { kind: 'none' };
  const epochs = timed.flatMap(p => (p.epochNs === undefined ? [] : [p.epochNs]));
  if (epochs.length === 0) return { kind: 'shared' };
  if (epochs.length < timed.length) return { kind: 'none' };
  const [earliest = 0n] = epochs.sort((a, b) => (a < b ? -1 : 1));
  return { kind: 'epoch', epochNs: earliest };
}

/** Without times, and without a weight that one with times has, too. */
function standsAside(profile: Profile, profiles: readonly Profile[]): boolean {
  if (profile.samples.timeNs !== undefined) return false;
  const timed = profiles.filter(p => p.samples.timeNs !== undefined && p.samples.length > 0);
  if (timed.length === 0) return false;
  return !timed.some(p => p.valueTypes.some(type => profile.valueTypes.some(own => same(own, type))));
}

/** The last time of all, on the merged clock. */
function lastTimeNs(profiles: readonly Profile[], clock: Clock): number {
  let last = 0;
  for (const { samples, epochNs } of profiles) {
    const shift = clock.kind === 'epoch' && epochNs !== undefined ? Number(epochNs - clock.epochNs) : 0;
    for (const time of samples.timeNs ?? []) last = Math.max(last, time + shift);
  }
  return last;
}

function allValueTypes(profiles: readonly Profile[]): ValueType[] {
  const all: ValueType[] = [];
  for (const { valueTypes } of profiles) {
    for (const type of valueTypes) if (!all.some(known => same(known, type))) all.push(type);
  }
  return all;
}

function same(a: ValueType, b: ValueType): boolean {
  return a.name === b.name && a.unit === b.unit;
}

/** Two inputs may name their threads alike (no ids, no names): then the input's own name tells them apart. */
function apart(thread: Thread, profile: Profile, taken: Set<string>): Thread {
  const key = (t: Thread): string => JSON.stringify([t.pid, t.tid, t.processName, t.threadName]);
  let result = thread;
  for (let n = 1; taken.has(key(result)); n++) {
    const threadName = thread.threadName === '' ? profile.name : `${thread.threadName} (${profile.name})`;
    result = { ...thread, threadName: n === 1 ? threadName : `${threadName} #${n}` };
  }
  taken.add(key(result));
  return result;
}

/** From the first beginning to the last end where the clock is shared; otherwise the longest single recording. */
function longest(profiles: readonly Profile[], clock: Clock): number | undefined {
  const lengths = profiles.flatMap(p => (p.durationNs === undefined ? [] : [p.durationNs]));
  if (lengths.length === 0) return undefined;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  if (clock.kind !== 'none') {
    for (const { samples, epochNs } of profiles) {
      const shift = clock.kind === 'epoch' && epochNs !== undefined ? Number(epochNs - clock.epochNs) : 0;
      for (const time of samples.timeNs ?? []) {
        first = Math.min(first, time + shift);
        last = Math.max(last, time + shift);
      }
    }
  }
  return Math.max(last - first, ...lengths);
}
