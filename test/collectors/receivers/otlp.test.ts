import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Client, credentials } from '@grpc/grpc-js';
import { type OtlpReceiver, type OtlpReceiverOptions, startOtlpReceiver } from '../../../collectors/receivers/otlp.ts';
import { OtlpStore } from '../../../collectors/receivers/otlp-store.ts';
import { TprofError } from '../../../src/base/errors.ts';
import { memorySource } from '../../../src/base/source.ts';
import { otlp } from '../../../src/formats/otlp.ts';
import { TraceBuilder } from '../../../src/model/trace-builder.ts';
import { encodeByOracle, oracle } from '../../formats/otlp-schema.ts';
import { mutate, seededRandom } from '../../fuzz/mutate.ts';
import { callGrpc, framesOf, grpcFrame, methodOf, spanIdsOf, spansMessage, spansRequest } from './otlp-client.ts';

const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

async function receiver(
  t: TestContext,
  options: Partial<OtlpReceiverOptions> = {},
): Promise<OtlpReceiver & { readonly directory: string }> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'tprof-otlp-'));
  const started = await startOtlpReceiver({ listen: '127.0.0.1:0', ...options, directory });
  t.after(async () => {
    await started.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return { ...started, directory };
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

async function post(
  { endpoint }: OtlpReceiver,
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string> = PROTOBUF,
  method = 'POST',
): Promise<Reply> {
  const response = await fetch(endpoint + path, {
    method,
    headers,
    ...(method === 'POST' ? { body: typeof body === 'string' ? body : Buffer.from(body) } : {}),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
}

/** google.rpc.Status { code = 1, message = 2 } by hand: two fields, short messages. */
function statusOf({ type, body }: Reply): { code: number; message: string } {
  if (type === 'application/json') return JSON.parse(body.toString()) as { code: number; message: string };
  assert.equal(type, 'application/x-protobuf');
  assert.deepEqual([body[0], body[2]], [0x08, 0x12]);
  return { code: body[1]!, message: body.subarray(body[3]! < 0x80 ? 4 : 5).toString() };
}

test('http: both encodings, all content encodings, answered alike', async t => {
  const r = await receiver(t);
  const message = spansMessage(0, 3);
  const json = JSON.stringify(spansRequest(3, 2));
  const protobuf: [Uint8Array, Record<string, string>][] = [
    [message, {}],
    [gzipSync(message), { 'Content-Encoding': 'gzip' }],
    [gzipSync(message), { 'Content-Encoding': 'GZIP' }],
    [deflateSync(message), { 'Content-Encoding': 'deflate' }],
    [zstdCompressSync(message), { 'Content-Encoding': 'zstd' }],
    [message, { 'Content-Encoding': 'identity' }],
    [message, { 'Content-Type': 'application/x-protobuf; messageType="x"' }],
  ];
  for (const [body, headers] of protobuf) {
    const reply = await post(r, '/v1/traces', body, { ...PROTOBUF, ...headers });
    assert.deepEqual([reply.status, reply.type, reply.body.length], [200, 'application/x-protobuf', 0]);
  }
  for (const [body, headers] of [
    [json, { 'Content-Type': 'application/json; charset=utf-8' }],
    [json, { 'Content-Type': 'Application/JSON' }],
    [gzipSync(json), { ...JSON_TYPE, 'Content-Encoding': 'gzip' }],
  ] as [string | Uint8Array, Record<string, string>][]) {
    const reply = await post(r, '/v1/traces', body, headers);
    assert.deepEqual([reply.status, reply.type, reply.body.toString()], [200, 'application/json', '{}']);
  }
  assert.equal(r.counts().spans, 7 * 3 + 3 * 2);
  await r.stop();
  const { messages, whole } = framesOf(r.directory, 'traces.pb');
  assert.ok(whole);
  assert.equal(messages.length, 10);
  for (const stored of messages.slice(0, 7)) assert.deepEqual(stored, Buffer.from(message));
  assert.deepEqual(messages[7], Buffer.from(spansMessage(3, 2)));
});

test('http: what is refused, how, and that nothing of it is kept', async t => {
  const r = await receiver(t, { limitBytes: 10_000 });
  const message = spansMessage(0, 3);
  const bomb = gzipSync(Buffer.alloc(50 << 20));
  const cases: [string, number, number, Uint8Array | string, Record<string, string>, string?][] = [
    ['other path', 404, 12, message, PROTOBUF, '/v1/nothing'],
    ['other signal', 400, 3, message, PROTOBUF, '/v1/logs'],
    ['text', 415, 3, 'hello', { 'Content-Type': 'text/plain' }],
    ['not protobuf', 400, 3, Uint8Array.of(0xff, 0xff), PROTOBUF],
    ['cut protobuf', 400, 3, message.subarray(0, 50), PROTOBUF],
    ['cut JSON', 400, 3, '{"resourceSpans":[', JSON_TYPE],
    ['JSON of another kind', 400, 3, '[1]', JSON_TYPE],
    ['empty JSON', 400, 3, '', JSON_TYPE],
    ['unknown enum', 400, 3, '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"X"}]}]}]}', JSON_TYPE],
    ['cut gzip', 400, 3, gzipSync(message).subarray(0, 60), { ...PROTOBUF, 'Content-Encoding': 'gzip' }],
    ['cut zstd', 400, 3, zstdCompressSync(message).subarray(0, 60), { ...PROTOBUF, 'Content-Encoding': 'zstd' }],
    ['not gzip', 400, 3, message, { ...PROTOBUF, 'Content-Encoding': 'gzip' }],
    ['unknown encoding', 400, 3, message, { ...PROTOBUF, 'Content-Encoding': 'br' }],
    ['too large', 413, 8, new Uint8Array(10_001), PROTOBUF],
    ['gzip bomb', 413, 8, bomb, { ...PROTOBUF, 'Content-Encoding': 'gzip' }],
    ['small gzip bomb', 413, 8, gzipSync(Buffer.alloc(20_000)), { ...PROTOBUF, 'Content-Encoding': 'gzip' }],
  ];
  for (const [name, status, code, body, headers, path = '/v1/traces'] of cases) {
    const reply = await post(r, path, body, headers);
    assert.equal(reply.status, status, name);
    const said = statusOf(reply);
    assert.equal(said.code, code, name);
    assert.ok(said.message.length > 5, name);
    if (status === 400) assert.equal(reply.type, headers['Content-Type'], name);
  }
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const reply = await post(r, '/v1/traces', '', {}, method);
    assert.deepEqual([reply.status, reply.headers.get('allow')], [405, 'POST']);
  }
  assert.equal(r.counts().requests, 0);
  await r.stop();
  for (const file of ['traces.pb', 'logs.pb', 'index.jsonl']) {
    assert.equal(readFileSync(join(r.directory, file)).length, 0, file);
  }
});

test('http: a body without a length is stopped at the limit while it is being sent', async t => {
  const r = await receiver(t, { limitBytes: 10_000 });
  const { port } = r;
  const status = await new Promise<number>((resolve, reject) => {
    const sending = request({ port, host: '127.0.0.1', method: 'POST', path: '/v1/traces', headers: PROTOBUF });
    sending.on('response', response => {
      resolve(response.statusCode ?? 0);
      sending.destroy();
    });
    sending.on('error', reject);
    const chunk = Buffer.alloc(4000);
    const write = (): void => {
      if (!sending.destroyed) sending.write(chunk, () => setImmediate(write));
    };
    write();
  });
  assert.equal(status, 413);
});

test('http: empty requests are fine and leave nothing; a missing content type is read from the body', async t => {
  const r = await receiver(t);
  assert.equal((await post(r, '/v1/traces', new Uint8Array(0))).status, 200);
  assert.equal((await post(r, '/v1/traces', '{}', JSON_TYPE)).status, 200);
  assert.equal((await post(r, '/v1/traces', '{"resourceSpans":[]}', JSON_TYPE)).status, 200);
  assert.equal(r.counts().requests, 0);
  const bare = (body: string | Uint8Array): Promise<number> =>
    new Promise((resolve, reject) => {
      const sending = request({ port: r.port, host: '127.0.0.1', method: 'POST', path: '/v1/traces' }, response => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      sending.on('error', reject);
      sending.end(body);
    });
  assert.equal(await bare(JSON.stringify(spansRequest(0, 1))), 200);
  assert.equal(await bare(spansMessage(1, 1)), 200);
  assert.equal(await bare('neither'), 400);
  assert.equal(r.counts().spans, 2);
});

test('http: logs and metrics are kept; JSON metrics are stored as protobuf', async t => {
  const r = await receiver(t);
  const logs = {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }, { severityNumber: 9 }] }] }],
  };
  const metrics = {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              { name: 'queue', gauge: { dataPoints: [{ timeUnixNano: '5', asInt: '-7' }] } },
              {
                name: 'time',
                histogram: {
                  aggregationTemporality: 2,
                  dataPoints: [{ count: '3', sum: 1.5, bucketCounts: ['1', '2'], explicitBounds: [0.5] }],
                },
              },
            ],
          },
        ],
      },
    ],
  };
  assert.equal((await post(r, '/v1/logs', JSON.stringify(logs), JSON_TYPE)).status, 200);
  assert.equal((await post(r, '/v1/metrics', JSON.stringify(metrics), JSON_TYPE)).status, 200);
  const { spans, logs: records, metrics: kept } = r.counts();
  assert.deepEqual([spans, records, kept], [0, 2, 2]);
  await r.stop();
  const [storedMetrics] = framesOf(r.directory, 'metrics.pb').messages;
  const [storedLogs] = framesOf(r.directory, 'logs.pb').messages;
  // Fields stand in the order of the JSON, so the bytes may differ; what they say may not.
  assert.deepEqual(oracle.metrics.decode(storedMetrics!), oracle.metrics.decode(encodeByOracle('metrics', metrics)));
  assert.deepEqual(oracle.logs.decode(storedLogs!), oracle.logs.decode(encodeByOracle('logs', logs)));
});

