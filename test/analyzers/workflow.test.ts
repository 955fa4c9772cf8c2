import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseWhatIf, replayWhatIf } from '../../analyzers/workflow/what-if.ts';
import type { WorkflowPart, WorkflowStep, WorkflowTask } from '../../analyzers/workflow/workflow-task.ts';
import { analyzeWorkflow } from '../../analyzers/workflow.ts';
import { TprofError } from '../../src/base/errors.ts';

type PartSketch = readonly [kind: WorkflowPart['kind'], id: string, durationNs: number, behind?: string];

/** A step from its start and its parts in order; the phase of a part is the first word of its id. */
function step(
  name: string,
  startNs: number,
  dependsOn: readonly string[],
  ...sketches: readonly PartSketch[]
): WorkflowStep {
  let at = startNs;
  const parts = sketches.map(([kind, id, durationNs, behind]) => {
    const part = {
      kind,
      phase: id.split('-')[0]!,
      id,
      startNs: at,
      durationNs,
      ...(behind === undefined ? {} : { behind }),
    };
    at += durationNs;
    return part;
  });
  return { stepUuid: name, name, dependsOn, startNs, wallNs: at - startNs, parts };
}

function task(wallNs: number, ...steps: readonly WorkflowStep[]): WorkflowTask {
  return { taskUuid: 't', name: 'task', startNs: 0, wallNs, steps };
}

const pathOf = (t: WorkflowTask): string =>
  analyzeWorkflow([t])
    .tasks[0]!.path.map(s => `${s.step === '' ? '' : `${s.step}.`}${s.id}[${s.startNs},${s.startNs + s.durationNs})`)
    .join(' ');

const DIAMOND = task(
  100,
  step('a', 5, [], ['operation', 'send-step', 10], ['handler', 'handler', 10], ['operation', 'complete-transition', 5]),
  step('b', 30, ['a'], ['handler', 'handler', 10], ['operation', 'complete-transition', 5]),
  step(
    'c',
    30,
    ['a'],
    ['wait', 'worker-queue', 10],
    ['handler', 'handler', 20],
    ['operation', 'complete-transition', 5],
  ),
  step('d', 70, ['b', 'c'], ['handler', 'handler', 20], ['operation', 'complete-transition', 5]),
);

test('the path follows the edge that was done last, from the first instant to the last', () => {
  assert.equal(
    pathOf(DIAMOND),
    'lead-in[0,5) a.send-step[5,15) a.handler[15,25) a.complete-transition[25,30) c.worker-queue[30,40) ' +
      'c.handler[40,60) c.complete-transition[60,65) d.readiness[65,70) d.handler[70,90) d.complete-transition[90,95) ' +
      'closing[95,100)',
  );
});

test('a long branch that nothing depends on is not on the path, though it was last to finish before the next step', () => {
  const t = task(
    40,
    step('a', 0, [], ['handler', 'handler', 10]),
    step('long', 0, [], ['handler', 'handler', 20]),
    step('b', 20, ['a'], ['handler', 'handler', 20]),
  );
  assert.equal(pathOf(t), 'a.handler[0,10) b.readiness[10,20) b.handler[20,40)');
});

test('drag, slack, convergence, stages and shares of a diamond', () => {
  const { tasks, stages, shares, coordinationTax, operations } = analyzeWorkflow([DIAMOND]);
  const [only] = tasks;
  assert.deepEqual(
    only?.steps.map(s => [s.name, s.stage, s.onPath, s.dragNs, s.slackNs]),
    [
      ['a', 1, true, 25, 0],
      ['b', 2, false, 0, 20],
      // Without c the task is as late as b makes it.
      ['c', 2, true, 20, 0],
      ['d', 3, true, 25, 0],
    ],
  );
  assert.deepEqual(only?.convergences, [
    { stepUuid: 'd', step: 'd', waitedFor: 'c', waits: [{ step: 'b', waitNs: 20 }] },
  ]);
  assert.equal(only?.parallelism.width, 2);
  assert.equal(only?.parallelism.average, 0.9);
  assert.equal(only?.parallelism.efficiency, 0.75);
  assert.deepEqual(stages[1], { stage: 2, tasks: 1, steps: 2, wallNs: 35, handlerNs: 20, overheadNs: 15 });
  assert.equal(shares.handler, 0.5);
  assert.equal(coordinationTax, 0.5);
  assert.equal(operations.find(o => o.id === 'handler')?.totalNs, 50);
});

