import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { howToGetStatements, postgresProbe } from '../../../collectors/probes/postgres.ts';
import type { StatementDelta } from '../../../collectors/probes/postgres-statements.ts';
import { ProbeFailure, type ProbeSample } from '../../../collectors/probes/probe.ts';
import { startPostgres } from '../../../examples/tasker-lite/postgres.ts';
import { findPostgresFolder, postgresPackage } from '../../../examples/tasker-lite/postgres-binaries.ts';
import { TprofError } from '../../../src/base/errors.ts';

const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : false;
const request = { intervalMs: 1000, processes: () => [] };

function value(sample: ProbeSample, name: string, label?: string): number | undefined {
  return sample.readings.find(
    r => r.name === `postgres.${name}` && (label === undefined || Object.values(r.labels ?? {}).includes(label)),
  )?.value;
}

function document(documents: ProbeSample['documents'], name: string): unknown {
  return documents?.find(one => one.name === name)?.value;
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

test('a real server: sessions, locks, connections, commits, tables', {
  skip,
}, async () => {
  const server = await startPostgres();
  const client = new pg.Client({ connectionString: server.url, application_name: 'orders-app' });
  const waiter = new pg.Client({ connectionString: server.url, application_name: 'orders-app' });
  const run = postgresProbe.open({ ...request, target: server.url });
  try {
    await client.connect();
    await waiter.connect();
    await client.query(
      'CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders SELECT g, $$x$$ FROM generate_series(1, 500) g',
    );
    const first = await run.sample();
    assert.equal((document(first.documents, 'server') as { version: string }).version.split('.')[0], '18');
    assert.equal(value(first, 'connections-most'), 97);
    assert.equal(value(first, 'connections-by-application', 'orders-app'), 2);
    // An ordinary user is told less, and what it lacks.
    await client.query('CREATE ROLE plain LOGIN');
    const plain = server.url.replace('postgres@', 'plain@');
    const poor = postgresProbe.open({ ...request, target: plain });
    assert.ok((value(await poor.sample(), 'sessions', '(hidden)') ?? 0) >= 2);
    await poor.close();
    const status = await postgresProbe.check(plain);
    assert.ok(status.usable && /GRANT pg_monitor/.test(status.note ?? ''));
    assert.equal(value(first, 'locks-waited-for'), 0);
    assert.ok((value(first, 'commits') ?? 0) > 0);

    await client.query('BEGIN; LOCK TABLE orders');
    const waiting = waiter.query('SELECT count(*) FROM orders');
    const locked = await eventually('a lock that is waited for', async () => {
      const sample = await run.sample();
      return value(sample, 'locks-waited-for') === 1 ? sample : undefined;
    });
    assert.equal(value(locked, 'lock-waits', 'relation AccessShareLock orders'), 1);
    assert.equal(value(locked, 'waits', 'Lock: relation'), 1);
    assert.equal(value(locked, 'sessions', 'idle in transaction'), 1);
    assert.ok((value(locked, 'oldest-transaction') ?? 0) > 0);
    await client.query('COMMIT');
    await waiting;
    // A session tells its figures once a second at most.
    await client.query('SELECT pg_stat_force_next_flush()');

    const { documents } = await run.close();
    const [orders] = document(documents, 'tables') as {
      name: string;
      changed_since_analyze: number;
      analyze_due_at: number;
    }[];
    assert.equal(orders?.name, 'orders');
    assert.equal(orders?.changed_since_analyze, 500);
    assert.equal(orders?.analyze_due_at, 50);
  } finally {
    await client.end();
    await waiter.end();
    await run.close();
    await server.stop();
  }
});

test('statements: what each cost between beginning and end; neither our own nor what ran before', { skip }, async t => {
  const server = await startPostgres();
  const run = postgresProbe.open({ ...request, target: server.url });
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    const { rows } = await client.query("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'");
    if (rows.length === 0) {
      t.skip('this PostgreSQL has no pg_stat_statements');
      return;
    }
    await client.query("SELECT 'before' AS early");
    const first = await run.sample();
    assert.equal(document(first.documents, 'statements-missing'), undefined);
    for (let i = 0; i < 7; i++) await client.query("SELECT pg_sleep(0.002), 'Zaphod' AS secret");
    const { documents } = await run.close();
    const { statements } = document(documents, 'statements') as { statements: StatementDelta[] };
    const slept = statements.find(one => one.query.includes('pg_sleep'));
    assert.equal(slept?.calls, 7);
    assert.ok(slept.totalMs >= 14, `${slept.totalMs} ms`);
    assert.doesNotMatch(slept.query, /Zaphod/);
    assert.ok(!statements.some(one => /tprof|early|pg_stat_|timeout/.test(one.query)));
    const status = await postgresProbe.check(server.url);
    assert.ok(status.usable);
    assert.match(status.usableFor, /pg_stat_statements 1\.\d+/);

    await client.query('CREATE DATABASE other');
    const other = postgresProbe.open({ ...request, target: server.url.replace(/postgres$/, 'other') });
    const missing = document((await other.sample()).documents, 'statements-missing');
    await other.close();
    assert.deepEqual(missing, {
      why: 'pg_stat_statements is loaded, but not in this database',
      hint: 'CREATE EXTENSION pg_stat_statements',
    });
  } finally {
    await client.end();
    await run.close();
    await server.stop();
  }
});

