import { NO_STACK, type Profile } from '../../../src/model/profile.ts';
import { ProfileBuilder } from '../../../src/model/profile-builder.ts';

/** A seeded source of uniform numbers in [0, 1). */
export type Random = () => number;

/** `count` samples drawn from stacks (`main;parse;scan`) with these weights: a profile whose truth is known. */
export function sampledProfile(
  stacks: Readonly<Record<string, number>>,
  count: number,
  random: Random,
  name = 'sampled',
): Profile {
  const builder = new ProfileBuilder(name, [{ name: 'samples', unit: 'count' }]);
  const thread = builder.thread({ pid: 1, tid: 1, processName: 'app', threadName: 'app' });
  const rows = Object.entries(stacks).map(([text, weight]) => {
    let stack = NO_STACK;
    for (const frame of text.split(';')) stack = builder.stack(stack, builder.frame({ name: frame }));
    return { stack, weight };
  });
  const sum = rows.reduce((all, row) => all + row.weight, 0);
  for (let s = 0; s < count; s++) {
    let at = random() * sum;
    const row = rows.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    builder.aggregate({ thread, stack: (row ?? rows.at(-1)!).stack, values: [1] });
  }
  return builder.finish();
}

/** A normally distributed number (Box and Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
