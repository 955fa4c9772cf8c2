import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import type { BreakdownResult, OperationFigures } from '../../analyzers/lifecycle/breakdown-result.ts';
import type { ServerTime } from '../../analyzers/server-times.ts';
import { type Postgres, startPostgres } from '../../examples/tasker-lite/postgres.ts';
import { findPostgresFolder, postgresPackage } from '../../examples/tasker-lite/postgres-binaries.ts';
import { otlpOfTrace } from '../analyzers/lifecycle/otlp-of-trace.ts';
import { SimulatedTasker } from '../analyzers/lifecycle/simulated-tasker.ts';
import { inFolder, runInProcess, type TprofRun } from './run-tprof.ts';

const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : false;
const { trace, truth } = new SimulatedTasker({
  seed: 5,
  tasks: [
    [[], [0]],
    [[], [0], [0]],
  ],
  everyNs: 2e8,
  backend: 'pgmq',
  logs: true,
}).run();
const FILES = otlpOfTrace(trace);

/** Tables as Tasker has them: a step's name is in a table of its own, times are without a zone. */
const SCHEMA = `
CREATE SCHEMA tasker;
CREATE TABLE tasker.tasks (task_uuid uuid PRIMARY KEY, complete boolean, correlation_id uuid, context jsonb,
  created_at timestamp DEFAULT now());
CREATE TABLE tasker.named_steps (named_step_uuid uuid PRIMARY KEY, name text);
CREATE TABLE tasker.workflow_steps (workflow_step_uuid uuid PRIMARY KEY, task_uuid uuid, named_step_uuid uuid,
  attempts integer, results jsonb, created_at timestamp DEFAULT now());
CREATE TABLE tasker.workflow_step_edges (from_step_uuid uuid, to_step_uuid uuid);
CREATE TABLE tasker.workflow_step_transitions (workflow_step_uuid uuid, from_state text, to_state text,
  sort_key integer, most_recent boolean, metadata jsonb, created_at timestamp DEFAULT now());
CREATE TABLE tasker.task_transitions (task_uuid uuid, from_state text, to_state text, sort_key integer,
  created_at timestamp DEFAULT now());
-- Another installation in the same database, with tasks of its own.
CREATE SCHEMA aaa;
CREATE TABLE aaa.tasks (LIKE tasker.tasks);
CREATE TABLE aaa.workflow_steps (LIKE tasker.workflow_steps);
CREATE TABLE aaa.workflow_step_edges (LIKE tasker.workflow_step_edges);
CREATE TABLE aaa.workflow_step_transitions (LIKE tasker.workflow_step_transitions);
`;
const STATE = 'SELECT to_state FROM %.workflow_step_transitions WHERE workflow_step_uuid = $1 AND most_recent = true';