test('partial success: records without valid ids are counted for the sender, the others are kept', async t => {
  const r = await receiver(t);
  const request = spansRequest(0, 3) as { resourceSpans: { scopeSpans: { spans: { traceId: string }[] }[] }[] };
  const { spans } = request.resourceSpans[0]!.scopeSpans[0]!;
  spans[0]!.traceId = 'abcd';
  spans[1]!.traceId = '0'.repeat(32);
  const json = await post(r, '/v1/traces', JSON.stringify(request), JSON_TYPE);
  assert.equal(json.status, 200);
  const { partialSuccess } = JSON.parse(json.body.toString()) as { partialSuccess: Record<string, string> };
  assert.equal(partialSuccess.rejectedSpans, '2');
  assert.match(partialSuccess.errorMessage!, /16 bytes/);
  const grpc = await callGrpc(r.endpoint, methodOf('traces'), [grpcFrame(encodeByOracle('traces', request))]);
  assert.equal(grpc.grpcStatus, '0');
  assert.deepEqual([...grpc.body.subarray(5, 10)], [0x0a, grpc.body.length - 7, 0x08, 2, 0x12]);
  assert.deepEqual([r.counts().spans, r.counts().invalidIds], [2, 4]);
});

test('grpc: every signal with grpc-js, plain and gzip, on the port that also speaks HTTP', async t => {
  const r = await receiver(t);
  const client = new Client(`127.0.0.1:${r.port}`, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': 2,
  });
  t.after(() => client.close());
  const bytes = (value: Buffer): Buffer => value;
  const call = (path: string, message: Uint8Array): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.from(message), (error, reply) =>
        error === null ? resolve(reply ?? Buffer.alloc(0)) : reject(error),
      );
    });
  const logs = encodeByOracle('logs', {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }] }] }],
  });
  assert.equal((await call(methodOf('traces'), spansMessage(0, 1000))).length, 0);
  assert.equal((await call(methodOf('logs'), logs)).length, 0);
  await assert.rejects(call(methodOf('traces'), Uint8Array.of(0xff)), { code: 3 });
  await assert.rejects(call('/opentelemetry.proto.collector.trace.v1.TraceService/Import', logs), { code: 12 });
  assert.equal((await post(r, '/v1/traces', spansMessage(1000, 1))).status, 200);
  assert.deepEqual([r.counts().spans, r.counts().logs], [1001, 1]);
});

