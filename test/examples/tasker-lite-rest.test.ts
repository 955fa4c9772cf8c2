import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOnCluster } from '../../examples/tasker-lite/cluster.ts';
import { hasRuntime } from '../../examples/tasker-lite/foreign-handlers.ts';
import { findPostgresFolder, postgresPackage } from '../../examples/tasker-lite/postgres-binaries.ts';
import { type RunOptions, runWorkload } from '../../examples/tasker-lite/run.ts';
import { findScenario } from '../../examples/tasker-lite/scenarios.ts';
import { postTask } from '../../examples/tasker-lite/task-client.ts';
import { WorkloadError } from '../../examples/tasker-lite/workload-error.ts';

const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : false;
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OTEL_|DATABASE_URL|AMQP_URL)/.test(name)),
);
const LINEAR = findScenario('linear')!;

/** Runs the workload for as long as `work` with its address takes. */
async function beside(options: Partial<RunOptions>, work: (url: string) => Promise<void>): Promise<void> {
  const done = new AbortController();
  let worked: Promise<void> | undefined;
  await runWorkload({
    scenario: LINEAR,
    tasks: 1_000_000,
    concurrency: 1,
    workers: 1,
    orchestrations: 1,
    env: ENV,
    signal: done.signal,
    ...options,
    onStarted: ({ urls }) => {
      worked = work(urls[0]!).finally(() => done.abort());
      worked.catch(() => {});
    },
  });
  await worked;
}

test('REST: what is refused and how, and a client that knows nothing but REST', { skip }, async () => {
  await beside({}, async url => {
    const post = async (body: unknown): Promise<{ status: number; body: Record<string, unknown> }> => {
      const response = await fetch(`${url}/v1/tasks`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const task = { namespace: LINEAR.namespace, name: LINEAR.name, version: LINEAR.version };
    assert.equal((await post('{"namespace"')).status, 400);
    assert.equal((await post([])).status, 400);
    assert.equal((await post({ ...task, context: 7 })).status, 400);
    assert.equal((await post({ ...task, correlation_id: 'x' })).status, 400);
    assert.equal((await post({ ...task, name: 'unknown' })).status, 404);
    assert.equal((await post('x'.repeat(2_000_000))).status, 413);
    const context = { even_number: 2, nested: { a: 1, b: 2 } };
    assert.equal((await post({ ...task, context })).status, 200);
    const again = await post({ ...task, context: { nested: { b: 2, a: 1 }, even_number: 2 } });
    assert.equal(again.status, 409, 'the same context in another order is the same task');
    assert.equal((await fetch(`${url}/v1/tasks/00000000-0000-4000-8000-000000000000`)).status, 404);
    assert.equal((await fetch(`${url}/v1/tasks/nonsense`)).status, 400);
    assert.equal((await fetch(`${url}/v1/tasks`)).status, 405);
    assert.equal((await fetch(`${url}/elsewhere`)).status, 404);

    const run = await runOnCluster({
      scenario: LINEAR,
      tasks: 3,
      concurrency: 2,
      urls: [url],
      pollMs: 10,
      timeoutS: 30,
    });
    assert.deepEqual(
      run.tasks.map(({ status }) => status),
      ['complete', 'complete', 'complete'],
    );
    const last = (await (await fetch(`${url}/v1/tasks/${run.tasks[0]!.taskUuid}`)).json()) as Record<string, unknown>;
    assert.equal(last.execution_status, 'all_complete');
    assert.equal(last.completed_steps, 4);
    const steps = last.steps as { name: string; results: { result: number } }[];
    assert.equal(steps.find(({ name }) => name === 'linear_step_4')?.results.result, 6 ** 16);

    await assert.rejects(
      postTask(url, { ...LINEAR, name: 'unknown' }, undefined),
      (error: unknown) =>
        error instanceof WorkloadError && error.kind === 'missing' && /knows no template/.test(error.message),
    );
  });
});

test('a Tasker that is not there is one sentence', async () => {
  await assert.rejects(
    runOnCluster({ scenario: LINEAR, tasks: 1, concurrency: 1, urls: ['http://127.0.0.1:9'], pollMs: 10, timeoutS: 1 }),
    (error: unknown) =>
      error instanceof WorkloadError &&
      error.kind === 'missing' &&
      /expected Tasker's REST interface/.test(error.message),
  );
});

for (const [scenario, runtime, language] of [
  ['ffi', 'python3', 'Python'],
  ['ffi_ruby', 'ruby', 'Ruby'],
] as const) {
  test(`handlers in ${language}`, {
    skip: skip !== false ? skip : hasRuntime(runtime) ? false : `${runtime} is not installed`,
  }, async () => {
    const run = await runWorkload({
      scenario: findScenario(scenario)!,
      tasks: 1,
      concurrency: 1,
      workers: 1,
      orchestrations: 1,
      env: ENV,
    });
    assert.deepEqual(
      run.tasks.map(task => task.status),
      ['complete'],
    );
  });
}

test('a task whose step fails for good ends as an error, and says so', { skip }, async () => {
  const run = await runWorkload({
    scenario: LINEAR,
    tasks: 1,
    concurrency: 1,
    workers: 1,
    orchestrations: 1,
    env: ENV,
    context: { _fail: { step: 'linear_step_3', times: 99 } },
  });
  assert.deepEqual(
    run.tasks.map(task => task.status),
    ['error'],
  );
});

test('two orchestrations and two workers share the work', { skip }, async () => {
  const run = await runWorkload({
    scenario: findScenario('tree')!,
    tasks: 6,
    concurrency: 3,
    workers: 2,
    orchestrations: 2,
    env: ENV,
  });
  assert.equal(run.running.processes.length, 4);
  assert.ok(run.tasks.length === 6 && run.tasks.every(task => task.status === 'complete'));
});
