// Probes on real servers: pgmq as an extension of a real PostgreSQL, RabbitMQ by its management API and by passive
// declaration, planner statistics that a diff refuses to compare, perf's waits in the report, what reading costs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import amqp from 'amqplib';
import pg from 'pg';
import type { SystemFiguresResult } from '../../analyzers/system-figures-result.ts';
import { queueDepthProbe } from '../../collectors/probes/queue-depth.ts';
import { type Postgres, startPostgres } from '../../examples/tasker-lite/postgres.ts';
import type { Reading } from '../../src/formats/probe-log.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { startRabbitBroker } from './rabbit-broker.ts';

const TPROF = resolve('bin/tprof.js');
const PGMQ = '@electric-sql/pglite-pgmq@0.0.6';
const request = { intervalMs: 1000, processes: () => [] };
const folder = mkdtempSync(join(tmpdir(), 'tprof-probes-ci-'));
// The database runs as another user and reads the extension's files.
chmodSync(folder, 0o755);

const server = await startPostgres();
try {
  await pgmq(server);
  await rabbit();
  await plannerStatistics(server);
  waitsOfPerf();
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

function figures(readings: readonly Reading[], queue: string): Record<string, number> {
  const own = readings.filter(reading => reading.labels?.queue === queue);
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

function tprof(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [TPROF, ...args], { cwd: folder, encoding: 'utf8' });
}

/** pgmq is SQL alone; npm has it as a package for another PostgreSQL, from which the extension is taken as it is. */
async function pgmq({ url }: Postgres): Promise<void> {
  const packed = spawnSync('npm', ['pack', PGMQ, '--silent'], { cwd: folder, encoding: 'utf8' });
  if (packed.status !== 0) {
    console.log(`pgmq: not run, ${PGMQ} could not be fetched`);
    return;
  }
  for (const archive of [packed.stdout.trim(), 'package/dist/pgmq.tar.gz']) {
    assert.equal(spawnSync('tar', ['xzf', archive, '--no-same-owner'], { cwd: folder }).status, 0, archive);
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const run = queueDepthProbe.open({ ...request, target: url });
  try {
    await client.query(`SET extension_control_path = '${join(folder, 'share/postgresql')}:$system'`);
    await client.query('CREATE EXTENSION pgmq');
    await client.query("SELECT pgmq.create('orders'), pgmq.create('idle')");
    await client.query("SELECT pgmq.send('orders', '{}') FROM generate_series(1, 5)");
    await client.query("SELECT pgmq.read('orders', 600, 2)");
    const { readings } = await run.sample();
    const { 'queue.oldest': oldest, ...orders } = figures(readings, 'orders');
    assert.deepEqual(orders, { 'queue.depth': 5, 'queue.ready': 3, 'queue.taken': 2, 'queue.sent': 5 });
    assert.ok(oldest !== undefined && oldest >= 0 && oldest < 600e9);
    assert.equal(figures(readings, 'idle')['queue.depth'], 0);
    const status = await queueDepthProbe.check(url);
    assert.ok(status.usable && /^pgmq 1\.\d+\.\d+$/.test(status.version) && status.usableFor === '2 queues');
    console.log(`${status.version}: 5 messages, of which 2 are taken`);
  } finally {
    await run.close();
    await client.end();
  }
}

async function rabbit(): Promise<void> {
  const broker = await startRabbitBroker({ management: true });
  if (broker === undefined) {
    console.log(
      'RabbitMQ: not run, rabbitmq-server is not installed and could not be (apt-get install rabbitmq-server)',
    );
    return;
  }
  try {
    const connection = await amqp.connect(broker.url, { noDelay: true });
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue('orders');
    for (let i = 0; i < 5; i++) channel.sendToQueue('orders', Buffer.from('{}'));
    await channel.waitForConfirms();
    for (let i = 0; i < 2; i++) assert.notEqual(await channel.get('orders'), false);

    const passive = queueDepthProbe.open({ ...request, target: `${broker.url}#orders,missing` });
    const declared = figures((await passive.sample()).readings, 'orders');
    assert.deepEqual(declared, { 'queue.depth': 3, 'queue.consumers': 0 });
    const { losses } = await passive.close();
    assert.deepEqual(
      losses.map(loss => loss.why),
      ['the broker had no such queue then'],
    );

    const management = queueDepthProbe.open({ ...request, target: broker.managementUrl! });
    let told: Record<string, number> = {};
    // The broker gathers its own figures every now and then.
    for (let turn = 0; turn < 100 && told['queue.taken'] !== 2; turn++) {
      await sleep(200);
      told = figures((await management.sample()).readings, 'orders');
    }
    assert.deepEqual([told['queue.depth'], told['queue.ready'], told['queue.taken'], told['queue.sent']], [5, 3, 2, 5]);
    await management.close();
    const status = await queueDepthProbe.check(broker.managementUrl!);
    assert.ok(status.usable && status.version === `RabbitMQ ${broker.version}`);
    const wrong = await queueDepthProbe.check(broker.managementUrl!.replace('guest:guest', 'guest:wrong'));
    assert.ok(!wrong.usable && wrong.reason === 'the server answers 401');

    const lost = queueDepthProbe.open({ ...request, target: `${broker.url}#orders` });
    await lost.sample();
    await connection.close();
    await broker.stop();
    await assert.rejects(lost.sample(), /connection/);
    await lost.close();
    console.log(
      `${status.version}: 5 messages, of which 2 are taken, by the management API; 3 to be had by passive declaration`,
    );
  } finally {
    await broker.stop();
  }
}

/** A recording after ANALYZE and one after many changes without it: the second says so, and a diff refuses the two. */
async function plannerStatistics({ url }: Postgres): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('CREATE TABLE parts (id int PRIMARY KEY, n int) WITH (autovacuum_enabled = off)');
  await client.query('INSERT INTO parts SELECT g, g FROM generate_series(1, 2000) g');
  // A session tells its changes once a second at most: told after ANALYZE, they would count as new.
  await client.query('SELECT pg_stat_force_next_flush()');
  await client.query('ANALYZE parts');
  await client.query('SELECT pg_stat_force_next_flush()');
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `import pg from ${JSON.stringify(resolve('node_modules/pg/esm/index.mjs'))};
const client = new pg.Client(${JSON.stringify(url)});
await client.connect();
for (let i = 0; i < 2000; i++) await client.query('SELECT n FROM parts WHERE id = $1', [i]);
await client.end();
await new Promise(done => setTimeout(done, 1500));
`,
  );
  const record = (name: string): SystemFiguresResult => {
    const run = tprof([
      'record',
      '-o',
      name,
      '--postgres',
      url,
      '--sample-interval',
      '200ms',
      '--',
      process.execPath,
      program,
    ]);
    assert.equal(run.status, 0, run.stderr);
    return JSON.parse(readFileSync(join(folder, name, 'system-figures.json'), 'utf8'));
  };
  try {
    const fresh = record('fresh');
    assert.equal(fresh.postgres[0]?.plannerStatistics, 'fresh');
    const [statement] = fresh.postgres[0]?.statements ?? [];
    assert.deepEqual([statement?.query, statement?.calls], ['SELECT n FROM parts WHERE id = $1', 2000]);
    await client.query('UPDATE parts SET n = n + 1');
    await client.query('SELECT pg_stat_force_next_flush()');
    const stale = record('stale');
    assert.equal(stale.postgres[0]?.plannerStatistics, 'stale');
    assert.match(
      readFileSync(join(folder, 'stale/report.md'), 'utf8'),
      /Planner statistics of 1 table were out of date/,
    );
    const refused = tprof(['diff', 'fresh', 'stale']);
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, /planner statistics differs: fresh in fresh, stale in stale/);
    const forced = tprof(['diff', 'fresh', 'stale', '--force']);
    assert.equal(forced.status, 0, forced.stderr);
    assert.match(forced.stdout, /planner statistics differs/);
    console.log(`planner statistics: fresh and stale recordings of one program are not compared without --force`);
  } finally {
    await client.end();
  }
}

