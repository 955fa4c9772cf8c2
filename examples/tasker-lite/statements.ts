import type { Attributes, SpanKindName } from './tracing.ts';

/** One SQL statement of the workload. */
export interface Statement {
  readonly id: StatementId;
  /** Name of the prepared statement; also what the server's own log calls it. Undefined = sent as plain text. */
  readonly name?: string;
  readonly text: string;
  /** Name of its span: what and on which table, queue or function. */
  readonly summary: string;
  readonly kind: SpanKindName;
  /** Attributes that every span of it carries, by the conventions for databases (and messaging, for the queue). */
  readonly attributes: Attributes;
}

export type StatementId =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'create-task'
  | 'create-steps'
  | 'create-edges'
  | 'create-step-transitions'
  | 'create-task-transitions'
  | 'next-ready-tasks'
  | 'poll-ready-tasks'
  | 'step-readiness'
  | 'fetch-correlation-id'
  | 'enqueue-sort-key'
  | 'enqueue-most-recent'
  | 'enqueue-transition'
  | 'send-step'
  | 'claim-step'
  | 'poll-steps'
  | 'hydrate-step'
  | 'start-sort-key'
  | 'start-most-recent'
  | 'start-transition'
  | 'submit-sort-key'
  | 'submit-most-recent'
  | 'submit-transition'
  | 'send-result'
  | 'delete-step-message'
  | 'claim-result'
  | 'poll-results'
  | 'fetch-step-state'
  | 'complete-sort-key'
  | 'complete-most-recent'
  | 'complete-transition'
  | 'retry-sort-key'
  | 'retry-most-recent'
  | 'retry-transition'
  | 'delete-result-message'
  | 'reevaluate-readiness'
  | 'task-transition'
  | 'existing-steps'
  | 'read-task'
  | 'read-steps'
  | 'worker-task-row'
  | 'worker-task-row-again'
  | 'worker-task-names'
  | 'worker-named-step'
  | 'worker-dependencies'
  | 'worker-current-transition'
  | 'worker-current-transition-again'
  | 'worker-step-state'
  | 'worker-mark-in-process'
  | 'worker-count-attempt'
  | 'worker-step-row'
  | 'worker-keep-results'
  | 'result-step-row';
export type Statements = Readonly<Record<StatementId, Statement>>;

const NEXT_SORT_KEY =
  'SELECT COALESCE(MAX(sort_key), 0) + 1 AS next_sort_key FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1';
const NO_LONGER_RECENT =
  'UPDATE tasker.workflow_step_transitions SET most_recent = false, updated_at = clock_timestamp() WHERE workflow_step_uuid = $1 AND most_recent AND to_state = $2';
const NEW_TRANSITION =
  'INSERT INTO tasker.workflow_step_transitions (workflow_step_uuid, from_state, to_state, sort_key, metadata, most_recent) VALUES ($1, $2, $3, $4, $5, true)';
const TASK_ROW =
  'SELECT task_uuid, named_task_uuid, complete, context, identity_hash, priority, correlation_id FROM tasker.tasks WHERE task_uuid = $1';
const STEP_ROW =
  'SELECT workflow_step_uuid, task_uuid, named_step_uuid, attempts, max_attempts, in_process, processed, results FROM tasker.workflow_steps WHERE workflow_step_uuid = $1';
const CURRENT_TRANSITION =
  'SELECT workflow_step_transition_uuid, workflow_step_uuid, to_state, from_state, metadata, sort_key, most_recent FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1 AND most_recent';
const SEND = 'SELECT tasker.pgmq_send_with_notify($1, $2, $3) AS msg_id';
const READ_ONE = 'SELECT * FROM tasker.pgmq_read_specific_message($1, $2, $3, $4)';
const READ = 'SELECT * FROM tasker.pgmq_read($1, $2, $3)';
const DELETE = 'SELECT tasker.pgmq_delete($1, $2, $3) AS deleted';

/**
 * Each statement by the name that it has in a breakdown where that knows it (`claim-step`), or by what it does. Four
 * step transitions share three texts; they are prepared under four names, so that the server's log tells them apart.
 */
