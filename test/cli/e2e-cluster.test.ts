import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { E2eResult } from '../../src/cli/e2e-result.ts';
import { runInProcess } from './run-tprof.ts';

interface KnownTask {
  /** Looks that were taken at it. */
  looks: number;
  readonly uuid: string;
}

interface Behaviour {
  /** What a look finds, by how many there were before; the last one stays. */
  readonly statuses: readonly { readonly status: string; readonly execution_status: string; readonly http?: number }[];
  /** Instead of taking a task. */
  readonly refuse?: { readonly status: number; readonly body: string };
  readonly created?: number;
}

const RUNNING = { status: 'steps_in_process', execution_status: 'processing' };
/** True of the steps that exist so far, long before the task is done. */
const EARLY = { status: 'evaluating_results', execution_status: 'all_complete' };
const COMPLETE = { status: 'complete', execution_status: 'all_complete' };

/** Tasker's REST interface as documented: identical template and context are refused, `status` alone says the end. */
async function orchestration(behaviour: Behaviour) {
  const known = new Map<string, KnownTask>();
  const requests: { path: string; body: Record<string, unknown> }[] = [];
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (request.method === 'POST' && request.url === '/v1/tasks') {
      const body = JSON.parse(await textOf(request)) as Record<string, unknown>;
      requests.push({ path: request.url, body });
      if (behaviour.refuse !== undefined) {
        answer(behaviour.refuse.status, behaviour.refuse.body);
        return;
      }
      const identity = JSON.stringify([body.namespace, body.name, body.version, body.context]);
      if (known.has(identity)) {
        answer(409, { error: 'Conflict', message: 'a task with this identity hash exists' });
        return;
      }
      const uuid = `00000000-0000-7000-8000-${String(known.size + 1).padStart(12, '0')}`;
      known.set(identity, { uuid, looks: 0 });
      answer(behaviour.created ?? 200, { task_uuid: uuid, status: 'pending', ...body });
      return;
    }
    const uuid = /^\/v1\/tasks\/([0-9a-f-]{36})$/.exec(request.url ?? '')?.[1];
    const task = [...known.values()].find(one => one.uuid === uuid);
    if (task === undefined) {
      answer(404, { error: 'NotFound' });
      return;
    }
    const { statuses } = behaviour;
    const { http = 200, ...now } = statuses[Math.min(task.looks++, statuses.length - 1)]!;
    answer(http, http === 200 ? { task_uuid: uuid, completed_at: null, ...now, steps: [] } : '<html>busy</html>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    known,
    requests,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function e2e(urls: readonly string[], ...more: string[]) {
  return await runInProcess(['e2e', 'linear', '--cluster', urls.join(','), '--poll-ms', '5', ...more], process.cwd());
}

test('tasks of one scenario are told apart by their context, and each ends when its status says so', async () => {
  const server = await orchestration({ statuses: [RUNNING, EARLY, EARLY, COMPLETE], created: 201 });
  try {
    const { code, stdout, stderr } = await e2e([`${server.url}/`], '--tasks', '6', '--concurrency', '3', '--json');
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout) as E2eResult;
    assert.equal(result.failed, 0);
    assert.equal(result.latency.count, 6);
    assert.equal(server.known.size, 6);
    // `all_complete` is not the end: every task was looked at until its status was.
    for (const { looks } of server.known.values()) assert.equal(looks, 4);
    for (const { latencyNs } of result.tasks) assert.ok(latencyNs >= 15e6, `${latencyNs}`);
    const { body } = server.requests[0]!;
    assert.deepEqual(
      [body.namespace, body.name, body.version],
      [result.scenario.namespace, result.scenario.name, result.scenario.version],
    );
    assert.equal((body.context as { even_number?: unknown }).even_number, 6);
    assert.match(String(body.correlation_id), /^[0-9a-f-]{36}$/);
    assert.ok(!/Z$/.test(String(body.requested_at)), 'a time without a zone');
    assert.ok(result.warnings.some(warning => warning.code === 'polled-latency'));
  } finally {
    await server.close();
  }
});

test('several orchestrations are used in turn', async () => {
  const servers = [await orchestration({ statuses: [COMPLETE] }), await orchestration({ statuses: [COMPLETE] })];
  try {
    const { code } = await e2e(
      servers.map(({ url }) => url),
      '--tasks',
      '4',
      '--json',
    );
    assert.equal(code, 0);
    assert.deepEqual(
      servers.map(({ known }) => known.size),
      [2, 2],
    );
  } finally {
    for (const server of servers) await server.close();
  }
});

for (const status of ['error', 'blocked_by_failures', 'cancelled']) {
  test(`a task that ends as ${status} is a failed one`, async () => {
    const server = await orchestration({ statuses: [RUNNING, { status, execution_status: status }] });
    try {
      const { code, stdout } = await e2e([server.url], '--tasks', '1', '--json');
      assert.equal(code, 1);
      assert.equal((JSON.parse(stdout) as E2eResult).tasks[0]?.status, status);
    } finally {
      await server.close();
    }
  });
}

test('a server that is busy for a moment is asked again; a task that does not end in time has failed', async () => {
  const busy = { ...RUNNING, http: 503 };
  const server = await orchestration({ statuses: [busy, { ...busy, http: 502 }, COMPLETE] });
  const stuck = await orchestration({ statuses: [EARLY] });
  try {
    assert.equal((await e2e([server.url], '--tasks', '1')).code, 0);
    const { code, stdout } = await e2e([stuck.url], '--tasks', '1', '--timeout', '1', '--json');
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as E2eResult).tasks[0]?.status, 'timed_out');
  } finally {
    await server.close();
    await stuck.close();
  }
});

const REFUSALS = [
  [409, '{"error":"Conflict","message":"a task with this identity hash exists"}', 1, /identical one exists \(409\)/],
  [503, '{"error":"Backpressure"}', 1, /takes no more tasks at the moment.*\n.*--concurrency/],
  [404, '{"error":"NotFound","message":"template"}', 3, /knows no template rust_e2e_linear\/mathematical_sequence/],
  [401, '{"error":"Unauthorized"}', 3, /wants authentication/],
  [500, '<html>oops</html>', 1, /expected a task_uuid from POST \/v1\/tasks, found status 500/],
  [200, '{"unexpected": true}', 1, /expected a task_uuid/],
] as const;
for (const [status, body, expected, sentence] of REFUSALS) {
  test(`refused with ${status}: one sentence, exit ${expected}`, async () => {
    const server = await orchestration({ statuses: [COMPLETE], refuse: { status, body } });
    try {
      const { code, stderr } = await e2e([server.url], '--tasks', '1');
      assert.equal(code, expected, stderr);
      assert.match(stderr, sentence);
    } finally {
      await server.close();
    }
  });
}

test('--slow is for the embedded workload alone', async () => {
  const { code, stderr } = await e2e(['http://127.0.0.1:9'], '--slow', 'send-step=5ms');
  assert.equal(code, 2);
  assert.match(stderr, /--slow is for the embedded workload/);
});
