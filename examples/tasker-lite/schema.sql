-- The tables and functions of the embedded workload, under the names that Tasker gives its own. `tasker.` and `tasker:`
-- are replaced when the workload lives in another schema.
CREATE SCHEMA tasker;
COMMENT ON SCHEMA tasker IS 'tasker-lite: made and dropped by the embedded workload of tprof';

CREATE TABLE tasker.tasks (
  task_uuid uuid PRIMARY KEY,
  namespace text NOT NULL,
  name text NOT NULL,
  version text NOT NULL,
  named_task_uuid uuid GENERATED ALWAYS AS (md5(namespace || '/' || name || '/' || version)::uuid) STORED,
  context jsonb NOT NULL,
  identity_hash text NOT NULL UNIQUE,
  correlation_id uuid NOT NULL,
  parent_correlation_id uuid,
  initiator text,
  source_system text,
  reason text,
  tags jsonb NOT NULL DEFAULT '[]',
  priority integer NOT NULL DEFAULT 0,
  complete boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  completed_at timestamptz
);
CREATE INDEX ON tasker.tasks (created_at) WHERE NOT complete;

CREATE TABLE tasker.task_transitions (
  task_transition_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  task_uuid uuid NOT NULL REFERENCES tasker.tasks,
  from_state text,
  to_state text NOT NULL,
  processor_uuid uuid,
  metadata jsonb NOT NULL DEFAULT '{}',
  sort_key integer NOT NULL,
  most_recent boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (task_uuid, sort_key)
);
CREATE UNIQUE INDEX ON tasker.task_transitions (task_uuid) WHERE most_recent;

CREATE TABLE tasker.workflow_steps (
  workflow_step_uuid uuid PRIMARY KEY,
  task_uuid uuid NOT NULL REFERENCES tasker.tasks,
  step_name text NOT NULL,
  named_step_uuid uuid GENERATED ALWAYS AS (md5(step_name)::uuid) STORED,
  handler text NOT NULL,
  kind text,
  inputs jsonb NOT NULL DEFAULT '{}',
  results jsonb,
  attempts integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL DEFAULT 3,
  in_process boolean NOT NULL DEFAULT false,
  processed boolean NOT NULL DEFAULT false,
  retry_at timestamptz,
  last_attempted_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (task_uuid, step_name)
);

CREATE TABLE tasker.workflow_step_edges (
  from_step_uuid uuid NOT NULL REFERENCES tasker.workflow_steps,
  to_step_uuid uuid NOT NULL REFERENCES tasker.workflow_steps,
  name text NOT NULL DEFAULT 'provides',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (to_step_uuid, from_step_uuid)
);
CREATE INDEX ON tasker.workflow_step_edges (from_step_uuid);

CREATE TABLE tasker.workflow_step_transitions (
  workflow_step_transition_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workflow_step_uuid uuid NOT NULL REFERENCES tasker.workflow_steps,
  from_state text,
  to_state text NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}',
  sort_key integer NOT NULL,
  most_recent boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (workflow_step_uuid, sort_key)
);
CREATE UNIQUE INDEX ON tasker.workflow_step_transitions (workflow_step_uuid) WHERE most_recent;

