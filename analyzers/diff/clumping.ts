import type { Profile } from '../../src/model/profile.ts';

/** Blocks that a recording is cut into; more would be shorter than what clumps, fewer would not tell. */
const BLOCKS = 50;
/** Samples a block below which its shares are all noise. */
const BLOCK_SAMPLES = 10;

/**
 * How many samples of one recording say as much as one independent sample would (design effect, ≥ 1): work comes in
 * bursts, and neighbouring samples see the same one. Compares the shares of all functions between neighbouring
 * stretches of the recording (von Neumann 1941: only neighbours, so that a program's phases, which every run has, do
 * not count as noise) with what independent samples would differ by. 1 where samples have no times.
 */
export function clumping(profile: Profile, values: Float64Array, ofFrame: Uint32Array, functionCount: number): number {
  const { samples, stacks } = profile;
  const times = samples.timeNs;
  if (times === undefined) return 1;
  const rows: number[] = [];
  for (let s = 0; s < samples.length; s++) if (values[s]! > 0 && samples.stack[s]! >= 0) rows.push(s);
  rows.sort((a, b) => times[a]! - times[b]! || a - b);
  const blocks = Math.min(BLOCKS, Math.floor(rows.length / BLOCK_SAMPLES));
  if (blocks < 10) return 1;
  const all = new Float64Array(functionCount);
  let previous = new Map<number, number>();
  let apart = 0;
  let within = 0;
  for (let b = 0; b < blocks; b++) {
    const first = Math.floor((b * rows.length) / blocks);
    const end = Math.floor(((b + 1) * rows.length) / blocks);
    let sum = 0;
    let squares = 0;
    for (let i = first; i < end; i++) {
      sum += values[rows[i]!]!;
      squares += values[rows[i]!]! ** 2;
    }
    const shares = new Map<number, number>();
    for (let i = first; i < end; i++) {
      const f = ofFrame[stacks.frame[samples.stack[rows[i]!]!]!]!;
      const part = values[rows[i]!]! / sum;
      shares.set(f, (shares.get(f) ?? 0) + part);
      all[f] = all[f]! + part / blocks;
    }
    if (b > 0) {
      for (const f of new Set([...shares.keys(), ...previous.keys()])) {
        apart += ((shares.get(f) ?? 0) - (previous.get(f) ?? 0)) ** 2 / 2 / (blocks - 1);
      }
    }
    within += squares / (sum * sum) / blocks;
    previous = shares;
  }
  let diversity = 1;
  for (const share of all) diversity -= share * share;
  return diversity <= 1e-9 ? 1 : Math.max(1, apart / (diversity * within));
}
