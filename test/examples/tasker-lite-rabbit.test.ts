import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { findPostgresFolder, postgresPackage } from '../../examples/tasker-lite/postgres-binaries.ts';
import { rabbitTrouble } from '../../examples/tasker-lite/rabbit-connection.ts';
import { runWorkload } from '../../examples/tasker-lite/run.ts';
import { findScenario } from '../../examples/tasker-lite/scenarios.ts';
import { TaskerEmission } from '../../examples/tasker-lite/tasker-emission.ts';
import { IdSource, type SpanRecord } from '../../examples/tasker-lite/tracing.ts';
import { WorkloadError } from '../../examples/tasker-lite/workload-error.ts';

const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : false;
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OTEL_|TELEMETRY_|DATABASE_URL|AMQP_URL)/.test(name)),
);
const ONE = { scenario: findScenario('linear')!, tasks: 1, concurrency: 1, workers: 1, orchestrations: 1 };

test('an address that is no RabbitMQ is one sentence without its password, before anything is started', async () => {
  const deaf = createServer(socket => socket.on('error', () => {}).destroy());
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  const { port } = deaf.address() as { port: number };
  const addresses: readonly (readonly [string, RegExp])[] = [
    ['amqp://me:hush@127.0.0.1:9/', /127\.0\.0\.1:9: nobody listens there$/],
    [`amqp://me:hush@127.0.0.1:${port}/`, /does not speak AMQP 0-9-1/],
    ['http://me:hush@127.0.0.1:15672/', /expected amqp:\/\/USER:PASSWORD@HOST:PORT\/VHOST$/],
    ['me:hush@127.0.0.1', /expected amqp:/],
  ];
  try {
    for (const [AMQP_URL, words] of addresses) {
      await assert.rejects(runWorkload({ ...ONE, env: { ...ENV, AMQP_URL } }), (error: unknown) => {
        assert.ok(error instanceof WorkloadError);
        assert.equal(error.kind, 'machine');
        assert.match(error.message, words);
        assert.ok(!`${error.message} ${error.hint}`.includes('hush'));
        return true;
      });
    }
  } finally {
    deaf.close();
  }
});

test('what a broker says is told in words', () => {
  assert.equal(
    rabbitTrouble(new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "…"')),
    'it refuses the user, the password or the virtual host',
  );
  assert.equal(rabbitTrouble(new Error('connect ETIMEDOUT')), 'it does not answer');
  assert.equal(rabbitTrouble(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })), 'nobody listens there');
  assert.equal(
    rabbitTrouble(new Error('Connection closed: 320 (CONNECTION-FORCED)')),
    'Connection closed: 320 (CONNECTION-FORCED)',
  );
});

test('emitting like Tasker, a broker is told by log records in the order of the real one, which name no step', () => {
  const ids = new IdSource();
  const emission = new TaskerEmission({ worker: true, newRef: parent => ids.ref(parent) });
  const about = {
    'messaging.system': 'rabbitmq',
    'messaging.destination.name': 'tasker_lite_ab.worker_x_queue',
    'messaging.destination.template': 'worker_x_queue',
    'messaging.rabbitmq.message.delivery_tag': 7,
    'messaging.message.body.size': 159,
  };
  const step = { task_uuid: 't', step_uuid: 's', namespace: 'x' };
  const visit = ids.ref(undefined);
  const record = (what: SpanRecord['what'], startMs: number, endMs: number, parent?: typeof visit): void =>
    emission.take({
      ref: ids.ref(parent),
      parent,
      what,
      name: what,
      kind: 'client',
      startMs,
      endMs,
      ids: step,
      attributes: about,
    });
  record('claim-step', 10, 10.2);
  record('send-result', 40, 40.4, visit);
  record('delete-step-message', 41, 41, visit);
  emission.take({
    ref: visit,
    parent: undefined,
    what: 'process_step',
    name: 'process',
    kind: 'consumer',
    startMs: 11,
    endMs: 42,
    ids: step,
    attributes: about,
  });
  const { logs, spans } = emission.drain();
  assert.deepEqual(spans, []);
  const bodies = logs.map(({ body }) => body);
  const order = [
    'RabbitMQ: Consumer received message',
    'Full message received, routing to StepMessageWithPayload',
    'Processing RabbitMQ push message via ExecuteStepFromMessage',
    'RabbitMQ: Message ACKed after successful handoff',
    'Received ExecuteStepFromMessage command (full payload available)',
    'Handling ExecuteStepFromQueuedMessage via dispatch',
    'Worker: Hydrating step context for dispatch',
    'RabbitMQ: Publishing message',
    'RabbitMQ: Message published successfully',
  ];
  assert.deepEqual(
    bodies.filter(body => order.includes(body ?? '')),
    order,
  );
  for (const { body, attributes } of logs.filter(log => log.body?.startsWith('RabbitMQ: ') === true)) {
    assert.equal(attributes.step_uuid, undefined, body);
    assert.equal(attributes.queue_name, 'worker_x_queue', body);
  }
  const handling = logs.find(log => log.body === 'Handling ExecuteStepFromQueuedMessage via dispatch')!;
  assert.match(String(handling.attributes.handle), /^RabbitMq \{ delivery_tag: 18446744073709551615, /);
});

test('an operation that is made slow takes that much longer, and so does the task', { skip }, async () => {
  const run = await runWorkload({
    ...ONE,
    env: ENV,
    slowness: { handler: 60, 'send-step': 40, 'complete-transition': 50 },
  });
  assert.deepEqual(
    run.tasks.map(task => task.status),
    ['complete'],
  );
  assert.equal(run.running.messaging, 'postgresql');
  // Four steps in a row, each with all three.
  assert.ok(run.tasks[0]!.latencyMs >= 4 * (60 + 40 + 50) - 10, `${run.tasks[0]!.latencyMs}`);
});
