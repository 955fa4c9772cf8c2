import type { OtlpSignal } from '../../src/formats/otlp-sink.ts';

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto, as far as a receiver needs it. */
export const RpcCode = {
  ok: 0,
  invalidArgument: 3,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** `google.rpc.Status`: what every failed request is answered with. */
export function statusProtobuf(code: number, message: string, retryAfterSeconds?: number): Buffer {
  const parts = [varintField(1, code), bytesField(2, Buffer.from(message))];
  if (retryAfterSeconds !== undefined) {
    // google.rpc.RetryInfo { retry_delay { seconds } } inside of an Any.
    const retryInfo = bytesField(1, varintField(1, retryAfterSeconds));
    const any = [bytesField(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), bytesField(2, retryInfo)];
    parts.push(bytesField(3, Buffer.concat(any)));
  }
  return Buffer.concat(parts);
}

export function statusJson(code: number, message: string): Buffer {
  return Buffer.from(JSON.stringify({ code, message }));
}

const REJECTED: Readonly<Record<OtlpSignal, string>> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
};

function partialMessage(rejected: number): string {
  return `${rejected} of the records have no valid trace id (16 bytes) or span id (8 bytes) and will not be read`;
}

/** `Export…ServiceResponse`: empty where everything was accepted. */
export function responseProtobuf(rejected: number): Buffer {
  if (rejected === 0) return Buffer.alloc(0);
  return bytesField(1, Buffer.concat([varintField(1, rejected), bytesField(2, Buffer.from(partialMessage(rejected)))]));
}

export function responseJson(signal: OtlpSignal, rejected: number): Buffer {
  if (rejected === 0) return Buffer.from('{}');
  // 64-bit integers are text in protobuf's JSON.
  const partialSuccess = { [REJECTED[signal]]: String(rejected), errorMessage: partialMessage(rejected) };
  return Buffer.from(JSON.stringify({ partialSuccess }));
}

function varintField(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.from([field << 3, ...varint(value)]);
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}
