import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { OtlpSignal } from '../../src/formats/otlp-sink.ts';
import { unpackBody } from './otlp-body.ts';
import type { OtlpIntake } from './otlp-intake.ts';
import { RpcCode, responseJson, responseProtobuf, statusJson, statusProtobuf } from './otlp-status.ts';
import type { Peer } from './peer-process.ts';

const PATHS: ReadonlyMap<string, OtlpSignal> = new Map([
  ['/v1/traces', 'traces'],
  ['/v1/logs', 'logs'],
  ['/v1/metrics', 'metrics'],
]);

/** What has arrived so far, for a workload that shows it beside its own progress. Not part of OTLP. */
export const COUNTS_PATH = '/tprof/counts';

type Encoding = 'protobuf' | 'json';

interface Answer {
  readonly status: number;
  readonly encoding: Encoding;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A sender that is told to try again should leave the disk this long. */
const RETRY_AFTER_SECONDS = 2;

/** OTLP over HTTP/1.1 (https://opentelemetry.io/docs/specs/otlp/#otlphttp): reads a request, answers it. */
export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  intake: OtlpIntake,
  limitBytes: number,
  peer: Promise<Peer>,
): Promise<void> {
  let answer: Answer | undefined;
  try {
    answer = await answerOf(request, intake, limitBytes, peer);
  } catch (error) {
    intake.broke(error);
    const encoding = encodingOf(request.headers) ?? 'json';
    answer = failure(500, RpcCode.internal, 'the receiver failed: a bug in tprof', encoding);
  }
  if (answer === undefined || response.destroyed) return;
  response.writeHead(answer.status, {
    'Content-Type': answer.encoding === 'json' ? 'application/json' : 'application/x-protobuf',
    'Content-Length': answer.body.length,
    ...answer.headers,
    // What was not read of a refused body would be taken for the next request.
    ...(request.complete ? {} : { Connection: 'close' }),
  });
  response.end(answer.body);
}

async function answerOf(
  request: IncomingMessage,
  intake: OtlpIntake,
  limitBytes: number,
  peer: Promise<Peer>,
): Promise<Answer | undefined> {
  const { headers, method } = request;
  if (method === 'GET' && request.url === COUNTS_PATH) {
    return { status: 200, encoding: 'json', body: Buffer.from(JSON.stringify(intake.counts)) };
  }
  const signal = PATHS.get((request.url ?? '').split('?')[0]!);
  const named = encodingOf(headers);
  const refusal = named ?? 'json';
  if (signal === undefined) return failure(404, RpcCode.unimplemented, `no such path; expected ${paths()}`, refusal);
  if (method !== 'POST') {
    return failure(405, RpcCode.unimplemented, `${method} is not allowed; expected POST`, refusal, { Allow: 'POST' });
  }
  if (named === 'unknown') {
    const message = `content type ${headers['content-type']} is not known; expected application/x-protobuf or application/json`;
    return failure(415, RpcCode.invalidArgument, message, 'json', {
      Accept: 'application/x-protobuf, application/json',
    });
  }
  const packed = await readBody(request, limitBytes);
  if (packed === undefined) return undefined;
  const tooLarge = (): Answer => {
    intake.refused();
    const message = `the request is larger than ${limitBytes} bytes, the limit of this receiver`;
    return failure(413, RpcCode.resourceExhausted, message, refusal);
  };
  if (packed === 'too-large') return tooLarge();
  const unpacked = await unpackBody(packed, headers['content-encoding'] ?? '', limitBytes);
  switch (unpacked.kind) {
    case 'too-large':
      return tooLarge();
    case 'unknown-encoding':
    case 'damaged': {
      intake.refused();
      const what = `content encoding ${headers['content-encoding']}`;
      const message = unpacked.kind === 'damaged' ? `the body is not whole ${what}` : `${what} is not known`;
      return failure(400, RpcCode.invalidArgument, message, refusal, { 'Accept-Encoding': 'gzip, deflate, zstd' });
    }
    case 'body':
      break;
  }
  const { body } = unpacked;
  const encoding = named ?? sniff(body);
  const outcome = await intake.take(signal, encoding === 'json' ? 'http-json' : 'http-protobuf', body, peer);
  switch (outcome.kind) {
    case 'accepted':
      return {
        status: 200,
        encoding,
        body: encoding === 'json' ? responseJson(signal, outcome.rejected) : responseProtobuf(outcome.rejected),
      };
    case 'invalid':
      return failure(400, RpcCode.invalidArgument, outcome.message, encoding);
    case 'unavailable':
      return failure(503, RpcCode.unavailable, outcome.message, encoding, {
        'Retry-After': String(RETRY_AFTER_SECONDS),
      });
  }
}

/** What the content type says; undefined where there is none. Parameters (`; charset=utf-8`) do not matter. */
function encodingOf(headers: IncomingHttpHeaders): Encoding | 'unknown' | undefined {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === undefined || type === '') return undefined;
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : 'unknown';
}

/** No export request as protobuf begins with `{`, nor with what may stand before it in JSON. */
function sniff(body: Uint8Array): Encoding {
  let at = 0;
  while (at < body.length && (body[at] === 0x20 || body[at] === 0x0d || body[at] === 0x0a || body[at] === 0x09)) at++;
  return body[at] === 0x7b ? 'json' : 'protobuf';
}

function failure(
  status: number,
  code: number,
  message: string,
  encoding: Encoding | 'unknown',
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const binary = encoding === 'protobuf';
  return {
    status,
    encoding: binary ? 'protobuf' : 'json',
    body: binary ? statusProtobuf(code, message) : statusJson(code, message),
    headers,
  };
}

/** The body as it was sent; undefined where the sender went away before its end. */
async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | 'too-large' | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return 'too-large';
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise(resolve => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limitBytes) {
        request.pause();
        resolve('too-large');
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    request.on('close', () => resolve(undefined));
    request.on('error', () => resolve(undefined));
  });
}

function paths(): string {
  return [...PATHS.keys()].join(', ');
}
