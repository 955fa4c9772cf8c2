import { type ClientHttp2Session, connect } from 'node:http2';
import type { OtlpSignal } from '../../src/formats/otlp-sink.ts';
import type { Sender, SendResult } from './otlp-forward.ts';

const METHODS: Readonly<Record<OtlpSignal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};
const TIMEOUT_MS = 10_000;
/** CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const RETRYABLE: ReadonlySet<string> = new Set(['1', '4', '8', '10', '11', '14', '15']);

/** Sends export requests over gRPC; one connection, opened again when it was lost. */
export function grpcSender(url: URL, headers: Readonly<Record<string, string>>): Sender {
  const secure = url.protocol === 'grpcs:' || url.protocol === 'https:';
  const authority = `${secure ? 'https' : 'http'}://${url.hostname}:${url.port || '4317'}`;
  let session: ClientHttp2Session | undefined;
  const connected = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(authority);
      session.on('error', () => {
        // The call on it fails as well, and is the one that reports it.
      });
      session.unref();
    }
    return session;
  };
  return {
    send(signal, message) {
      return new Promise<SendResult>(resolve => {
        const fail = (why: string): void => resolve({ kind: 'retry', why: `${authority}: ${why}` });
        const current = connected();
        current.once('error', error => fail(error.message));
        const call = current.request({
          ':method': 'POST',
          ':path': METHODS[signal],
          'content-type': 'application/grpc',
          te: 'trailers',
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
        });
        const done = (status: string, text: string): void => {
          if (status === '0') resolve({ kind: 'sent' });
          else
            resolve({
              kind: RETRYABLE.has(status) ? 'retry' : 'refused',
              why: `${authority} answered ${status} ${text}`,
            });
        };
        call.setTimeout(TIMEOUT_MS, () => call.close());
        call.on('response', got => {
          if (got['grpc-status'] !== undefined) done(String(got['grpc-status']), String(got['grpc-message'] ?? ''));
          else if (got[':status'] !== 200) done('', `HTTP ${got[':status']}`);
        });
        call.on('trailers', got => done(String(got['grpc-status'] ?? ''), String(got['grpc-message'] ?? '')));
        call.on('error', error => fail(error.message));
        call.on('close', () => fail('the call ended without an answer'));
        call.resume();
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(message.length, 1);
        call.write(prefix);
        call.end(message);
      });
    },
    close() {
      session?.close();
    },
  };
}
