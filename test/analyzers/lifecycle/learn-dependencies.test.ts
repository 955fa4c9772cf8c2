import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learnDependencies, type OrderedStep } from '../../../analyzers/lifecycle/learn-dependencies.ts';

/** `a 0-10, b 10-20 <a` : step b was enqueued at 10 by the run of a's result, and completed at 20. */
function task(name: string, text: string): OrderedStep[] {
  return text.split(',').map(part => {
    const match = /^\s*(\w+) (\d+)-(\d+)(?: <(\w+))?\s*$/.exec(part)!;
    return {
      step: `${name}.${match[1]}`,
      task: name,
      workflow: 'w',
      name: match[1]!,
      parent: match[4] === undefined ? '' : `${name}.${match[4]}`,
      enqueuedNs: Number(match[2]),
      completedNs: Number(match[3]),
    };
  });
}

test('a convergence: each task names the dependency that ended last, together they name both', () => {
  const learned = learnDependencies([
    ...task('1', 'a 0-10, b 10-20 <a, c 10-30 <a, d 29-40 <c'),
    ...task('2', 'a 0-10, b 10-30 <a, c 10-20 <a, d 29-40 <b'),
  ]);
  assert.deepEqual(learned.get('1.d')?.sort(), ['1.b', '1.c']);
  assert.deepEqual(learned.get('2.d')?.sort(), ['2.b', '2.c']);
  assert.deepEqual(learned.get('1.b'), ['1.a']);
  assert.equal(learned.get('1.a'), undefined);
});

test('one task in which the supposed dependency ended later drops it', () => {
  const learned = learnDependencies([
    ...task('1', 'a 0-10, b 10-20 <a, c 20-30 <b'),
    ...task('2', 'a 0-10, b 10-90 <a, c 20-30 <a'),
  ]);
  assert.deepEqual(learned.get('1.c'), ['1.a']);
});

test('workflows do not teach each other', () => {
  const other = task('2', 'a 0-10, b 10-30 <a, c 10-20 <a, d 29-40 <b').map(step => ({ ...step, workflow: 'v' }));
  const learned = learnDependencies([...task('1', 'a 0-10, b 10-20 <a, c 10-30 <a, d 29-40 <c'), ...other]);
  assert.deepEqual(learned.get('1.d'), ['1.c']);
});