suite('breakdown --postgres', { skip }, () => {
  let server: Postgres;
  let client: pg.Client;

  before(async () => {
    server = await startPostgres();
    client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query(SCHEMA);
    for (const task of new Set(truth.steps.map(step => step.task)))
      await client.query(`INSERT INTO tasker.tasks VALUES ($1, true, NULL, '{"secret": "of a customer"}')`, [task]);
    for (const [i, { uuid, task }] of truth.steps.entries()) {
      const named = `00000000-0000-0000-0000-${String(i).padStart(12, '0')}`;
      await client.query('INSERT INTO tasker.named_steps VALUES ($1, $2)', [named, `named_${i}`]);
      await client.query('INSERT INTO tasker.workflow_steps VALUES ($1, $2, $3, 1)', [uuid, task, named]);
    }
    await client.query('INSERT INTO tasker.workflow_step_edges VALUES ($1, $2)', [
      truth.steps[0]!.uuid,
      truth.steps[1]!.uuid,
    ]);
    for (let i = 0; i < 7; i++) await client.query(STATE.replace('%', 'tasker'), [truth.steps[0]!.uuid]);
    // Somebody else's statement of the same kind. (The very same would be one with ours: PostgreSQL 18 goes by names
    // without their schema.)
    for (let i = 0; i < 50; i++) await client.query(`${STATE.replace('%', 'aaa')} LIMIT 1`, [truth.steps[0]!.uuid]);
  });

  after(async () => {
    await client?.end();
    await server?.stop();
  });

  async function run(url: string, ...more: string[]): Promise<TprofRun> {
    let ran: TprofRun | undefined;
    await inFolder(async cwd => {
      await writeFile(join(cwd, 'traces.jsonl'), FILES.traces);
      await writeFile(join(cwd, 'logs.jsonl.gz'), gzipSync(FILES.logs));
      ran = await runInProcess(['breakdown', 'traces.jsonl', 'logs.jsonl.gz', '--postgres', url, ...more], cwd);
    });
    return ran!;
  }

  test('rows of the recorded tasks are read, and the server’s time stands beside the client’s', async () => {
    const { code, stdout, stderr } = await run(server.url, '--json');
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout) as Omit<BreakdownResult, 'operations'> & {
      readonly operations: readonly (OperationFigures & { readonly server?: ServerTime })[];
    };
    const names = result.tasks.flatMap(task => task.steps.map(step => step.name)).sort();
    assert.deepEqual(names, truth.steps.map((_, i) => `named_${i}`).sort());
    const state = result.operations.find(operation => operation.id === 'fetch-step-state')!;
    assert.equal(state.server?.calls, 7);
    assert.ok(state.server.meanNs > 0 && Math.abs(state.server.meanNs * 7 - state.server.totalNs) < 1);
    assert.ok(!stdout.includes('of a customer'));
    assert.ok(!result.warnings.some(({ code: word }) => word === 'server-times-missing'));
    // Nothing was changed, and no transaction was left open.
    const { rows } = await client.query(
      "SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'tprof-probe' AND state LIKE 'idle in%'",
    );
    assert.equal(rows[0].open, 0);
  });

  test('the report shows both times, and says that they are not the same', async () => {
    const { stdout } = await run(server.url);
    assert.match(stdout, /The same statements as the server counts them \(all since \d{4}-/);
    assert.match(stdout, /fetch-step-state +\d+ .* 7 /);
  });

  test('without the extension the rows are there, and one warning says how to get the rest', async () => {
    await client.query('DROP EXTENSION pg_stat_statements');
    try {
      const { code, stdout } = await run(server.url, '--json');
      const result = JSON.parse(stdout) as BreakdownResult;
      assert.equal(code, 0);
      const warnings = result.warnings.filter(warning => warning.code === 'server-times-missing');
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!.message, /CREATE EXTENSION pg_stat_statements/);
      assert.ok(result.operations.every(operation => !('server' in operation)));
    } finally {
      await client.query('CREATE EXTENSION pg_stat_statements');
    }
  });

  test('what is no such database is one sentence without the password', async () => {
    const empty = server.url.replace(/\/postgres$/, '/template1');
    const refused = await run(empty);
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /expected the tables tasks, workflow_steps, .*, found none of them/);
    const nobody = await run('postgresql://somebody:hush@127.0.0.1:9/db');
    assert.equal(nobody.code, 3);
    assert.match(nobody.stderr, /--postgres: expected a PostgreSQL that can be read, found that connection refused/);
    assert.ok(!nobody.stderr.includes('hush'));
    const nonsense = await run('mysql://somebody:hush@127.0.0.1/db');
    assert.equal(nonsense.code, 2);
    assert.ok(!nonsense.stderr.includes('hush'));
  });

  test('a database without the recorded tasks says so', async () => {
    await client.query('CREATE DATABASE other');
    const other = new pg.Client({ connectionString: server.url.replace(/\/postgres$/, '/other') });
    await other.connect();
    await other.query(SCHEMA);
    await other.end();
    const { code, stderr } = await run(server.url.replace(/\/postgres$/, '/other'));
    assert.equal(code, 3);
    assert.match(stderr, /expected the recorded tasks, found none of them in tasker.tasks, aaa.tasks/);
  });
});
