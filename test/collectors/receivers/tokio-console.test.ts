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
import { ProtobufWriter } from '../../../src/formats/protobuf-writer.ts';
import { readConsoleRecording } from '../../../src/formats/tokio-console-recording.ts';
import type { AsyncRecording } from '../../../src/model/async-tasks.ts';
import { eventually } from '../../cli/run-tprof.ts';
import { consoleUpdate } from '../../formats/console-updates.ts';
import { encodeHdrHistogram } from '../../formats/hdr-encode.ts';

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

const SERVICE = '/rs.tokio.console.instrument.Instrument';

/** A console-subscriber as far as the wire shows it. */
class Subscriber {
  readonly calls: ServerHttp2Stream[] = [];
  /** A request for the details of a task. */
  onDetails: (call: ServerHttp2Stream, request: Buffer) => void = call => call.close();
  readonly #server: Http2Server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  async listen(port: number, onCall?: (call: ServerHttp2Stream) => void): Promise<number> {
    this.#server.on('session', session => this.#sessions.add(session));
    this.#server.on('stream', (call, headers) => {
      call.on('error', () => {});
      assert.equal(headers['content-type'], 'application/grpc');
      if (headers[':path'] === `${SERVICE}/WatchTaskDetails`) {
        call.once('data', (request: Buffer) => this.onDetails(call, request.subarray(5)));
        return;
      }
      assert.equal(headers[':path'], `${SERVICE}/WatchUpdates`);
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
    const frame = framed(update);
    for (let at = 0; at < frame.length; at += size) this.calls.at(-1)!.write(frame.subarray(at, at + size));
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
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
    // Not found in time, where the machine is busy.
    if (process.platform === 'linux') assert.ok(harvest.pid === process.pid || harvest.pid === 0, `${harvest.pid}`);
  } finally {
    await first.close();
    await second.close();
  }
});

/** Tasks that were busy enough to be asked for. */
const busy = (now: number, ids: readonly bigint[], ended = false): Uint8Array =>
  consoleUpdate({
    now,
    tasks: ids.map(id => ({ id, name: `task-${id}` })),
    stats: new Map(
      ids.map(id => [
        id,
        {
          created: 1,
          firstPoll: 1,
          polls: 9,
          busy: 90,
          wakes: 8,
          started: 80,
          ended: 95,
          ...(ended ? { dropped: 96 } : {}),
        },
      ]),
    ),
  });

test('tokio-console: busy tasks are asked for their single polls, and what came last is kept', async () => {
  const program = new Subscriber();
  const large = 0xffff_ffff_ffff_fff0n;
  const asked: bigint[] = [];
  program.onDetails = (call, request) => {
    // One field, a message with one varint.
    let id = 0n;
    for (const [i, byte] of request.subarray(3).entries()) id |= BigInt(byte & 0x7f) << BigInt(7 * i);
    asked.push(id);
    call.respond({ ':status': 200, 'content-type': 'application/grpc' });
    for (const value of [1000, 40_000_000]) {
      const details = new ProtobufWriter();
      details.message(1, () => details.int64(1, id));
      details.message(4, () => {
        const histogram = encodeHdrHistogram([[value, 9]], 2);
        details.hex(1, Buffer.from(histogram).toString('hex'));
      });
      call.write(framed(details.finish()));
    }
  };
  const port = await program.listen(0);
  try {
    const { recording } = await listening(port, async console => {
      await eventually('the call', () => program.calls.length === 1);
      program.send(busy(100, [5n, large]));
      program.send(drawn(200, 'hardly busy'));
      await eventually('both to be asked for', () => asked.length === 2);
      program.send(busy(300, [5n, large]));
      await eventually('three updates', () => console.counts().updates === 3);
      // What was sent before an update is read before it.
      await new Promise(resolve => setTimeout(resolve, 50));
    });
    assert.deepEqual(asked, [5n, large]);
    assert.equal(recording.delays.size, 2);
    const longest = [...recording.delays.values()].map(({ poll }) => poll.maxNs / 1e6);
    for (const ms of longest) assert.ok(ms >= 40 && ms < 40.5, `${ms}`);
  } finally {
    await program.close();
  }
});

test('tokio-console: a program that knows no details is not asked again and again', async () => {
  const program = new Subscriber();
  let asked = 0;
  program.onDetails = call => {
    asked++;
    call.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
  };
  const port = await program.listen(0);
  try {
    const { harvest, recording } = await listening(port, async console => {
      await eventually('the call', () => program.calls.length === 1);
      for (let now = 1; now <= 60; now++) {
        program.send(busy(now * 100, [BigInt(now)], now % 2 === 0));
        await eventually(`update ${now}`, () => console.counts().updates === now);
        await new Promise(resolve => setImmediate(resolve));
      }
    });
    assert.ok(asked >= 1 && asked <= 40, `${asked}`);
    assert.equal(recording.tasks.length, 60);
    assert.deepEqual([recording.delays.size, harvest.losses.length, harvest.counts.connections], [0, 0, 1]);
  } finally {
    await program.close();
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
