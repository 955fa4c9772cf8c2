import type { Attributes, SpanRecord } from './tracing.ts';

/** One sentence that Tasker logs on its way, and when. */
export interface Marker {
  readonly target: string;
  readonly body: string;
  readonly attributes: Attributes;
  readonly atMs: number;
}

/** Sentences at one boundary stand this far apart, in milliseconds, so that their order is plain. */
const TICK = 0.001;

const WORKER_COMMANDS = 'tasker_worker::worker::actor_command_processor';
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
const RABBITMQ = 'tasker_shared::messaging::service::providers::rabbitmq';
const STEP_LISTENER = 'tasker_worker::worker::worker_queues::listener';
const RESULT_LISTENER = 'tasker_orchestration::orchestration::orchestration_queues::listener';
const WORKER_EVENTS = 'tasker_worker::worker::event_systems::worker_event_system';
const ORCHESTRATION_EVENTS = 'tasker_orchestration::orchestration::event_systems::orchestration_event_system';

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
  const queue = attributes['messaging.destination.template'] ?? attributes['messaging.destination.name'];
  const pushed = attributes['messaging.system'] === 'rabbitmq';
  const handle = pushed
    ? // What Tasker's push consumer puts there: the message has been acknowledged by then.
      `RabbitMq { delivery_tag: 18446744073709551615, queue_name: "${String(queue)}" }`
    : `Pgmq { msg_id: ${String(attributes['messaging.message.id'])}, queue_name: "${String(queue)}" }`;
  const broker = pushed ? rabbitMarkers(record, queue, at) : [];
  switch (record.what) {
    case 'claim-step':
    case 'claim-result': {
      if (pushed) return broker;
      const heard = record.events?.find(event => event.name === 'notification.received');
      const channel = `pgmq_message_ready.${record.what === 'claim-step' ? namespace : 'orchestration'}`;
      return [
        ...(heard === undefined
          ? []
          : [at(heard.atMs, PGMQ, 'TAS-149: Shared listener received notification', { channel })]),
      ];
    }
    case 'process_step':
      return [
        at(startMs - TICK, WORKER_COMMANDS, 'Received ExecuteStepFromMessage command (full payload available)', {
          handle,
          queue,
        }),
        at(startMs, EXECUTOR, 'Handling ExecuteStepFromQueuedMessage via dispatch', { ...step, handle, queue }),
        at(startMs + TICK, CLAIM, 'Worker: Hydrating step context for dispatch', both),
      ];
    case 'worker-dependencies':
      return [
        at(endMs + TICK, CLAIM, 'Attempting to claim step using state machine transition', { correlation_id, ...step }),
      ];
    case 'worker-mark-in-process':
      return [at(endMs + TICK, ACTIONS, 'Step marked as in_process with legacy flag updated', both)];
    case 'worker-count-attempt':
      return [
        at(endMs + TICK, CLAIM, 'Successfully claimed step by transitioning to InProgress and incremented attempts', {
          correlation_id,
          ...step,
          new_state: 'in_progress',
        }),
        at(endMs + 2 * TICK, EXECUTOR, 'Step claimed and dispatched', step),
      ];
    case 'worker-step-row':
      return [
        at(startMs - 2 * TICK, COMPLETION, 'Processing completion result', step),
        at(startMs - TICK, FFI, 'Processing step result with state machine integration', step),
      ];
    case 'worker-keep-results':
      return [at(endMs + TICK, ACTIONS, 'Step marked as enqueued for orchestration with results preserved', both)];
    case 'send-step':
      return [
        ...broker,
        at(endMs + TICK, ENQUEUER, 'Successfully sent step to pgmq queue (state transition completed first)', {
          correlation_id,
          ...step,
          queue_name: queue,
          msg_id: attributes['messaging.message.id'],
        }),
      ];
    case 'result-step-row': {
      const hydrator = 'tasker_orchestration::orchestration::hydration::step_result_hydrator';
      const command = 'tasker_orchestration::actors::command_processor_actor';
      return [
        at(startMs - 3 * TICK, command, 'Starting ProcessStepResultFromMessage', { handle, queue }),
        at(startMs - 2 * TICK, hydrator, 'HYDRATOR: Successfully parsed StepMessage', { handle, ...both }),
        at(startMs - TICK, hydrator, 'HYDRATOR: Looking up WorkflowStep in database', step),
        at(endMs + TICK, hydrator, 'HYDRATOR: Successfully retrieved WorkflowStep from database', both),
        at(endMs + 2 * TICK, COMMANDS, 'STEP_RESULT_HANDLER: Hydration complete, delegating to result processor', step),
      ];
    }
    case 'handler': {
      const handler_name = step_name;
      const success = record.error === undefined;
      return [
        at(startMs - 2 * TICK, DISPATCH, 'Received dispatch message', step),
        at(startMs - TICK, DISPATCH, 'Acquired semaphore permit, executing handler', step),
        at(startMs, DISPATCH, 'Invoking handler', { ...step, handler_name }),
        at(endMs, DISPATCH, 'Handler completed', {
          ...step,
          handler_name,
          success,
          execution_time_ms: Math.floor(endMs - startMs),
        }),
        at(endMs + TICK, DISPATCH, 'Completion result sent to channel', step),
      ];
    }
    case 'commit':
      return attributes['tasker.to_state'] === undefined ? [] : transitionMarkers(record, at);
    case 'send-result':
      return [
        ...broker,
        at(endMs + TICK, SENDER, 'Step completion sent to orchestration queue using config-driven naming', {
          ...both,
          correlation_id,
          queue_name: queue,
        }),
        at(endMs + 2 * TICK, FFI, 'Step result processed and sent to orchestration successfully', {
          ...step,
          correlation_id,
        }),
      ];
    case 'delete-step-message':
    case 'delete-result-message':
      return broker;
    case 'create_task':
      return [at(endMs, CREATION, 'Task created, attempting immediate step enqueuing', { correlation_id, task_uuid })];
    case 'enqueue_ready_steps':
      return [
        at(startMs, SERVICES, 'task.enqueue_steps_started'),
        at(startMs + TICK, ENQUEUER, 'Starting step enqueueing for claimed task', {
          correlation_id,
          task_uuid,
          namespace,
        }),
        at(endMs, SERVICES, 'task.enqueue_steps_completed'),
      ];
    case 'step-readiness':
      return [at(startMs - TICK, DISCOVERY, 'Finding viable steps', { task_uuid })];
    case 'enqueue_step':
      return [
        at(startMs, ENQUEUER, 'Preparing to enqueue step', { correlation_id, ...step, task_uuid, step_name }),
        at(endMs, ENQUEUER, 'Step enqueueing complete', { correlation_id, ...step, task_uuid, namespace }),
      ];
    case 'process_result':
      return [
        at(startMs, RESULTS, 'step_execution_result.processing_started'),
        at(endMs, RESULTS, 'step_execution_result.processing_completed'),
      ];
    case 'finalize_task':
      return [at(startMs, FINALIZER, 'task.finalization_started'), at(endMs, FINALIZER, 'task.finalization_completed')];
    default:
      return [];
  }
}

