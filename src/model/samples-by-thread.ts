import type { Profile } from './profile.ts';

/** Sample rows of each thread, in order of time (of appearance where samples have no times). */
export function samplesByThread(profile: Profile): Uint32Array[] {
  const { samples, threads } = profile;
  const counts = new Uint32Array(threads.length);
  for (let s = 0; s < samples.length; s++) counts[samples.thread[s]!]!++;
  const rows = Array.from(counts, count => new Uint32Array(count));
  const filled = new Uint32Array(threads.length);
  for (let s = 0; s < samples.length; s++) {
    const thread = samples.thread[s]!;
    rows[thread]![filled[thread]!++] = s;
  }
  const times = samples.timeNs;
  if (times === undefined) return rows;
  for (const own of rows) {
    let ordered = true;
    for (let i = 1; i < own.length && ordered; i++) ordered = times[own[i - 1]!]! <= times[own[i]!]!;
    if (!ordered) own.sort((a, b) => times[a]! - times[b]! || a - b);
  }
  return rows;
}
