import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { ProbeFailure } from '../../../collectors/probes/probe.ts';
import { queueDepthProbe } from '../../../collectors/probes/queue-depth.ts';
import { queueReadings } from '../../../collectors/probes/queue-readings.ts';
import { startPostgres } from '../../../examples/tasker-lite/postgres.ts';
import { findPostgresFolder, postgresPackage } from '../../../examples/tasker-lite/postgres-binaries.ts';
import { TprofError } from '../../../src/base/errors.ts';
import type { Reading } from '../../../src/formats/probe-log.ts';

const ROOT = join(import.meta.dirname, '../../..');
const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : false;
const request = { intervalMs: 1000, processes: () => [] };

function figures(readings: readonly Reading[], queue: string): Record<string, number> {
  const own = readings.filter(reading => reading.labels?.queue === queue);
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

test("the built-in workload's queue in a real server: messages, the ones that are taken, the age of the oldest", {
  skip,
}, async () => {
  const server = await startPostgres();
  const run = queueDepthProbe.open({ ...request, target: server.url });
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    await assert.rejects(run.sample(), (error: unknown) => error instanceof ProbeFailure && /no queue/.test(error.why));
    await client.query(readFileSync(join(ROOT, 'examples/tasker-lite/schema.sql'), 'utf8'));
    assert.deepEqual((await run.sample()).readings, []);
    const send =
      "SELECT tasker.pgmq_send_with_notify('q', json_build_object('step_uuid', gen_random_uuid())::jsonb, '{}')";
    for (let i = 0; i < 3; i++) await client.query(send);
    await client.query("UPDATE tasker.queue_messages SET vt = clock_timestamp() + interval '1 hour' WHERE msg_id = 1");
    await client.query(
      "UPDATE tasker.queue_messages SET enqueued_at = clock_timestamp() - interval '90 s' WHERE msg_id = 2",
    );
    const { readings } = await run.sample();
    const {
      'queue.depth': depth,
      'queue.ready': ready,
      'queue.taken': taken,
      'queue.oldest': oldest,
    } = figures(readings, 'q');
    assert.deepEqual([depth, ready, taken], [3, 2, 1]);
    assert.ok(oldest! >= 90e9 && oldest! < 600e9);
    assert.equal(readings[0]?.labels?.system, 'tasker-lite');
    const status = await queueDepthProbe.check(server.url);
    assert.ok(status.usable && status.usableFor === '1 queues');
  } finally {
    await client.end();
    await run.close();
    await server.stop();
  }
});

test("RabbitMQ's management API: what it answers becomes figures, its password stays out of the capture", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    asked.push(req.url, req.headers.authorization);
    if (req.headers.authorization === undefined) res.writeHead(401).end();
    else res.end(readFileSync(join(ROOT, 'test/fixtures/probes/queue-depth/rabbitmq-queues.json')));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const run = queueDepthProbe.open({ ...request, target: `http://guest:hunter2@${host}/rabbit/` });
    const { readings } = await run.sample();
    assert.deepEqual(figures(readings, 'worker_orders_queue'), {
      'queue.depth': 5,
      'queue.ready': 3,
      'queue.taken': 2,
      'queue.consumers': 1,
      'queue.sent': 120,
      'queue.settled': 115,
    });
    assert.deepEqual(figures(readings, 'just_declared'), { 'queue.depth': 0 });
    const other = readings.find(reading => reading.labels?.queue === 'orchestration_step_results');
    assert.equal(other?.labels?.vhost, 'tasker');
    assert.match(asked[0] ?? '', /^\/rabbit\/api\/queues\?columns=/);
    assert.equal(asked[1], `Basic ${Buffer.from('guest:hunter2').toString('base64')}`);
    assert.doesNotMatch(JSON.stringify(run.target), /guest|hunter2/);
    await run.close();
    const refused = await queueDepthProbe.check(`http://${host}`);
    assert.ok(!refused.usable && refused.reason === 'the server answers 401' && /password/.test(refused.hint));
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
});

test('of very many queues the deepest are told one by one, the others as a sum', () => {
  const states = Array.from({ length: 300 }, (_, i) => ({ queue: `q${i}`, messages: i }));
  const depths = queueReadings('x', states);
  assert.equal(depths.length, 201);
  assert.equal(figures(depths, 'q299')['queue.depth'], 299);
  assert.equal(figures(depths, '(others)')['queue.depth'], (99 * 100) / 2);
});

test('amqp wants the names of queues, and says so; one that cannot be reached is a failure in words', async () => {
  assert.throws(
    () => queueDepthProbe.open({ ...request, target: 'amqp://u:hunter2@127.0.0.1:1' }),
    (error: unknown) => error instanceof TprofError && error.code === 'usage' && !error.message.includes('hunter2'),
  );
  const run = queueDepthProbe.open({ ...request, target: 'amqp://u:hunter2@127.0.0.1:1#orders' });
  await assert.rejects(
    run.sample(),
    (error: unknown) => error instanceof ProbeFailure && !/hunter2|127/.test(error.why),
  );
  await run.close();
});
