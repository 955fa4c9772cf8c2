// The embedded workload with its messages on a real RabbitMQ: every scenario runs; the breakdown has every documented
// operation (a broker's own calls named as stand-ins) where PostgreSQL's statement log says; a worker that is killed
// loses nothing; an address that is no broker is one sentence.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BreakdownResult } from '../../analyzers/lifecycle/breakdown-result.ts';
import { hasRuntime } from '../../examples/tasker-lite/foreign-handlers.ts';
import { startPostgres } from '../../examples/tasker-lite/postgres.ts';
import { startService } from '../../examples/tasker-lite/processes.ts';
import { makeRabbitQueues } from '../../examples/tasker-lite/rabbit-connection.ts';
import { runWorkload } from '../../examples/tasker-lite/run.ts';
import { RESULT_QUEUE, SCENARIOS, workerQueue } from '../../examples/tasker-lite/scenarios.ts';
import { getTask, postTask } from '../../examples/tasker-lite/task-client.ts';
import { statementAgreement } from '../examples/statement-agreement.ts';
import { startRabbitBroker } from './rabbit-broker.ts';

const STAND_INS: Readonly<Record<'conventions' | 'tasker', Readonly<Record<string, string>>>> = {
  conventions: { 'claim-step': 'delivery by the broker', 'delete-result-message': 'acknowledgement to the broker' },
  tasker: { 'claim-step': 'delivery by push', 'delete-result-message': 'acknowledgement at delivery' },
};
const TPROF = ['bin/tprof.js'];
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OTEL_|TELEMETRY_|DATABASE_URL|AMQP_URL)/.test(name)),
);

const broker = await startRabbitBroker();
if (broker === undefined) {
  console.log('skipped: rabbitmq-server is not installed and could not be (apt-get install rabbitmq-server)');
} else {
  try {
    console.log(`RabbitMQ ${broker.version}, started for this check`);
    await scenarios(broker.url);
    for (const emit of ['conventions', 'tasker'] as const) breakdown(broker.url, emit);
    await killedWorker(broker.url);
    badAddresses(broker.url);
    // A run takes its queues with it.
    assert.deepEqual(broker.queues(), []);
    console.log('no queue of any run is left on the broker');
  } finally {
    await broker.stop();
  }
}

/** Every scenario, on one PostgreSQL, so that only what is different is started again. */
async function scenarios(url: string): Promise<void> {
  const server = await startPostgres();
  const ran: string[] = [];
  try {
    for (const scenario of SCENARIOS) {
      if (scenario.runtime !== undefined && !hasRuntime(scenario.runtime)) {
        console.log(`${scenario.id}: not run, ${scenario.runtime} is not installed and could not be`);
        continue;
      }
      const shape = { workers: 1, orchestrations: 1, concurrency: 1, ...scenario.shape };
      const run = await runWorkload({
        ...shape,
        scenario,
        tasks: 2,
        timeoutS: 120,
        env: { ...ENV, DATABASE_URL: server.url, AMQP_URL: url },
      });
      assert.equal(run.running.messaging, 'rabbitmq');
      assert.deepEqual(
        run.tasks.map(task => task.status),
        ['complete', 'complete'],
        scenario.id,
      );
      ran.push(scenario.id);
    }
  } finally {
    await server.stop();
  }
  console.log(`${ran.length} scenarios, 2 tasks each, complete: ${ran.join(', ')}`);
}

