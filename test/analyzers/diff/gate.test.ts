import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyzeDiff, type DiffRun } from '../../../analyzers/diff/diff.ts';
import { judgeGates } from '../../../analyzers/diff/gate.ts';
import { parseGate } from '../../../analyzers/diff/gate-expression.ts';
import { diffTimes, type LatencyDiff, timeSeries } from '../../../analyzers/diff/latency-diff.ts';
import { diffProfiles } from '../../../analyzers/diff/profile-diff.ts';
import type { RunTimes } from '../../../analyzers/diff/run-times.ts';
import { seededRandom } from '../../../analyzers/statistics.ts';
import { sampledProfile } from './sampled-profile.ts';
import { type LatencySpread, simulatedRun } from './simulated-runs.ts';

/** What `tprof e2e` runs unless told otherwise. */
const DEFAULT_TASKS = 10;
const STEADY: LatencySpread = { within: 0.025, between: 0 };

/** What gates look at, without the tables, which take most of the time. */
function gateTimes(before: readonly RunTimes[], after: readonly RunTimes[]): LatencyDiff {
  return { latencies: [], operations: [], phases: [], series: timeSeries(before, after) };
}

/** How many of `seeds` comparisons make the gate fail. */
function failures(
  expression: string,
  seeds: number,
  sides: (random: () => number) => readonly [readonly RunTimes[], readonly RunTimes[]],
): number {
  const gate = parseGate(expression);
  let failed = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const times = gateTimes(...sides(seededRandom(seed)));
    if (!judgeGates([gate], { profile: undefined, times })[0]!.held) failed++;
  }
  return failed;
}

test('A/A: the gate fails in at most 1 of 100 comparisons, even where it asks for any growth at all', () => {
  const failed = failures('p50 > +0%', 300, random => [
    [simulatedRun(DEFAULT_TASKS, 1, { within: 0.2, between: 0 }, random)],
    [simulatedRun(DEFAULT_TASKS, 1, { within: 0.2, between: 0 }, random)],
  ]);
  assert.ok(failed <= 3, `${failed} of 300`);
});

test('A/A at the usual threshold: never over 100 seeds', () => {
  const failed = failures('p50 > +5%', 100, random => [
    [simulatedRun(DEFAULT_TASKS, 1, STEADY, random)],
    [simulatedRun(DEFAULT_TASKS, 1, STEADY, random)],
  ]);
  assert.equal(failed, 0);
});

test('a true +10 % of the median latency is caught with the default number of tasks', () => {
  const failed = failures('p50 > +5%', 100, random => [
    [simulatedRun(DEFAULT_TASKS, 1, STEADY, random)],
    [simulatedRun(DEFAULT_TASKS, 1.1, STEADY, random)],
  ]);
  assert.ok(failed >= 80, `${failed} of 100`);
});

test('A/A with runs that differ among themselves: several runs a side keep the false alarms at 1 in 100', () => {
  const spread: LatencySpread = { within: 0.03, between: 0.05 };
  const side = (random: () => number): RunTimes[] =>
    Array.from({ length: 4 }, () => simulatedRun(DEFAULT_TASKS, 1, spread, random));
  const failed = failures('p50 > +0%', 200, random => [side(random), side(random)]);
  assert.ok(failed <= 2, `${failed} of 200`);
});

test('what the place in a run does to a task is no noise where both sides were run alike', () => {
  const spread: LatencySpread = { within: 0.05, between: 0, warmUp: 4 };
  const sides = (random: () => number, factor: number, tasks: number): [RunTimes[], RunTimes[]] => [
    [simulatedRun(DEFAULT_TASKS, 1, spread, random)],
    [simulatedRun(tasks, factor, spread, random)],
  ];
  const caught = failures('p50 > +0%', 100, random => sides(random, 1.1, DEFAULT_TASKS));
  assert.ok(caught >= 75, `${caught} of 100`);
  const alarms = failures('p50 > +0%', 300, random => sides(random, 1, DEFAULT_TASKS));
  assert.ok(alarms <= 5, `${alarms} of 300`);
  const random = seededRandom(1);
  const alike = judgeGates([parseGate('p50 > +0%')], {
    profile: undefined,
    times: gateTimes(...sides(random, 1, DEFAULT_TASKS)),
  });
  assert.match(alike[0]!.reason, /tasks compared place by place/);
  const unlike = judgeGates([parseGate('p50 > +0%')], {
    profile: undefined,
    times: gateTimes(...sides(random, 1, 12)),
  });
  assert.doesNotMatch(unlike[0]!.reason, /place by place/);
});

test('more tasks that are slower while the median stays are not a slower median', () => {
  const run = (slow: number): RunTimes => ({
    name: 'run',
    leftOut: 0,
    tasks: Array.from({ length: 21 }, (_, t) => ({
      id: `${t}`,
      // The middle task stays where it is; those above it take longer.
      latencyNs: 1e8 * (1 + t / 1000) * (t > 10 ? slow : t < 10 ? 1 + (slow - 1) / 1e5 : 1),
      operations: [],
      phases: [],
    })),
  });
  const [gate] = judgeGates([parseGate('p50 > +0%')], { profile: undefined, times: gateTimes([run(1)], [run(1.3)]) });
  assert.equal(gate!.held, true);
  assert.match(gate!.reason, /the median itself is not/);
});