test('grpc: encodings, limits and broken frames get the codes of the specification', async t => {
  const r = await receiver(t, { limitBytes: 10_000 });
  const message = spansMessage(0, 2);
  const path = methodOf('traces');
  const good: [Buffer, Record<string, string>][] = [
    [grpcFrame(message), {}],
    [grpcFrame(gzipSync(message), true), { 'grpc-encoding': 'gzip' }],
    [grpcFrame(deflateSync(message), true), { 'grpc-encoding': 'deflate' }],
    [grpcFrame(zstdCompressSync(message), true), { 'grpc-encoding': 'zstd' }],
    [grpcFrame(message), { 'grpc-encoding': 'gzip' }],
    [grpcFrame(message), { 'content-type': 'application/grpc+proto' }],
    [grpcFrame(new Uint8Array(0)), {}],
  ];
  for (const [frame, headers] of good) {
    const reply = await callGrpc(r.endpoint, path, [frame.subarray(0, 3), frame.subarray(3)], headers);
    assert.deepEqual([reply.status, reply.grpcStatus, reply.body.length], [200, '0', 5]);
  }
  const bad: [string, string, Buffer, Record<string, string>][] = [
    ['too large', '8', grpcFrame(new Uint8Array(10_001)), {}],
    ['bomb', '8', grpcFrame(gzipSync(Buffer.alloc(20 << 20)), true), { 'grpc-encoding': 'gzip' }],
    ['not protobuf', '3', grpcFrame(Uint8Array.of(0xff)), {}],
    ['cut gzip', '3', grpcFrame(gzipSync(message).subarray(0, 40), true), { 'grpc-encoding': 'gzip' }],
    ['two messages', '3', Buffer.concat([grpcFrame(message), grpcFrame(message)]), {}],
    ['cut frame', '3', grpcFrame(message).subarray(0, 20), {}],
    ['unknown encoding', '12', grpcFrame(message, true), { 'grpc-encoding': 'br' }],
  ];
  for (const [name, code, frame, headers] of bad) {
    const reply = await callGrpc(r.endpoint, path, [frame], headers);
    assert.deepEqual([reply.status, reply.grpcStatus], [200, code], name);
    assert.ok(reply.message.length > 5, name);
    assert.deepEqual([...reply.details.subarray(0, 2)], [0x08, Number(code)], name);
  }
  const http = await callGrpc(r.endpoint, '/v1/traces', [], { 'content-type': 'application/json' });
  assert.equal(http.status, 415);
  assert.equal(r.counts().requests, 6);
});

