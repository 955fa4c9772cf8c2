import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../../collectors/file-source.ts';
import { type ConsoleHarvest, parseConsoleAddress, TokioConsole } from '../../../collectors/receivers/tokio-console.ts';
import { TprofError } from '../../../src/base/errors.ts';
import { readConsoleRecording } from '../../../src/formats/tokio-console-recording.ts';
import type { AsyncRecording } from '../../../src/model/async-tasks.ts';
import { eventually } from '../../cli/run-tprof.ts';
import { consoleUpdate } from '../../formats/console-updates.ts';

/** A port of loopback that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A console-subscriber as far as the wire shows it. */
class Subscriber {
  readonly calls: ServerHttp2Stream[] = [];
  readonly #server: Http2Server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  async listen(port: number, onCall?: (call: ServerHttp2Stream) => void): Promise<number> {
    this.#server.on('session', session => this.#sessions.add(session));
    this.#server.on('stream', (call, headers) => {
      call.on('error', () => {});
      assert.equal(headers[':path'], '/rs.tokio.console.instrument.Instrument/WatchUpdates');
      assert.equal(headers['content-type'], 'application/grpc');
      if (onCall !== undefined) return onCall(call);
      call.respond({ ':status': 200, 'content-type': 'application/grpc' });
      this.calls.push(call);
    });
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** One message, in pieces of `size` bytes. */
  send(update: Uint8Array, size = Number.POSITIVE_INFINITY): void {
    const frame = Buffer.alloc(5 + update.length);
    frame.writeUInt32BE(update.length, 1);
    frame.set(update, 5);
    for (let at = 0; at < frame.length; at += size) this.calls.at(-1)!.write(frame.subarray(at, at + size));
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function listening(
  port: number,
  work: (console: TokioConsole) => Promise<void>,
): Promise<{ harvest: ConsoleHarvest; recording: AsyncRecording }> {
  const folder = await mkdtemp(join(tmpdir(), 'tprof-console-'));
  const console = await TokioConsole.start({ host: '127.0.0.1', port }, folder);
  try {
    await work(console);
    const harvest = await console.stop();
    return { harvest, recording: await readConsoleRecording(await fileSource(join(folder, harvest.file))) };
  } finally {
    await console.stop();
    await rm(folder, { recursive: true });
  }
}

const drawn = (now: number, name: string): Uint8Array =>
  consoleUpdate({
    now,
    tasks: [{ id: BigInt(now), name }],
    stats: new Map([
      [BigInt(now), { created: now - 5, firstPoll: now - 5, polls: 1, busy: 2, started: now - 5, ended: now - 3 }],
    ]),
  });
const names = ({ tasks, strings }: AsyncRecording): string[] => Array.from(tasks.name, index => strings[index]!);

test('tokio-console: a program that begins late is found, and one that comes back is found again', async () => {
  const port = await freePort();
  const first = new Subscriber();
  const second = new Subscriber();
  try {
    const { harvest, recording } = await listening(port, async console => {
      await new Promise(resolve => setTimeout(resolve, 200));
      assert.equal(console.counts().connections, 0);
      await first.listen(port);
      await eventually('the first call', () => first.calls.length === 1);
      first.send(drawn(100, 'early'), 3);
      first.send(drawn(200, 'later'));
      await eventually('two updates', () => console.counts().updates === 2);
      await first.close();
      await second.listen(port);
      await eventually('the second call', () => second.calls.length === 1);
      second.send(drawn(300, 'anew'));
      await eventually('three updates', () => console.counts().updates === 3);
    });
    assert.deepEqual(harvest.counts, { connections: 2, updates: 3 });
    assert.deepEqual(names(recording), ['early', 'later', 'anew']);
    assert.equal(recording.programs[0]?.connections, 2);
    assert.equal(harvest.losses.length, 1, JSON.stringify(harvest.losses));
    assert.match(harvest.losses[0]!.what, /^a connection to the console-subscriber at 127\.0\.0\.1:\d+$/);
    if (process.platform === 'linux') assert.equal(harvest.pid, process.pid);
  } finally {
    await first.close();
    await second.close();
  }
});

test('tokio-console: nobody there, no gRPC there, and no console there are told apart', async () => {
  const why = async (port: number, until: () => Promise<unknown>): Promise<string> => {
    const { harvest, recording } = await listening(port, async () => {
      await until();
    });
    assert.equal(recording.tasks.length, 0);
    assert.equal(harvest.counts.connections, 0);
    assert.equal(harvest.losses.length, 1);
    assert.match(harvest.losses[0]!.why, /TOKIO_CONSOLE_BIND/);
    return harvest.losses[0]!.why;
  };
  const aWhile = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 300));
  assert.match(await why(await freePort(), aWhile), /^nothing listens there/);

  let asked = 0;
  const web = createHttpServer((_, response) => response.end('hello'));
  web.on('clientError', (_, socket) => {
    asked++;
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  try {
    const said = await why((web.address() as AddressInfo).port, async () => {
      await eventually('two attempts', () => asked >= 2);
    });
    assert.match(said, /^what listens there does not speak HTTP\/2|^the connection was/);
  } finally {
    web.close();
    web.closeAllConnections();
  }

  const other = new Subscriber();
  let refused = 0;
  const port = await other.listen(0, call => {
    refused++;
    const answer = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' };
    call.respond(answer, { endStream: true });
  });
  try {
    const said = await why(port, async () => {
      await eventually('two calls', () => refused >= 2);
    });
    assert.match(said, /^what listens there is no console-subscriber/);
  } finally {
    await other.close();
  }
});

test('tokio-console: addresses as people write them', () => {
  const cases: [string, string, number][] = [
    [':6669', '127.0.0.1', 6669],
    ['6670', '127.0.0.1', 6670],
    ['localhost', 'localhost', 6669],
    ['10.0.0.7:7000', '10.0.0.7', 7000],
    ['http://worker-1:6669/', 'worker-1', 6669],
    ['[::1]:6671', '::1', 6671],
  ];
  for (const [text, host, port] of cases) assert.deepEqual(parseConsoleAddress(text), { host, port }, text);
  for (const text of ['', ':0', 'a:b', ':70000', 'https://x:1', 'a:1:2']) {
    assert.throws(() => parseConsoleAddress(text), TprofError, text);
  }
});