test('what depends on a step can begin before that step itself ends', () => {
  const t = task(
    60,
    step(
      'a',
      0,
      [],
      ['handler', 'handler', 10],
      ['operation', 'complete-transition', 5],
      ['operation', 'readiness-run', 25],
    ),
    step('b', 20, ['a'], ['handler', 'handler', 40]),
  );
  assert.equal(pathOf(t), 'a.handler[0,10) a.complete-transition[10,15) a.readiness-run[15,20) b.handler[20,60)');
  assert.equal(analyzeWorkflow([t]).tasks[0]?.steps[0]?.dragNs, 20);
});

test('edges that nobody names are taken from the observed order, and said to be', () => {
  const [only] = analyzeWorkflow([
    task(30, step('a', 0, [], ['handler', 'handler', 10]), step('b', 12, [], ['handler', 'handler', 18])),
  ]).tasks;
  assert.equal(only?.observedOrder, true);
  assert.deepEqual(
    only?.steps.map(s => s.stage),
    [1, 2],
  );
});

test('dependencies in a circle, on themselves or on nobody are passed over', () => {
  const t = task(
    30,
    step('a', 0, ['b', 'a', 'gone'], ['handler', 'handler', 10]),
    step('b', 10, ['a'], ['handler', 'handler', 20]),
  );
  assert.equal(pathOf(t), 'a.handler[0,10) b.handler[10,30)');
});

test('what if: shorter, longer, exactly, not at all', () => {
  const { graphs } = analyzeWorkflow([DIAMOND]);
  const after = (expression: string): number => replayWhatIf(graphs, parseWhatIf(expression)).tasks[0]!.afterNs;
  assert.equal(after('handler=100%'), 100);
  assert.equal(after('handler=-50%'), 75);
  assert.equal(after('complete-transition=+2ns'), 106);
  assert.equal(after('send-step=0'), 90);
  assert.equal(after('send/send-step=0'), 90);
  assert.equal(after('worker-queue=0'), 90);
  assert.equal(after('handler=1us'), 3050);
  // Without handlers b and c are done at once, but c has waited in its queue.
  assert.equal(after('handler=0'), 50);
  const result = replayWhatIf(graphs, parseWhatIf('handler=-50%'));
  assert.deepEqual(result.partsNs, { before: 60, after: 30 });
  assert.equal(result.relativeDelta, -0.25);
});

test('what if: a wait behind another step shrinks with the work it waits for', () => {
  const t = task(
    50,
    step('a', 0, [], ['operation', 'enqueueing-a', 30], ['handler', 'handler', 5]),
    step('b', 0, [], ['operation', 'discovery-b', 10], ['wait', 'turn', 20, 'a'], ['handler', 'handler', 20]),
  );
  const { graphs, tasks } = analyzeWorkflow([t]);
  const after = (expression: string): number => replayWhatIf(graphs, parseWhatIf(expression)).tasks[0]!.afterNs;
  assert.equal(after('enqueueing-a=-50%'), 35);
  assert.equal(after('enqueueing-a=0'), 30);
  // Coming earlier only means waiting longer.
  assert.equal(after('discovery-b=0'), 50);
  // So a, off the path, still costs what it made b wait.
  assert.deepEqual(
    tasks[0]?.steps.map(s => [s.name, s.onPath, s.dragNs]),
    [
      ['a', false, 20],
      ['b', true, 15],
    ],
  );
});

test('what if: an amount for a phase is for the phase of one step, not for each of its parts', () => {
  const t = task(
    40,
    step(
      'a',
      0,
      [],
      ['operation', 'send-one', 10],
      ['wait', 'send-wait', 5],
      ['operation', 'send-two', 20],
      ['handler', 'handler', 5],
    ),
  );
  const { graphs } = analyzeWorkflow([t]);
  const after = (expression: string): number => replayWhatIf(graphs, parseWhatIf(expression)).tasks[0]!.afterNs;
  assert.equal(after('send=-6ns'), 34);
  assert.equal(after('send=3ns'), 13);
  assert.equal(after('send=-50%'), 25);
  assert.equal(after('send=-100ns'), 10);
});

