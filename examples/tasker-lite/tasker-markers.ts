import type { Attributes, SpanRecord } from './tracing.ts';

/** One sentence that Tasker logs on its way, and when. */
export interface Marker {
  readonly target: string;
  readonly body: string;
  readonly attributes: Attributes;
  readonly atMs: number;
}

const CLAIM = 'tasker_worker::worker::step_claim';
const EXECUTOR = 'tasker_worker::worker::actors::step_executor_actor';
const DISPATCH = 'tasker_worker::worker::handlers::dispatch_service';
const COMPLETION = 'tasker_worker::worker::handlers::completion_processor';
const FFI = 'tasker_worker::worker::services::ffi_completion::service';
const SENDER = 'tasker_worker::worker::orchestration_result_sender';
const ACTIONS = 'tasker_shared::state_machine::actions';
const ENQUEUER = 'tasker_orchestration::orchestration::lifecycle::step_enqueuer';
const DISCOVERY = 'tasker_orchestration::orchestration::viable_step_discovery';
const RESULTS = 'tasker_orchestration::orchestration::lifecycle::result_processing::service';
const FINALIZER = 'tasker_orchestration::orchestration::lifecycle::task_finalization::service';
const SERVICES = 'tasker_orchestration::orchestration::lifecycle::step_enqueuer_services::service';
const CREATION = 'tasker_orchestration::orchestration::lifecycle::task_initialization::service';
const COMMANDS = 'tasker_orchestration::orchestration::commands::service';
const PGMQ = 'tasker_shared::messaging::service::providers::pgmq';

const EVENTS: Readonly<Record<string, string>> = {
  enqueued: 'step.enqueue_requested',
  in_progress: 'step.execution_requested',
  enqueued_for_orchestration: 'step.enqueued_for_orchestration',
  enqueued_as_error_for_orchestration: 'step.enqueued_as_error_for_orchestration',
  waiting_for_retry: 'step.retry_requested',
  pending: 'step.retry_requested',
  complete: 'step.completed',
  error: 'step.failed',
};

/** What Tasker says at the start or the end of this piece of work, in its order. */
export function markersOf(record: SpanRecord): Marker[] {
  const { startMs, endMs, ids = {}, attributes = {} } = record;
  const { step_uuid, task_uuid, correlation_id, namespace, step_name } = ids;
  const at = (atMs: number, target: string, body: string, more: Attributes = {}): Marker => ({
    target,
    body,
    attributes: more,
    atMs,
  });
  const step = { step_uuid };
  const both = { task_uuid, step_uuid };
  const queue = attributes['messaging.destination.name'];
  const handle = `Pgmq { msg_id: ${String(attributes['messaging.message.id'])}, queue_name: "${String(queue)}" }`;
  switch (record.what) {
    case 'claim-step':
    case 'claim-result': {
      const heard = record.events?.find(event => event.name === 'notification.received');
      const channel = `pgmq_message_ready.${record.what === 'claim-step' ? namespace : 'orchestration'}`;
      return heard === undefined
        ? []
        : [at(heard.atMs, PGMQ, 'TAS-149: Shared listener received notification', { channel })];
    }
    case 'process_step':
      return [
        at(startMs, EXECUTOR, 'Handling ExecuteStepFromQueuedMessage via dispatch', { ...step, handle, queue }),
        at(startMs, CLAIM, 'Worker: Hydrating step context for dispatch', both),
      ];
    case 'hydrate-step':
      return [at(endMs, CLAIM, 'Attempting to claim step using state machine transition', { correlation_id, ...step })];
    case 'handler': {
      const handler_name = step_name;
      const success = record.error === undefined;
      return [
        at(startMs, DISPATCH, 'Received dispatch message', step),
        at(startMs, DISPATCH, 'Acquired semaphore permit, executing handler', step),
        at(startMs, DISPATCH, 'Invoking handler', { ...step, handler_name }),
        at(endMs, DISPATCH, 'Handler completed', {
          ...step,
          handler_name,
          success,
          execution_time_ms: Math.floor(endMs - startMs),
        }),
        at(endMs, DISPATCH, 'Completion result sent to channel', step),
      ];
    }
    case 'begin':
      return String(attributes['tasker.from_state']) !== 'in_progress'
        ? []
        : [
            at(startMs, COMPLETION, 'Processing completion result', step),
            at(startMs, FFI, 'Processing step result with state machine integration', step),
          ];
    case 'commit':
      return attributes['tasker.to_state'] === undefined ? [] : transitionMarkers(record, at);
    case 'send-result':
      return [
        at(endMs, SENDER, 'Step completion sent to orchestration queue using config-driven naming', {
          ...both,
          correlation_id,
          queue_name: queue,
        }),
        at(endMs, FFI, 'Step result processed and sent to orchestration successfully', { ...step, correlation_id }),
      ];
    case 'create_task':
      return [at(endMs, CREATION, 'Task created, attempting immediate step enqueuing', { correlation_id, task_uuid })];
    case 'enqueue_ready_steps':
      return [
        at(startMs, SERVICES, 'task.enqueue_steps_started'),
        at(startMs, ENQUEUER, 'Starting step enqueueing for claimed task', { correlation_id, task_uuid, namespace }),
        at(endMs, SERVICES, 'task.enqueue_steps_completed'),
      ];
    case 'step-readiness':
      return [at(startMs, DISCOVERY, 'Finding viable steps', { task_uuid })];
    case 'enqueue_step':
      return [
        at(startMs, ENQUEUER, 'Preparing to enqueue step', { correlation_id, ...step, task_uuid, step_name }),
        at(endMs, ENQUEUER, 'Step enqueueing complete', { correlation_id, ...step, task_uuid, namespace }),
      ];
    case 'process_result':
      return [
        at(startMs, COMMANDS, 'STEP_RESULT_HANDLER: Hydration complete, delegating to result processor', step),
        at(startMs, RESULTS, 'step_execution_result.processing_started'),
        at(endMs, RESULTS, 'step_execution_result.processing_completed'),
      ];
    case 'finalize_task':
      return [at(startMs, FINALIZER, 'task.finalization_started'), at(endMs, FINALIZER, 'task.finalization_completed')];
    default:
      return [];
  }
}

function transitionMarkers(
  { endMs, ids = {}, attributes = {} }: SpanRecord,
  at: (atMs: number, target: string, body: string, more?: Attributes) => Marker,
): Marker[] {
  const { step_uuid, task_uuid, correlation_id } = ids;
  const to_state = String(attributes['tasker.to_state']);
  const from_state = attributes['tasker.from_state'];
  const both = { step_uuid, task_uuid };
  const moved = at(endMs, ACTIONS, 'Step state transition', {
    event_name: EVENTS[to_state],
    ...both,
    from_state,
    to_state,
  });
  switch (to_state) {
    case 'in_progress':
      return [
        moved,
        at(endMs, CLAIM, 'Successfully claimed step by transitioning to InProgress and incremented attempts', {
          correlation_id,
          step_uuid,
          new_state: to_state,
        }),
        at(endMs, EXECUTOR, 'Step claimed and dispatched', { step_uuid }),
      ];
    case 'enqueued_for_orchestration':
      return [moved, at(endMs, ACTIONS, 'Step marked as enqueued for orchestration with results preserved', both)];
    default:
      return [moved];
  }
}
