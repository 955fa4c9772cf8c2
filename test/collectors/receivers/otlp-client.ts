import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import type { OtlpSignal } from '../../../src/formats/otlp-sink.ts';
import { encodeByOracle, oracle } from '../../formats/otlp-schema.ts';

const SERVICES = { traces: 'trace.v1.TraceService', logs: 'logs.v1.LogsService', metrics: 'metrics.v1.MetricsService' };

export const methodOf = (signal: OtlpSignal): string => `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`;

/** A traces request of `count` spans whose ids count up from `first`, as OTLP JSON. */
export function spansRequest(first: number, count: number): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'sender' } }] },
        scopeSpans: [
          {
            scope: { name: 'test' },
            spans: Array.from({ length: count }, (_, i) => ({
              traceId: '0af7651916cd43dd8448eb211c80319c',
              spanId: (first + i + 1).toString(16).padStart(16, '0'),
              name: `span ${first + i}`,
              startTimeUnixNano: '1795227665534213880',
              endTimeUnixNano: '1795227665542844766',
            })),
          },
        ],
      },
    ],
  };
}

export const spansMessage = (first: number, count: number): Uint8Array =>
  encodeByOracle('traces', spansRequest(first, count));

/** The messages of a file of length-prefixed requests, and whether it ends with a whole one. */
export function framesOf(directory: string, file: string): { messages: Buffer[]; whole: boolean } {
  const bytes = readFileSync(join(directory, file));
  const messages: Buffer[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && at + 4 + bytes.readUInt32BE(at) <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    messages.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { messages, whole: at === bytes.length };
}

/** Span ids in a traces file, in order, read by the oracle. */
export function spanIdsOf(directory: string): string[] {
  return framesOf(directory, 'traces.pb').messages.flatMap(message => {
    const decoded = oracle.traces.toObject(oracle.traces.decode(message)) as {
      resourceSpans: { scopeSpans: { spans: { spanId: Uint8Array }[] }[] }[];
    };
    return decoded.resourceSpans.flatMap(r =>
      r.scopeSpans.flatMap(s => s.spans.map(span => Buffer.from(span.spanId).toString('hex'))),
    );
  });
}

export interface GrpcReply {
  readonly status: number;
  readonly grpcStatus: string;
  readonly message: string;
  readonly details: Buffer;
  readonly body: Buffer;
}

/** One call over a connection of its own, frame by frame, so that tests can break every rule. */
export function callGrpc(
  endpoint: string,
  path: string,
  frames: readonly Uint8Array[],
  headers: Readonly<Record<string, string>> = {},
): Promise<GrpcReply> {
  return new Promise((resolve, reject) => {
    const session = connect(endpoint);
    session.on('error', reject);
    const call = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const got: Record<string, string> = {};
    const chunks: Buffer[] = [];
    const take = (more: object): void => {
      for (const [name, value] of Object.entries(more)) got[name] = String(value);
    };
    call.on('response', take);
    call.on('trailers', take);
    call.on('data', (chunk: Buffer) => chunks.push(chunk));
    call.on('error', reject);
    call.on('close', () => {
      session.close();
      resolve({
        status: Number(got[':status']),
        grpcStatus: got['grpc-status'] ?? '',
        message: decodeURIComponent(got['grpc-message'] ?? ''),
        details: Buffer.from(got['grpc-status-details-bin'] ?? '', 'base64'),
        body: Buffer.concat(chunks),
      });
    });
    for (const frame of frames) call.write(frame);
    call.end();
  });
}

export function grpcFrame(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