test('index: one line a request, in the order of the file, with the process behind the connection', async t => {
  const r = await receiver(t);
  await post(r, '/v1/traces', spansMessage(0, 2));
  await post(r, '/v1/traces', JSON.stringify(spansRequest(2, 1)), JSON_TYPE);
  await callGrpc(r.endpoint, methodOf('traces'), [grpcFrame(spansMessage(3, 1))]);
  const { processes } = await r.stop();
  const lines = readFileSync(join(r.directory, 'index.jsonl'), 'utf8').trim().split('\n');
  const entries = lines.map(line => JSON.parse(line) as Record<string, string | number>);
  const file = readFileSync(join(r.directory, 'traces.pb'));
  assert.deepEqual(
    entries.map(e => file.subarray(Number(e.offset), Number(e.offset) + Number(e.length))),
    [spansMessage(0, 2), spansMessage(2, 1), spansMessage(3, 1)].map(m => Buffer.from(m)),
  );
  assert.deepEqual(
    entries.map(e => [e.signal, e.transport]),
    [
      ['traces', 'http-protobuf'],
      ['traces', 'http-json'],
      ['traces', 'grpc'],
    ],
  );
  const now = BigInt(Date.now()) * 1_000_000n;
  for (const { arrival } of entries) {
    const age = now - BigInt(String(arrival));
    assert.ok(age > -1_000_000_000n && age < 60_000_000_000n, `arrived ${age} ns ago`);
  }
  if (!existsSync('/proc/net/tcp')) {
    t.diagnostic('without /proc the process behind a connection cannot be told; not checked');
    return;
  }
  for (const { pid } of entries) assert.equal(pid, process.pid);
  assert.deepEqual(
    processes.map(p => [p.pid, p.startTime, p.command]),
    [[process.pid, entries[0]!.startTime, readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1)]],
  );
});

