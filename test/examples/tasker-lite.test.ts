import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPostgresFolder, postgresPackage } from '../../examples/tasker-lite/postgres-binaries.ts';
import { runWorkload } from '../../examples/tasker-lite/run.ts';
import { findScenario, type Scenario } from '../../examples/tasker-lite/scenarios.ts';
import { stepsToCreate } from '../../examples/tasker-lite/step-creation.ts';
import { type SunkLog, type SunkSpan, startSpanSink } from './span-sink.ts';
import { type LoggedStatement, OPERATIONS, ownersOf, parseStatementLog } from './statement-log.ts';

const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : false;

/** The environment without anything that would reach the workload from whoever runs the tests. */
const ENV: Record<string, string | undefined> = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(OTEL_|TELEMETRY_|DATABASE_URL|AMQP_URL)/.test(name)),
  ),
};

interface Observed {
  readonly statements: readonly LoggedStatement[];
  readonly spans: readonly SunkSpan[];
  readonly logs: readonly SunkLog[];
  readonly taskUuids: readonly string[];
}

async function observe(
  scenario: Scenario,
  tasks: number,
  concurrency: number,
  { context = {}, emit = 'conventions' }: { context?: Record<string, unknown>; emit?: 'conventions' | 'tasker' } = {},
): Promise<Observed> {
  const folder = await mkdtemp(join(tmpdir(), 'tasker-lite-test-'));
  const sink = await startSpanSink();
  try {
    const statementLog = join(folder, 'statements.log');
    const run = await runWorkload({
      scenario,
      tasks,
      concurrency,
      workers: 1,
      orchestrations: 1,
      context,
      emit,
      env: {
        ...ENV,
        // Often enough that most arrives although nothing is flushed at the end.
        ...(emit === 'tasker'
          ? { OTEL_LOGS_ENABLED: 'true', OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_BLRP_SCHEDULE_DELAY: '50' }
          : {}),
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      },
      statementLog,
    });
    assert.deepEqual(
      run.tasks.map(task => task.status),
      Array.from({ length: tasks }, () => 'complete'),
    );
    return {
      statements: parseStatementLog(await readFile(statementLog, 'utf8')),
      spans: sink.spans,
      logs: sink.logs,
      taskUuids: run.tasks.map(task => task.taskUuid),
    };
  } finally {
    await sink.close();
    await rm(folder, { recursive: true, force: true });
  }
}

test('linear: the server ran each documented operation once for each step, and the spans say the same', {
  skip,
}, async () => {
  const { statements, spans, taskUuids } = await observe(findScenario('linear')!, 2, 1);
  const owners = ownersOf(statements);
  const steps = [...owners.get('send-step')!.keys()].sort();
  assert.equal(steps.length, 8);
  for (const [operation] of OPERATIONS) {
    const counts = owners.get(operation)!;
    assert.deepEqual([...counts.keys()].sort(), steps, operation);
    assert.ok(
      [...counts.values()].every(count => count === 1),
      operation,
    );
  }
  for (const operation of ['next-ready-tasks', 'step-readiness', 'reevaluate-readiness']) {
    assert.equal(statements.filter(({ name }) => name === operation).length, 8, operation);
  }

  // Every statement that names a step has one span that names the same step, and there is no other.
  const SPAN_OF: Record<string, string> = { 'sort-key': 'SELECT', 'most-recent': 'UPDATE', transition: 'INSERT' };
  const STATES: Record<string, string> = {
    enqueue: 'enqueued',
    start: 'in_progress',
    submit: 'enqueued_for_orchestration',
    complete: 'complete',
  };
  for (const step of steps) {
    const mine = spans.filter(span => span.attributes.step_uuid === step);
    const count = (test: (span: SunkSpan) => boolean): number => mine.filter(test).length;
    for (const [name, state] of Object.entries(STATES)) {
      for (const [part, verb] of Object.entries(SPAN_OF)) {
        const found = count(
          span =>
            span.name === `${verb} tasker.workflow_step_transitions` && span.attributes['tasker.to_state'] === state,
        );
        assert.equal(found, 1, `${name}-${part} of ${step}`);
      }
    }
    for (const name of [
      'SELECT tasker.get_next_ready_tasks',
      'SELECT tasker.get_step_readiness_status_batch',
      'SELECT tasker.get_task_execution_context',
      'SELECT tasker.get_step_context',
      'handler',
      'send worker_rust_e2e_linear_queue',
      'read worker_rust_e2e_linear_queue',
      'process worker_rust_e2e_linear_queue',
      'delete worker_rust_e2e_linear_queue',
      'send orchestration_step_results',
      'read orchestration_step_results',
      'process orchestration_step_results',
      'delete orchestration_step_results',
    ]) {
      assert.equal(
        count(span => span.name === name),
        1,
        `${name} of ${step}`,
      );
    }
  }

  // One trace a task, no parent missing, times below the millisecond.
  assert.equal(new Set(spans.map(span => span.traceId)).size, taskUuids.length);
  const ids = new Set(spans.map(span => span.spanId));
  assert.deepEqual(
    spans.filter(span => span.parentSpanId === '').map(span => span.name),
    ['POST /v1/tasks', 'POST /v1/tasks'],
  );
  for (const span of spans) {
    assert.ok(span.parentSpanId === '' || ids.has(span.parentSpanId), `${span.name} has its parent`);
    assert.ok(span.startNs <= span.endNs, span.name);
    for (const link of span.links) assert.ok(ids.has(link), `${span.name} links to a span that is there`);
  }
  assert.ok(spans.some(span => span.startNs % 1_000_000n !== 0n));
  const reads = spans.filter(span => span.name.startsWith('read '));
  assert.ok(reads.every(span => span.links.length === 1 && span.events.includes('message.enqueued')));
});

