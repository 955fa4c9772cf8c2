/** The states of a step and of a task, and which changes are allowed. Pure: the tables hold the current state. */

export type StepState =
  | 'pending'
  | 'enqueued'
  | 'in_progress'
  | 'enqueued_for_orchestration'
  | 'enqueued_as_error_for_orchestration'
  | 'waiting_for_retry'
  | 'complete'
  | 'error'
  | 'cancelled'
  | 'resolved_manually';

export type StepEvent =
  | 'enqueue'
  | 'start'
  | 'enqueue-for-orchestration'
  | 'enqueue-as-error-for-orchestration'
  | 'complete'
  | 'wait-for-retry'
  | 'retry'
  | 'fail'
  | 'cancel'
  | 'resolve-manually';

export type TaskState =
  | 'pending'
  | 'initializing'
  | 'enqueuing_steps'
  | 'steps_in_process'
  | 'evaluating_results'
  | 'waiting_for_dependencies'
  | 'waiting_for_retry'
  | 'blocked_by_failures'
  | 'complete'
  | 'error'
  | 'cancelled'
  | 'resolved_manually';

const STEP_ENDED: readonly StepState[] = ['complete', 'error', 'cancelled', 'resolved_manually'];
const TASK_ENDED: readonly TaskState[] = ['complete', 'error', 'cancelled', 'resolved_manually'];

const STEP_CHANGES: Readonly<Record<StepState, Partial<Record<StepEvent, StepState>>>> = {
  pending: { enqueue: 'enqueued', 'wait-for-retry': 'waiting_for_retry' },
  enqueued: { start: 'in_progress', 'wait-for-retry': 'waiting_for_retry' },
  in_progress: {
    'enqueue-for-orchestration': 'enqueued_for_orchestration',
    'enqueue-as-error-for-orchestration': 'enqueued_as_error_for_orchestration',
    complete: 'complete',
    'wait-for-retry': 'waiting_for_retry',
  },
  enqueued_for_orchestration: { complete: 'complete', fail: 'error' },
  enqueued_as_error_for_orchestration: { fail: 'error', 'wait-for-retry': 'waiting_for_retry', complete: 'complete' },
  waiting_for_retry: { retry: 'pending' },
  complete: {},
  error: { retry: 'pending' },
  cancelled: {},
  resolved_manually: {},
};

const TASK_CHANGES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  pending: ['initializing'],
  initializing: ['enqueuing_steps', 'waiting_for_dependencies', 'complete', 'error'],
  enqueuing_steps: ['steps_in_process', 'error'],
  steps_in_process: ['evaluating_results', 'waiting_for_retry'],
  evaluating_results: [
    'enqueuing_steps',
    'complete',
    'waiting_for_dependencies',
    'waiting_for_retry',
    'blocked_by_failures',
  ],
  waiting_for_dependencies: ['evaluating_results'],
  waiting_for_retry: ['evaluating_results', 'enqueuing_steps'],
  blocked_by_failures: ['error', 'resolved_manually'],
  complete: [],
  error: [],
  cancelled: [],
  resolved_manually: [],
};

/** Where `event` leads from `state`; undefined where the machine does not allow it. */
export function nextStepState(state: StepState, event: StepEvent): StepState | undefined {
  if (event === 'cancel') return isStepEnded(state) ? undefined : 'cancelled';
  if (event === 'resolve-manually') return isStepEnded(state) && state !== 'error' ? undefined : 'resolved_manually';
  return STEP_CHANGES[state][event];
}

/** Whether a task may go from one state to the other. */
export function mayTaskGo(from: TaskState, to: TaskState): boolean {
  if (to === 'cancelled') return !isTaskEnded(from);
  return TASK_CHANGES[from].includes(to);
}

export function isStepEnded(state: StepState): boolean {
  return STEP_ENDED.includes(state);
}

/** `blocked_by_failures` goes on to `error` by itself, so that a failed task ends too. */
export function isTaskEnded(state: TaskState): boolean {
  return TASK_ENDED.includes(state);
}
