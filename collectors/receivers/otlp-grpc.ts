import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream, ServerOptions } from 'node:http2';
import type { OtlpSignal } from '../../src/formats/otlp-sink.ts';
import { BODY_ENCODINGS, unpackBody } from './otlp-body.ts';
import type { OtlpIntake } from './otlp-intake.ts';
import { RpcCode, responseProtobuf, statusProtobuf } from './otlp-status.ts';
import type { Peer } from './peer-process.ts';

const METHODS: ReadonlyMap<string, OtlpSignal> = new Map([
  ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'traces'],
  ['/opentelemetry.proto.collector.logs.v1.LogsService/Export', 'logs'],
  ['/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', 'metrics'],
]);
const PREFIX_BYTES = 5;
const RETRY_AFTER_SECONDS = 2;
/** A window as large as a batch: fewer WINDOW_UPDATE frames, which Rust's exporter would trace as spans of its own. */
const WINDOW_BYTES = 4 << 20;

interface GrpcAnswer {
  readonly code: number;
  readonly message: string;
  readonly response?: Buffer;
  readonly retry?: boolean;
}

/** Settings of the HTTP/2 server; its own memory limit is meant for small requests. */
export const GRPC_SERVER_OPTIONS: ServerOptions = {
  maxSessionMemory: 512,
  settings: { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: 1000, enablePush: false },
};

export function widenSession(session: Http2Session): void {
  session.setLocalWindowSize(WINDOW_BYTES * 4);
}

/** One unary OTLP/gRPC call (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc): reads it, answers it. */
export async function answerGrpc(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  intake: OtlpIntake,
  limitBytes: number,
  peer: Promise<Peer>,
): Promise<void> {
  stream.on('error', () => {
    // The sender reset the call: there is nobody left to answer.
  });
  if (!/^application\/grpc(?:$|[+;])/.test(headers['content-type'] ?? '')) {
    stream.respond({ ':status': 415, 'content-type': 'text/plain' });
    stream.end('expected gRPC (content-type application/grpc); OTLP over HTTP is served over HTTP/1.1\n');
    return;
  }
  let answer: GrpcAnswer | undefined;
  try {
    answer = await answerOf(stream, headers, intake, limitBytes, peer);
  } catch (error) {
    intake.broke(error);
    answer = { code: RpcCode.internal, message: 'the receiver failed: a bug in tprof' };
  }
  if (answer === undefined || stream.destroyed || stream.closed) return;
  const trailers = trailersOf(answer);
  if (answer.response === undefined) {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
    return;
  }
  const frame = Buffer.alloc(PREFIX_BYTES + answer.response.length);
  frame.writeUInt32BE(answer.response.length, 1);
  answer.response.copy(frame, PREFIX_BYTES);
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': BODY_ENCODINGS },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(frame);
}

async function answerOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  intake: OtlpIntake,
  limitBytes: number,
  peer: Promise<Peer>,
): Promise<GrpcAnswer | undefined> {
  const signal = METHODS.get(headers[':path'] ?? '');
  if (signal === undefined) {
    return { code: RpcCode.unimplemented, message: `no such method: ${headers[':path'] ?? ''}` };
  }
  const read = await readMessage(stream, limitBytes);
  if (read === undefined) return undefined;
  const tooLarge = (): GrpcAnswer => {
    intake.refused();
    const message = `the request is larger than ${limitBytes} bytes, the limit of this receiver`;
    return { code: RpcCode.resourceExhausted, message };
  };
  if (read === 'too-large') return tooLarge();
  if (read === 'damaged') {
    intake.refused();
    return { code: RpcCode.invalidArgument, message: 'expected exactly one gRPC message' };
  }
  const encoding = read.compressed ? String(headers['grpc-encoding'] ?? 'identity') : 'identity';
  const unpacked = await unpackBody(read.message, encoding, limitBytes);
  switch (unpacked.kind) {
    case 'too-large':
      return tooLarge();
    case 'unknown-encoding':
      intake.refused();
      return { code: RpcCode.unimplemented, message: `grpc-encoding ${encoding} is not known` };
    case 'damaged':
      intake.refused();
      return { code: RpcCode.invalidArgument, message: `the message is not whole ${encoding}` };
    case 'body':
      break;
  }
  const outcome = await intake.take(signal, 'grpc', unpacked.body, peer);
  switch (outcome.kind) {
    case 'accepted':
      return { code: RpcCode.ok, message: '', response: responseProtobuf(outcome.rejected) };
    case 'invalid':
      return { code: RpcCode.invalidArgument, message: outcome.message };
    case 'unavailable':
      return { code: RpcCode.unavailable, message: outcome.message, retry: true };
  }
}

function trailersOf({ code, message, retry }: GrpcAnswer): Record<string, string> {
  if (code === RpcCode.ok) return { 'grpc-status': '0' };
  return {
    'grpc-status': String(code),
    'grpc-message': encodeURIComponent(message),
    'grpc-status-details-bin': statusProtobuf(code, message, retry === true ? RETRY_AFTER_SECONDS : undefined).toString(
      'base64',
    ),
    'grpc-accept-encoding': BODY_ENCODINGS,
  };
}

/** The one message of a unary call; undefined where the sender went away before its end. */
function readMessage(
  stream: ServerHttp2Stream,
  limitBytes: number,
): Promise<{ compressed: boolean; message: Buffer } | 'too-large' | 'damaged' | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise(resolve => {
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      // Read on, but keep nothing: a stream that is paused would hold up the others of its connection.
      if (length > limitBytes + PREFIX_BYTES) {
        chunks.length = 0;
        resolve('too-large');
      } else chunks.push(chunk);
    });
    stream.on('end', () => {
      const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      if (all.length < PREFIX_BYTES || all.readUInt32BE(1) !== all.length - PREFIX_BYTES) resolve('damaged');
      else resolve({ compressed: all[0] === 1, message: all.subarray(PREFIX_BYTES) });
    });
    stream.on('aborted', () => resolve(undefined));
    stream.on('close', () => resolve(undefined));
  });
}
