import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWhatIf, replayWhatIf } from '../../analyzers/workflow/what-if.ts';
import type { WorkflowTask } from '../../analyzers/workflow/workflow-task.ts';
import { analyzeWorkflow } from '../../analyzers/workflow.ts';
import { renderTerminal } from '../../src/report/terminal.ts';
import { workflowView } from '../../src/report/workflow-view.ts';

const MS = 1e6;

function step(
  name: string,
  startMs: number,
  dependsOn: readonly string[],
  handlerMs: number,
): WorkflowTask['steps'][number] {
  const send = {
    kind: 'operation',
    phase: 'message-send',
    id: 'send-step',
    startNs: startMs * MS,
    durationNs: 2 * MS,
  } as const;
  const handler = {
    kind: 'handler',
    phase: 'execution',
    id: 'handler',
    startNs: (startMs + 2) * MS,
    durationNs: handlerMs * MS,
  } as const;
  const wallNs = (handlerMs + 2) * MS;
  return { stepUuid: name, name, dependsOn, startNs: startMs * MS, wallNs, parts: [send, handler] };
}

test('the workflow report: what was on the path, stages, where branches meet, what if', () => {
  const task: WorkflowTask = {
    taskUuid: '01a1',
    name: 'order',
    startNs: 0,
    wallNs: 40 * MS,
    steps: [
      step('check', 0, [], 8),
      step('pack', 10, ['check'], 3),
      step('bill', 10, ['check'], 13),
      step('ship', 25, ['pack', 'bill'], 13),
    ],
  };
  const { graphs, ...result } = analyzeWorkflow([task]);
  const whatIf = replayWhatIf(graphs, parseWhatIf('handler=-50%'));
  const text = renderTerminal(workflowView(result, [whatIf], { detail: true }), { color: false, width: 400 });
  assert.match(text, /Up to 2 steps can run at once; on average 1\.1[23] did/);
  assert.match(text, /what if handler=-50% \(4 parts\): median 40\.0 ms → 23\.0 ms/);
  assert.match(text, /^execution\/handler +handler +3 +/m);
  assert.match(text, /^ +2 +2 +15\.0 ms +13\.0 ms +2\.00 ms$/m);
  assert.match(text, /^ship +pack +bill +10\.0 ms$/m);
  assert.match(text, /^pack +2 +0 ns +10\.0 ms$/m);
  assert.doesNotMatch(text, /observed/);
});

test('a task without steps has no workflow section', () => {
  const { graphs: _, ...result } = analyzeWorkflow([{ taskUuid: 't', name: '', startNs: 0, wallNs: 5, steps: [] }]);
  assert.deepEqual(workflowView(result), []);
});
