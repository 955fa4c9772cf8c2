import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { Socket } from 'node:net';

const METHOD = '/rs.tokio.console.instrument.Instrument/WatchUpdates';
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

/** `Instrument.WatchUpdates` of a console-subscriber, over gRPC: one request without fields, updates until it ends. */
export function watchConsole(
  authority: string,
  handlers: ConsoleCallHandlers,
): { readonly ended: Promise<ConsoleCallEnd>; close(): void } {
  let settle: (end: ConsoleCallEnd) => void = () => {};
  const ended = new Promise<ConsoleCallEnd>(resolve => {
    settle = resolve;
  });
  let answered = false;
  let session: ClientHttp2Session;
  let timer: NodeJS.Timeout | undefined;
  const end = (why: string): void => {
    clearTimeout(timer);
    settle({ answered, why });
    session.destroy();
  };
  session = connect(authority, { settings: { initialWindowSize: WINDOW_BYTES, enablePush: false } });
  session.on('error', error => end(reasonOf(error)));
  session.on('close', () => end('the connection was closed'));
  session.on('connect', () => {
    session.setLocalWindowSize(WINDOW_BYTES * 4);
    const call: ClientHttp2Stream = session.request({
      ':method': 'POST',
      ':path': METHOD,
      'content-type': 'application/grpc',
      'grpc-accept-encoding': 'identity',
      te: 'trailers',
    });
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
        handlers.onAnswer(session.socket as Socket);
      }
    });
    call.on('trailers', refused);
    call.on('error', error => end(reasonOf(error)));
    call.on('close', () => end('the connection was closed'));
    const messages = new MessageSplitter(message => handlers.onUpdate(message));
    call.on('data', (chunk: Buffer) => {
      const problem = messages.push(chunk);
      if (problem !== undefined) end(problem);
    });
    // One message without a field: five bytes of prefix that say so.
    call.end(Buffer.alloc(PREFIX_BYTES));
  });
  timer = setTimeout(() => end(`no answer within ${ANSWER_MS / 1000} s`), ANSWER_MS);
  return { ended, close: () => end('stopped') };
}

/** Cuts a stream of gRPC messages into messages. */
class MessageSplitter {
  readonly #take: (message: Buffer) => void;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(take: (message: Buffer) => void) {
    this.#take = take;
  }

  /** What is wrong with the stream, if something is. */
  push(chunk: Buffer): string | undefined {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      if (this.#length < PREFIX_BYTES) return undefined;
      if (this.#parts[0]!.length < PREFIX_BYTES) this.#join();
      const first = this.#parts[0]!;
      const size = first.readUInt32BE(1);
      if (first[0] !== 0) return 'the program sent a compressed message, which was not asked for';
      if (size > LARGEST_MESSAGE) return `the program announced a message of ${size} bytes`;
      if (this.#length < PREFIX_BYTES + size) return undefined;
      if (first.length < PREFIX_BYTES + size) this.#join();
      const all = this.#parts[0]!;
      this.#take(all.subarray(PREFIX_BYTES, PREFIX_BYTES + size));
      const rest = all.subarray(PREFIX_BYTES + size);
      this.#parts.splice(0, 1, ...(rest.length === 0 ? [] : [rest]));
      this.#length -= PREFIX_BYTES + size;
    }
  }

  #join(): void {
    this.#parts = [Buffer.concat(this.#parts)];
  }
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