function breakdown(url: string, emit: 'conventions' | 'tasker'): void {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-rabbit-check-'));
  try {
    const capture = join(folder, 'capture');
    const log = join(folder, 'statements.log');
    const words = ['linear', '--tasks', '40', '--concurrency', '4', '--emit', emit, '--statement-log', log];
    const recorded = spawnSync(
      process.execPath,
      [...TPROF, 'record', '-q', '--profiler', 'none', '-o', capture, '--', 'e2e', ...words],
      {
        encoding: 'utf8',
        env: { ...ENV, AMQP_URL: url, OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_BLRP_SCHEDULE_DELAY: '50' },
      },
    );
    assert.equal(recorded.status, 0, recorded.stderr);
    const result = JSON.parse(readFileSync(join(capture, 'breakdown.json'), 'utf8')) as BreakdownResult;
    const agreement = statementAgreement(result, readFileSync(log, 'utf8'), emit);
    const steps = result.tasks.flatMap(task => task.steps);
    assert.equal(steps.length, 160);
    const complete = steps.filter(step => !step.parts.some(part => part.kind === 'unattributed'));
    const documented = result.operations.filter(operation => operation.expectedPerStep === 1);
    // Log records of the broker name no step: which result was acknowledged when can be joined by time alone.
    const least = (emit === 'tasker' ? 0.9 : 1) * complete.length;
    const seen = documented.filter(operation => operation.observed >= least);
    const partly = documented
      .filter(operation => operation.observed < complete.length)
      .map(operation => `${operation.id} at ${operation.observed}`);
    for (const [id, standIn] of Object.entries(STAND_INS[emit])) {
      const parts = steps.flatMap(step => step.parts.filter(part => part.id === id));
      assert.ok(parts.length > 0 && parts.every(part => part.standIn === standIn), `${id}: ${parts[0]?.standIn}`);
    }
    const { unattributed } = result.shares;
    console.log(
      `linear, 40 tasks, 4 at once, emitting ${emit}: ${agreement.agree} of ${agreement.total} statements are at the step that PostgreSQL names, ` +
        `${agreement.leftOut} more are of steps that are not wholly in the recording; ${seen.length} of ${documented.length} documented operations at the whole steps ` +
        `(${complete.length} of ${steps.length}${partly.length === 0 ? '' : `; ${partly.join(', ')}`}); unattributed ${(unattributed * 100).toFixed(2)} %`,
    );
    assert.equal(seen.length, documented.length, partly.join(', '));
    assert.ok(agreement.agree / agreement.total >= (emit === 'tasker' ? 0.99 : 1), agreement.examples.join('; '));
    assert.ok(agreement.leftOut <= (emit === 'tasker' ? 0.1 * agreement.total : 0));
    if (emit === 'conventions') {
      assert.ok(unattributed < 0.02, `${unattributed} unattributed`);
      assert.equal(agreement.twice, 0);
      assert.deepEqual(result.warnings, []);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two workers, one of them killed with messages in hand: every task completes all the same. */
async function killedWorker(url: string): Promise<void> {
  const TASKS = 24;
  const scenario = SCENARIOS.find(({ id }) => id === 'tree')!;
  const rabbit = { url, prefix: `tprof_check_${process.pid}.`, durable: false };
  const queues = [RESULT_QUEUE, workerQueue(scenario.namespace)];
  const made = await makeRabbitQueues(rabbit, queues);
  const server = await startPostgres();
  const statuses = new Map<string, string>();
  const start = (kind: 'orchestration' | 'worker', index: number): ReturnType<typeof startService> => {
    const service = startService({
      kind,
      settings: {
        databaseUrl: server.url,
        schema: server.schema,
        concurrency: 8,
        namespaces: [scenario.namespace],
        createsSchema: kind === 'orchestration',
        instance: `${kind}-${index}`,
        emit: 'conventions',
        slowness: {},
        rabbit,
      },
      env: ENV,
      onTaskEnded: (taskUuid, status) => statuses.set(taskUuid, status),
    });
    if (service.pid !== undefined) server.watch(service.pid);
    return service;
  };
  const services = [start('orchestration', 1)];
  try {
    const rest = await services[0]!.ready;
    services.push(start('worker', 1), start('worker', 2));
    const [, victim, survivor] = services as [(typeof services)[0], (typeof services)[0], (typeof services)[0]];
    await Promise.all([victim.ready, survivor.ready]);
    const tasks = await Promise.all(Array.from({ length: TASKS }, () => postTask(rest, scenario, undefined)));
    process.kill(victim.pid!, 'SIGKILL');
    await assert.rejects(victim.died);
    const limit = Date.now() + 60_000;
    while (statuses.size < TASKS && Date.now() < limit) await sleep(50);
    const ended = await Promise.all(tasks.map(task => getTask(rest, task)));
    const complete = ended.filter(({ status }) => status === 'complete').length;
    console.log(`a worker killed with messages in hand: ${complete} of ${TASKS} tasks of tree complete all the same`);
    assert.equal(complete, TASKS);
  } finally {
    for (const service of services.reverse()) await service.stop();
    await server.stop();
    await made.remove();
  }
}

function badAddresses(url: string): void {
  const { host, port } = new URL(url);
  const addresses = [
    'amqp://guest:secret-word@127.0.0.1:9/',
    `amqp://guest:secret-word@${host}/`,
    `amqp://guest:guest@${host}/nowhere`,
    `http://guest:secret-word@127.0.0.1:${port}/`,
    'nonsense',
  ];
  for (const address of addresses) {
    const ran = spawnSync(process.execPath, [...TPROF, 'e2e', 'linear', '--tasks', '1'], {
      encoding: 'utf8',
      env: { ...ENV, AMQP_URL: address },
    });
    assert.equal(ran.status, 4, `${address}: ${ran.stderr}`);
    assert.match(ran.stderr, /^tprof: AMQP_URL names no RabbitMQ to work on: .+\n {2}correct it.*\n$/);
    assert.ok(!ran.stderr.includes('secret-word'));
  }
  console.log(`${addresses.length} addresses that are no broker: one sentence each, exit 4, no password in it`);
}