test('what if: what a run does after a completion holds up its successors, and what it does for them is theirs', () => {
  const shared = (part: WorkflowPart): WorkflowPart => ({ ...part, shared: true });
  const a = step(
    'a',
    0,
    [],
    ['handler', 'handler', 10],
    ['operation', 'complete-transition', 5],
    ['operation', 'delete-message', 4],
    ['operation', 'reevaluate-readiness', 20],
  );
  const stretch = { ...a, parts: [...a.parts.slice(0, 3), shared(a.parts[3]!)] };
  const b = step(
    'b',
    19,
    ['a'],
    ['operation', 'reevaluate-readiness', 6],
    ['operation', 'send-step', 14],
    ['handler', 'handler', 10],
  );
  const { graphs } = analyzeWorkflow([task(49, stretch, b)]);
  const replay = (expression: string) => replayWhatIf(graphs, parseWhatIf(expression));
  assert.equal(replay('delete-message=0').tasks[0]!.afterNs, 45);
  const reevaluate = replay('reevaluate-readiness=0');
  assert.equal(reevaluate.tasks[0]!.afterNs, 43);
  assert.deepEqual([reevaluate.parts, reevaluate.partsNs], [1, { before: 6, after: 0 }]);
  // Of the first step, which ends later than the second could begin, as much goes as of its successor.
  const { graphs: longTail } = analyzeWorkflow([task(39, stretch)]);
  assert.equal(replayWhatIf(longTail, parseWhatIf('reevaluate-readiness=0')).tasks[0]!.afterNs, 19);
});

test('what if: bad expressions and unknown names are sentences', () => {
  const { graphs } = analyzeWorkflow([DIAMOND]);
  for (const bad of ['', 'x', 'x=', 'x=5', 'x=-120%', '=5%', 'x=5parsec']) {
    assert.throws(() => parseWhatIf(bad), TprofError, bad);
  }
  assert.throws(() => replayWhatIf(graphs, parseWhatIf('hanlder=-5%')), /nothing recorded is called 'hanlder'/);
});

/** A task made by running a random graph with given durations: the truth that a replay must find again. */
function simulate(
  nodes: readonly { dependsOn: readonly number[]; work: number; send: number }[],
  sendScale: number,
): WorkflowTask {
  const done: number[] = [];
  const steps = nodes.map(({ dependsOn, work, send }, i) => {
    const start = 7 + Math.max(0, ...dependsOn.map(d => done[d]!));
    const s = step(
      `s${i}`,
      start,
      dependsOn.map(d => `s${d}`),
      ['operation', 'send-step', send * sendScale],
      ['handler', 'handler', work],
      ['operation', 'complete-transition', 2],
      ['operation', 'delete-message', 3],
    );
    done.push(start + send * sendScale + work + 2);
    return s;
  });
  return task(Math.max(...steps.map(s => s.startNs + s.wallNs)) + 4, ...steps);
}

const graphs = fc
  .array(
    fc.record({
      picks: fc.array(fc.nat(20), { maxLength: 3 }),
      work: fc.integer({ min: 0, max: 50 }),
      send: fc.integer({ min: 0, max: 20 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map(list =>
    list.map(({ picks, work, send }, i) => ({
      dependsOn: i === 0 ? [] : [...new Set(picks.map(p => p % i))],
      work,
      send,
    })),
  )
  // Where nobody names a dependency the order is guessed, which is another test.
  .filter(list => list.length === 1 || list.some(node => node.dependsOn.length > 0));

test('any graph: the path touches and adds up, slack and drag agree with it', () => {
  fc.assert(
    fc.property(graphs, nodes => {
      const t = simulate(nodes, 1);
      const [only] = analyzeWorkflow([t]).tasks;
      let at = 0;
      for (const segment of only!.path) {
        assert.equal(segment.startNs, at);
        at += segment.durationNs;
      }
      assert.equal(at, t.wallNs);
      for (const s of only!.steps) {
        assert.ok(s.slackNs >= 0);
        if (s.onPath) assert.equal(s.slackNs, 0);
        if (s.slackNs > 0) assert.equal(s.dragNs, 0);
      }
    }),
  );
});

test('any graph: what-if finds what really happens when one operation takes other than it did', () => {
  fc.assert(
    fc.property(graphs, fc.constantFrom(0, 0.5, 2), (nodes, scale) => {
      const recorded = analyzeWorkflow([simulate(nodes, 1)]).graphs;
      const { tasks } = replayWhatIf(recorded, parseWhatIf(`send-step=${scale * 100}%`));
      assert.equal(tasks[0]!.afterNs, simulate(nodes, scale).wallNs);
    }),
  );
});