test('a full disk: not acknowledged, to be sent again, said in the summary', async t => {
  if (!existsSync('/dev/full')) return t.skip('there is no /dev/full here');
  const directory = mkdtempSync(join(tmpdir(), 'tprof-otlp-'));
  symlinkSync('/dev/full', join(directory, 'traces.pb'));
  const r = await receiver(t, { directory });
  const reply = await post(r, '/v1/traces', spansMessage(0, 1));
  assert.equal(reply.status, 503);
  assert.equal(reply.headers.get('retry-after'), '2');
  assert.deepEqual(statusOf(reply), { code: 14, message: 'the disk is full; nothing of this request was kept' });
  const grpc = await callGrpc(r.endpoint, methodOf('traces'), [grpcFrame(spansMessage(0, 1))]);
  assert.equal(grpc.grpcStatus, '14');
  assert.match(grpc.details.toString('latin1'), /google\.rpc\.RetryInfo/);
  // Other signals have their own files, and the index of what failed is taken back.
  const log = encodeByOracle('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityNumber: 9 }] }] }] });
  assert.equal((await post(r, '/v1/logs', log)).status, 200);
  const { counts, losses } = await r.stop();
  assert.deepEqual([counts.spans, counts.logs, counts.unwritten], [0, 1, 2]);
  assert.deepEqual(
    losses.map(({ what, count }) => [what, count]),
    [['export requests that were not acknowledged', 2]],
  );
  assert.equal(readFileSync(join(directory, 'index.jsonl'), 'utf8').trim().split('\n').length, 1);
});

test('group commit: requests that arrive together share a sync', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tprof-otlp-'));
  const store = await OtlpStore.open(directory);
  const record = (i: number): Promise<void> =>
    store.append({
      signal: 'traces',
      message: Buffer.alloc(i * 10, i),
      arrival: '1',
      transport: 'grpc',
      peer: '',
    });
  await Promise.all(Array.from({ length: 1000 }, (_, i) => record(i % 100)));
  assert.ok(store.syncs <= 3, `${store.syncs} syncs for 1000 requests`);
  await store.close();
  const { messages, whole } = framesOf(directory, 'traces.pb');
  assert.ok(whole);
  assert.deepEqual(
    messages.map(m => m.length),
    Array.from({ length: 1000 }, (_, i) => (i % 100) * 10),
  );
  rmSync(directory, { recursive: true });
});

test('kill -9: every acknowledged span is in the file', { timeout: 60_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tprof-otlp-'));
  const script = fileURLToPath(new URL('./receiver-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const acknowledged: number[] = [];
  let next = 0;
  const send = async (grpc: boolean): Promise<void> => {
    for (;;) {
      const id = next++;
      try {
        if (grpc) {
          const reply = await callGrpc(line, methodOf('traces'), [grpcFrame(spansMessage(id, 1))]);
          if (reply.grpcStatus !== '0') return;
        } else {
          const reply = await fetch(`${line}/v1/traces`, {
            method: 'POST',
            headers: PROTOBUF,
            body: Buffer.from(spansMessage(id, 1)),
          });
          if (!reply.ok) return;
        }
      } catch {
        return;
      }
      acknowledged.push(id);
      if (acknowledged.length === 100) child.kill('SIGKILL');
    }
  };
  await Promise.all([send(false), send(false), send(false), send(true), send(true)]);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  const kept = new Set(spanIdsOf(directory));
  const missing = acknowledged.filter(id => !kept.has((id + 1).toString(16).padStart(16, '0')));
  assert.ok(acknowledged.length >= 100);
  assert.deepEqual(missing, []);
});

test('a port that is taken: one sentence, a hint, and no file', async t => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const directory = mkdtempSync(join(tmpdir(), 'tprof-otlp-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const failAs of [undefined, 'run-cannot-begin'] as const) {
    await assert.rejects(
      startOtlpReceiver({ listen: `:${port}`, directory, ...(failAs === undefined ? {} : { failAs }) }),
      (error: unknown) =>
        error instanceof TprofError &&
        error.code === (failAs ?? 'machine-lacks') &&
        error.message.startsWith(`127.0.0.1:${port}: another process listens there`) &&
        error.hint?.includes('--listen :0') === true,
    );
  }
  assert.equal(existsSync(join(directory, 'traces.pb')), false);
  for (const listen of ['nonsense', ':99999', '[x]:1', '127.0.0.1']) {
    await assert.rejects(
      startOtlpReceiver({ listen, directory }),
      (e: unknown) => e instanceof TprofError && e.code === 'usage',
    );
  }
});

test('stop: what is in flight is answered, then the port is free', async t => {
  const r = await receiver(t);
  const socket = connect(r.port, '127.0.0.1');
  await once(socket, 'connect');
  const message = Buffer.from(spansMessage(0, 1));
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${message.length}\r\n\r\n`,
  );
  await new Promise(resolve => setTimeout(resolve, 50));
  const stopped = r.stop();
  socket.write(message);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString('latin1'), /^HTTP\/1\.1 200 /);
  assert.equal((await stopped).counts.spans, 1);
  await assert.rejects(fetch(`${r.endpoint}/v1/traces`, { method: 'POST' }));
  assert.equal(spanIdsOf(r.directory).length, 1);
});

test('forward: the collector gets what we have, also when it comes late', async t => {
  const got: { path: string; body: Buffer; token: string | undefined }[] = [];
  let failures = 2;
  const collector = createHttpServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      if (failures-- > 0) response.writeHead(503).end();
      else {
        got.push({
          path: incoming.url ?? '',
          body: Buffer.concat(chunks),
          token: incoming.headers['x-token'] as string,
        });
        response.end();
      }
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  t.after(() => {
    collector.closeAllConnections();
    collector.close();
  });
  const { port } = collector.address() as AddressInfo;
  const r = await receiver(t, { forward: `http://127.0.0.1:${port}/`, forwardHeaders: { 'x-token': 'secret' } });
  assert.equal((await post(r, '/v1/traces', JSON.stringify(spansRequest(0, 2)), JSON_TYPE)).status, 200);
  assert.equal((await post(r, '/v1/traces', spansMessage(2, 1))).status, 200);
  const { forward, losses } = await r.stop();
  assert.deepEqual([forward?.sent, forward?.failed, losses], [2, 0, []]);
  assert.deepEqual(
    got.map(({ path, body, token }) => [path, body, token]),
    [spansMessage(0, 2), spansMessage(2, 1)].map(m => ['/v1/traces', Buffer.from(m), 'secret']),
  );
});

test('forward: a collector that refuses or is absent costs it its copy, not us ours', async t => {
  const refusing = createHttpServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.writeHead(400).end());
  });
  refusing.listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  t.after(() => {
    refusing.closeAllConnections();
    refusing.close();
  });
  const { port } = refusing.address() as AddressInfo;
  const r = await receiver(t, { forward: `http://127.0.0.1:${port}` });
  assert.equal((await post(r, '/v1/traces', spansMessage(0, 2))).status, 200);
  const { forward, losses, counts } = await r.stop();
  assert.deepEqual([forward?.sent, forward?.failed, counts.spans], [0, 1, 2]);
  assert.match(forward?.lastError ?? '', /answered 400/);
  assert.match(losses[0]?.what ?? '', /copies of export requests/);
  await assert.rejects(
    startOtlpReceiver({ listen: ':0', directory: r.directory, forward: 'collector' }),
    (error: unknown) => error instanceof TprofError && error.code === 'usage',
  );
});

