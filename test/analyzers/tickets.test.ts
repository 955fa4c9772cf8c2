import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyzeCriticalPath } from '../../analyzers/critical-path.ts';
import { analyzeHotPaths } from '../../analyzers/hot-paths.ts';
import { seededRandom } from '../../analyzers/statistics.ts';
import { samplesNeeded, valuesNeeded } from '../../analyzers/tickets/needed.ts';
import type { Ticket } from '../../analyzers/tickets/ticket.ts';
import { analyzeTickets } from '../../analyzers/tickets.ts';
import type { WorkflowPart, WorkflowStep, WorkflowTask } from '../../analyzers/workflow/workflow-task.ts';
import { sampledProfile } from './diff/sampled-profile.ts';
import { drawTrace } from './trace-drawing.ts';

type Sketch = readonly [kind: WorkflowPart['kind'], phase: string, id: string, ms: number];

function step(uuid: string, startMs: number, dependsOn: readonly string[], sketches: readonly Sketch[]): WorkflowStep {
  let at = startMs * 1e6;
  const parts = sketches.map(([kind, phase, id, ms]) => {
    const part = { kind, phase, id, startNs: at, durationNs: ms * 1e6 };
    at += ms * 1e6;
    return part;
  });
  return {
    stepUuid: uuid,
    name: uuid.split('-')[0]!,
    dependsOn,
    startNs: startMs * 1e6,
    wallNs: at - startMs * 1e6,
    parts,
  };
}

/** A chain of 100 ms with a branch beside it, which waits for nobody and holds nobody up. */
function task(n: number, scale = 1): WorkflowTask {
  const id = (name: string): string => `${name}-${n}`;
  const a = step(
    id('a'),
    0,
    [],
    [
      ['operation', 'send', 'big', 30 * scale],
      ['operation', 'send', 'small', 2],
      ['handler', '', 'handler', 10],
      ['operation', 'result', 'complete-transition', 8],
    ],
  );
  const endMs = a.wallNs / 1e6;
  const beside = step(id('beside'), 0, [], [['operation', 'audit', 'long', 20]]);
  const b = step(
    id('b'),
    endMs,
    [id('a')],
    [
      ['code', 'send', 'own-code', 40],
      ['operation', 'result', 'complete-transition', 10],
    ],
  );
  return { taskUuid: `t${n}`, name: 'task', startNs: 0, wallNs: b.startNs + b.wallNs, steps: [a, beside, b] };
}

const TASKS = [0.9, 1, 1.1, 1].map((scale, n) => task(n, scale));
const byTitle = (tickets: readonly Ticket[], title: RegExp): Ticket => {
  const found = tickets.find(ticket => title.test(ticket.title));
  assert.ok(found !== undefined, `${title} among ${tickets.map(t => t.title).join(', ')}`);
  return found;
};

test('what a target would bring is the replay, not its share', () => {
  const { tickets, notRecommended, notes } = analyzeTickets({ inputs: ['x'], tasks: TASKS });
  assert.deepEqual(notes, []);
  const big = byTitle(tickets, /send\/big/);
  assert.equal(big.impact.method, 'replay');
  if (big.impact.method !== 'replay') return;
  // All of it lies on the chain: 30 of 100 ms, and half of that if it takes half as long.
  assert.ok(Math.abs(big.impact.gone.relativeDelta + 0.3) < 1e-9);
  assert.ok(Math.abs(big.impact.halved.relativeDelta + 0.15) < 1e-9);
  assert.deepEqual(big.impact.halved.p50Ns, { before: 100e6, after: 85e6 });
  assert.equal(big.impact.whatIf, 'send/big=-50%');
  assert.equal(big.priority, 'high');
  // A sixth of the steps' time, and nobody would be sooner without it.
  const beside = notRecommended.find(n => n.what === 'audit/long');
  assert.match(beside?.why ?? '', /beside the critical paths: no task would have ended sooner/);
  assert.ok(!tickets.some(t => /audit/.test(t.title)));
});

test('acceptance names what diff can prove, and how much that takes', () => {
  const { tickets } = analyzeTickets({ inputs: ['x'], tasks: TASKS });
  const { acceptance } = byTitle(tickets, /send\/big/);
  assert.deepEqual(acceptance.expect, ['operation(send/big) < -25%']);
  assert.deepEqual(acceptance.failOn, ['p50 > +0%']);
  assert.equal(acceptance.needs.of, 'tasks');
  assert.ok(acceptance.needs.amount !== null && acceptance.needs.amount >= 6);
  const code = byTitle(tickets, /own code/);
  // 40 of the phase's 72 ms: half as long is 28 % of the phase, half of which is asked to be shown.
  assert.deepEqual(code.acceptance.expect, ['phase(send) < -14%']);
  assert.ok(code.doubts.some(doubt => /phase as a whole/.test(doubt)));
});

test('many small statements of a phase are one target, one that is most of it is its own', () => {
  const small: readonly Sketch[] = ['a', 'b', 'c', 'd', 'e'].map(id => ['operation', 'result', id, 6]);
  const tasks = [1, 2, 3].map(n => {
    const only = step(`s-${n}`, 0, [], [...small, ['operation', 'send', 'one', 30], ['operation', 'send', 'two', 1]]);
    return { taskUuid: `t${n}`, name: 't', startNs: 0, wallNs: only.wallNs, steps: [only] };
  });
  const { tickets } = analyzeTickets({ inputs: ['x'], tasks });
  const together = byTitle(tickets, /statements in result/);
  assert.deepEqual(
    together.members.map(m => m.name),
    ['a', 'b', 'c', 'd', 'e'],
  );
  assert.match(together.target, /^5 kinds of statements and messages, 5 of them a step/);
  assert.equal(tickets.filter(t => /result/.test(t.title)).length, 1);
  byTitle(tickets, /Shorten send\/one/);
});

