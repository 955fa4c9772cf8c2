import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { startPostgres } from '../../examples/tasker-lite/postgres.ts';
import { findPostgresFolder, postgresPackage } from '../../examples/tasker-lite/postgres-binaries.ts';
import { runWorkload } from '../../examples/tasker-lite/run.ts';
import { findScenario } from '../../examples/tasker-lite/scenarios.ts';
import { WorkloadError } from '../../examples/tasker-lite/workload-error.ts';

const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : false;

test("on somebody's own server everything happens in a schema that is made and dropped", { skip }, async () => {
  const server = await startPostgres();
  try {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    // Theirs, under the very name that the embedded server uses.
    await client.query('CREATE SCHEMA tasker; CREATE TABLE tasker.tasks (mine text)');
    await client.query("INSERT INTO tasker.tasks VALUES ('untouched')");
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(OTEL_|AMQP_URL)/.test(name)));
    const during: string[] = [];
    const run = await runWorkload({
      scenario: findScenario('diamond')!,
      tasks: 2,
      concurrency: 1,
      workers: 1,
      orchestrations: 1,
      env: { ...env, DATABASE_URL: server.url },
      onStarted: ({ postgres }) => during.push(postgres.schema),
    });
    assert.deepEqual(
      run.tasks.map(task => task.status),
      ['complete', 'complete'],
    );
    assert.match(during[0]!, /^tasker_lite_[0-9a-f]{8}$/);
    const { rows } = await client.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tasker%'");
    assert.deepEqual(rows, [{ nspname: 'tasker' }]);
    assert.deepEqual((await client.query('SELECT * FROM tasker.tasks')).rows, [{ mine: 'untouched' }]);
    await client.end();
  } finally {
    await server.stop();
  }
});

test('a server that is not there is one sentence, and the machine lacks it', { skip }, async () => {
  await assert.rejects(
    runWorkload({
      scenario: findScenario('linear')!,
      tasks: 1,
      concurrency: 1,
      workers: 1,
      orchestrations: 1,
      env: { ...process.env, AMQP_URL: '', DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/nowhere' },
    }),
    (error: unknown) =>
      error instanceof WorkloadError &&
      error.kind === 'machine' &&
      /^DATABASE_URL names no PostgreSQL/.test(error.message),
  );
});