test('a server that goes away is a failure in words, and is found again when it is back', { skip }, async () => {
  const server = await startPostgres();
  const run = postgresProbe.open({ ...request, target: server.url });
  const why = (): Promise<string> =>
    run.sample().then(
      () => 'none',
      (error: unknown) => (error instanceof ProbeFailure ? error.why : String(error)),
    );
  assert.equal(await why(), 'none');
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tprof-probe'");
  await client.end();
  const broken = await why();
  assert.ok(
    ['none', 'the connection was closed by the other side', 'the server is shutting down'].includes(broken),
    broken,
  );
  assert.equal(await why(), 'none');
  await server.stop();
  const gone = await why();
  assert.doesNotMatch(gone, /none|tasker-lite|\//);
  await run.close();
});

test('neither password nor user nor socket goes into the capture; a wrong address is wrong use', () => {
  for (const target of [
    'postgresql://zaphod:hunter2@db.example:6432/orders?sslmode=disable',
    'postgres://zaphod:hunter2@%2Fvar%2Frun%2Fpg:6432/orders',
  ]) {
    const { target: told } = postgresProbe.open({ ...request, target });
    assert.doesNotMatch(JSON.stringify(told), /zaphod|hunter2|var/);
    assert.deepEqual([told['server.port'], told['db.namespace']], [6432, 'orders']);
  }
  assert.throws(
    () => postgresProbe.open({ ...request, target: 'hunter2' }),
    (error: unknown) => error instanceof TprofError && error.code === 'usage' && !error.message.includes('hunter2'),
  );
});

test('where statements are not counted, what switches them on is said, and what is loaded already stays', () => {
  const about = { preloaded: 'auto_explain', statements_schema: null };
  assert.match(
    howToGetStatements(about)?.hint ?? '',
    /= 'auto_explain, pg_stat_statements'.*restart.*CREATE EXTENSION/,
  );
  const hidden = { preloaded: null, statements_schema: null };
  assert.match(howToGetStatements(hidden)?.hint ?? '', /^CREATE EXTENSION.*as a superuser: ALTER SYSTEM/);
  assert.equal(howToGetStatements({ ...hidden, statements_schema: 'public' }), undefined);
  const there = { preloaded: 'pg_stat_statements', statements_schema: 'public' };
  assert.equal(howToGetStatements(there), undefined);
  assert.match(howToGetStatements(there, 'the user may not read this')?.hint ?? '', /GRANT pg_read_all_stats/);
});

test('what does not answer is told by doctor with what mends it', async () => {
  const status = await postgresProbe.check('postgresql://zaphod:hunter2@127.0.0.1:1/orders');
  assert.ok(!status.usable);
  assert.equal(status.reason, 'connection refused');
});