const TEXTS: Readonly<Record<StatementId, string>> = {
  begin: 'BEGIN',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  'create-task':
    'INSERT INTO tasker.tasks (task_uuid, namespace, name, version, context, identity_hash, correlation_id, parent_correlation_id, initiator, source_system, reason, tags, priority) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (identity_hash) DO NOTHING RETURNING task_uuid',
  'create-steps':
    'INSERT INTO tasker.workflow_steps (workflow_step_uuid, task_uuid, step_name, handler, kind, inputs) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[])',
  'create-edges':
    'INSERT INTO tasker.workflow_step_edges (from_step_uuid, to_step_uuid) SELECT * FROM unnest($1::uuid[], $2::uuid[])',
  'create-step-transitions':
    "INSERT INTO tasker.workflow_step_transitions (workflow_step_uuid, to_state, sort_key, most_recent) SELECT step, 'pending', 1, true FROM unnest($1::uuid[]) AS step",
  'create-task-transitions':
    "INSERT INTO tasker.task_transitions (task_uuid, from_state, to_state, processor_uuid, sort_key, most_recent) VALUES ($1, NULL, 'pending', $2, 1, false), ($1, 'pending', 'initializing', $2, 2, true)",
  'next-ready-tasks': 'SELECT * FROM tasker.get_next_ready_tasks($1, $2, $3)',
  'poll-ready-tasks': 'SELECT * FROM tasker.get_next_ready_tasks($1, $2, $3)',
  'step-readiness': 'SELECT * FROM tasker.get_step_readiness_status_batch($1)',
  'fetch-correlation-id':
    'SELECT t.task_uuid, t.correlation_id FROM tasker.tasks t JOIN tasker.workflow_steps s USING (task_uuid) WHERE s.workflow_step_uuid = $1',
  'enqueue-sort-key': NEXT_SORT_KEY,
  'enqueue-most-recent': NO_LONGER_RECENT,
  'enqueue-transition': NEW_TRANSITION,
  'send-step': SEND,
  'claim-step': READ_ONE,
  'poll-steps': READ,
  'hydrate-step': 'SELECT * FROM tasker.get_step_context($1)',
  'start-sort-key': NEXT_SORT_KEY,
  'start-most-recent': NO_LONGER_RECENT,
  'start-transition': NEW_TRANSITION,
  'submit-sort-key': NEXT_SORT_KEY,
  'submit-most-recent': NO_LONGER_RECENT,
  'submit-transition': NEW_TRANSITION,
  'send-result': SEND,
  'delete-step-message': DELETE,
  'claim-result': READ_ONE,
  'poll-results': READ,
  'fetch-step-state':
    'SELECT s.task_uuid, s.step_name, s.attempts, s.max_attempts, s.results, t.namespace, t.version, t.name, t.correlation_id, st.to_state AS current_state FROM tasker.workflow_steps s JOIN tasker.tasks t USING (task_uuid) JOIN tasker.workflow_step_transitions st ON st.workflow_step_uuid = s.workflow_step_uuid AND st.most_recent WHERE s.workflow_step_uuid = $1',
  'complete-sort-key': NEXT_SORT_KEY,
  'complete-most-recent': NO_LONGER_RECENT,
  'complete-transition': NEW_TRANSITION,
  'retry-sort-key': NEXT_SORT_KEY,
  'retry-most-recent': NO_LONGER_RECENT,
  'retry-transition': NEW_TRANSITION,
  'delete-result-message': DELETE,
  'reevaluate-readiness': 'SELECT * FROM tasker.get_task_execution_context($1)',
  'task-transition': 'SELECT * FROM tasker.transition_task($1, $2, $3, $4)',
  'existing-steps': 'SELECT workflow_step_uuid, step_name FROM tasker.workflow_steps WHERE task_uuid = $1',
  'read-task':
    'SELECT t.*, c.status, c.total_steps, c.pending_steps, c.in_progress_steps, c.completed_steps, c.failed_steps, c.ready_steps, c.execution_status, c.recommended_action, c.completion_percentage, c.health_status FROM tasker.tasks t, tasker.get_task_execution_context(t.task_uuid) c WHERE t.task_uuid = $1',
  'read-steps':
    'SELECT r.*, s.results FROM tasker.get_step_readiness_status_batch($1) r JOIN tasker.workflow_steps s USING (workflow_step_uuid)',
  // What Tasker's worker and result hydrator run besides; only with `--emit tasker`.
  'worker-task-row': TASK_ROW,
  'worker-task-row-again': TASK_ROW,
  'worker-task-names':
    'SELECT nt.name AS task_name, nt.version AS task_version, nt.namespace AS namespace_name FROM tasker.tasks nt WHERE nt.task_uuid = $1',
  'worker-named-step':
    'SELECT ws.workflow_step_uuid, ws.task_uuid, ws.named_step_uuid, ws.step_name, ws.handler, ws.inputs, ws.attempts, ws.step_name AS __template_step_name FROM tasker.workflow_steps ws WHERE ws.workflow_step_uuid = $1',
  'worker-dependencies': 'SELECT * FROM tasker.get_step_transitive_dependencies($1)',
  'worker-current-transition': CURRENT_TRANSITION,
  'worker-current-transition-again': CURRENT_TRANSITION,
  'worker-step-state':
    'SELECT to_state FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1 AND most_recent',
  'worker-mark-in-process':
    'UPDATE tasker.workflow_steps SET in_process = true, updated_at = clock_timestamp() WHERE workflow_step_uuid = $1',
  'worker-count-attempt':
    'UPDATE tasker.workflow_steps SET attempts = attempts, last_attempted_at = clock_timestamp() WHERE workflow_step_uuid = $1',
  'worker-step-row': STEP_ROW,
  'worker-keep-results':
    'UPDATE tasker.workflow_steps SET in_process = false, results = $2 WHERE workflow_step_uuid = $1',
  'result-step-row': STEP_ROW,
};