CREATE TABLE tasker.workflow_step_result_audit (
  workflow_step_result_audit_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workflow_step_uuid uuid NOT NULL REFERENCES tasker.workflow_steps,
  workflow_step_transition_uuid uuid NOT NULL UNIQUE,
  task_uuid uuid NOT NULL REFERENCES tasker.tasks,
  worker_uuid uuid,
  correlation_id uuid,
  success boolean NOT NULL,
  execution_time_ms double precision,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The columns of a step follow its transitions, so that the transition itself stays three statements.
CREATE FUNCTION tasker.follow_step_transition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  step tasker.workflow_steps;
BEGIN
  CASE NEW.to_state
    WHEN 'in_progress' THEN
      UPDATE tasker.workflow_steps SET in_process = true, attempts = attempts + 1, updated_at = clock_timestamp()
       WHERE workflow_step_uuid = NEW.workflow_step_uuid;
    WHEN 'enqueued_for_orchestration', 'enqueued_as_error_for_orchestration' THEN
      UPDATE tasker.workflow_steps
         SET in_process = false, results = NEW.metadata -> 'results', updated_at = clock_timestamp()
       WHERE workflow_step_uuid = NEW.workflow_step_uuid
      RETURNING * INTO step;
      INSERT INTO tasker.workflow_step_result_audit (workflow_step_uuid, workflow_step_transition_uuid, task_uuid,
          worker_uuid, correlation_id, success, execution_time_ms)
      VALUES (NEW.workflow_step_uuid, NEW.workflow_step_transition_uuid, step.task_uuid,
          (NEW.metadata ->> 'worker_uuid')::uuid, (NEW.metadata ->> 'correlation_id')::uuid,
          NEW.to_state = 'enqueued_for_orchestration', (NEW.metadata ->> 'execution_time_ms')::double precision);
    WHEN 'waiting_for_retry' THEN
      UPDATE tasker.workflow_steps
         SET retry_at = clock_timestamp() + (NEW.metadata ->> 'backoff_ms')::double precision * interval '1 ms'
       WHERE workflow_step_uuid = NEW.workflow_step_uuid;
    WHEN 'complete' THEN
      UPDATE tasker.workflow_steps SET processed = true, updated_at = clock_timestamp()
       WHERE workflow_step_uuid = NEW.workflow_step_uuid;
    ELSE
      NULL;
  END CASE;
  RETURN NULL;
END $$;
CREATE TRIGGER trg_step_result_audit AFTER INSERT ON tasker.workflow_step_transitions
  FOR EACH ROW WHEN (NEW.to_state NOT IN ('pending', 'enqueued')) EXECUTE FUNCTION tasker.follow_step_transition();

-- Which steps of these tasks could run now: all parents done, itself pending or due for a retry.
CREATE FUNCTION tasker.get_step_readiness_status_batch(p_task_uuids uuid[])
RETURNS TABLE (workflow_step_uuid uuid, task_uuid uuid, name text, current_state text, attempts integer,
  max_attempts integer, total_parents bigint, completed_parents bigint, dependencies_satisfied boolean,
  ready_for_execution boolean, parent_step_uuids uuid[]) LANGUAGE sql STABLE AS $$
  WITH parents AS (
    SELECT e.to_step_uuid AS step_uuid, count(*) AS total, array_agg(e.from_step_uuid) AS step_uuids,
           count(*) FILTER (WHERE pt.to_state IN ('complete', 'resolved_manually')) AS done
      FROM tasker.workflow_steps s
      JOIN tasker.workflow_step_edges e ON e.to_step_uuid = s.workflow_step_uuid
      LEFT JOIN tasker.workflow_step_transitions pt ON pt.workflow_step_uuid = e.from_step_uuid AND pt.most_recent
     WHERE s.task_uuid = ANY (p_task_uuids)
     GROUP BY e.to_step_uuid
  )
  SELECT s.workflow_step_uuid, s.task_uuid, s.step_name, st.to_state, s.attempts, s.max_attempts,
         coalesce(p.total, 0), coalesce(p.done, 0), coalesce(p.total = p.done, true),
         coalesce(p.total = p.done, true)
           AND (st.to_state = 'pending' OR (st.to_state = 'waiting_for_retry' AND s.retry_at <= clock_timestamp())),
         coalesce(p.step_uuids, '{}')
    FROM tasker.workflow_steps s
    JOIN tasker.workflow_step_transitions st ON st.workflow_step_uuid = s.workflow_step_uuid AND st.most_recent
    LEFT JOIN parents p ON p.step_uuid = s.workflow_step_uuid
   WHERE s.task_uuid = ANY (p_task_uuids)
   ORDER BY s.task_uuid, s.created_at, s.step_name
$$;

-- Tasks with something to enqueue: one task by name, or, for the poller, those that nobody touched for a while.
CREATE FUNCTION tasker.get_next_ready_tasks(p_limit integer, p_task_uuid uuid, p_idle_ms double precision)
RETURNS TABLE (task_uuid uuid, namespace text, task_name text, correlation_id uuid, priority integer,
  current_state text, ready_steps_count bigint) LANGUAGE sql STABLE AS $$
  SELECT t.task_uuid, t.namespace, t.name, t.correlation_id, t.priority, tt.to_state, r.ready
    FROM tasker.tasks t
    JOIN tasker.task_transitions tt ON tt.task_uuid = t.task_uuid AND tt.most_recent
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE rs.ready_for_execution) AS ready
        FROM tasker.get_step_readiness_status_batch(ARRAY[t.task_uuid]) rs
    ) r
   WHERE NOT t.complete
     AND (p_task_uuid IS NULL OR t.task_uuid = p_task_uuid)
     AND tt.created_at <= clock_timestamp() - p_idle_ms * interval '1 ms'
     AND tt.to_state NOT IN ('complete', 'error', 'cancelled', 'resolved_manually', 'blocked_by_failures')
     AND r.ready > 0
   ORDER BY t.priority DESC, t.created_at
   LIMIT p_limit
$$;