test('forward over gRPC', async t => {
  const got: Buffer[] = [];
  const collector = createHttp2Server();
  collector.on('stream', (stream, headers) => {
    assert.equal(headers[':path'], methodOf('traces'));
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      got.push(Buffer.concat(chunks));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  t.after(() => collector.close());
  const { port } = collector.address() as AddressInfo;
  const r = await receiver(t, { forward: `grpc://127.0.0.1:${port}` });
  assert.equal((await post(r, '/v1/traces', spansMessage(0, 2))).status, 200);
  const { forward } = await r.stop();
  assert.deepEqual([forward?.sent, forward?.failed], [1, 0]);
  assert.deepEqual(got, [grpcFrame(spansMessage(0, 2))]);
});

test('what was received opens as a trace of the oracle', async t => {
  const r = await receiver(t);
  await post(r, '/v1/traces', JSON.stringify(spansRequest(0, 4)), JSON_TYPE);
  await r.stop();
  const [message] = framesOf(r.directory, 'traces.pb').messages;
  assert.deepEqual(oracle.traces.decode(message!), oracle.traces.decode(spansMessage(0, 4)));
});

test('mutated requests are kept or refused, never a failure of ours, and what is kept can be read', async t => {
  const r = await receiver(t);
  const json = new TextEncoder().encode(JSON.stringify(spansRequest(0, 3)));
  const answers = new Set<number>();
  for (let seed = 0; seed < 300; seed++) {
    const [original, headers] = seed % 2 === 0 ? [spansMessage(0, 3), PROTOBUF] : [json, JSON_TYPE];
    answers.add((await post(r, '/v1/traces', mutate(original, seededRandom(seed)), headers)).status);
  }
  assert.deepEqual([...answers].sort(), [200, 400]);
  const { counts } = await r.stop();
  assert.equal(counts.broken, 0);
  const builder = new TraceBuilder('kept');
  const bytes = readFileSync(join(r.directory, 'traces.pb'));
  await otlp.read(memorySource('traces.pb', bytes), builder, {});
  const { warnings } = builder.finish();
  assert.equal(
    warnings.find(({ code }) => code === 'damaged-input'),
    undefined,
  );
});

test('zstd bombs stop at the limit as well', async t => {
  const r = await receiver(t, { limitBytes: 100_000 });
  const bomb = zstdCompressSync(Buffer.alloc(50 << 20));
  const reply = await post(r, '/v1/traces', bomb, { ...PROTOBUF, 'Content-Encoding': 'zstd' });
  assert.equal(reply.status, 413);
});
