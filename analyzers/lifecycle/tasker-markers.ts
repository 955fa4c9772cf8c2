import type { Catalog, CatalogMarker } from './catalog.ts';

const IN_ORCHESTRATION: readonly CatalogMarker[] = [
  // Creation and enqueueing.
  { id: 'immediate-enqueue', text: '^Task created, attempting immediate step enqueuing' },
  { id: 'discovery-begins', text: '^Finding viable steps' },
  { id: 'step-viable', text: '^Found viable step$' },
  { id: 'enqueueing-begins', text: '^Starting step enqueueing for claimed task' },
  { id: 'enqueue-filter', text: '^Step in (?:Pending|\\w+) state, ready to enqueue' },
  { id: 'enqueue-step-begins', text: '^Preparing to enqueue step' },
  { id: 'enqueue-step-message', text: '^Created step message$' },
  { id: 'step-enqueued', text: '^Step state transition$', event: 'step.enqueue_requested' },
  { id: 'step-enqueue-done', text: '^Step enqueueing complete' },
  { id: 'publish-begins', text: '^RabbitMQ: Publishing message' },
  { id: 'publish-done', text: '^RabbitMQ: Message published successfully' },
];

/** Both sides write these: the process that does says which. */
const IN_BOTH: readonly CatalogMarker[] = [
  { id: 'lookup-begins', text: '^Starting lookup for TaskTemplate' },
  { id: 'cache-hit', text: '^Cache (?:HIT|MISS)$', target: 'cache' },
  { id: 'message-received', text: '^RabbitMQ: Consumer received message' },
  { id: 'message-acked', text: '^RabbitMQ: Message ACKed after successful handoff' },
  { id: 'notification-received', text: 'Shared listener received notification' },
];

const IN_WORKER: readonly CatalogMarker[] = [
  { id: 'listener-has-step', text: '^Full message received, routing to StepMessageWithPayload' },
  { id: 'step-message-pushed', text: '^Processing \\w+ push message via ExecuteStepFromMessage' },
  { id: 'step-command-received', text: '^Received ExecuteStepFromMessage command' },
  { id: 'execution-begins', text: '^Handling ExecuteStepFromQueuedMessage via dispatch' },
  // Hydration and claim.
  { id: 'hydration-begins', text: '^Worker: Hydrating step context for dispatch' },
  { id: 'claim-begins', text: '^Attempting to claim step using state machine transition' },
  { id: 'step-started', text: '^Step state transition$', event: 'step.execution_requested' },
  { id: 'step-in-process-marked', text: '^Step marked as in_process' },
  { id: 'step-claimed', text: '^Successfully claimed step' },
  {
    id: 'claim-failed',
    text: '^(?:Failed to claim step|Step claim failed|Step not claimed|Step (?:was )?already claimed)',
  },
  { id: 'step-dispatched', text: '^Step claimed and dispatched' },
  // Handler.
  { id: 'dispatch-received', text: '^Received dispatch message' },
  { id: 'permit-acquired', text: '^Acquired semaphore permit' },
  { id: 'handler-begins', text: '^Invoking handler$' },
  { id: 'handler-done', text: '^Handler (?:completed|failed|returned error)' },
  { id: 'completion-sent', text: '^Completion result sent to channel' },
  { id: 'completion-received', text: '^Processing completion result$' },
  // Submission.
  { id: 'submission-begins', text: '^Processing step result with state machine integration' },
  { id: 'step-submitted', text: '^Step state transition$', event: 'step.enqueued_for_orchestration' },
  { id: 'step-submitted-error', text: '^Step state transition$', event: 'step.enqueued_as_error_for_orchestration' },
  { id: 'results-marked', text: '^Step marked as enqueued (?:as error )?for orchestration' },
  { id: 'result-sent', text: '^Step completion sent to orchestration queue' },
  { id: 'submission-done', text: '^Step result processed and sent to orchestration successfully' },
];

const AT_RESULTS: readonly CatalogMarker[] = [
  { id: 'listener-has-result', text: '^Full message received, routing to StepResultWithPayload' },
  { id: 'result-message-pushed', text: '^Processing \\w+ push message via ProcessStepResultFromMessage' },
  { id: 'result-command-begins', text: '^Starting ProcessStepResultFromMessage' },
  { id: 'result-parsed', text: '^HYDRATOR: Successfully parsed StepMessage' },
  { id: 'result-hydration-begins', text: '^HYDRATOR: Looking up WorkflowStep in database' },
  { id: 'result-hydration-row', text: '^HYDRATOR: Successfully retrieved WorkflowStep' },
  { id: 'result-hydrated', text: '^STEP_RESULT_HANDLER: Hydration complete' },
  { id: 'result-handover', text: '^Processing step result message$' },
  { id: 'result-run-begins', text: '^step_execution_result\\.processing_started' },
  { id: 'result-context', text: '^ResultProcessingContext: Loading workflow step' },
  { id: 'step-completed', text: '^Step state transition$', event: 'step.completed' },
  { id: 'step-failed', text: '^Step state transition$', event: 'step.failed' },
  { id: 'step-retry', text: '^Step state transition$', event: 'step.retry_requested' },
  { id: 'result-run-ends', text: '^step_execution_result\\.processing_completed' },
  { id: 'result-succeeded', text: '^STEP_RESULT_HANDLER: Result processing succeeded' },
  { id: 'result-failed', text: '^(?:STEP_RESULT_HANDLER: )?Result processing failed' },
  { id: 'result-acknowledged', text: '^STEP_RESULT_HANDLER: Acknowledging successfully processed message' },
  // Coordination.
  { id: 'finalization-begins', text: '^task\\.finalization_started' },
  { id: 'finalization-ends', text: '^task\\.finalization_completed' },
  { id: 'enqueue-task-begins', text: '^task\\.enqueue_steps_started' },
  { id: 'enqueue-task-ends', text: '^task\\.enqueue_steps_completed' },
  { id: 'step-read', text: '^Read messages from fallback polling' },
];

/** What Tasker says while it works, in the order in which one step meets it (tasker-core c8733f95). */
export const TASKER_MARKERS: readonly CatalogMarker[] = [
  ...IN_ORCHESTRATION,
  ...IN_BOTH,
  ...IN_WORKER.map(marker => ({ ...marker, by: 'worker' as const })),
  ...AT_RESULTS.map(marker => ({ ...marker, by: 'orchestration' as const })),
];

export const TASKER_PAIRS: Catalog['pairs'] = [
  { id: 'template-lookup', from: 'lookup-begins', to: ['cache-hit'] },
  { id: 'broker-publish', from: 'publish-begins', to: ['publish-done'] },
  { id: 'broker-delivery', from: 'message-received', to: ['message-acked'] },
];
