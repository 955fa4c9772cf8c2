import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { otlp } from '../../src/formats/otlp.ts';
import { OtlpEncoder } from '../../src/formats/otlp-encode.ts';
import { type OtlpTextRewriter, rewriteOtlpRequest } from '../../src/formats/otlp-rewrite.ts';
import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { attributesOf } from '../../src/model/trace-read.ts';

const SPANS = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'orders' } }] },
      scopeSpans: [
        {
          scope: { name: 'scope' },
          spans: [
            {
              traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
              spanId: '00f067aa0ba902b7',
              name: 'create',
              kind: 2,
              startTimeUnixNano: '1763696810123456789',
              endTimeUnixNano: '1763696810123456999',
              attributes: [
                { key: 'task_request', value: { stringValue: 'secret' } },
                { key: 'count', value: { intValue: '42' } },
                { key: 'list', value: { arrayValue: { values: [{ stringValue: 'secret' }, { boolValue: true }] } } },
                { key: 'raw', value: { bytesValue: 'c2VjcmV0' } },
              ],
              events: [{ timeUnixNano: '1763696810123456800', name: 'secret event' }],
              status: { code: 2, message: 'secret' },
            },
          ],
        },
      ],
    },
  ],
};

const LOGS = {
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: [
            {
              observedTimeUnixNano: '1763696810123456789',
              body: { stringValue: 'secret body' },
              attributes: [{ key: 'a', value: { stringValue: 'secret' } }],
            },
            {
              observedTimeUnixNano: '1763696810123456790',
              body: { kvlistValue: { values: [{ key: 'deep', value: { stringValue: 'secret' } }] } },
            },
          ],
        },
      ],
    },
  ],
};

const encode = (signal: 'traces' | 'logs', request: object): Uint8Array =>
  new OtlpEncoder().encode(signal, new TextEncoder().encode(JSON.stringify(request)));

async function read(bytes: Uint8Array): Promise<Trace> {
  const builder = new TraceBuilder('test');
  await otlp.read(memorySource('test', bytes), builder, {});
  return builder.finish();
}

const UNCHANGED: OtlpTextRewriter = { attribute: (_key, value) => value, text: value => value, body: value => value };

test('with texts unchanged, everything but bytes values reads the same', async () => {
  const request = encode('traces', SPANS);
  const { bytes, unknownFields } = rewriteOtlpRequest(request, 'traces', UNCHANGED);
  assert.equal(unknownFields, 0);
  const [before, after] = [await read(request), await read(bytes)];
  assert.equal(after.epochNs, before.epochNs);
  assert.deepEqual(after.spans.startNs, before.spans.startNs);
  assert.deepEqual(after.spans.endNs, before.spans.endNs);
  const [a, b] = [attributesOf(before, before.spans, 0), attributesOf(after, after.spans, 0)];
  assert.equal(b.get('raw'), '', 'bytes cannot be read, so they are emptied');
  a.set('raw', '');
  assert.deepEqual(b, a);
});

test('texts go through the rewriter by what they are: attributes with their key, names, bodies', () => {
  const seen: string[] = [];
  const spy: OtlpTextRewriter = {
    attribute: (key, value) => {
      seen.push(`${key}=${value}`);
      return value.replaceAll('secret', '***');
    },
    text: value => value.replaceAll('secret', '***'),
    body: value => {
      seen.push(`body=${value}`);
      return value.replaceAll('secret', '***');
    },
  };
  const spans = rewriteOtlpRequest(encode('traces', SPANS), 'traces', spy);
  const logs = rewriteOtlpRequest(encode('logs', LOGS), 'logs', spy);
  assert.deepEqual(seen, [
    'service.name=orders',
    'task_request=secret',
    'list=secret',
    'body=secret body',
    'a=secret',
    'deep=secret',
  ]);
  for (const { bytes } of [spans, logs]) assert.ok(!Buffer.from(bytes).includes('secret'));
});

test('fields that the protocol does not know are left out and counted', () => {
  const request = Buffer.concat([encode('traces', SPANS), Buffer.from([0x7a, 6]), Buffer.from('secret')]);
  const { bytes, unknownFields } = rewriteOtlpRequest(request, 'traces', UNCHANGED);
  assert.equal(unknownFields, 1);
  assert.deepEqual(
    Buffer.from(bytes),
    Buffer.from(rewriteOtlpRequest(encode('traces', SPANS), 'traces', UNCHANGED).bytes),
  );
});

test('a cut request is an error, never a shorter request', () => {
  const request = encode('traces', SPANS);
  for (let length = 1; length < request.length; length++) {
    assert.throws(() => rewriteOtlpRequest(request.subarray(0, length), 'traces', UNCHANGED), {
      code: 'input-invalid',
    });
  }
});