test('A/A of p95: at most 1 of 100', () => {
  const failed = failures('p95 > +0%', 200, random => [
    [simulatedRun(40, 1, { within: 0.1, between: 0 }, random)],
    [simulatedRun(40, 1, { within: 0.1, between: 0 }, random)],
  ]);
  assert.ok(failed <= 2, `${failed} of 200`);
});

test('the interval of the change of p50 holds the truth in at least 93 % of 200 comparisons', () => {
  let covered = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(900 + seed);
    const { latencies } = diffTimes(
      [simulatedRun(30, 1, { within: 0.1, between: 0 }, random)],
      [simulatedRun(30, 1.1, { within: 0.1, between: 0 }, random)],
    );
    const [low, high] = latencies[0]!.interval!;
    if (low <= 0.1 && 0.1 <= high) covered++;
  }
  assert.ok(covered >= 186, `covered ${covered} of 200`);
});

test('gates on functions: a planted regression fails them, two recordings of one program do not', () => {
  const stacks = { 'main;parse': 70, 'main;app::step_enqueuer': 30 };
  const slower = { ...stacks, 'main;app::step_enqueuer': 40 };
  const gate = [parseGate('self(step_enqueuer) > +2pt')];
  const zero = [parseGate('total(app::step_enqueuer) > +0pt')];
  let alarms = 0;
  let caught = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const a = [sampledProfile(stacks, 5000, random)];
    const same = diffProfiles(a, [sampledProfile(stacks, 5000, random)]);
    if (!judgeGates(zero, { profile: same, times: undefined })[0]!.held) alarms++;
    const worse = diffProfiles(a, [sampledProfile(slower, 5000, random)]);
    if (!judgeGates(gate, { profile: worse, times: undefined })[0]!.held) caught++;
  }
  assert.ok(alarms <= 2, `${alarms} false alarms of 200`);
  assert.ok(caught >= 195, `${caught} caught of 200`);
});

test('too little data never fails a gate, and says so', () => {
  const random = seededRandom(1);
  const few = diffTimes([simulatedRun(3, 1, STEADY, random)], [simulatedRun(3, 2, STEADY, random)]);
  const [p50, p95] = judgeGates([parseGate('p50 > +5%'), parseGate('p95 > +5%')], { profile: undefined, times: few });
  assert.deepEqual([p50!.held, p95!.held], [true, true]);
  assert.match(p50!.reason, /too few tasks to say \(3 and 3; 6 a side are needed\)/);
  const profile = diffProfiles([sampledProfile({ f: 1 }, 20, random)], [sampledProfile({ g: 1, f: 1 }, 20, random)]);
  assert.match(judgeGates([parseGate('self(g) > +1pt')], { profile, times: undefined })[0]!.reason, /too few samples/);
});

test('a gate that holds for want of precision says what it would have caught', () => {
  const random = seededRandom(2);
  const spread = { within: 0.1, between: 0 };
  const times = diffTimes([simulatedRun(20, 1, spread, random)], [simulatedRun(20, 1.06, spread, random)]);
  const [gate] = judgeGates([parseGate('p50 > +5%')], { profile: undefined, times });
  assert.equal(gate!.held, true);
  const [, percent, more] =
    /not shown to be beyond the threshold \(a true \+([\d.]+) % would be caught 4 times in 5; \+10\.0 % with about ([\d.]+) times as many tasks\)/.exec(
      gate!.reason,
    )!;
  assert.ok(Number(percent) > 8 && Number(percent) < 40, percent);
  assert.ok(Number(more) > 1 && Number(more) < 60, more);
});

test('an improvement is what a gate with < asks about', () => {
  const random = seededRandom(4);
  const times = diffTimes([simulatedRun(20, 1, STEADY, random)], [simulatedRun(20, 0.7, STEADY, random)]);
  const held = judgeGates(
    ['p50 < -10%', 'p50 > +0%', 'p50 < -50%'].map(text => parseGate(text)),
    { profile: undefined, times },
  );
  assert.deepEqual(
    held.map(gate => gate.held),
    [false, true, true],
  );
});

