import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { Socket } from 'node:net';
import { ProtobufWriter } from '../../src/formats/protobuf-writer.ts';

const SERVICE = '/rs.tokio.console.instrument.Instrument/';
const PREFIX_BYTES = 5;
/** A program with very many tasks tells them all at once, at first. */
const LARGEST_MESSAGE = 1 << 30;
const WINDOW_BYTES = 4 << 20;
/** How long a program may take to answer: one that waits in a debugger, or a port that belongs to something else. */
const ANSWER_MS = 10_000;

export interface ConsoleCallHandlers {
  /** The program answered and will send its updates. */
  onAnswer(socket: Socket): void;
  /** One `Update`, as it came. Valid only until the call returns. */
  onUpdate(message: Buffer): void;
}

/** Why a call ended; `answered` where it had begun. */
export interface ConsoleCallEnd {
  readonly answered: boolean;
  readonly why: string;
}

export interface ConsoleCall {
  readonly ended: Promise<ConsoleCallEnd>;
  /** Asks for the `TaskDetails` of a task, too, on the same connection: at once, and with each update. */
  watchTask(id: bigint, onDetails: (message: Buffer) => void, onEnd: () => void): { close(): void };
  close(): void;
}

/** `Instrument.WatchUpdates` of a console-subscriber, over gRPC: one request without fields, updates until it ends. */
export function watchConsole(authority: string, handlers: ConsoleCallHandlers): ConsoleCall {
  let settle: (end: ConsoleCallEnd) => void = () => {};
  const ended = new Promise<ConsoleCallEnd>(resolve => {
    settle = resolve;
  });
  let answered = false;
  let timer: NodeJS.Timeout | undefined;
  const session: ClientHttp2Session = connect(authority, {
    settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
  });
  const end = (why: string): void => {
    clearTimeout(timer);
    settle({ answered, why });
    session.destroy();
  };
  session.on('error', error => end(reasonOf(error)));
  session.on('close', () => end('the connection was closed'));
  // The session's own view of its socket throws once the two are parted; this one stays readable.
  session.on('connect', (_, socket) => {
    session.setLocalWindowSize(WINDOW_BYTES * 4);
    const call = startCall(session, 'WatchUpdates', new Uint8Array(0));
    const refused = (headers: NodeJS.Dict<string | string[]>): void => {
      const status = String(headers['grpc-status'] ?? '');
      const message = decodeURIComponentOrNot(String(headers['grpc-message'] ?? ''));
      end(
        status === '0'
          ? 'the program ended its updates'
          : status === '12'
            ? 'what listens there is no console-subscriber (gRPC: unimplemented)'
            : `the program answered ${status} ${message}`.trim(),
      );
    };
    call.on('response', headers => {
      if (headers['grpc-status'] !== undefined) refused(headers);
      else if (headers[':status'] !== 200 || !/^application\/grpc/.test(String(headers['content-type'] ?? ''))) {
        end(`what listens there does not speak gRPC (HTTP ${headers[':status']})`);
      } else {
        clearTimeout(timer);
        answered = true;
        handlers.onAnswer(socket);
      }
    });
    call.on('trailers', refused);
    call.on('error', error => end(reasonOf(error)));
    call.on('close', () => end('the connection was closed'));
    readMessages(call, handlers.onUpdate, end);
  });
  timer = setTimeout(() => end(`no answer within ${ANSWER_MS / 1000} s`), ANSWER_MS);
  return {
    ended,
    close: () => end('stopped'),
    watchTask(id, onDetails, onEnd) {
      const request = new ProtobufWriter();
      request.message(1, () => request.int64(1, id));
      // A connection that is about to end takes no more calls.
      if (session.closed || session.destroyed) {
        queueMicrotask(onEnd);
        return { close() {} };
      }
      const call = startCall(session, 'WatchTaskDetails', request.finish());
      // A task that is gone, or a program that does not know the call: there are no details then.
      call.on('error', () => {});
      call.on('close', onEnd);
      readMessages(call, onDetails, () => call.close());
      return { close: () => call.close() };
    },
  };
}

function startCall(session: ClientHttp2Session, method: string, request: Uint8Array): ClientHttp2Stream {
  const call = session.request({
    ':method': 'POST',
    ':path': `${SERVICE}${method}`,
    'content-type': 'application/grpc',
    'grpc-accept-encoding': 'identity',
    te: 'trailers',
  });
  const frame = Buffer.alloc(PREFIX_BYTES + request.length);
  frame.writeUInt32BE(request.length, 1);
  frame.set(request, PREFIX_BYTES);
  call.end(frame);
  return call;
}

/** Cuts what a call sends into gRPC messages. */
function readMessages(
  call: ClientHttp2Stream,
  take: (message: Buffer) => void,
  onProblem: (why: string) => void,
): void {
  let parts: Buffer[] = [];
  let length = 0;
  const joined = (): Buffer => {
    if (parts.length > 1) parts = [Buffer.concat(parts)];
    return parts[0]!;
  };
  call.on('data', (chunk: Buffer) => {
    parts.push(chunk);
    length += chunk.length;
    while (length >= PREFIX_BYTES) {
      const first = parts[0]!.length < PREFIX_BYTES ? joined() : parts[0]!;
      const size = first.readUInt32BE(1);
      if (first[0] !== 0) return onProblem('the program sent a compressed message, which was not asked for');
      if (size > LARGEST_MESSAGE) return onProblem(`the program announced a message of ${size} bytes`);
      if (length < PREFIX_BYTES + size) return;
      const all = joined();
      take(all.subarray(PREFIX_BYTES, PREFIX_BYTES + size));
      const rest = all.subarray(PREFIX_BYTES + size);
      parts = rest.length === 0 ? [] : [rest];
      length = rest.length;
    }
  });
}

function reasonOf(error: Error): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ENOTFOUND') return 'there is no such host';
  if (code === 'ECONNRESET') return 'the connection was reset';
  if (code === 'ERR_HTTP2_ERROR' || /protocol error/i.test(message)) return 'what listens there does not speak HTTP/2';
  return message;
}

function decodeURIComponentOrNot(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
