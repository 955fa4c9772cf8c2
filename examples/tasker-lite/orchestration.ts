import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from './clock.ts';
import type { Database, Scope, Session } from './database.ts';
import { KeyedLock } from './keyed-lock.ts';
import { findTemplate, RESULT_QUEUE, workerQueue } from './scenarios.ts';
import type { StepState, TaskState } from './state-machine.ts';
import { mayTaskGo } from './state-machine.ts';
import { createOutcomeSteps, type StepOutcome, stepsToCreate } from './step-creation.ts';
import { transitionStep } from './step-transition.ts';
import { createTask, type TaskRequest } from './task-creation.ts';
import type { EnclosingId, SpanRef, Tracing, WorkIds } from './tracing.ts';
import type { ClaimedMessage, MessageConsumer, Transport } from './transport.ts';

export interface OrchestrationOptions {
  readonly database: Database;
  readonly transport: Transport;
  readonly tracing: Tracing;
  /** Results in hand at once; those of one task are processed one after another. */
  readonly concurrency: number;
  /** Run the reads that Tasker runs besides. */
  readonly likeTasker: boolean;
  readonly onFailure: (error: Error) => void;
  /** A task came to its end: `complete` or `error`. */
  readonly onTaskEnded: (taskUuid: string, status: TaskState) => void;
}

interface TaskIds extends WorkIds {
  readonly task_uuid: string;
  readonly namespace: string;
  readonly correlation_id: string;
}

interface StepRow {
  readonly task_uuid: string;
  readonly step_name: string;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly results: { result?: unknown } | null;
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly correlation_id: string;
  readonly current_state: StepState;
}

interface ReadyStep {
  readonly workflow_step_uuid: string;
  readonly name: string;
  readonly current_state: StepState;
  readonly ready_for_execution: boolean;
  readonly parent_step_uuids: readonly string[];
}

/** How often tasks are looked for that have ready steps and nobody at work; how long they must have been left alone. */
const POLL_EVERY_MS = 1000;
const IDLE_MS = 2000;
/** First wait before a failed step is tried again; doubles with each attempt. */
const BACKOFF_MS = 50;