-- How a task stands, over the steps that exist so far.
CREATE FUNCTION tasker.get_task_execution_context(p_task_uuid uuid)
RETURNS TABLE (task_uuid uuid, status text, total_steps bigint, pending_steps bigint, in_progress_steps bigint,
  completed_steps bigint, failed_steps bigint, ready_steps bigint, retrying_steps bigint, execution_status text,
  recommended_action text, completion_percentage numeric, health_status text) LANGUAGE sql STABLE AS $$
  SELECT c.task_uuid, c.status, c.total, c.pending, c.running, c.done, c.failed, c.ready, c.retrying,
         CASE WHEN c.ready > 0 THEN 'has_ready_steps'
              WHEN c.running > 0 THEN 'processing'
              WHEN c.total = c.done THEN 'all_complete'
              WHEN c.failed > 0 AND c.retrying = 0 THEN 'blocked_by_failures'
              ELSE 'waiting_for_dependencies' END,
         CASE WHEN c.ready > 0 THEN 'execute_ready_steps'
              WHEN c.running > 0 THEN 'wait_for_completion'
              WHEN c.total = c.done THEN 'finalize_task'
              WHEN c.failed > 0 AND c.retrying = 0 THEN 'handle_failures'
              ELSE 'wait_for_dependencies' END,
         round(100.0 * c.done / greatest(c.total, 1), 2),
         CASE WHEN c.failed = 0 THEN 'healthy' WHEN c.retrying > 0 OR c.ready > 0 THEN 'recovering' ELSE 'blocked' END
    FROM (
      SELECT t.task_uuid, tt.to_state AS status, count(rs.*) AS total,
             count(*) FILTER (WHERE rs.current_state = 'pending') AS pending,
             count(*) FILTER (WHERE rs.current_state IN ('enqueued', 'in_progress', 'enqueued_for_orchestration',
               'enqueued_as_error_for_orchestration')) AS running,
             count(*) FILTER (WHERE rs.current_state IN ('complete', 'resolved_manually')) AS done,
             count(*) FILTER (WHERE rs.current_state = 'error') AS failed,
             count(*) FILTER (WHERE rs.ready_for_execution) AS ready,
             count(*) FILTER (WHERE rs.current_state = 'waiting_for_retry') AS retrying
        FROM tasker.tasks t
        JOIN tasker.task_transitions tt ON tt.task_uuid = t.task_uuid AND tt.most_recent
        LEFT JOIN tasker.get_step_readiness_status_batch(ARRAY[p_task_uuid]) rs ON true
       WHERE t.task_uuid = p_task_uuid
       GROUP BY t.task_uuid, tt.to_state
    ) c
$$;

-- Moves a task, if it still is where the caller believes it to be. Returns where it was.
CREATE FUNCTION tasker.transition_task(p_task_uuid uuid, p_from text[], p_to text, p_processor_uuid uuid)
RETURNS TABLE (moved boolean, found_state text) LANGUAGE plpgsql AS $$
DECLARE
  found text;
  last_key integer;
BEGIN
  PERFORM 1 FROM tasker.tasks t WHERE t.task_uuid = p_task_uuid FOR UPDATE;
  SELECT tt.to_state, tt.sort_key INTO found, last_key
    FROM tasker.task_transitions tt WHERE tt.task_uuid = p_task_uuid AND tt.most_recent;
  IF found IS NULL OR NOT found = ANY (p_from) THEN
    RETURN QUERY SELECT false, found;
    RETURN;
  END IF;
  UPDATE tasker.task_transitions tt SET most_recent = false, updated_at = clock_timestamp()
   WHERE tt.task_uuid = p_task_uuid AND tt.most_recent;
  INSERT INTO tasker.task_transitions (task_uuid, from_state, to_state, processor_uuid, sort_key, most_recent)
  VALUES (p_task_uuid, found, p_to, p_processor_uuid, last_key + 1, true);
  IF p_to IN ('complete', 'error', 'cancelled', 'resolved_manually') THEN
    UPDATE tasker.tasks t SET complete = true, completed_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE t.task_uuid = p_task_uuid;
  END IF;
  RETURN QUERY SELECT true, found;
END $$;

-- What a handler needs: its task's context and the results of the steps before it.
CREATE FUNCTION tasker.get_step_context(p_step_uuid uuid)
RETURNS TABLE (task_uuid uuid, namespace text, task_name text, correlation_id uuid, context jsonb, step_name text,
  handler text, kind text, inputs jsonb, attempts integer, current_state text, dependency_results jsonb)
LANGUAGE sql STABLE AS $$
  SELECT t.task_uuid, t.namespace, t.name, t.correlation_id, t.context, s.step_name, s.handler, s.kind, s.inputs,
         s.attempts, st.to_state,
         (SELECT coalesce(jsonb_object_agg(p.step_name, p.results), '{}')
            FROM tasker.workflow_step_edges e
            JOIN tasker.workflow_steps p ON p.workflow_step_uuid = e.from_step_uuid
           WHERE e.to_step_uuid = p_step_uuid)
    FROM tasker.workflow_steps s
    JOIN tasker.tasks t ON t.task_uuid = s.task_uuid
    JOIN tasker.workflow_step_transitions st ON st.workflow_step_uuid = s.workflow_step_uuid AND st.most_recent
   WHERE s.workflow_step_uuid = p_step_uuid
