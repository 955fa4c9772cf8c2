import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TraceProfileMode, traceProfile } from '../../analyzers/trace-profile.ts';
import { checkProfile } from '../../src/model/integrity.ts';
import type { Profile } from '../../src/model/profile.ts';
import type { Trace } from '../../src/model/trace.ts';
import { drawTrace, traceOfRows } from './trace-drawing.ts';

/** `A;B 4` lines of a profile, in order of its samples. */
function folded(profile: Profile): string[] {
  const { samples, stacks, frames, strings } = profile;
  return Array.from(samples.stack, (leaf, s) => {
    const names: string[] = [];
    for (let at = leaf; at !== -1; at = stacks.parent[at]!) names.unshift(strings[frames.name[stacks.frame[at]!]!]!);
    return `${names.join(';')} ${samples.values[0]![s]}`;
  });
}

function profileOf(trace: Trace, mode: TraceProfileMode): Profile {
  const profile = traceProfile(trace, { modes: [mode] });
  checkProfile(profile);
  return profile;
}

const PARALLEL = drawTrace(`
  A    [==========]
    B   [======]
    C     [======]
`);

test('critical-path mode adds up to wall time, in order of time where there is one path', () => {
  const profile = profileOf(PARALLEL, 'critical-path');
  assert.deepEqual(folded(profile), ['A 1', 'A;B 2', 'A;C 8', 'A 1']);
  assert.deepEqual([...profile.samples.timeNs!], [0, 1, 3, 11]);
  assert.equal(profile.durationNs, 12);
  assert.deepEqual(profile.valueTypes, [{ name: 'critical-path', unit: 'nanoseconds' }]);
  assert.match(profile.name, /time on critical paths \(sums to wall time\)/);
});

test('self-time mode adds up to work', () => {
  const profile = profileOf(PARALLEL, 'self-time');
  assert.deepEqual(folded(profile), ['A 2', 'A;B 8', 'A;C 8']);
  assert.deepEqual(profile.valueTypes, [{ name: 'self-time', unit: 'nanoseconds' }]);
  assert.match(profile.name, /self time of spans \(sums to work\)/);
});

test('both modes at once are two weights of the same stacks', () => {
  const profile = traceProfile(PARALLEL, { modes: ['self-time', 'critical-path'] });
  checkProfile(profile);
  assert.match(profile.name, /sums to work/);
  assert.deepEqual(
    profile.samples.values.map(column => column.reduce((sum, value) => sum + value, 0)),
    [18, 12],
  );
  assert.equal(profile.samples.length, 3);
});

test('many traces: equal stacks are one, the weight is the sum', () => {
  const trace = drawTrace(`
    A           [====]
      B          [==]
    A trace=2          [====]
      B                 [==]
  `);
  const profile = profileOf(trace, 'critical-path');
  assert.deepEqual(folded(profile).sort(), ['A 4', 'A;B 8']);
  assert.equal(profile.samples.timeNs, undefined);
});

test('a queue wait is a frame of its own, marked as waiting; the service is the module', () => {
  const trace = drawTrace(`
    P producer              [==]
      C consumer svc=worker      [==]
  `);
  const profile = profileOf(trace, 'critical-path');
  assert.deepEqual(folded(profile), ['P 4', 'wait for C 1', 'C 4']);
  const { frames, strings } = profile;
  const modules = Object.fromEntries(
    Array.from(frames.name, (name, f) => [strings[name]!, strings[frames.module[f]!]!]),
  );
  assert.deepEqual(modules, { P: 'service', C: 'worker', 'wait for C': 'worker' });
});

test('20,000 nested spans are a stack of 20,000 frames', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({
    name: `s${i % 7}`,
    start: i,
    end: 40_000 - i,
    ...(i === 0 ? {} : { parent: i - 1 }),
  }));
  const profile = profileOf(traceOfRows(rows), 'self-time');
  assert.equal(profile.stacks.length, 20_000);
  assert.equal(
    profile.samples.values[0]!.reduce((sum, value) => sum + value, 0),
    40_000,
  );
});