export const STATEMENT_IDS: readonly StatementId[] = Object.keys(TEXTS) as StatementId[];

/** What a statement of the queue is in the words of the messaging conventions. */
const MESSAGING: Readonly<Partial<Record<StatementId, { name: string; type: string; kind: SpanKindName }>>> = {
  'send-step': { name: 'send', type: 'send', kind: 'producer' },
  'send-result': { name: 'send', type: 'send', kind: 'producer' },
  'claim-step': { name: 'read', type: 'receive', kind: 'client' },
  'claim-result': { name: 'read', type: 'receive', kind: 'client' },
  'poll-steps': { name: 'read', type: 'receive', kind: 'client' },
  'poll-results': { name: 'read', type: 'receive', kind: 'client' },
  'delete-step-message': { name: 'delete', type: 'settle', kind: 'client' },
  'delete-result-message': { name: 'delete', type: 'settle', kind: 'client' },
};

/** The workload's statements in `schema`. `database` is the `db.namespace` of their spans. */
export function statementsFor(schema: string, database: string): Statements {
  const made: Partial<Record<StatementId, Statement>> = {};
  for (const id of STATEMENT_IDS) made[id] = statement(id, schema, database);
  return made as Statements;
}

function statement(id: StatementId, schema: string, database: string): Statement {
  const text = inSchema(TEXTS[id], schema);
  const operation = text.split(' ', 1)[0]!;
  const target = new RegExp(`\\b${schema}\\.(\\w+)(\\()?`).exec(text);
  const messaging = MESSAGING[id];
  const summary = target === null ? operation : `${operation} ${schema}.${target[1]!}`;
  return {
    id,
    ...(target === null ? {} : { name: id }),
    text,
    summary,
    kind: messaging?.kind ?? 'client',
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': `${database}|${schema}`,
      'db.query.text': text,
      'db.query.summary': summary,
      'db.operation.name': operation,
      ...(target === null
        ? {}
        : target[2] === '('
          ? { 'db.stored_procedure.name': `${schema}.${target[1]!}` }
          : { 'db.collection.name': `${schema}.${target[1]!}` }),
      ...(messaging === undefined
        ? {}
        : {
            'messaging.system': 'pgmq',
            'messaging.operation.name': messaging.name,
            'messaging.operation.type': messaging.type,
          }),
    },
  };
}

/** The same SQL for a schema of another name. */
export function inSchema(sql: string, schema: string): string {
  return schema === 'tasker'
    ? sql
    : sql.replace(/\btasker([.:])/g, `${schema}$1`).replace(/(SCHEMA )tasker\b/g, `$1${schema}`);
}
