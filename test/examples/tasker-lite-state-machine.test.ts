import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isStepEnded,
  isTaskEnded,
  mayTaskGo,
  nextStepState,
  type StepEvent,
  type StepState,
  type TaskState,
} from '../../examples/tasker-lite/state-machine.ts';

const EVENTS: readonly StepEvent[] = [
  'enqueue',
  'start',
  'enqueue-for-orchestration',
  'enqueue-as-error-for-orchestration',
  'complete',
  'wait-for-retry',
  'retry',
  'fail',
  'cancel',
  'resolve-manually',
];

function walk(from: StepState, events: readonly StepEvent[]): (StepState | undefined)[] {
  const seen: (StepState | undefined)[] = [];
  let state: StepState | undefined = from;
  for (const event of events) {
    state = state === undefined ? undefined : nextStepState(state, event);
    seen.push(state);
  }
  return seen;
}

test('a step that succeeds goes through the four documented transitions', () => {
  assert.deepEqual(walk('pending', ['enqueue', 'start', 'enqueue-for-orchestration', 'complete']), [
    'enqueued',
    'in_progress',
    'enqueued_for_orchestration',
    'complete',
  ]);
});

test('a step that fails is tried again, and then is an error', () => {
  assert.deepEqual(
    walk('in_progress', ['enqueue-as-error-for-orchestration', 'wait-for-retry', 'retry', 'enqueue', 'start']),
    ['enqueued_as_error_for_orchestration', 'waiting_for_retry', 'pending', 'enqueued', 'in_progress'],
  );
  assert.equal(nextStepState('enqueued_as_error_for_orchestration', 'fail'), 'error');
  assert.equal(nextStepState('error', 'retry'), 'pending');
});

test('no step is started that was not enqueued, none completes twice', () => {
  assert.equal(nextStepState('pending', 'start'), undefined);
  assert.equal(nextStepState('complete', 'complete'), undefined);
  assert.equal(nextStepState('complete', 'cancel'), undefined);
  assert.equal(nextStepState('in_progress', 'cancel'), 'cancelled');
});

test('whatever happens, a step that is complete or cancelled stays so', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 30 }), events => {
      let state: StepState = 'pending';
      for (const event of events) {
        const next = nextStepState(state, event);
        if (state !== 'error' && isStepEnded(state)) assert.equal(next, undefined);
        state = next ?? state;
      }
    }),
  );
});

test('a task goes round between enqueueing and evaluating until it ends', () => {
  const way: TaskState[] = [
    'pending',
    'initializing',
    'enqueuing_steps',
    'steps_in_process',
    'evaluating_results',
    'enqueuing_steps',
    'steps_in_process',
    'evaluating_results',
    'complete',
  ];
  for (let i = 1; i < way.length; i++) assert.ok(mayTaskGo(way[i - 1]!, way[i]!), `${way[i - 1]} → ${way[i]}`);
  assert.ok(!mayTaskGo('steps_in_process', 'complete'));
  assert.ok(!mayTaskGo('complete', 'cancelled'));
  assert.ok(mayTaskGo('blocked_by_failures', 'error'));
  assert.ok(isTaskEnded('error') && !isTaskEnded('blocked_by_failures'));
});
