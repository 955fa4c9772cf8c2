import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRows, unixNs } from '../../../analyzers/lifecycle/evidence/rows.ts';
import { TprofError } from '../../../src/base/errors.ts';

test('times of tables are read to the last digit; without a zone they are UTC', () => {
  assert.equal(unixNs('1970-01-01T00:00:01.000001Z'), 1_000_001_000n);
  assert.equal(unixNs('2026-11-21T02:21:09.302426Z'), 1_795_227_669_302_426_000n);
  assert.equal(unixNs('2026-11-21 02:21:09.302426'), 1_795_227_669_302_426_000n);
  assert.equal(unixNs('2026-11-21T03:21:09+01:00'), 1_795_227_669_000_000_000n);
  assert.equal(unixNs('yesterday'), undefined);
  assert.equal(unixNs(''), undefined);
});

test('tables that are missing are empty, what is no row is skipped', () => {
  const rows = parseRows('rows.json', {
    workflow_steps: [{ workflow_step_uuid: 's', task_uuid: 't', step_name: 'one' }, null, 7],
    workflow_step_transitions: [{ workflow_step_uuid: 's', to_state: 'complete', created_at: 'never' }],
  });
  assert.deepEqual(rows.steps, [{ stepUuid: 's', taskUuid: 't', name: 'one' }]);
  assert.deepEqual([rows.tasks, rows.edges, rows.transitions], [[], [], []]);
});

test('what is no table says what it is instead', () => {
  for (const [document, message] of [
    [[], /found a list/],
    ['text', /found string/],
    [null, /found object/],
    [{ orders: [] }, /found orders/],
    [{}, /found an empty object/],
    [{ tasks: [], workflow_steps: {} }, /its workflow_steps is no list/],
  ] as const) {
    assert.throws(
      () => parseRows('rows.json', document),
      (error: unknown) => error instanceof TprofError && error.code === 'input-invalid' && message.test(error.message),
    );
  }
});
