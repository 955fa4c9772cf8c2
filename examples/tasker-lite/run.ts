import { randomUUID } from 'node:crypto';
import { type Postgres, startPostgres } from './postgres.ts';
import { type ServiceProcess, startService } from './processes.ts';
import type { Scenario } from './scenarios.ts';
import { WorkloadError } from './workload-error.ts';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly tasks: number;
  /** Tasks under way at once. */
  readonly concurrency: number;
  readonly workers: number;
  readonly orchestrations: number;
  /** Environment of the workload's processes; also where DATABASE_URL is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces parts of the scenario's context. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly statementLog?: string;
  readonly durable?: boolean;
  /** Ends the run early; what is under way is given up, everything is cleaned up. */
  readonly signal?: AbortSignal;
  /** After each task. */
  readonly onTask?: (done: number, result: TaskResult) => void;
  /** Once everything runs, before the first task. */
  readonly onStarted?: (running: RunningWorkload) => void;
}

export interface RunningWorkload {
  readonly urls: readonly string[];
  readonly processes: readonly { readonly kind: string; readonly instance: string; readonly pid: number }[];
  readonly postgres: { readonly pid: number | undefined; readonly embedded: boolean; readonly schema: string };
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
  const postgres = await startPostgres({
    databaseUrl: options.env.DATABASE_URL,
    statementLog: options.statementLog,
    durable: options.durable ?? false,
  });
  const services: ServiceProcess[] = [];
  try {
    return await drive(options, postgres, services);
  } finally {
    // Workers first: they hand their last results to an orchestration that still listens.
    for (const kind of ['worker', 'orchestration']) {
      await Promise.all(services.filter(service => service.kind === kind).map(service => service.stop()));
    }
    await postgres.stop();
  }
}

async function drive(options: RunOptions, postgres: Postgres, services: ServiceProcess[]): Promise<RunResult> {
  const ended = new Map<string, { status: string; atMs: number }>();
  const waiting = new Map<string, (end: { status: string; atMs: number }) => void>();
  const onTaskEnded = (taskUuid: string, status: string, atMs: number): void => {
    const waiter = waiting.get(taskUuid);
    waiting.delete(taskUuid);
    if (waiter === undefined) ended.set(taskUuid, { status, atMs });
    else waiter({ status, atMs });
  };
  const start = async (kind: 'orchestration' | 'worker', index: number): Promise<ServiceProcess> => {
    const service = await startService({
      kind,
      settings: {
        databaseUrl: postgres.url,
        schema: postgres.schema,
        concurrency: kind === 'worker' ? WORKER_CONCURRENCY : ORCHESTRATION_CONCURRENCY,
        namespaces: [options.scenario.namespace],
        createsSchema: kind === 'orchestration' && index === 0,
        instance: `${kind}-${index + 1}`,
      },
      env: options.env,
      onTaskEnded,
      onStarted: pid => postgres.watch(pid),
    });
    services.push(service);
    return service;
  };
  const aborted = new Promise<'aborted'>(resolve => {
    if (options.signal?.aborted === true) resolve('aborted');
    options.signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  const died = Promise.race([postgres.died]);
  const first = await Promise.race([start('orchestration', 0), fails(died)]);
  const rest = [
    ...Array.from({ length: options.orchestrations - 1 }, (_, index) => start('orchestration', index + 1)),
    ...Array.from({ length: options.workers }, (_, index) => start('worker', index)),
  ];
  await Promise.race([Promise.all(rest), fails(died)]);
  const urls = services.flatMap(service => service.url ?? []);
  const running: RunningWorkload = {
    urls: urls.length === 0 ? [first.url!] : urls,
    processes: services.map(({ kind, instance, pid }) => ({ kind, instance, pid })),
    postgres: { pid: postgres.pid, embedded: postgres.embedded, schema: postgres.schema },
  };
  options.onStarted?.(running);

  const tasks: TaskResult[] = [];
  let stopped = false;
  let next = 0;
  const startMs = performance.now();
  const client = async (): Promise<void> => {
    while (next < options.tasks && !stopped) {
      const index = next;
      next += 1;
      const url = running.urls[index % running.urls.length]!;
      const startedUnixMs = performance.timeOrigin + performance.now();
      const began = performance.now();
      const taskUuid = await createTask(url, options);
      const end = await endOfTask(taskUuid, ended, waiting, options.scenario);
      if (stopped) return;
      const result = { taskUuid, status: end.status, startedUnixMs, latencyMs: end.atMs - began };
      tasks.push(result);
      options.onTask?.(tasks.length, result);
    }
  };
  const all = Promise.all(Array.from({ length: Math.min(options.concurrency, options.tasks) }, client));
  all.catch(() => {});
  try {
    const how = await Promise.race([all, aborted, fails(died), ...services.map(service => fails(service.died))]);
    return { tasks, running, wallMs: performance.now() - startMs, aborted: how === 'aborted' };
  } finally {
    stopped = true;
  }
}

async function fails(died: Promise<string>): Promise<never> {
  throw new WorkloadError('run', await died);
}

async function createTask(url: string, { scenario, context }: RunOptions): Promise<string> {
  const response = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      namespace: scenario.namespace,
      name: scenario.name,
      version: scenario.version,
      // Two tasks with one context are one task.
      context: { ...scenario.context, ...context, _test_run_id: randomUUID() },
      initiator: 'tprof',
      source_system: 'tprof',
      reason: 'e2e',
      correlation_id: randomUUID(),
    }),
  });
  const body = (await response.json()) as { task_uuid?: string; error?: string };
  if (!response.ok || body.task_uuid === undefined) {
    throw new WorkloadError('run', `the orchestration refused a task: ${body.error ?? `status ${response.status}`}`);
  }
  return body.task_uuid;
}

async function endOfTask(
  taskUuid: string,
  ended: Map<string, { status: string; atMs: number }>,
  waiting: Map<string, (end: { status: string; atMs: number }) => void>,
  scenario: Scenario,
): Promise<{ status: string; atMs: number }> {
  const already = ended.get(taskUuid);
  ended.delete(taskUuid);
  if (already !== undefined) return already;
  return await new Promise(resolve => {
    const limit = setTimeout(() => {
      waiting.delete(taskUuid);
      resolve({ status: 'timed_out', atMs: performance.now() });
    }, scenario.timeoutS * 1000);
    limit.unref();
    waiting.set(taskUuid, end => {
      clearTimeout(limit);
      resolve(end);
    });
  });
}
