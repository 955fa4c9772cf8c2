import assert from 'node:assert/strict';
import { test } from 'node:test';
import { incomparable, type RunFacts } from '../../../analyzers/diff/comparability.ts';

const FACTS: RunFacts = {
  name: 'a',
  machine: '2 × A, linux x64',
  kernel: '6.1',
  scenario: 'linear',
  concurrency: 1,
  tools: 'perf 6.1',
  intervalNs: 1e7,
  event: 'cpu-clock (nanoseconds)',
};

test('runs that say the same, or nothing, are compared', () => {
  assert.deepEqual(incomparable([FACTS, { ...FACTS, name: 'b' }, { name: 'c' }]), []);
  assert.deepEqual(incomparable([]), []);
});

test('machine, scenario, load, event and frequency are refused; kernel, tools and unfinished recordings are flagged', () => {
  const severity = (change: Partial<RunFacts>): string[] =>
    incomparable([FACTS, { name: 'silent' }, { ...FACTS, name: 'b', ...change }]).map(d => d.severity);
  for (const change of [
    { machine: '4 × A, linux x64' },
    { scenario: 'diamond' },
    { concurrency: 4 },
    { event: 'cycles (count)' },
    { intervalNs: 5e6 },
  ]) {
    assert.deepEqual(severity(change), ['refuse'], JSON.stringify(change));
  }
  for (const change of [{ kernel: '6.2' }, { tools: 'perf 6.2' }, { complete: false }]) {
    assert.deepEqual(severity(change), ['flag'], JSON.stringify(change));
  }
  assert.deepEqual(severity({ intervalNs: 1.001e7 }), []);
});

test('the message names both sides', () => {
  const [difference] = incomparable([FACTS, { ...FACTS, name: 'b', intervalNs: 5e6 }]);
  assert.equal(difference!.message, 'the sampling frequency differs: 100 Hz in a, 200 Hz in b');
});

test('programs of other builds are flagged by name; a program that only one side has is not', () => {
  const builds = (pairs: readonly (readonly [string, string])[]): RunFacts => ({ name: 'x', builds: new Map(pairs) });
  const found = incomparable([
    builds([
      ['server', 'aaaa1111'],
      ['libc.so.6', 'cccc'],
    ]),
    builds([
      ['server', 'bbbb2222'],
      ['libc.so.6', 'cccc'],
      ['tool', 'dddd'],
    ]),
  ]);
  assert.deepEqual(
    found.map(difference => [difference.severity, difference.what]),
    [['flag', 'the build of server']],
  );
  assert.match(found[0]!.message, /aaaa1111 in x, bbbb2222 in x/);
});
