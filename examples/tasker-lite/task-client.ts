import { randomUUID } from 'node:crypto';
import type { Scenario } from './scenarios.ts';
import { WorkloadError } from './workload-error.ts';

/** Asks for one task of `scenario` at `url` and returns its uuid. Throws WorkloadError with the reason of a refusal. */
export async function postTask(
  url: string,
  scenario: Scenario,
  context: Readonly<Record<string, unknown>> | undefined,
): Promise<string> {
  const { namespace, name, version } = scenario;
  const { status, body } = await call(url, '/v1/tasks', {
    namespace,
    name,
    version,
    // Two tasks of one template with one context are one task: the run's own id makes them two.
    context: { ...scenario.context, ...context, _test_run_id: randomUUID() },
    initiator: 'tprof',
    source_system: 'tprof',
    reason: 'e2e',
    tags: ['benchmark'],
    requested_at: new Date().toISOString().slice(0, -1),
    correlation_id: randomUUID(),
  });
  const uuid = (body as { task_uuid?: unknown } | null)?.task_uuid;
  if (status < 300 && typeof uuid === 'string') return uuid;
  const said = reason(body);
  switch (status) {
    case 404:
      throw new WorkloadError('missing', `${url}: knows no template ${namespace}/${name} ${version}${said}`, {
        hint: `start Tasker with the template (TASKER_TEMPLATE_PATH) and a worker for the namespace ${namespace}`,
      });
    case 401:
    case 403:
      throw new WorkloadError('missing', `${url}: wants authentication, which tprof does not give${said}`, {
        hint: 'switch authentication off for the benchmark (Tasker has it off by default)',
      });
    case 409:
      throw new WorkloadError('run', `${url}: refused the task because an identical one exists (409)${said}`);
    case 503:
      throw new WorkloadError('run', `${url}: takes no more tasks at the moment (503, backpressure)${said}`, {
        hint: 'lower --concurrency',
      });
    default:
      throw new WorkloadError('run', `${url}: expected a task_uuid from POST /v1/tasks, found status ${status}${said}`);
  }
}

/** Answers of a server, or of what stands before it, that is too busy to say: asked again later. */
const BUSY: readonly number[] = [429, 502, 503, 504];

/** How a task stands, as the server says; status '' where it is too busy to say. */
export async function getTask(
  url: string,
  taskUuid: string,
): Promise<{ status: string; failedSteps: readonly string[] }> {
  const { status, body } = await call(url, `/v1/tasks/${taskUuid}`);
  if (BUSY.includes(status)) return { status: '', failedSteps: [] };
  const task = body as { status?: unknown; steps?: unknown } | null;
  if (status !== 200 || typeof task?.status !== 'string') {
    throw new WorkloadError('run', `${url}: expected the task ${taskUuid}, found status ${status}${reason(body)}`);
  }
  const steps = Array.isArray(task.steps) ? (task.steps as { name?: unknown; current_state?: unknown }[]) : [];
  const failed = steps.filter(step => step.current_state === 'error').map(step => String(step.name));
  return { status: task.status, failedSteps: failed };
}

async function call(url: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url.replace(/\/+$/, '') + path, {
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    text = await response.text();
  } catch (cause) {
    const inner = (cause as { cause?: { code?: string; message?: string } }).cause;
    const why = inner?.code === 'ECONNREFUSED' ? 'nobody listens there' : (inner?.message ?? (cause as Error).message);
    throw new WorkloadError('missing', `${url}: expected Tasker's REST interface, found that ${why}`, {
      hint: 'start Tasker there, or leave --cluster out to run the embedded workload',
      cause,
    });
  }
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: null };
  }
}

function reason(body: unknown): string {
  const { error, message } = (body ?? {}) as { error?: unknown; message?: unknown };
  const said = typeof error === 'string' ? error : typeof message === 'string' ? message : undefined;
  return said === undefined ? '' : `: ${said}`;
}
