import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTool } from '../../collectors/profilers/perf-tool.ts';

const skip = process.platform === 'win32' && 'the tools here are shells';

test('a tool beside the target: a group is stopped whole, and what it said last is kept', { skip }, async () => {
  // The one that is started waits for the one that works, as some tools do, and does not pass signals on.
  const script = `trap : INT; sh -c 'trap "echo last words; exit 0" INT; echo ready; while :; do sleep 0.05; done'; exit 0`;
  const tool = startTool('/bin/sh', ['-c', script]);
  await tool.ready(() => tool.said().includes('ready'));
  assert.equal(tool.ended(), false);
  await tool.stop();
  assert.equal(tool.ended(), true);
  assert.equal(tool.failure(), undefined);
  assert.match(tool.said(), /last words/);
});

test('a tool beside the target: what cannot be started is a failure, and stopping it hits nobody else', async () => {
  const tool = startTool('/no/such/tool', []);
  // Before the failure is known: a signal to group 0 would be one to this very test.
  await tool.stop();
  assert.equal(tool.ended(), true);
  assert.match(tool.failure() ?? '', /ENOENT/);
});

test('a tool beside the target: one that ends by itself is waited for, its failure is its own words', {
  skip,
}, async () => {
  const good = startTool('/bin/sh', ['-c', 'sleep 0.1; echo figures']);
  await good.finished(60_000);
  assert.deepEqual([good.failure(), good.said()], [undefined, 'figures\n']);
  const bad = startTool('/bin/sh', ['-c', 'echo no permission >&2; exit 4']);
  await bad.ready(() => false);
  assert.deepEqual([bad.ended(), bad.failure()], [true, 'no permission\n']);
});