/** Half of the time on a processor, half of it asleep: perf's waits stand in the report beside the probe's figures. */
function waitsOfPerf(): void {
  const doctor = JSON.parse(tprof(['doctor', '--json']).stdout) as { profilers: { id: string; usable: boolean }[] };
  if (doctor.profilers.find(({ id }) => id === 'perf')?.usable !== true) {
    console.log("perf's waits: not run, perf cannot be used here (tprof doctor says why)");
    return;
  }
  const code =
    'const cpu = () => { const { user, system } = process.cpuUsage(); return user + system; }; for (let i = 0; i < 4; i++) { const end = cpu() + 3e5; while (cpu() < end); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); }';
  const args = [
    'record',
    '--profiler',
    'perf',
    '--event',
    'off-cpu',
    '--sample-interval',
    '100ms',
    '-o',
    'waits',
    '--',
    process.execPath,
    '-e',
    code,
  ];
  const run = tprof(args);
  assert.equal(run.status, 0, run.stderr);
  const figures = JSON.parse(readFileSync(join(folder, 'waits/system-figures.json'), 'utf8')) as SystemFiguresResult;
  const manifest = JSON.parse(readFileSync(join(folder, 'waits/capture.json'), 'utf8')) as CaptureManifest;
  const node = figures.processes.find(process => process.offCpuNs !== null && process.offCpuNs > 0);
  assert.ok(node !== undefined && node.offCpuNs! >= 1.1e9, `${node?.offCpuNs} ns switched out`);
  assert.ok(node.cpuNs >= 0.9e9 && manifest.processes.some(process => process.pid === node.pid));
  assert.match(readFileSync(join(folder, 'waits/report.md'), 'utf8'), /switched out/);
  const raw = globSync('waits/raw/perf/perf.data', { cwd: folder })[0]!;
  const bare = tprof(['report', raw]);
  assert.match(bare.stdout, /On-CPU against waiting/);
  console.log(
    `perf's waits: ${(node.offCpuNs! / 1e9).toFixed(2)} s switched out (all threads) beside ${(node.cpuNs / 1e9).toFixed(2)} s of CPU`,
  );
}