/** What Tasker's RabbitMQ provider says of one call, and the listeners behind a delivery. None of it names a step. */
function rabbitMarkers(
  { what, startMs, endMs, ids = {}, attributes = {} }: SpanRecord,
  queue: Attributes[string],
  at: (atMs: number, target: string, body: string, more?: Attributes) => Marker,
): Marker[] {
  const queue_name = queue;
  const delivery_tag = attributes['messaging.rabbitmq.message.delivery_tag'];
  switch (what) {
    case 'send-step':
    case 'send-result':
      return [
        at(startMs, RABBITMQ, 'RabbitMQ: Publishing message', {
          queue_name,
          message_size: attributes['messaging.message.body.size'],
        }),
        at(endMs, RABBITMQ, 'RabbitMQ: Message published successfully', { queue_name }),
      ];
    case 'claim-step':
    case 'claim-result': {
      const step = what === 'claim-step';
      const listener = step ? STEP_LISTENER : RESULT_LISTENER;
      const namespace = step ? ids.namespace : 'orchestration';
      const routed = step ? 'StepMessageWithPayload' : 'StepResultWithPayload';
      const command = step ? 'ExecuteStepFromMessage' : 'ProcessStepResultFromMessage';
      const provider = 'rabbitmq';
      return [
        at(startMs, RABBITMQ, 'RabbitMQ: Consumer received message', {
          queue_name,
          delivery_tag,
          redelivered: Number(attributes['tasker.message.read_count']) > 1,
          data_len: attributes['messaging.message.body.size'],
        }),
        at(startMs + TICK, listener, `Full message received, routing to ${routed}`, { queue, namespace, provider }),
        at(endMs, step ? WORKER_EVENTS : ORCHESTRATION_EVENTS, `Processing RabbitMQ push message via ${command}`, {
          queue,
          provider,
        }),
        at(endMs + TICK, RABBITMQ, 'RabbitMQ: Message ACKed after successful handoff', { queue_name, delivery_tag }),
      ];
    }
    case 'delete-step-message':
    case 'delete-result-message':
      return [at(startMs, RABBITMQ, 'RabbitMQ: Skipping ack_message (already ACKed in push consumer)', { queue_name })];
    default:
      return [];
  }
}

function transitionMarkers(
  { endMs, ids = {}, attributes = {} }: SpanRecord,
  at: (atMs: number, target: string, body: string, more?: Attributes) => Marker,
): Marker[] {
  const { step_uuid, task_uuid } = ids;
  const to_state = String(attributes['tasker.to_state']);
  const from_state = attributes['tasker.from_state'];
  const both = { step_uuid, task_uuid };
  return [
    at(endMs + TICK, ACTIONS, 'Step state transition', {
      event_name: EVENTS[to_state],
      ...both,
      from_state,
      to_state,
    }),
  ];
}
