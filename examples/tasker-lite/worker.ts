import { randomUUID } from 'node:crypto';
import { nowMs } from './clock.ts';
import type { Database, Scope, Session } from './database.ts';
import type { ForeignHandlers } from './foreign-handlers.ts';
import { runHandler } from './handlers.ts';
import { KeyedLock } from './keyed-lock.ts';
import { RESULT_QUEUE, workerQueue } from './scenarios.ts';
import { type Slowness, slowDown } from './slowness.ts';
import { transitionStep } from './step-transition.ts';
import { keepLikeTasker, markLikeTasker, readLikeTasker, rereadLikeTasker, type StepContext } from './tasker-reads.ts';
import type { Tracing } from './tracing.ts';
import type { ClaimedMessage, MessageConsumer, Transport } from './transport.ts';

export interface WorkerOptions {
  readonly database: Database;
  readonly transport: Transport;
  readonly tracing: Tracing;
  readonly namespaces: readonly string[];
  readonly concurrency: number;
  /**
   * Work like Tasker's worker: one step at a time is claimed, and one submitted, while handlers run side by side; and
   * its reads are Tasker's.
   */
  readonly likeTasker: boolean;
  readonly slowness: Slowness;
  /** Handlers of another runtime; undefined = those of this one. */
  readonly foreign: ForeignHandlers | undefined;
  readonly onFailure: (error: Error) => void;
}

interface Outcome {
  readonly success: boolean;
  readonly result?: unknown;
  readonly error?: string;
  readonly executionTimeMs: number;
}

/** Claims steps, runs their handlers, hands the results to the orchestration. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #consumer: MessageConsumer;
  readonly #lanes = new KeyedLock();
  readonly #uuid = randomUUID();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#consumer = options.transport.consume({
      queues: options.namespaces.map(workerQueue),
      claims: 'step',
      concurrency: options.concurrency,
      handle: message => this.#execute(message),
      onIdle: () => options.tracing.idle(),
      onFailure: options.onFailure,
    });
  }

  start(): Promise<void> {
    return this.#consumer.start();
  }

  stop(): Promise<void> {
    return this.#consumer.stop();
  }

  async #execute(message: ClaimedMessage): Promise<void> {
    const { database, transport, tracing, likeTasker } = this.#options;
    const { statements } = database;
    const ref = tracing.ref(message.sender);
    const scope: Scope = { parent: ref, ids: message.ids };
    const stepUuid = message.ids.step_uuid;
    let startMs = nowMs();

    const step = await this.#inLane('claim', stepUuid, async session => {
      startMs = nowMs();
      transport.tellClaim('claim-step', message, session);
      const work = { session, statements, scope, taskUuid: message.ids.task_uuid, stepUuid };
      const found = likeTasker
        ? await readLikeTasker(work)
        : (await session.run<StepContext>(statements['hydrate-step'], [stepUuid], scope)).rows[0];
      if (found === undefined) return undefined;
      // A redelivery: the worker that had it is gone, or only its last message is missing.
      if (found.current_state === 'in_progress') return found;
      if (message.readCount > 1 && HANDED_BACK.has(found.current_state)) {
        // Its last act before it was gone was the transition: nobody has been told. A result that comes twice is noticed.
        await transport.send('send-result', RESULT_QUEUE, scope, session);
      }
      if (found.current_state !== 'enqueued') return undefined;
      const moved = await transitionStep(session, statements, scope, {
        name: 'start',
        stepUuid,
        from: 'enqueued',
        event: 'start',
        metadata: { worker_uuid: this.#uuid },
      });
      if (moved && likeTasker) await markLikeTasker(work);
      return moved ? { ...found, attempts: found.attempts + 1 } : undefined;
    });

    const outcome = step === undefined ? undefined : await this.#handle(step, scope);
    if (outcome !== undefined) {
      await this.#inLane('submit', stepUuid, async session => {
        const { executionTimeMs, ...results } = outcome;
        const work = { session, statements, scope, taskUuid: message.ids.task_uuid, stepUuid };
        if (likeTasker) await rereadLikeTasker(work);
        const moved = await transitionStep(session, statements, scope, {
          name: 'submit',
          stepUuid,
          from: 'in_progress',
          event: outcome.success ? 'enqueue-for-orchestration' : 'enqueue-as-error-for-orchestration',
          metadata: {
            results,
            execution_time_ms: executionTimeMs,
            worker_uuid: this.#uuid,
            correlation_id: message.ids.correlation_id,
          },
        });
        if (moved && likeTasker) await keepLikeTasker(work, results);
        if (moved) await transport.send('send-result', RESULT_QUEUE, scope, session);
      });
    }
    await transport.settle('delete-step-message', message, scope);
    tracing.record({
      ref,
      parent: message.sender,
      what: 'process_step',
      name: `process ${message.queue}`,
      kind: 'consumer',
      startMs,
      endMs: nowMs(),
      ids: message.ids,
      fixed: PROCESS,
      attributes: transport.attributesOf(message),
      links: message.sender === undefined ? [] : [{ ref: message.sender }],
    });
  }

  /** On a connection, and alone where the worker is serial. */
  #inLane<T>(lane: 'claim' | 'submit', stepUuid: string, work: (session: Session) => Promise<T>): Promise<T> {
    const { database, likeTasker } = this.#options;
    return this.#lanes.run(likeTasker ? lane : `${lane} ${stepUuid}`, () => database.session(work));
  }

  async #handle(step: StepContext, scope: Scope): Promise<Outcome> {
    const { tracing } = this.#options;
    const dependencies: Record<string, unknown> = {};
    for (const [name, results] of Object.entries(step.dependency_results)) dependencies[name] = results.result;
    const startMs = nowMs();
    let outcome: Omit<Outcome, 'executionTimeMs'>;
    let failure: unknown;
    try {
      await slowDown(this.#options.slowness, 'handler');
      const { context, inputs } = step;
      const input = { stepName: step.step_name, context, inputs, dependencies, attempt: step.attempts };
      outcome = { success: true, result: await runHandler(step.handler, input, this.#options.foreign) };
    } catch (error) {
      failure = error;
      outcome = { success: false, error: error instanceof Error ? error.message : String(error) };
    }
    const endMs = nowMs();
    tracing.record({
      ref: tracing.ref(scope.parent),
      parent: scope.parent,
      what: 'handler',
      name: 'handler',
      kind: 'internal',
      startMs,
      endMs,
      ids: scope.ids,
      attributes: { 'tasker.handler': step.handler, 'tasker.attempt': step.attempts },
      error: failure,
    });
    return { ...outcome, executionTimeMs: endMs - startMs };
  }
}

/** States in which the step's result is the orchestration's, if it has heard of it. */
const HANDED_BACK: ReadonlySet<string> = new Set(['enqueued_for_orchestration', 'enqueued_as_error_for_orchestration']);

/** Attributes of every span that encloses the processing of one message. */
const PROCESS = {
  'messaging.operation.name': 'process',
  'messaging.operation.type': 'process',
} as const;
