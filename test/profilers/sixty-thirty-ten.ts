import { join } from 'node:path';
import { fileSource } from '../../collectors/file-source.ts';
import type { ProfilerHarvest } from '../../collectors/profilers/profiler.ts';
import { FORMATS } from '../../src/formats/list.ts';
import type { Profile } from '../../src/model/profile.ts';

/**
 * The same loop in three functions, run 6, 3 and 1 times: shares of work, whatever the machine's speed. Each is compiled
 * on its own, so that none is inlined into its caller.
 */
export const SIXTY_THIRTY_TEN: string = `
${['six', 'three', 'one']
  .map(name => `function ${name}() { let x = 1; for (let i = 0; i < 1e6; i++) x = (x * 31 + i) % 1000003; return x; }`)
  .join('\n')}
function work(rounds) {
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 6; i++) sum += six();
    for (let i = 0; i < 3; i++) sum += three();
    sum += one();
  }
  return sum;
}
`;

/** Reads one artefact of a harvest, as a capture would. */
export async function readArtefact(rawDirectory: string, harvest: ProfilerHarvest, at = 0): Promise<Profile> {
  const artefact = harvest.artefacts.filter(({ format }) => format !== undefined)[at];
  const format = FORMATS.find(({ id }) => id === artefact?.format);
  if (artefact === undefined || format?.kind !== 'profile' || format.read === undefined) {
    throw new Error(`artefact ${at} is ${JSON.stringify(artefact)}`);
  }
  return format.read(await fileSource(join(rawDirectory, artefact.file)), {});
}

/** Share of each of the three in what all three have, by the leaf of the stack and the default weight. */
export function sharesOfThree({ frames, strings, stacks, samples, defaultValue }: Profile): number[] {
  const weights = ['six', 'three', 'one'].map(name => {
    let sum = 0;
    for (let s = 0; s < samples.length; s++) {
      const frame = stacks.frame[samples.stack[s] ?? -1];
      if (frame !== undefined && strings[frames.name[frame] ?? 0] === name)
        sum += samples.values[defaultValue]?.[s] ?? 0;
    }
    return sum;
  });
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / total);
}

/** Undefined where they are 60, 30 and 10 %, give or take `points`; else what they are. */
export function notSixtyThirtyTen(shares: readonly number[], points: number): string | undefined {
  const off = shares.map((share, i) => Math.abs(share - ([0.6, 0.3, 0.1][i] ?? 0)));
  return off.every(o => o <= points / 100) ? undefined : shares.map(share => share.toFixed(3)).join(' ');
}
