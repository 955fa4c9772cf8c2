import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BreakdownTask } from '../../analyzers/lifecycle/breakdown-result.ts';
import { taskWaterfall } from '../../src/report/task-waterfall.ts';

test('a task as a picture: a row a step, every part with its name and length, waits apart', () => {
  const part = { evidence: 'span', standIn: null, shared: false, spanIds: [], behind: null } as const;
  const task: BreakdownTask = {
    taskUuid: '0199a3f2-7c1e-7d20-9a6b-0c8f1e2d3c4b',
    namespace: 'shop',
    name: 'order <1>',
    complete: true,
    startNs: 1000,
    wallNs: 5_000_000,
    steps: [
      {
        stepUuid: 's1',
        name: 'reserve & pay',
        stage: 1,
        attempt: 1,
        complete: true,
        reason: null,
        dependsOn: [],
        eligibleNs: 1000,
        startNs: 1000,
        wallNs: 5_000_000,
        parts: [
          { ...part, kind: 'operation', phase: 'message-send', id: 'send-step', startNs: 1000, durationNs: 2_000_000 },
          {
            ...part,
            kind: 'wait',
            phase: 'worker-claim',
            id: 'dispatch-queue',
            startNs: 2_001_000,
            durationNs: 3_000_000,
          },
        ],
      },
    ],
  };
  const figure = taskWaterfall(task);
  assert.match(figure.svg, /order &lt;1&gt;/);
  assert.match(figure.svg, /reserve &amp; pay/);
  assert.match(figure.svg, /send-step, message-send/);
  assert.match(figure.svg, /message-send 2\.00 ms/);
  assert.match(figure.svg, /wait 3\.00 ms/);
  assert.equal(figure.caption, `Task ${task.taskUuid}, 5.00 ms: reserve & pay 5.00 ms`);
});
