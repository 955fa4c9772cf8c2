import type { AttributeValue, Trace } from '../../../src/model/trace.ts';
import { TraceBuilder } from '../../../src/model/trace-builder.ts';

/** What to simulate: tasks of steps that depend on each other, and what goes wrong. All times are nanoseconds. */
export interface Plan {
  readonly seed: number;
  /** Per task, per step: the steps before it that it depends on. */
  readonly tasks: readonly (readonly (readonly number[])[])[];
  /** Time between the creation of two tasks. */
  readonly everyNs: number;
  readonly backend: 'pgmq' | 'rabbitmq';
  readonly logs: boolean;
  /** The worker handles so many messages at once, instead of one claim and one submission at a time. */
  readonly parallel?: boolean;
  /** A statement that no catalogue knows, within each claim. */
  readonly stranger?: string;
  /** Added to all times of the worker. */
  readonly workerSkewNs?: number;
  /** Results (by step number over all tasks) that are processed a second time. */
  readonly processedTwice?: readonly number[];
  /** Steps whose first attempt fails and is tried again. */
  readonly retried?: readonly number[];
  /** Spans of this name that never arrive, by step number; their log records do where `logs`. */
  readonly lost?: { readonly span: string; readonly steps: readonly number[] };
  /** Spans of the exporter watching itself. */
  readonly noise?: number;
}

/** What really happened. */
export interface Truth {
  readonly steps: readonly TrueStep[];
  /** Every operation at full length, by phase and id: once each, however many steps share it. */
  readonly operations: ReadonlyMap<string, readonly number[]>;
  readonly extraResultNs: ReadonlyMap<string, number>;
  readonly strangerNs: number;
}

export interface TrueStep {
  readonly uuid: string;
  readonly task: string;
  readonly attempt: number;
  startNs: number;
  endNs: number;
  handlerNs: number;
  readonly waits: Map<string, number>;
  readonly operations: Map<string, number>;
}

interface SpanDraft {
  readonly id: number;
  readonly trace: number;
  readonly parent: number;
  readonly name: string;
  readonly process: 'orchestration' | 'worker';
  readonly attributes: Record<string, AttributeValue>;
  readonly events: { name: string; timeNs: number; attributes: Record<string, AttributeValue> }[];
  readonly startNs: number;
  endNs: number;
  readonly step: number;
}

interface LogDraft {
  readonly process: 'orchestration' | 'worker';
  readonly body: string;
  readonly scope: string;
  readonly timeNs: number;
  readonly attributes: Record<string, AttributeValue>;
  readonly span: SpanDraft | undefined;
}

const EPOCH = 1_790_000_000_000_000_000n;

/**
 * A Tasker that never ran: one orchestration, one worker, each a chain of statements and markers in Tasker's own words
 * (spans with events in the orchestration, log records without ids in the worker), with lengths drawn from a seed. It
 * shares nothing with the analyzer but those words, so that what the analyzer says can be compared with what was.
 */