$$;

-- Every step that this one depends on, however far back; `distance` 1 is a parent.
CREATE FUNCTION tasker.get_step_transitive_dependencies(p_step_uuid uuid)
RETURNS TABLE (workflow_step_uuid uuid, step_name text, results jsonb, processed boolean, distance integer)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE before AS (
    SELECT e.from_step_uuid AS step_uuid, 1 AS distance
      FROM tasker.workflow_step_edges e WHERE e.to_step_uuid = p_step_uuid
    UNION
    SELECT e.from_step_uuid, b.distance + 1
      FROM before b JOIN tasker.workflow_step_edges e ON e.to_step_uuid = b.step_uuid
  )
  SELECT s.workflow_step_uuid, s.step_name, s.results, s.processed, min(b.distance)
    FROM before b JOIN tasker.workflow_steps s ON s.workflow_step_uuid = b.step_uuid
   GROUP BY s.workflow_step_uuid
$$;

-- The queue: a message is invisible until `vt`; whoever claims one hides it for a while instead of taking it out.
CREATE TABLE tasker.queue_messages (
  msg_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue_name text NOT NULL,
  step_uuid uuid NOT NULL,
  read_ct integer NOT NULL DEFAULT 0,
  enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  vt timestamptz NOT NULL DEFAULT clock_timestamp(),
  message jsonb NOT NULL,
  headers jsonb NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON tasker.queue_messages (queue_name, msg_id);

CREATE FUNCTION tasker.pgmq_send_with_notify(p_queue text, p_message jsonb, p_headers jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
BEGIN
  INSERT INTO tasker.queue_messages (queue_name, step_uuid, message, headers)
  VALUES (p_queue, (p_message ->> 'step_uuid')::uuid, p_message, p_headers) RETURNING msg_id INTO id;
  PERFORM pg_notify('tasker:' || p_queue,
    json_build_object('msg_id', id, 'step_uuid', p_message ->> 'step_uuid')::text);
  RETURN id;
END $$;

-- Claims one message by its number, unless another claimed it first.
CREATE FUNCTION tasker.pgmq_read_specific_message(p_queue text, p_msg_id bigint, p_step_uuid uuid, p_vt_s integer)
RETURNS TABLE (msg_id bigint, step_uuid uuid, read_ct integer, enqueued_ms double precision, message jsonb,
  headers jsonb) LANGUAGE sql AS $$
  UPDATE tasker.queue_messages q
     SET vt = clock_timestamp() + p_vt_s * interval '1 second', read_ct = q.read_ct + 1
    FROM (SELECT m.msg_id FROM tasker.queue_messages m
           WHERE m.msg_id = p_msg_id AND m.queue_name = p_queue AND m.step_uuid = p_step_uuid
             AND m.vt <= clock_timestamp()
           FOR UPDATE SKIP LOCKED) c
   WHERE q.msg_id = c.msg_id
  RETURNING q.msg_id, q.step_uuid, q.read_ct, extract(epoch FROM q.enqueued_at)::double precision * 1000,
    q.message, q.headers
$$;

-- Claims the oldest visible messages: what a poller asks for when a notification was missed or a claim ran out. Young
-- messages are left to the notification that is on its way.
CREATE FUNCTION tasker.pgmq_read(p_queue text, p_vt_s integer, p_qty integer)
RETURNS TABLE (msg_id bigint, step_uuid uuid, read_ct integer, enqueued_ms double precision, message jsonb,
  headers jsonb) LANGUAGE sql AS $$
  UPDATE tasker.queue_messages q
     SET vt = clock_timestamp() + p_vt_s * interval '1 second', read_ct = q.read_ct + 1
    FROM (SELECT m.msg_id FROM tasker.queue_messages m
           WHERE m.queue_name = p_queue AND m.vt <= clock_timestamp()
             AND m.enqueued_at <= clock_timestamp() - interval '1 second'
           ORDER BY m.msg_id LIMIT p_qty
           FOR UPDATE SKIP LOCKED) c
   WHERE q.msg_id = c.msg_id
  RETURNING q.msg_id, q.step_uuid, q.read_ct, extract(epoch FROM q.enqueued_at)::double precision * 1000,
    q.message, q.headers
$$;

CREATE FUNCTION tasker.pgmq_delete(p_queue text, p_msg_id bigint, p_step_uuid uuid)
RETURNS boolean LANGUAGE sql AS $$
  WITH gone AS (DELETE FROM tasker.queue_messages m
     WHERE m.msg_id = p_msg_id AND m.queue_name = p_queue AND m.step_uuid = p_step_uuid RETURNING 1)
  SELECT EXISTS (SELECT 1 FROM gone)
$$;