/** Finds ready steps, sends them to the workers, takes their results, and decides how a task goes on. */
export class Orchestration {
  readonly #options: OrchestrationOptions;
  readonly #consumer: MessageConsumer;
  readonly #tasks = new KeyedLock();
  readonly #processor = randomUUID();
  readonly #retries = new Set<NodeJS.Timeout>();
  #poller: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: OrchestrationOptions) {
    this.#options = options;
    this.#consumer = options.transport.consume({
      queues: [RESULT_QUEUE],
      claims: 'result',
      concurrency: options.concurrency,
      handle: message => this.#tasks.run(message.ids.task_uuid, () => this.#processResult(message)),
      onIdle: () => options.tracing.idle(),
      onFailure: options.onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#consumer.start();
    this.#poller = setInterval(() => {
      this.#poll().catch(error => {
        if (!this.#stopped) this.#options.onFailure(error);
      });
    }, POLL_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#poller);
    for (const timer of this.#retries) clearTimeout(timer);
    await this.#consumer.stop();
    await this.#tasks.settled();
  }

  /** Makes a task and enqueues its first steps. Undefined where an identical task is there already. */
  async create(request: TaskRequest, parent: SpanRef): Promise<{ ids: TaskIds } | undefined> {
    const { database, tracing } = this.#options;
    const template = findTemplate(request.namespace, request.name, request.version);
    if (template === undefined) throw new Error(`no template ${request.namespace}/${request.name}`);
    const uuid = randomUUID();
    const ids: TaskIds = { task_uuid: uuid, namespace: request.namespace, correlation_id: request.correlationId };
    return await this.#tasks.run(uuid, async () =>
      database.session(async session => {
        const creation = tracing.ref(parent);
        const startMs = nowMs();
        const scope = { parent: creation, ids };
        const made = await createTask(session, database.statements, scope, {
          uuid,
          request,
          template,
          processor: this.#processor,
        });
        this.#tell(creation, parent, 'create_task', startMs, ids);
        if (!made) return undefined;
        await this.#enqueueReadySteps(session, { parent, ids }, 'initializing');
        return { ids };
      }),
    );
  }

  async #processResult(message: ClaimedMessage): Promise<void> {
    const { database, transport, tracing, likeTasker } = this.#options;
    const { statements } = database;
    let startMs = nowMs();
    const ref = tracing.ref(message.sender);
    const stepUuid = message.ids.step_uuid;
    await database.session(async session => {
      const scope: Scope = { parent: ref, ids: message.ids };
      transport.tellClaim('claim-result', message, session);
      if (likeTasker) {
        // Tasker reads the step before its own processing begins.
        const outside = { parent: undefined, ids: message.ids };
        const ran = await session.quiet(statements['result-step-row'], [stepUuid]);
        session.tell(statements['result-step-row'], ran, outside, { attributes: transport.attributesOf(message) });
        startMs = nowMs();
      }
      const { rows } = await session.run<StepRow>(statements['fetch-step-state'], [stepUuid], scope);
      const step = rows[0];
      if (step !== undefined) await this.#settleStep(session, scope, stepUuid, step);
      await transport.settle('delete-result-message', message, scope, session);
      if (step !== undefined) {
        await this.#finalizeTask(session, scope, {
          task_uuid: step.task_uuid,
          namespace: step.namespace,
          correlation_id: step.correlation_id,
        });
      }
    });
    tracing.record({
      ref,
      parent: message.sender,
      what: 'process_result',
      name: `process ${RESULT_QUEUE}`,
      kind: 'consumer',
      startMs,
      endMs: nowMs(),
      ids: message.ids,
      attributes: {
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        ...transport.attributesOf(message),
      },
      links: message.sender === undefined ? [] : [{ ref: message.sender }],
    });
  }

  /** Decides over a step that a worker handed back. One that is settled already was delivered twice. */
  async #settleStep(session: Session, scope: Scope, stepUuid: string, step: StepRow): Promise<void> {
    const { statements } = this.#options.database;
    const from = step.current_state;
    if (from === 'enqueued_for_orchestration') {
      // New steps come before the completion: between the two the task must not look done.
      const scenario = findTemplate(step.namespace, step.name, step.version);
      const template = scenario?.steps.find(known => known.name === step.step_name);
      if (scenario !== undefined && (template?.kind === 'decision' || template?.kind === 'batchable')) {
        const steps = stepsToCreate(scenario, template, (step.results?.result ?? {}) as StepOutcome);
        await createOutcomeSteps(session, statements, scope, step.task_uuid, steps);
      }
      await transitionStep(session, statements, scope, { name: 'complete', stepUuid, from, event: 'complete' });
    } else if (from === 'enqueued_as_error_for_orchestration') {
      if (step.attempts >= step.max_attempts) {
        await transitionStep(session, statements, scope, { name: 'complete', stepUuid, from, event: 'fail' });
        return;
      }
      const backoffMs = BACKOFF_MS * 2 ** (step.attempts - 1);
      const metadata = { backoff_ms: backoffMs };
      await transitionStep(session, statements, scope, {
        name: 'retry',
        stepUuid,
        from,
        event: 'wait-for-retry',
        metadata,
      });
      this.#retryLater(scope, step, backoffMs);
    }
  }

  #retryLater(scope: Scope, { task_uuid, namespace, correlation_id }: TaskIds, backoffMs: number): void {
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      this.#tasks
        .run(task_uuid, () =>
          this.#options.database.session(session =>
            this.#finalizeTask(session, scope, { task_uuid, namespace, correlation_id }),
          ),
        )
        .catch(error => {
          if (!this.#stopped) this.#options.onFailure(error);
        });
    }, backoffMs + 1);
    this.#retries.add(timer);
  }

  /** Looks at the whole task again: more steps to enqueue, done, failed, or nothing to do yet. */
  async #finalizeTask(session: Session, above: Scope, ids: TaskIds): Promise<void> {
    const { database, tracing } = this.#options;
    const ref = tracing.ref(above.parent);
    const startMs = nowMs();
    // Whose result it was stays on the spans: the successors' work begins with discovery.
    const scope: Scope = { parent: ref, ids: above.ids };
    const free: TaskState[] = ['steps_in_process', 'waiting_for_dependencies', 'waiting_for_retry'];
    if (await this.#moveTask(session, scope, ids.task_uuid, free, 'evaluating_results')) {
      const { rows } = await session.run<{ execution_status: string; retrying_steps: string }>(
        database.statements['reevaluate-readiness'],
        [ids.task_uuid],
        scope,
      );
      const context = rows[0];
      switch (context?.execution_status) {
        case 'has_ready_steps':
          await this.#enqueueReadySteps(session, { parent: ref, ids }, 'evaluating_results');
          break;
        case 'all_complete':
          await this.#endTask(session, scope, ids.task_uuid, 'evaluating_results', 'complete');
          break;
        case 'blocked_by_failures':
          await this.#moveTask(session, scope, ids.task_uuid, ['evaluating_results'], 'blocked_by_failures');
          await this.#endTask(session, scope, ids.task_uuid, 'blocked_by_failures', 'error');
          break;
        default: {
          const to = Number(context?.retrying_steps) > 0 ? 'waiting_for_retry' : 'waiting_for_dependencies';
          await this.#moveTask(session, scope, ids.task_uuid, ['evaluating_results'], to);
        }
      }
    }
    this.#tell(ref, above.parent, 'finalize_task', startMs, above.ids);
  }

  /** Discovery, enqueueing and sending of everything that is ready in one task. */
  async #enqueueReadySteps(session: Session, above: { parent: SpanRef; ids: TaskIds }, from: TaskState): Promise<void> {
    const { database, tracing } = this.#options;
    const { statements } = database;
    const { task_uuid } = above.ids;
    const ref = tracing.ref(above.parent);
    const startMs = nowMs();
    const scope: Scope = { parent: ref, ids: above.ids };
    await this.#moveTask(session, scope, task_uuid, [from], 'enqueuing_steps');
    // Whose discovery it was is known once it has answered.
    const tasks = await session.quiet<{ task_uuid: string }>(statements['next-ready-tasks'], [1, task_uuid, 0]);
    const readiness = await session.quiet<ReadyStep>(statements['step-readiness'], [[task_uuid]]);
    const ready = tasks.rows.length === 0 ? [] : readiness.rows.filter(step => step.ready_for_execution);
    const [only] = ready;
    const found =
      ready.length === 1 && only !== undefined
        ? { ...above.ids, step_uuid: only.workflow_step_uuid, step_name: only.name }
        : above.ids;
    const extras = { attributes: { 'tasker.ready_step_uuids': ready.map(step => step.workflow_step_uuid) } };
    session.tell(statements['next-ready-tasks'], tasks, { parent: ref, ids: found }, extras);
    session.tell(statements['step-readiness'], readiness, { parent: ref, ids: found }, extras);
    for (const step of ready) await this.#enqueueStep(session, scope, step, above.ids);
    await this.#moveTask(session, scope, task_uuid, ['enqueuing_steps'], 'steps_in_process');
    this.#tell(ref, above.parent, 'enqueue_ready_steps', startMs, found, extras.attributes);
  }

  async #enqueueStep(session: Session, above: Scope, step: ReadyStep, task: TaskIds): Promise<void> {
    const { database, transport, tracing } = this.#options;
    const { statements } = database;
    const stepUuid = step.workflow_step_uuid;
    const ref = tracing.ref(above.parent);
    const startMs = nowMs();
    const scope = { parent: ref, ids: { ...task, step_uuid: stepUuid, step_name: step.name } };
    if (step.current_state === 'waiting_for_retry') {
      const again = { name: 'retry', stepUuid, from: 'waiting_for_retry', event: 'retry' } as const;
      if (!(await transitionStep(session, statements, scope, again))) return;
    }
    const { rows } = await session.run<{ correlation_id: string }>(
      statements['fetch-correlation-id'],
      [stepUuid],
      scope,
    );
    const ids = { ...scope.ids, correlation_id: rows[0]?.correlation_id ?? task.correlation_id };
    const own = { parent: ref, ids };
    const moved = await transitionStep(session, statements, own, {
      name: 'enqueue',
      stepUuid,
      from: 'pending',
      event: 'enqueue',
    });
    if (moved) await transport.send('send-step', workerQueue(task.namespace), own, session);
    this.#tell(ref, above.parent, 'enqueue_step', startMs, ids, { 'tasker.depends_on': step.parent_step_uuids });
  }

  async #endTask(session: Session, scope: Scope, taskUuid: string, from: TaskState, to: TaskState): Promise<void> {
    if (await this.#moveTask(session, scope, taskUuid, [from], to)) this.#options.onTaskEnded(taskUuid, to);
  }

  /** Moves the task; waits its turn while another orchestration works on it. False where it had moved on. */
  async #moveTask(
    session: Session,
    scope: Scope,
    taskUuid: string,
    from: readonly TaskState[],
    to: TaskState,
  ): Promise<boolean> {
    for (const state of from) if (!mayTaskGo(state, to)) throw new Error(`a task that is ${state} cannot be ${to}`);
    const statement = this.#options.database.statements['task-transition'];
    const until = nowMs() + IDLE_MS;
    for (;;) {
      const { rows } = await session.run<{ moved: boolean; found_state: TaskState }>(
        statement,
        [taskUuid, from, to, this.#processor],
        scope,
        { attributes: { 'tasker.to_task_state': to } },
      );
      const answer = rows[0];
      if (answer?.moved === true) return true;
      const busy = answer?.found_state === 'evaluating_results' || answer?.found_state === 'enqueuing_steps';
      if (to !== 'evaluating_results' || !busy || nowMs() > until) return false;
      await sleep(2);
    }
  }

  /** The safety net: tasks with ready steps that nobody works on. */
  async #poll(): Promise<void> {
    const { database } = this.#options;
    const statement = database.statements['poll-ready-tasks'];
    const { rows } = await database.session(session => session.quiet<TaskIds>(statement, [10, null, IDLE_MS]));
    for (const { task_uuid, namespace, correlation_id } of rows) {
      const ids = { task_uuid, namespace, correlation_id };
      await this.#tasks.run(task_uuid, () =>
        database.session(session => this.#finalizeTask(session, { parent: undefined, ids }, ids)),
      );
    }
  }

  #tell(
    ref: SpanRef,
    parent: SpanRef | undefined,
    name: EnclosingId,
    startMs: number,
    ids: WorkIds,
    attributes?: { readonly [key: string]: readonly string[] },
  ): void {
    this.#options.tracing.record({
      ref,
      parent,
      what: name,
      name,
      kind: 'internal',
      startMs,
      endMs: nowMs(),
      ids,
      attributes,
    });
  }
}