test('diamond: siblings share their discovery, the last step waits for both', { skip }, async () => {
  const { statements, spans } = await observe(findScenario('diamond')!, 2, 2);
  const owners = ownersOf(statements);
  for (const [operation] of OPERATIONS) {
    assert.equal(owners.get(operation)!.size, 8, operation);
    assert.ok(
      [...owners.get(operation)!.values()].every(count => count === 1),
      operation,
    );
  }
  // Start, both branches at once, end.
  assert.equal(statements.filter(({ name }) => name === 'next-ready-tasks').length, 2 * 3);
  for (const trace of new Set(spans.map(span => span.traceId))) {
    const handler = (step: string): SunkSpan =>
      spans.find(span => span.traceId === trace && span.name === 'handler' && span.attributes.step_name === step)!;
    for (const branch of ['diamond_branch_b', 'diamond_branch_c']) {
      assert.ok(handler(branch).startNs > handler('diamond_start').endNs);
      assert.ok(handler(branch).endNs < handler('diamond_end').startNs);
    }
  }
});

test('batch: one step cuts the work, as many workers as batches run, one step brings them together', {
  skip,
}, async () => {
  const { spans } = await observe(findScenario('batch')!, 1, 1);
  const handlers = spans.filter(span => span.name === 'handler').sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
  assert.deepEqual(handlers.map(span => span.attributes.step_name).sort(), [
    'aggregate_csv_results',
    'analyze_csv',
    ...[1, 2, 3, 4, 5].map(n => `process_csv_batch_00${n}`),
  ]);
  assert.equal(handlers[0]!.attributes.step_name, 'analyze_csv');
  assert.equal(handlers.at(-1)!.attributes.step_name, 'aggregate_csv_results');
});

test('a decision makes the steps that it names, and one in which they come together', () => {
  const conditional = findScenario('conditional')!;
  const decision = conditional.steps.find(step => step.kind === 'decision')!;
  const made = (...names: string[]): [string, readonly string[]][] =>
    stepsToCreate(conditional, decision, { create_steps: names }).map(step => [step.template.name, step.dependsOn]);
  assert.deepEqual(made('auto_approve'), [
    ['auto_approve', ['routing_decision']],
    ['finalize_approval', ['auto_approve']],
  ]);
  assert.deepEqual(made('manager_approval', 'finance_review').at(-1), [
    'finalize_approval',
    ['manager_approval', 'finance_review'],
  ]);
  assert.deepEqual(made(), []);
  assert.throws(() => made('validate_request'), /which approval_routing does not have/);
});

test('a step that fails once is tried again, and its failure is on its span', { skip }, async () => {
  const { spans } = await observe(findScenario('linear')!, 1, 1, {
    context: { _fail: { step: 'linear_step_2', times: 1 } },
  });
  const tries = spans.filter(span => span.name === 'handler' && span.attributes.step_name === 'linear_step_2');
  assert.deepEqual(tries.map(span => span.attributes['tasker.attempt']).sort(), ['1', '2']);
  assert.equal(tries.filter(span => 'error.type' in span.attributes).length, 1);
});

test('emitting like Tasker: no context, no ids on statements, markers around them', { skip }, async () => {
  const { spans, logs, statements } = await observe(findScenario('linear')!, 3, 1, { emit: 'tasker' });
  const worker = logs.filter(log => log.service === 'tasker-rust-worker');
  const queries = worker.filter(log => log.scope === 'sqlx::query');
  assert.ok(queries.length > 0 && queries.every(log => log.attributes.step_uuid === undefined));
  assert.ok(logs.every(log => log.timeNs === 0n && log.observedNs > 0n));
  // Only calls of the queue have a span, and no span of one process has a parent in another.
  const CALLS = ['read_specific_message', 'send_json_message', 'archive_message'];
  const mine = spans.filter(span => span.service === 'tasker-rust-worker');
  assert.ok(mine.length > 0 && mine.every(span => CALLS.includes(span.name) && span.parentSpanId === ''));
  for (const span of spans.filter(({ name }) => name === 'handle_step_execution_result'))
    assert.equal(span.parentSpanId, '');
  // For steps whose last marker arrived, the statements of a transition stand between its markers.
  const done = worker.filter(log => log.body === 'Step result processed and sent to orchestration successfully');
  const steps = new Set(
    statements
      .filter(({ name }) => name === 'send-result')
      .map(({ parameters }) => /[0-9a-f-]{36}/.exec(parameters[1] ?? '')?.[0]),
  );
  assert.ok(done.length > 0);
  for (const { attributes } of done) {
    assert.ok(steps.has(attributes.step_uuid));
    const at = (body: string): bigint =>
      worker.find(log => log.body === body && log.attributes.step_uuid === attributes.step_uuid)!.observedNs;
    const from = at('Attempting to claim step using state machine transition');
    const to = at('Step claimed and dispatched');
    const summaries = queries
      .filter(
        log =>
          log.observedNs > from && log.observedNs <= to && !(log.attributes['db.statement'] ?? '').includes('pgmq'),
      )
      .map(log => log.attributes.summary?.split(' ')[0]);
    const guards = ['SELECT', 'SELECT', 'SELECT'];
    assert.deepEqual(summaries, [...guards, 'SELECT', 'UPDATE', 'INSERT', 'COMMIT', 'UPDATE', 'UPDATE']);
  }
});