test('work that was done again is a ticket without a promise', () => {
  const repeated = [{ stepUuid: 'a-0', name: 'a', phase: 'result', times: 2, extraNs: 5e6 }];
  const ticket = byTitle(analyzeTickets({ inputs: ['x'], tasks: TASKS, repeated }).tickets, /Do result once a step/);
  assert.equal(ticket.impact.method, 'unknown');
  assert.equal(ticket.priority, 'low');
});

test('too few tasks, too few samples, missing symbols and lost samples give notes instead of tickets', () => {
  const few = analyzeTickets({ inputs: ['x'], tasks: TASKS.slice(0, 2) });
  assert.deepEqual(few.tickets, []);
  assert.ok(
    few.notes.some(note => /send\/big: without it the 2 tasks would have been 28\.9 % sooner/.test(note)),
    few.notes.join(),
  );
  const random = seededRandom(1);
  const small = analyzeHotPaths(sampledProfile({ 'main;hot': 0.6, 'main;rest': 0.4 }, 200, random));
  const { tickets, notes } = analyzeTickets({ inputs: ['x'], hotPaths: small });
  assert.deepEqual(tickets, []);
  assert.match(notes.join(), /Cheaper hot: .*known from 200 samples, of which 500 are the least/);
  const enough = analyzeHotPaths(sampledProfile({ 'main;hot': 0.6, 'main;rest': 0.4 }, 2000, random));
  const lossy = analyzeTickets({ inputs: ['x'], hotPaths: { ...enough, lost: 1000 } });
  assert.match(lossy.notes.join(), /33\.3 % of the samples were lost/);
  assert.equal(lossy.tickets.length, 0);
});

test('a profile alone gives targets of processor time, and no word of latency', () => {
  const hotPaths = analyzeHotPaths(
    sampledProfile(
      {
        'main;serve;hot': 0.3,
        'main;serve;tracing::span::new': 0.1,
        'main;serde_json::to_vec': 0.02,
        'main;rest': 0.58,
      },
      5000,
      seededRandom(3),
    ),
  );
  const { tickets, notRecommended } = analyzeTickets({ inputs: ['x'], hotPaths });
  const hot = byTitle(tickets, /Cheaper hot/);
  assert.equal(hot.impact.method, 'samples');
  const [low, high] = hot.share.interval!;
  assert.ok(low < 0.3 && 0.3 < high && high - low < 0.04, `${low} … ${high}`);
  assert.match(hot.evidence.map(e => e.what).join(), /heaviest way to it: main → serve → hot/);
  assert.deepEqual(
    hot.acceptance.expect,
    ['self(hot) < -7.5pt'].map(() => hot.acceptance.expect[0]!),
  );
  assert.match(hot.acceptance.expect[0]!, /^self\(hot\) < -7\.\dpt$/);
  const tracing = byTitle(tickets, /Less logging and tracing/);
  assert.match(tracing.doubts.join(), /--no-trace/);
  assert.match(notRecommended.find(n => n.what === 'serialisation')?.measured ?? '', /^(1|2)\.\d % of/);
});

test('traces of no workflow: by the critical path, with the bound said', () => {
  const drawing = 'root  [==========]\n  slow [=======]';
  const criticalPath = analyzeCriticalPath(drawTrace(drawing));
  const once = analyzeTickets({ inputs: ['x'], criticalPath });
  assert.equal(once.tickets.length, 0);
  assert.match(once.notes.join(), /3 traces are the least for a ticket/);
  const thrice = {
    ...criticalPath,
    traces: [1, 2, 3].flatMap(() => criticalPath.traces),
    operations: criticalPath.operations.map(o => ({ ...o, totalNs: o.totalNs * 3, dragNs: o.dragNs * 3 })),
  };
  const slow = byTitle(analyzeTickets({ inputs: ['x'], criticalPath: thrice }).tickets, /slow/);
  assert.equal(slow.impact.method, 'critical-path');
  assert.match(slow.doubts.join(), /No workflow was recognised/);
});

test('drafts come in one order, with ids that are unique and fit for files', () => {
  const one = analyzeTickets({ inputs: ['x'], tasks: TASKS });
  const other = analyzeTickets({ inputs: ['x'], tasks: [...TASKS].reverse() });
  assert.deepEqual(
    other.tickets.map(t => t.id),
    one.tickets.map(t => t.id),
  );
  assert.equal(new Set(one.tickets.map(t => t.id)).size, one.tickets.length);
  for (const { id } of one.tickets) assert.match(id, /^[a-z0-9-]+$/);
});

test('how much is needed grows with the spread and shrinks with the effect', () => {
  const steady = [1, 1.01, 0.99, 1.02, 0.98];
  const wild = [1, 2, 0.5, 1.5, 0.7];
  assert.ok(valuesNeeded(wild, 0.5, 0.75)! > valuesNeeded(steady, 0.5, 0.75)!);
  assert.ok(valuesNeeded(wild, 0.9, 1)! > valuesNeeded(wild, 0.5, 1)!);
  assert.equal(valuesNeeded([1, 2], 0.5, 0.75), null);
  assert.ok(samplesNeeded(0.3, 0.18, 0.07)! > samplesNeeded(0.3, 0.1, 0.07)!);
  assert.equal(samplesNeeded(0.3, 0.3, 0.1), null);
});
