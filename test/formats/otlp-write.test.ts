import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { memorySource } from '../../src/base/source.ts';
import { otlp } from '../../src/formats/otlp.ts';
import { writeOtlpRequests } from '../../src/formats/otlp-write.ts';
import { ProtobufWriter } from '../../src/formats/protobuf-writer.ts';
import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { attributesOf, spanIdHex } from '../../src/model/trace-read.ts';

async function read(...files: (Uint8Array | string)[]): Promise<Trace> {
  const builder = new TraceBuilder('test');
  for (const file of files) await otlp.read(memorySource('test', file), builder, {});
  return builder.finish();
}

/** As the receiver keeps requests: each behind a 4-byte big-endian length. */
function framed(trace: Trace): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { bytes } of writeOtlpRequests(trace)) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

/** Everything of a trace as plain data, independent of how strings are numbered. */
function plain(trace: Trace): { epoch: bigint; spans: unknown[]; logs: unknown[] } {
  const text = (index: number): string => trace.strings[index]!;
  const { spans, events, links, logs } = trace;
  const attributes = (table: Parameters<typeof attributesOf>[1], row: number): unknown => [
    ...attributesOf(trace, table, row),
  ];
  return {
    epoch: trace.epochNs,
    spans: Array.from({ length: spans.length }, (_, i) => ({
      trace: trace.traceIds.hex(spans.trace[i]!),
      id: spanIdHex(spans.idHigh[i]!, spans.idLow[i]!),
      parent: spanIdHex(spans.parentHigh[i]!, spans.parentLow[i]!),
      name: text(spans.name[i]!),
      numbers: [spans.kind[i], spans.status[i], spans.startNs[i], spans.endNs[i]],
      scope: trace.scopes[spans.scope[i]!],
      service: trace.resources[trace.batches[spans.batch[i]!]!.resource]!.serviceName,
      attributes: attributes(spans, i),
      events: Array.from({ length: spans.eventCount[i]! }, (_, k) => {
        const e = spans.eventStart[i]! + k;
        return [text(events.name[e]!), events.timeNs[e], attributes(events, e)];
      }),
      links: Array.from({ length: spans.linkCount[i]! }, (_, k) => {
        const l = spans.linkStart[i]! + k;
        return [
          trace.traceIds.hex(links.trace[l]!),
          spanIdHex(links.idHigh[l]!, links.idLow[l]!),
          attributes(links, l),
        ];
      }),
    })),
    logs: Array.from({ length: logs.length }, (_, i) => ({
      time: logs.timeNs[i],
      severity: logs.severity[i],
      body: text(logs.body[i]!),
      trace: logs.trace[i]! < 0 ? '' : trace.traceIds.hex(logs.trace[i]!),
      id: spanIdHex(logs.idHigh[i]!, logs.idLow[i]!),
      scope: trace.scopes[logs.scope[i]!],
      attributes: attributes(logs, i),
    })),
  };
}

test('what was read is written so that it reads the same', async () => {
  const request = {
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: { stringValue: 'orders' } },
            { key: 'ratio', value: { doubleValue: 0.5 } },
          ],
        },
        scopeSpans: [
          {
            scope: { name: 'scope', version: '1' },
            spans: [
              {
                traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
                spanId: '00f067aa0ba902b7',
                parentSpanId: 'b7ad6b7169203331',
                name: 'grüße',
                kind: 3,
                startTimeUnixNano: '1763696810123456789',
                endTimeUnixNano: '1763696810123456999',
                attributes: [
                  { key: 'n', value: { intValue: '-42' } },
                  { key: 'big', value: { intValue: '9223372036854775807' } },
                  { key: 'd', value: { doubleValue: 1.25 } },
                  { key: 'yes', value: { boolValue: true } },
                  { key: 'empty', value: { stringValue: '' } },
                ],
                events: [
                  {
                    timeUnixNano: '1763696810123456800',
                    name: 'e',
                    attributes: [{ key: 'k', value: { stringValue: 'v' } }],
                  },
                ],
                links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }],
                status: { code: 2 },
              },
            ],
          },
        ],
      },
    ],
  };
  const before = await read(JSON.stringify(request));
  assert.equal(before.spans.length, 1);
  assert.deepEqual(plain(await read(framed(before))), plain(before));
});

test('lengths of every varint size are right', () => {
  for (const size of [0, 1, 127, 128, 16_383, 16_384, 2_097_152]) {
    const w = new ProtobufWriter();
    w.message(1, () => w.string(1, 'x'.repeat(size)));
    w.varint(2, 7);
    const bytes = w.finish();
    assert.deepEqual([...bytes.slice(-2)], [0x10, 7], `size ${size}`);
  }
});

const recording = fileURLToPath(new URL('../../../shared/captures/tasker/linear-rabbitmq/', import.meta.url));
test('a recording of a running Tasker survives', {
  skip: existsSync(recording) ? false : 'the recordings of a running Tasker are not beside this checkout',
}, async () => {
  const files = ['traces', 'logs'].map(name => gunzipSync(readFileSync(`${recording}${name}.jsonl.gz`)));
  const before = await read(...files);
  const after = await read(framed(before));
  assert.equal(after.spans.length, before.spans.length);
  assert.equal(after.logs.length, before.logs.length);
  const [a, b] = [plain(after), plain(before)];
  // Row by row: the difference of two whole recordings is not something that a test runner can print.
  for (const table of ['spans', 'logs'] as const) {
    b[table].forEach((row, i) => {
      assert.equal(JSON.stringify(a[table][i]), JSON.stringify(row));
    });
  }
});