test('an expectation holds only where it is shown, and never for want of data', () => {
  const random = seededRandom(4);
  const expect = (...expressions: string[]): ReturnType<typeof parseGate>[] =>
    expressions.map(text => parseGate(text, 'expect'));
  const times = diffTimes([simulatedRun(20, 1, STEADY, random)], [simulatedRun(20, 0.7, STEADY, random)]);
  assert.deepEqual(
    judgeGates(expect('p50 < -10%', 'p50 < -50%', 'p50 > +0%'), { profile: undefined, times }).map(g => g.held),
    [true, false, false],
  );
  const few = diffTimes([simulatedRun(3, 1, STEADY, random)], [simulatedRun(3, 0.1, STEADY, random)]);
  const [gate] = judgeGates(expect('p50 < -10%'), { profile: undefined, times: few });
  assert.equal(gate!.held, false);
  assert.match(gate!.reason, /too few tasks to say/);
  assert.throws(() => parseGate('p50 < 10%', 'expect'), { code: 'usage', message: /^--expect 'p50 < 10%'/ });
  // In A/A runs an expectation of any improvement is met about as seldom as a gate fails.
  let met = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const draw = seededRandom(seed);
    const same = gateTimes([simulatedRun(12, 1, STEADY, draw)], [simulatedRun(12, 1, STEADY, draw)]);
    if (judgeGates(expect('p50 < -0%'), { profile: undefined, times: same })[0]!.held) met++;
  }
  assert.ok(met <= 5, `${met} of 200`);
});

test('gates on operations and phases, by id and by phase/id', () => {
  const run = (sendMs: number): RunTimes => ({
    name: 'run',
    leftOut: 0,
    tasks: Array.from({ length: 12 }, (_, t) => ({
      id: `${t}`,
      latencyNs: undefined,
      operations: [1, 1.02, 1.05].map(f => ({
        phase: 'message-send',
        id: 'send-step',
        durationNs: sendMs * 1e6 * (f + t / 100),
      })),
      phases: [{ phase: 'message-send', id: 'message-send', durationNs: (sendMs + 1 + t / 20) * 1e6 }],
    })),
  });
  const times = diffTimes([run(5)], [run(9)]);
  const gates = [
    'operation(send-step) > +3ms',
    'operation(message-send/send-step) > +10ms',
    'phase(message-send) > +5%',
  ];
  const result = judgeGates(
    gates.map(text => parseGate(text)),
    { profile: undefined, times },
  );
  assert.deepEqual(
    result.map(gate => gate.held),
    [false, true, false],
  );
  assert.deepEqual(times.latencies, []);
  assert.throws(
    () => judgeGates([parseGate('operation(nope) > +1ms')], { profile: undefined, times }),
    /operation 'nope'/,
  );
  assert.throws(() => judgeGates([parseGate('p50 > +1ms')], { profile: undefined, times }), /latencies of whole tasks/);
  assert.throws(
    () => judgeGates([parseGate('self(x) > +1pt')], { profile: undefined, times }),
    /profiles on both sides/,
  );
});

test('expressions: what is read, and what is refused as wrong use', () => {
  assert.deepEqual(parseGate('p50 > +5%').threshold, { kind: 'relative', value: 0.05 });
  assert.deepEqual(parseGate('p95>10ms').threshold, { kind: 'nanoseconds', value: 1e7 });
  assert.deepEqual(parseGate(' self( a::b<T> ) > +2pt ').threshold, { kind: 'points', value: 0.02 });
  assert.equal(parseGate('self( a::b<T> ) > +2pt').name, 'a::b<T>');
  assert.equal(parseGate('total(operator>(x)) > 2%').name, 'operator>(x)');
  assert.deepEqual(parseGate('p50 < -3us').threshold, { kind: 'nanoseconds', value: -3000 });
  for (const text of [
    '',
    'p50',
    'p50 > 5',
    'p50 > five%',
    'p51 > 5%',
    'p50 >= 5%',
    'p50 > -5%',
    'p50 < 5%',
    'p50 > 5pt',
    'self(x) > 5ms',
    'self() > 1pt',
    'self(x > 1pt',
    'p50 > 5 parsecs',
  ]) {
    assert.throws(() => parseGate(text), { name: 'TprofError', code: 'usage' }, text);
  }
});

test('any text is read or refused as wrong use, never anything else', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^(p50|self\(a\)|phase\(x\)) ?[<>] ?[+-]?\d{1,4} ?(%|pt|ms|)$/)),
      text => {
        try {
          assert.equal(parseGate(text).text, text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'usage');
        }
      },
    ),
  );
});

test('verdict: times decide, then shares; nothing found means unchanged only where a change would have been', () => {
  const random = seededRandom(8);
  const run = (tasks: number, factor: number, within: number): DiffRun => ({
    name: 'run',
    profile: undefined,
    times: simulatedRun(tasks, factor, { within, between: 0 }, random),
  });
  const verdict = (before: DiffRun, after: DiffRun): string => analyzeDiff([before], [after]).verdict;
  assert.equal(verdict(run(30, 1, 0.02), run(30, 1.1, 0.02)), 'regressed');
  assert.equal(verdict(run(30, 1, 0.02), run(30, 0.9, 0.02)), 'improved');
  assert.equal(verdict(run(30, 1, 0.02), run(30, 1, 0.02)), 'unchanged');
  assert.equal(verdict(run(5, 1, 0.5), run(5, 1, 0.5)), 'inconclusive');
});
