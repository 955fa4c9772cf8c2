import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nowMs } from './clock.ts';
import type { Database } from './database.ts';
import type { Orchestration } from './orchestration.ts';
import { findTemplate } from './scenarios.ts';
import type { TaskRequest } from './task-creation.ts';
import { parseTraceparent, type SpanRef, type Tracing, type WorkIds } from './tracing.ts';

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly route: string;
  readonly ids?: WorkIds;
}

const MOST_BYTES = 1024 * 1024;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The two calls of Tasker's REST interface that a client of a workflow needs, on a free loopback port. */
export class Rest {
  readonly #orchestration: Orchestration;
  readonly #database: Database;
  readonly #tracing: Tracing;
  readonly #server: Server;

  constructor(orchestration: Orchestration, database: Database, tracing: Tracing) {
    this.#orchestration = orchestration;
    this.#database = database;
    this.#tracing = tracing;
    this.#server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (!response.headersSent)
          send(response, 500, { error: error instanceof Error ? error.message : String(error) });
      });
    });
  }

  /** Resolves with the address, e.g. `http://127.0.0.1:41234`. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parent = parseTraceparent(request.headers.traceparent);
    const ref = this.#tracing.ref(parent);
    const startMs = nowMs();
    const answer = await this.#answer(request, ref);
    send(response, answer.status, answer.body);
    this.#tracing.record({
      ref,
      parent,
      what: 'request',
      name: `${request.method} ${answer.route}`,
      kind: 'server',
      startMs,
      endMs: nowMs(),
      ids: answer.ids,
      attributes: {
        'http.request.method': request.method,
        'http.route': answer.route,
        'url.path': request.url,
        'http.response.status_code': answer.status,
      },
      ...(answer.status >= 500 ? { error: `status ${answer.status}` } : {}),
    });
  }

  async #answer(request: IncomingMessage, ref: SpanRef): Promise<Answer> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path === '/v1/tasks') {
      const route = '/v1/tasks';
      if (request.method !== 'POST') return { status: 405, body: { error: 'expected POST' }, route };
      return { ...(await this.#create(await bodyOf(request), ref)), route };
    }
    const task = /^\/v1\/tasks\/([^/]+)$/.exec(path);
    if (task !== null && request.method === 'GET') {
      return { ...(await this.#read(task[1]!, ref)), route: '/v1/tasks/{uuid}' };
    }
    if (path === '/health') return { status: 200, body: { status: 'healthy' }, route: '/health' };
    return { status: 404, body: { error: `nothing is at ${path}` }, route: path };
  }

  async #create(text: string | undefined, ref: SpanRef): Promise<Omit<Answer, 'route'>> {
    if (text === undefined) return { status: 413, body: { error: `expected at most ${MOST_BYTES} bytes` } };
    const request = taskRequest(text);
    if (typeof request === 'string') return { status: 400, body: { error: request } };
    const { namespace, name, version } = request;
    if (findTemplate(namespace, name, version) === undefined) {
      return { status: 404, body: { error: `no template is called ${namespace}/${name} ${version}` } };
    }
    const created = await this.#orchestration.create(request, ref);
    if (created === undefined) {
      return { status: 409, body: { error: 'a task with the same template and the same context exists already' } };
    }
    return {
      status: 200,
      ids: created.ids,
      body: {
        task_uuid: created.ids.task_uuid,
        name,
        namespace,
        version,
        status: 'steps_in_process',
        correlation_id: request.correlationId,
      },
    };
  }

  async #read(uuid: string, ref: SpanRef): Promise<Omit<Answer, 'route'>> {
    if (!UUID.test(uuid)) return { status: 400, body: { error: 'expected a task uuid' } };
    const scope = { parent: ref, ids: { task_uuid: uuid } };
    return await this.#database.session(async session => {
      const { statements } = this.#database;
      const tasks = await session.run<Record<string, unknown>>(statements['read-task'], [uuid], scope);
      const task = tasks.rows[0];
      if (task === undefined) return { status: 404, body: { error: `no task ${uuid}` } };
      const steps = await session.run<Record<string, unknown>>(statements['read-steps'], [[uuid]], scope);
      return { status: 200, ids: scope.ids, body: taskResponse(task, steps.rows) };
    });
  }
}

function taskResponse(task: Record<string, unknown>, steps: readonly Record<string, unknown>[]): object {
  const { identity_hash: _hash, complete: _complete, ...rest } = task;
  const counts = ['total', 'pending', 'in_progress', 'completed', 'failed', 'ready'];
  for (const count of counts) rest[`${count}_steps`] = Number(rest[`${count}_steps`]);
  rest.completion_percentage = Number(rest.completion_percentage);
  return {
    ...rest,
    steps: steps.map(step => ({
      step_uuid: step.workflow_step_uuid,
      name: step.name,
      current_state: step.current_state,
      attempts: step.attempts,
      max_attempts: step.max_attempts,
      dependencies_satisfied: step.dependencies_satisfied,
      ready_for_execution: step.ready_for_execution,
      results: step.results,
    })),
  };
}

/** The request, or the sentence that says what is wrong with it. */
function taskRequest(text: string): TaskRequest | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'expected a JSON object';
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'expected a JSON object';
  const fields = body as Record<string, unknown>;
  const { namespace, name, version = '1.0.0', context = {}, tags = [], priority = 0 } = fields;
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof version !== 'string') {
    return 'expected namespace, name and version to be strings';
  }
  if (typeof context !== 'object' || context === null || Array.isArray(context))
    return 'expected context to be an object';
  if (!Array.isArray(tags) || !tags.every(tag => typeof tag === 'string')) return 'expected tags to be strings';
  if (typeof priority !== 'number' || !Number.isInteger(priority)) return 'expected priority to be a whole number';
  const correlationId = fields.correlation_id ?? randomUUID();
  if (typeof correlationId !== 'string' || !UUID.test(correlationId)) return 'expected correlation_id to be a uuid';
  const parent = fields.parent_correlation_id ?? undefined;
  if (parent !== undefined && (typeof parent !== 'string' || !UUID.test(parent))) {
    return 'expected parent_correlation_id to be a uuid';
  }
  return {
    namespace,
    name,
    version,
    context: context as Record<string, unknown>,
    initiator: optionalText(fields.initiator),
    sourceSystem: optionalText(fields.source_system),
    reason: optionalText(fields.reason),
    tags,
    priority,
    correlationId,
    parentCorrelationId: parent,
  };
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Undefined where it is longer than a request may be. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MOST_BYTES) chunks.push(chunk);
  }
  return bytes > MOST_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
