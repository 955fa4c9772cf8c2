import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clumping } from '../../../analyzers/diff/clumping.ts';
import { matchFunctions } from '../../../analyzers/diff/match-functions.ts';
import { diffProfiles } from '../../../analyzers/diff/profile-diff.ts';
import { seededRandom } from '../../../analyzers/statistics.ts';
import { NO_STACK, type Profile } from '../../../src/model/profile.ts';
import { ProfileBuilder } from '../../../src/model/profile-builder.ts';

/** A timed recording in which each drawn function is seen `burst` samples in a row. */
function timed(count: number, burst: number, random: () => number, shareAt: (s: number) => number): Profile {
  const builder = new ProfileBuilder('timed', [{ name: 'cpu', unit: 'nanoseconds' }]);
  const thread = builder.thread({ pid: 1, tid: 1, processName: 'app', threadName: 'app' });
  const [hot, rest] = ['hot', 'rest'].map(name => builder.stack(NO_STACK, builder.frame({ name })));
  let stack = hot!;
  for (let s = 0; s < count; s++) {
    if (s % burst === 0) stack = random() < shareAt(s) ? hot! : rest!;
    builder.sample({ thread, stack, timeNs: s * 1e7, values: [1e7] });
  }
  return builder.finish();
}

function clumpingOf(profile: Profile): number {
  const { ofFrame, length } = matchFunctions([profile], []);
  return clumping(profile, profile.samples.values[0]!, ofFrame[0]!, length);
}

test('independent samples count as they are, bursts of 8 as one in 8, a change of phase as little more than it is', () => {
  const mean = (of: (random: () => number) => Profile): number => {
    let sum = 0;
    for (let seed = 1; seed <= 40; seed++) sum += clumpingOf(of(seededRandom(seed)));
    return sum / 40;
  };
  const independent = mean(random => timed(4000, 1, random, () => 0.3));
  assert.ok(independent < 1.2, `${independent}`);
  const bursts = mean(random => timed(4000, 8, random, () => 0.3));
  assert.ok(bursts > 6.4 && bursts < 9.6, `${bursts}`);
  const phases = mean(random => timed(4000, 1, random, s => (s < 2000 ? 0.1 : 0.7)));
  // The variance of all blocks would say 16.
  assert.ok(phases < 2.5, `${phases}`);
});

test('two recordings of one bursty program: false alarms stay at 5 in 100, and intervals hold the truth', () => {
  let alarms = 0;
  let covered = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const [b, a] = [0, 1].map(() => timed(3000, 8, random, () => 0.3));
    const row = diffProfiles([b!], [a!]).functions.find(f => f.name === 'hot')!;
    if (row.significant) alarms++;
    if (row.interval[0] <= 0 && 0 <= row.interval[1]) covered++;
  }
  assert.ok(alarms <= 14, `${alarms} of 200`);
  assert.ok(covered >= 186, `${covered} of 200`);
});

test('without times, or with few samples, nothing is said', () => {
  assert.equal(clumpingOf(timed(20, 1, seededRandom(1), () => 0.5)), 1);
  const { samples, ...rest } = timed(2000, 8, seededRandom(1), () => 0.5);
  assert.equal(clumpingOf({ ...rest, samples: { ...samples, timeNs: undefined } }), 1);
});
