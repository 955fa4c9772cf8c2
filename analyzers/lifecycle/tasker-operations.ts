import type { Catalog, CatalogOperation, OperationMatch } from './catalog.ts';

// A broker that several systems share may have something before the names of the queues.
const WORKER_QUEUE = '(?:^|[.:/])worker_.*_queue$|_step_queue$';
const RESULT_QUEUE = 'step_results$';
const READS = ['queue-read', 'read-call'];
// A broker's own calls, told without a statement: what it pushes is not asked for, what is acknowledged it deletes.
const DELIVERY = { what: ['message-receive'], standIn: 'delivery by the broker' };
const ACKNOWLEDGEMENT = { what: ['message-settle'], standIn: 'acknowledgement to the broker' };
const SENDS = ['queue-send', 'message-send', 'send-call', 'broker-publish'];
const ENQUEUE = ['enqueue', 'enqueue-step', 'enqueue-task'];
const ENQUEUE_RUN = [
  'enqueue',
  'enqueue-step',
  'enqueue-task',
  'finalization',
  'creation-run',
  'poll-batch',
  'discovery',
];

export const TASKER_PHASES: Catalog['phases'] = [
  { id: 'discovery', title: 'Discovery', performer: 'orchestration', documented: true },
  { id: 'enqueueing', title: 'Enqueueing', performer: 'orchestration', documented: true },
  { id: 'message-send', title: 'Message send', performer: 'orchestration', documented: true },
  { id: 'worker-claim', title: 'Worker claim', performer: 'worker', documented: true },
  { id: 'worker-hydration', title: 'Worker hydration', performer: 'worker', documented: false },
  { id: 'worker-transition', title: 'Worker transition', performer: 'worker', documented: true },
  { id: 'execution', title: 'Handler dispatch', performer: 'worker', documented: false },
  { id: 'result-submission', title: 'Result submission', performer: 'worker', documented: true },
  { id: 'result-processing', title: 'Result processing', performer: 'orchestration', documented: true },
  { id: 'task-coordination', title: 'Task coordination', performer: 'orchestration', documented: true },
];

/** The three statements that every change of a step's state consists of, told apart by where they run. */
function transition(prefix: string, phase: string, where: Omit<OperationMatch, 'what'>[]): CatalogOperation[] {
  const statement = (what: string): OperationMatch[] => where.map(rest => ({ what: [what], ...rest }));
  return [
    {
      id: `${prefix}-sort-key`,
      phase,
      title: 'select next sort key',
      expectedPerStep: 1,
      match: statement('step-next-sort-key'),
    },
    {
      id: `${prefix}-most-recent`,
      phase,
      title: 'update most_recent',
      expectedPerStep: 1,
      match: statement('step-most-recent'),
    },
    {
      id: `${prefix}-transition`,
      phase,
      title: 'insert transition',
      expectedPerStep: 1,
      match: statement('step-new-transition'),
    },
  ];
}

/** The documents' table (19 for the phases of a step's own life, coordination on top), then what has a name besides. */
export const TASKER_OPERATIONS: Catalog['operations'] = [
  {
    id: 'next-ready-tasks',
    phase: 'discovery',
    title: 'find ready tasks',
    expectedPerStep: 1,
    match: [
      { what: ['next-ready-tasks'], in: ENQUEUE_RUN },
      { what: ['task-ready-info'], in: ENQUEUE_RUN, standIn: 'get_task_ready_info' },
    ],
  },
  {
    id: 'step-readiness',
    phase: 'discovery',
    title: 'readiness of the steps',
    expectedPerStep: 1,
    match: [
      { what: ['step-readiness-batch'], in: ENQUEUE_RUN },
      { what: ['step-readiness'], in: ENQUEUE_RUN, standIn: 'get_step_readiness_status' },
    ],
  },
  {
    id: 'fetch-correlation-id',
    phase: 'enqueueing',
    title: 'fetch correlation id',
    expectedPerStep: 1,
    match: [{ what: ['correlation-id'], in: ENQUEUE }],
  },
  ...transition('enqueue', 'enqueueing', [{ in: ENQUEUE, toState: '^enqueued$' }]),
  {
    id: 'send-step',
    phase: 'message-send',
    title: 'send to the worker queue',
    expectedPerStep: 1,
    match: [
      { what: SENDS, queue: WORKER_QUEUE },
      { what: SENDS, in: ENQUEUE },
    ],
  },
  {
    id: 'claim-step',
    phase: 'worker-claim',
    title: 'claim the message',
    expectedPerStep: 1,
    match: [
      { what: READS, queue: WORKER_QUEUE },
      { ...DELIVERY, queue: WORKER_QUEUE },
      { what: ['step-delivery'], standIn: 'delivery by push' },
    ],
  },
  ...transition('start', 'worker-transition', [
    { in: ['claim'] },
    { in: ['visit'], toState: '^in_progress$', after: [...READS, 'message-receive', 'step-context'] },
  ]),
  ...transition('submit', 'result-submission', [
    { in: ['submission'] },
    { in: ['visit'], toState: '^enqueued_(?:for|as_error_for)_orchestration$', after: ['handler'] },
  ]),
  {
    id: 'send-result',
    phase: 'result-submission',
    title: 'send the result',
    expectedPerStep: 1,
    match: [
      { what: SENDS, queue: RESULT_QUEUE },
      { what: SENDS, in: ['submission'] },
    ],
  },
  {
    id: 'fetch-step-state',
    phase: 'result-processing',
    title: 'fetch the state of the step',
    expectedPerStep: 1,
    match: [
      { what: ['step-and-state'], in: ['result'] },
      { what: ['step-state'], in: ['result'] },
    ],
  },
  ...transition('complete', 'result-processing', [{ in: ['result'] }]),
  {
    id: 'delete-result-message',
    phase: 'result-processing',
    title: 'delete the consumed message',
    expectedPerStep: 1,
    match: [
      { what: ['queue-delete'], queue: RESULT_QUEUE },
      { ...ACKNOWLEDGEMENT, queue: RESULT_QUEUE },
      { what: ['queue-archive', 'archive-call'], queue: RESULT_QUEUE, standIn: 'pgmq.archive' },
      { what: ['queue-archive', 'archive-call'], in: ['result'], standIn: 'pgmq.archive' },
      { what: ['broker-delivery'], queue: RESULT_QUEUE, standIn: 'acknowledgement at delivery' },
    ],
  },
  {
    id: 'reevaluate-readiness',
    phase: 'task-coordination',
    title: 're-evaluate readiness',
    expectedPerStep: 1,
    match: [{ what: ['execution-context'], in: ['finalization'] }],
  },
  {
    id: 'claim-result',
    phase: 'result-processing',
    title: 'claim the result message',
    expectedPerStep: 0,
    match: [{ what: READS, queue: RESULT_QUEUE }, { ...DELIVERY, queue: RESULT_QUEUE }, { what: ['result-delivery'] }],
  },
  {
    id: 'delete-step-message',
    phase: 'worker-claim',
    title: 'delete the consumed step message',
    expectedPerStep: 0,
    beside: true,
    match: [
      {
        what: ['queue-delete', 'queue-archive', 'archive-call', 'message-settle', 'broker-delivery'],
        queue: WORKER_QUEUE,
      },
    ],
  },
  {
    id: 'hydrate-step',
    phase: 'worker-hydration',
    title: 'read what the handler needs',
    expectedPerStep: 0,
    match: [{ what: ['step-context'], in: ['visit'] }],
  },
];
