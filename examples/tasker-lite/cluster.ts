import { setTimeout as sleep } from 'node:timers/promises';
import type { RunOptions, RunResult, TaskResult } from './run.ts';
import { getTask, postTask } from './task-client.ts';

export interface ClusterOptions
  extends Pick<RunOptions, 'scenario' | 'tasks' | 'concurrency' | 'context' | 'signal' | 'onTask'> {
  /** Orchestrations, used in turn. */
  readonly urls: readonly string[];
  /** Between two looks at a task. A latency is too large by half of it on average. */
  readonly pollMs: number;
  readonly timeoutS: number;
}

/** A task has ended with one of these. `execution_status` is no substitute: it says `all_complete` too early. */
const ENDED = ['complete', 'error', 'blocked_by_failures', 'cancelled', 'resolved_manually'];

/** Drives a Tasker that already runs. Throws WorkloadError where it cannot be reached or refuses. */
export async function runOnCluster(options: ClusterOptions): Promise<Omit<RunResult, 'running'>> {
  const { urls, scenario } = options;
  const tasks: TaskResult[] = [];
  const startMs = performance.now();
  let next = 0;
  let failure: unknown;
  const client = async (): Promise<void> => {
    while (next < options.tasks && options.signal?.aborted !== true && failure === undefined) {
      const url = urls[next % urls.length]!;
      next += 1;
      const beganMs = performance.now();
      const taskUuid = await postTask(url, scenario, options.context);
      const status = await endOf(url, taskUuid, beganMs + options.timeoutS * 1000, options);
      if (status === undefined) return;
      const result = {
        taskUuid,
        status,
        startedUnixMs: performance.timeOrigin + beganMs,
        latencyMs: performance.now() - beganMs,
      };
      tasks.push(result);
      options.onTask?.(tasks.length, result);
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(options.concurrency, options.tasks) }, () =>
      client().catch(error => {
        failure ??= error;
      }),
    ),
  );
  if (failure !== undefined) throw failure;
  return { tasks, wallMs: performance.now() - startMs, aborted: options.signal?.aborted === true };
}

/** Undefined where the run was ended before the task. */
async function endOf(
  url: string,
  taskUuid: string,
  untilMs: number,
  { pollMs, signal }: ClusterOptions,
): Promise<string | undefined> {
  while (signal?.aborted !== true) {
    const { status } = await getTask(url, taskUuid);
    if (ENDED.includes(status)) return status;
    if (performance.now() > untilMs) return 'timed_out';
    await sleep(pollMs);
  }
  return undefined;
}