export class SimulatedTasker {
  readonly #plan: Plan;
  readonly #spans: SpanDraft[] = [];
  readonly #logs: LogDraft[] = [];
  readonly #steps: TrueStep[] = [];
  readonly #operations = new Map<string, number[]>();
  readonly #extraResultNs = new Map<string, number>();
  #random: number;
  #nextId = 1;
  #message = 0;
  #strangerNs = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = plan.seed >>> 0 || 1;
  }

  run(): { trace: Trace; truth: Truth } {
    this.#simulate();
    return {
      trace: this.#emit(),
      truth: {
        steps: this.#steps,
        operations: this.#operations,
        extraResultNs: this.#extraResultNs,
        strangerNs: this.#strangerNs,
      },
    };
  }

  #simulate(): void {
    const { tasks, everyNs } = this.#plan;
    const queue: { atNs: number; work: () => void }[] = [];
    const later = (atNs: number, work: () => void): void => {
      queue.push({ atNs, work });
      queue.sort((a, b) => a.atNs - b.atNs);
    };
    const free = { orchestration: 0, listener: 0, claim: 0, submission: 0 };
    let first = 0;
    tasks.forEach((deps, t) => {
      const numbers = deps.map((_, i) => first + i);
      first += deps.length;
      const task = uuid(0xa, t);
      const done = new Set<number>();
      const sent = new Set<number>();
      const tries = new Map<number, number>();
      const ready = (): number[] =>
        numbers.filter((n, i) => !sent.has(n) && deps[i]!.every(d => done.has(numbers[d]!)));

      const enqueue = (clock: Clock, parent: SpanDraft, steps: readonly number[], startNs: number): void => {
        const lives = steps.map(n => this.#begin(n, task, startNs, (tries.get(n) ?? 0) + 1));
        const shared = (phase: string, id: string, ns: number): void => {
          for (const life of lives) add(life.operations, `${phase} ${id}`, ns);
          this.#count(phase, id, ns);
        };
        shared(
          'discovery',
          'next-ready-tasks',
          this.#statement(clock, parent, 'SELECT task_uuid FROM get_task_ready_info($1)'),
        );
        const single = this.#span(parent, 'process_single_task_from_ready_info', clock.now, {
          task_uuid: task,
          namespace: 'simulated',
        });
        const enqueuing = this.#span(single, 'enqueue_ready_steps', clock.now, { task_uuid: task });
        const discovery = this.#span(enqueuing, 'find_viable_steps', clock.now, { task_uuid: task });
        shared(
          'discovery',
          'step-readiness',
          this.#statement(clock, discovery, 'SELECT * FROM get_step_readiness_status($1::UUID)'),
        );
        discovery.endNs = clock.tick();
        steps.forEach((n, i) => {
          const life = lives[i]!;
          const ids = { step_uuid: life.uuid, task_uuid: task };
          const own = (phase: string, id: string, ns: number): void => this.#own(life, phase, id, ns);
          if (i > 0) add(life.waits, 'enqueue-turn', clock.now - turn);
          this.#event(enqueuing, 'Preparing to enqueue step', clock.tick(), { ...ids, step_name: `step_${n}` });
          own(
            'enqueueing',
            'fetch-correlation-id',
            this.#statement(
              clock,
              enqueuing,
              'SELECT task_uuid, correlation_id FROM tasker.tasks WHERE task_uuid = $1',
            ),
          );
          this.#transition(clock, enqueuing, (id, ns) => own('enqueueing', `enqueue-${id}`, ns));
          this.#event(enqueuing, 'Step state transition', clock.tick(), {
            ...ids,
            event_name: 'step.enqueue_requested',
          });
          const id = ++this.#message;
          own('message-send', 'send-step', this.#send(clock, enqueuing, 'orchestration', 'worker_simulated_queue'));
          const sentNs = clock.now;
          this.#event(enqueuing, 'Step enqueueing complete', clock.tick(), {
            ...ids,
            queue_name: 'worker_simulated_queue',
            msg_id: String(id),
          });
          sent.add(n);
          const receivedNs = sentNs + this.#draw(20_000, 900_000);
          later(receivedNs, () => this.#work(n, life, ids, id, sentNs, receivedNs, free, later, result));
        });
        enqueuing.endNs = clock.tick();
        single.endNs = clock.tick();
      };
      let turn = 0;
      const turnAware: typeof enqueue = (clock, parent, steps, startNs) => {
        turn = 0;
        enqueue(clock, parent, steps, startNs);
      };

      const result = (n: number, life: TrueStep, id: number, sentNs: number, atNs: number, again: boolean): void => {
        const clock = new Clock(Math.max(atNs, free.orchestration), () => this.#draw(1_000, 60_000));
        const ids = { step_uuid: life.uuid, task_uuid: task };
        let beganNs = clock.now;
        if (!again) this.#receive(clock, life, 'result', id, sentNs);
        else this.#command(clock, 'result', id);
        if (again) beganNs = clock.now;
        this.#log('orchestration', 'HYDRATOR: Successfully parsed StepMessage', clock.tick(), {
          ...ids,
          handle: handle(id, 'orchestration_step_results', this.#plan.backend),
        });
        this.#log('orchestration', 'HYDRATOR: Looking up WorkflowStep in database', clock.tick(), {
          step_uuid: life.uuid,
        });
        this.#logged(clock, 'orchestration', STEP_ROW);
        this.#log('orchestration', 'HYDRATOR: Successfully retrieved WorkflowStep from database', clock.tick(), ids);
        const run = this.#span(undefined, 'handle_step_execution_result', clock.tick(), { step_uuid: life.uuid }, n);
        this.#event(run, 'step_execution_result.processing_started', clock.tick(), {});
        const own = (phase: string, id2: string, ns: number): void => {
          if (again) this.#count(phase, id2, ns);
          else this.#own(life, phase, id2, ns);
        };
        own(
          'result-processing',
          'fetch-step-state',
          this.#statement(
            clock,
            run,
            'SELECT to_state FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1::uuid AND most_recent = true',
          ),
        );
        this.#event(run, 'ResultProcessingContext: Loading workflow step', clock.tick(), { step_uuid: life.uuid });
        const retry = (this.#plan.retried ?? []).includes(n) && (tries.get(n) ?? 0) === 0;
        if (!again) {
          this.#transition(clock, run, (name, ns) => own('result-processing', `complete-${name}`, ns));
          const event = retry ? 'step.retry_requested' : 'step.completed';
          this.#event(run, 'Step state transition', clock.tick(), { ...ids, event_name: event });
          tries.set(n, (tries.get(n) ?? 0) + 1);
          if (retry) sent.delete(n);
          else done.add(n);
        }
        const finalization = this.#span(run, 'finalize_task', clock.tick(), { task_uuid: task });
        const next = again ? [] : ready();
        const context = this.#statement(clock, finalization, 'SELECT task_uuid FROM get_task_execution_context($1)');
        this.#count('task-coordination', 'reevaluate-readiness', context);
        if (next.length > 0) turnAware(clock, finalization, next, finalization.startNs);
        finalization.endNs = clock.tick();
        run.endNs = clock.tick();
        if (this.#plan.backend === 'pgmq') {
          const archive = this.#span(undefined, 'archive_message', clock.tick(), {
            queue_name: 'orchestration_step_results',
            message_id: String(id),
          });
          this.#statement(clock, archive, 'SELECT * from pgmq.archive(queue_name=>$1::text, msg_id=>$2::bigint)');
          archive.endNs = clock.tick();
          own('result-processing', 'delete-result-message', archive.endNs - archive.startNs);
        }
        const endNs = this.#plan.backend === 'pgmq' ? clock.now : run.endNs;
        if (again) this.#extraResultNs.set(life.uuid, (this.#extraResultNs.get(life.uuid) ?? 0) + endNs - beganNs);
        else life.endNs = endNs;
        free.orchestration = clock.tick();
        if (!again && (this.#plan.processedTwice ?? []).includes(n))
          later(clock.now, () => result(n, life, id, sentNs, free.orchestration, true));
      };

      later(t * everyNs, () => {
        const clock = new Clock(Math.max(t * everyNs, free.orchestration), () => this.#draw(1_000, 60_000));
        const request = this.#span(undefined, 'request', clock.now, {});
        const creation = this.#span(request, 'create_and_enqueue_task_from_request', clock.tick(), {
          task_name: 'simulated_task',
        });
        const startNs = clock.tick();
        this.#event(creation, 'Task created, attempting immediate step enqueuing', startNs, { task_uuid: task });
        turnAware(clock, creation, ready(), startNs);
        creation.endNs = clock.tick();
        request.endNs = clock.tick();
        free.orchestration = clock.tick();
      });
    });
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next.work();
  }

  /** A worker's part: delivery, hydration, claim, handler, submission; two chains that overlap between steps. */
  #work(
    n: number,
    life: TrueStep,
    ids: { step_uuid: string; task_uuid: string },
    id: number,
    sentNs: number,
    receivedNs: number,
    free: { listener: number; claim: number; submission: number },
    later: (atNs: number, work: () => void) => void,
    result: (n: number, life: TrueStep, id: number, sentNs: number, atNs: number, again: boolean) => void,
  ): void {
    // One listener: it hands over one message after the other.
    const arrival = new Clock(Math.max(receivedNs, free.listener), () => this.#draw(1_000, 20_000));
    const own = (phase: string, name: string, ns: number): void => this.#own(life, phase, name, ns);
    this.#receive(arrival, life, 'step', id, sentNs);
    free.listener = arrival.tick();
    const clock = new Clock(this.#plan.parallel === true ? arrival.now : Math.max(arrival.now, free.claim), () =>
      this.#draw(1_000, 60_000),
    );
    const handled = clock.now;
    this.#log('worker', 'Handling ExecuteStepFromQueuedMessage via dispatch', handled, {
      ...ids,
      handle: handle(id, 'worker_simulated_queue', this.#plan.backend),
      queue: 'worker_simulated_queue',
    });
    this.#log('worker', 'Worker: Hydrating step context for dispatch', clock.tick(), ids);
    for (const sql of [TASK_ROW, TASK_NAMES, NAMED_STEP, 'SELECT * FROM get_step_transitive_dependencies($1)'])
      this.#logged(clock, 'worker', sql);
    this.#log('worker', 'Attempting to claim step using state machine transition', clock.tick(), {
      step_uuid: life.uuid,
    });
    for (const sql of [CURRENT, CURRENT, STATE]) this.#logged(clock, 'worker', sql);
    if (this.#plan.stranger !== undefined) this.#strangerNs += this.#logged(clock, 'worker', this.#plan.stranger);
    this.#loggedTransition(clock, (name, ns) => own('worker-transition', `start-${name}`, ns));
    this.#log('worker', 'Step state transition', clock.tick(), { ...ids, event_name: 'step.execution_requested' });
    this.#logged(
      clock,
      'worker',
      'UPDATE tasker.workflow_steps SET in_process = true, updated_at = NOW() WHERE workflow_step_uuid = $1::uuid',
    );
    this.#log('worker', 'Step marked as in_process with legacy flag updated', clock.tick(), ids);
    this.#logged(
      clock,
      'worker',
      'UPDATE tasker.workflow_steps SET attempts = COALESCE(attempts, 0) + 1 WHERE workflow_step_uuid = $1',
    );
    this.#log(
      'worker',
      'Successfully claimed step by transitioning to InProgress and incremented attempts',
      clock.tick(),
      { step_uuid: life.uuid },
    );
    const dispatched = clock.tick();
    this.#log('worker', 'Step claimed and dispatched', dispatched, { step_uuid: life.uuid });
    free.claim = clock.tick();
    const run = new Clock(clock.now, () => this.#draw(1_000, 200_000));
    const received = run.tick();
    add(life.waits, 'dispatch-channel', received - dispatched);
    this.#log('worker', 'Received dispatch message', received, { step_uuid: life.uuid });
    const permit = run.tick();
    add(life.waits, 'semaphore', permit - received);
    this.#log('worker', 'Acquired semaphore permit, executing handler', permit, { step_uuid: life.uuid });
    const begins = run.tick();
    this.#log('worker', 'Invoking handler', begins, { step_uuid: life.uuid, handler_name: `step_${n}` });
    const ends = begins + this.#draw(10_000, 4_000_000);
    life.handlerNs = ends - begins;
    this.#log('worker', 'Handler completed', ends, { step_uuid: life.uuid });
    const completed = ends + this.#draw(1_000, 9_000);
    this.#log('worker', 'Completion result sent to channel', completed, { step_uuid: life.uuid });
    later(completed, () => {
      const submit = new Clock(
        Math.max(completed + this.#draw(1_000, 50_000), this.#plan.parallel === true ? 0 : free.submission),
        () => this.#draw(1_000, 60_000),
      );
      add(life.waits, 'completion-channel', submit.now - completed);
      this.#log('worker', 'Processing completion result', submit.now, { step_uuid: life.uuid });
      this.#log('worker', 'Processing step result with state machine integration', submit.tick(), {
        step_uuid: life.uuid,
      });
      for (const sql of [STEP_ROW, TASK_ROW, CURRENT]) this.#logged(submit, 'worker', sql);
      this.#loggedTransition(submit, (name, ns) => own('result-submission', `submit-${name}`, ns));
      this.#log('worker', 'Step state transition', submit.tick(), {
        ...ids,
        event_name: 'step.enqueued_for_orchestration',
      });
      this.#logged(
        submit,
        'worker',
        'UPDATE tasker.workflow_steps SET in_process = false, results = $2 WHERE workflow_step_uuid = $1',
      );
      this.#log('worker', 'Step marked as enqueued for orchestration with results preserved', submit.tick(), ids);
      const resultId = ++this.#message;
      own('result-submission', 'send-result', this.#send(submit, undefined, 'worker', 'orchestration_step_results'));
      const resultSentNs = submit.now;
      this.#log('worker', 'Step completion sent to orchestration queue using config-driven naming', submit.tick(), ids);
      free.submission = submit.tick();
      const atNs = resultSentNs + this.#draw(20_000, 900_000);
      later(atNs, () => result(n, life, resultId, resultSentNs, atNs, false));
    });
  }

  /** The markers of a delivery; the first of them ends the wait in the queue. */
  #receive(clock: Clock, life: TrueStep, side: 'step' | 'result', id: number, sentNs: number): void {
    const worker = side === 'step';
    const process = worker ? 'worker' : 'orchestration';
    const queue = worker ? 'worker_simulated_queue' : 'orchestration_step_results';
    const { backend, logs } = this.#plan;
    if (logs) add(life.waits, worker ? 'dispatch-queue' : 'result-queue', clock.now - sentNs);
    const first = clock.now;
    if (backend === 'pgmq')
      this.#log(process, 'TAS-149: Shared listener received notification', first, { channel: 'pgmq_message_ready.x' });
    else
      this.#log(process, 'RabbitMQ: Consumer received message', first, { queue_name: queue, delivery_tag: String(id) });
    this.#log(
      process,
      worker
        ? 'Full message received, routing to StepMessageWithPayload'
        : 'Full message received, routing to StepResultWithPayload',
      clock.tick(),
      { queue },
    );
    const pushed = clock.tick();
    this.#log(
      process,
      worker
        ? 'Processing RabbitMQ push message via ExecuteStepFromMessage'
        : 'Processing RabbitMQ push message via ProcessStepResultFromMessage',
      pushed,
      { queue },
    );
    if (worker) this.#own(life, 'worker-claim', 'claim-step', pushed - first);
    else if (backend === 'rabbitmq') {
      const acked = clock.tick();
      this.#log(process, 'RabbitMQ: Message ACKed after successful handoff', acked, {
        queue_name: queue,
        delivery_tag: String(id),
      });
      this.#own(life, 'result-processing', 'delete-result-message', acked - first);
    }
    this.#command(clock, side, id);
  }

  #command(clock: Clock, side: 'step' | 'result', id: number): void {
    const queue = side === 'step' ? 'worker_simulated_queue' : 'orchestration_step_results';
    const text =
      side === 'step'
        ? 'Received ExecuteStepFromMessage command (full payload available)'
        : 'Starting ProcessStepResultFromMessage';
    this.#log(side === 'step' ? 'worker' : 'orchestration', text, clock.tick(), {
      queue,
      handle: handle(id, queue, this.#plan.backend),
    });
  }

  #begin(n: number, task: string, startNs: number, attempt: number): TrueStep {
    const life: TrueStep = {
      uuid: uuid(0xb, n),
      task,
      attempt,
      startNs,
      endNs: startNs,
      handlerNs: 0,
      waits: new Map(),
      operations: new Map(),
    };
    this.#steps.push(life);
    return life;
  }

  #own(life: TrueStep, phase: string, id: string, ns: number): void {
    add(life.operations, `${phase} ${id}`, ns);
    this.#count(phase, id, ns);
  }

  #count(phase: string, id: string, ns: number): void {
    const key = `${phase} ${id}`;
    this.#operations.set(key, [...(this.#operations.get(key) ?? []), ns]);
  }

  /** A statement told as an event of a span (and, with logs, once more as a log record); returns its length. */
  #statement(clock: Clock, span: SpanDraft, sql: string): number {
    clock.tick();
    const ns = this.#draw(50_000, 3_000_000);
    clock.now += ns;
    const attributes = {
      target: 'sqlx::query',
      'db.statement': `\n${sql}\n`,
      summary: sql.slice(0, 20),
      elapsed_secs: ns / 1e9,
    };
    span.events.push({ name: 'event sqlx/logger.rs:143', timeNs: clock.now, attributes });
    if (this.#plan.logs)
      this.#logs.push({
        process: span.process,
        body: '',
        scope: 'sqlx::query',
        timeNs: clock.now + 4_000,
        attributes,
        span,
      });
    return ns;
  }

  /** A statement told as a log record without any id. */
  #logged(clock: Clock, process: 'orchestration' | 'worker', sql: string): number {
    clock.tick();
    const ns = this.#draw(50_000, 3_000_000);
    clock.now += ns;
    const attributes = { 'db.statement': sql === 'COMMIT' ? '' : sql, summary: sql, elapsed_secs: ns / 1e9 };
    this.#logs.push({ process, body: '', scope: 'sqlx::query', timeNs: clock.now, attributes, span: undefined });
    return ns;
  }

  #transition(clock: Clock, span: SpanDraft, told: (id: string, ns: number) => void): void {
    TRANSITION.forEach(([id, sql]) => {
      const ns = this.#statement(clock, span, sql);
      if (id !== '') told(id, ns);
    });
  }

  #loggedTransition(clock: Clock, told: (id: string, ns: number) => void): void {
    TRANSITION.forEach(([id, sql]) => {
      const ns = this.#logged(clock, 'worker', sql);
      if (id !== '') told(id, ns);
    });
  }

  #send(clock: Clock, parent: SpanDraft | undefined, process: 'orchestration' | 'worker', queue: string): number {
    if (this.#plan.backend === 'pgmq') {
      const span = this.#span(parent, 'send_json_message', clock.tick(), { queue_name: queue }, -1, process);
      this.#statement(clock, span, 'SELECT pgmq_send_with_notify($1, $2, $3)');
      span.endNs = clock.tick();
      return span.endNs - span.startNs;
    }
    const startNs = clock.tick();
    const tell = (body: string, timeNs: number): void => {
      if (parent === undefined) this.#log(process, body, timeNs, { queue_name: queue });
      else this.#event(parent, body, timeNs, { queue_name: queue });
    };
    tell('RabbitMQ: Publishing message', startNs);
    clock.now += this.#draw(50_000, 900_000);
    tell('RabbitMQ: Message published successfully', clock.now);
    return clock.now - startNs;
  }

  #span(
    parent: SpanDraft | undefined,
    name: string,
    startNs: number,
    attributes: Record<string, AttributeValue>,
    step = -1,
    process: 'orchestration' | 'worker' = 'orchestration',
  ): SpanDraft {
    const id = this.#nextId++;
    const span: SpanDraft = {
      id,
      trace: parent?.trace ?? id,
      parent: parent?.id ?? 0,
      name,
      process,
      attributes,
      events: [],
      startNs,
      endNs: startNs,
      step,
    };
    this.#spans.push(span);
    return span;
  }

  #event(span: SpanDraft, name: string, timeNs: number, attributes: Record<string, AttributeValue>): void {
    span.events.push({ name, timeNs, attributes: { ...attributes, target: 'tasker::simulated' } });
    if (this.#plan.logs)
      this.#logs.push({
        process: span.process,
        body: name,
        scope: 'tasker::simulated',
        timeNs: timeNs + 4_000,
        attributes,
        span,
      });
  }

  #log(
    process: 'orchestration' | 'worker',
    body: string,
    timeNs: number,
    attributes: Record<string, AttributeValue>,
  ): void {
    this.#logs.push({ process, body, scope: 'tasker::simulated', timeNs, attributes, span: undefined });
  }

  /** A whole number of nanoseconds in [low, high), by a small generator of our own: the same on every machine. */
  #draw(low: number, high: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return low + Math.floor((this.#random / 0x1_0000_0000) * (high - low));
  }

  #emit(): Trace {
    const builder = new TraceBuilder('simulated');
    const { strings } = builder;
    const batchOf = new Map<string, number>();
    for (const process of ['orchestration', 'worker']) {
      const resource = builder.resource(new Map([['service.name', `tasker-${process}`]]));
      for (const signal of ['spans', 'logs']) {
        const request = builder.request();
        batchOf.set(`${process} ${signal}`, builder.batch({ resource, process: 0, arrivalNs: undefined, request }));
      }
    }
    const at = (process: string, ns: number): number =>
      builder.timeOfUnixNs(EPOCH + BigInt(ns + (process === 'worker' ? (this.#plan.workerSkewNs ?? 0) : 0)));
    const scope = builder.scope('tasker-core');
    const { lost } = this.#plan;
    for (const s of this.#spans) {
      if (lost !== undefined && s.name === lost.span && lost.steps.includes(s.step)) continue;
      builder.span({
        trace: builder.traceIds.intern(0, 0, 1, s.trace),
        idHigh: 0,
        idLow: s.id,
        parentHigh: 0,
        parentLow: s.parent,
        name: strings.intern(s.name),
        kind: 1,
        status: 0,
        startNs: at(s.process, s.startNs),
        endNs: at(s.process, s.endNs),
        scope,
        batch: batchOf.get(`${s.process} spans`)!,
      });
      for (const [key, value] of Object.entries(s.attributes)) builder.attributeOf(key, value);
      for (const event of s.events) {
        builder.event(strings.intern(event.name), at(s.process, event.timeNs));
        for (const [key, value] of Object.entries(event.attributes)) builder.attributeOf(key, value);
      }
    }
    for (let i = 0; i < (this.#plan.noise ?? 0); i++) {
      const startNs = at('worker', i * 1000);
      const trace = builder.traceIds.intern(0, 0, 2, i + 1);
      const ids = { idHigh: 1, idLow: i + 1, parentHigh: 0, parentLow: 0 };
      builder.span({
        trace,
        ...ids,
        name: strings.intern('poll_ready'),
        kind: 1,
        status: 0,
        startNs,
        endNs: startNs + 100,
        scope,
        batch: batchOf.get('worker spans')!,
      });
      builder.attributeOf('target', 'h2::proto::connection');
    }
    if (this.#plan.logs) {
      for (const l of this.#logs) {
        builder.log({
          timeNs: at(l.process, l.timeNs),
          severity: 5,
          body: strings.intern(l.body),
          trace: l.span === undefined ? -1 : builder.traceIds.intern(0, 0, 1, l.span.trace),
          idHigh: 0,
          idLow: l.span?.id ?? 0,
          scope: builder.scope(l.scope),
          batch: batchOf.get(`${l.process} logs`)!,
        });
        for (const [key, value] of Object.entries(l.attributes)) builder.attributeOf(key, value);
      }
    }
    return builder.finish();
  }
}

class Clock {
  now: number;
  readonly #gap: () => number;

  constructor(now: number, gap: () => number) {
    this.now = now;
    this.#gap = gap;
  }

  /** Own code runs for a moment. */
  tick(): number {
    this.now += this.#gap();
    return this.now;
  }
}

function add(map: Map<string, number>, key: string, ns: number): void {
  map.set(key, (map.get(key) ?? 0) + ns);
}

function uuid(kind: number, n: number): string {
  return `0000000${kind.toString(16)}-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

function handle(id: number, queue: string, backend: Plan['backend']): string {
  return backend === 'pgmq'
    ? `Pgmq { msg_id: ${id}, queue_name: "${queue}" }`
    : `RabbitMq { delivery_tag: 18446744073709551615, queue_name: "${queue}" }`;
}

const STEP_ROW =
  'SELECT workflow_step_uuid, task_uuid, named_step_uuid, retryable FROM tasker.workflow_steps WHERE workflow_step_uuid = $1::uuid';
const TASK_ROW = 'SELECT task_uuid, named_task_uuid, complete FROM tasker.tasks WHERE task_uuid = $1::uuid';
const TASK_NAMES = 'SELECT nt.name as task_name, nt.version as task_version FROM tasker.tasks t';
const NAMED_STEP = `SELECT ws.workflow_step_uuid, COALESCE(ws.inputs->>'__template_step_name', ns.name) FROM tasker.workflow_steps ws`;
const CURRENT =
  'SELECT workflow_step_transition_uuid, workflow_step_uuid, to_state FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1::uuid';
const STATE =
  'SELECT to_state FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1::uuid AND most_recent = true';
const TRANSITION: readonly (readonly [string, string])[] = [
  [
    'sort-key',
    'SELECT COALESCE(MAX(sort_key), 0) + 1 as next_sort_key FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1::uuid',
  ],
  [
    'most-recent',
    'UPDATE tasker.workflow_step_transitions SET most_recent = false, updated_at = NOW() WHERE workflow_step_uuid = $1::uuid',
  ],
  [
    'transition',
    'INSERT INTO tasker.workflow_step_transitions (workflow_step_uuid, to_state) VALUES ($1::uuid, $2) RETURNING sort_key',
  ],
  ['', 'COMMIT'],
];
