import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runSpread } from '../../../analyzers/diff/run-spread.ts';
import { studentQuantile, studentTwoSidedP } from '../../../analyzers/statistics/student-t.ts';

test("Student's table: 95 % and 99 %", () => {
  for (const [df, t95, t99] of [
    [1, 12.7062, 63.6567],
    [2, 4.30265, 9.92484],
    [5, 2.57058, 4.03214],
    [30, 2.04227, 2.75],
    [1e6, 1.95997, 2.57583],
  ] as const) {
    assert.ok(Math.abs(studentQuantile(0.95, df) - t95) < 1e-4, `${df}`);
    assert.ok(Math.abs(studentQuantile(0.99, df) - t99) < 1e-4, `${df}`);
  }
});

test('with 1 and 2 degrees of freedom p has a closed form', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 200, noNaN: true }), t => {
      assert.ok(Math.abs(studentTwoSidedP(t, 1) - (1 - (2 / Math.PI) * Math.atan(t))) < 1e-9);
      assert.ok(Math.abs(studentTwoSidedP(t, 2) - (1 - t / Math.sqrt(2 + t * t))) < 1e-9);
    }),
  );
});

test('the spread of runs: Welch with two a side, borrowed with one, nothing without', () => {
  assert.equal(runSpread([1], [2]), undefined);
  assert.equal(runSpread([], [1, 2, 3]), undefined);
  const equal = runSpread([1, 2, 3], [4, 5, 6])!;
  assert.ok(Math.abs(equal.df - 4) < 1e-12);
  assert.ok(Math.abs(equal.standardError - Math.sqrt(2 / 3)) < 1e-12);
  const borrowed = runSpread([1, 2, 3], [9])!;
  assert.equal(borrowed.df, 2);
  assert.ok(Math.abs(borrowed.standardError - Math.sqrt(1 + 1 / 3)) < 1e-12);
  assert.deepEqual(runSpread([1, 1], [1, 1]), { standardError: 0, df: 2 });
});
