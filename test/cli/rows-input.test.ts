import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { isRows, readRowsSource } from '../../src/cli/rows-input.ts';

const head = (text: string): Uint8Array => new TextEncoder().encode(text);

test('tables are told from traces and results by their beginning', () => {
  assert.ok(isRows(head('{"tasks": [{"task_uuid": "a"}]}')));
  assert.ok(isRows(head(' {\n"workflow_steps":[')));
  assert.ok(!isRows(head('{"resourceSpans": []}')));
  assert.ok(!isRows(head('{"schema":"tprof.breakdown/1","tasks":[]}')));
  assert.ok(!isRows(head('')));
});

test('tables that are none, or cut, are one sentence', async () => {
  const rows = await readRowsSource(memorySource('rows.json', '{"tasks": [{"task_uuid": "a", "complete": true}]}'));
  assert.deepEqual(rows.tasks, [{ taskUuid: 'a', complete: true }]);
  for (const text of ['{"tasks": [', '[]', '{"other": []}', '7']) {
    await assert.rejects(readRowsSource(memorySource('rows.json', text)), { code: 'input-invalid' });
  }
});
