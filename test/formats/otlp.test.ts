import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TprofError } from '../../src/base/errors.ts';
import { HEAD_BYTES, memorySource, type Source } from '../../src/base/source.ts';
import { otlp } from '../../src/formats/otlp.ts';
import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { attributesOf, spanIdHex } from '../../src/model/trace-read.ts';
import { encodeByOracle, framed } from './otlp-schema.ts';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/otlp/${name}`, import.meta.url));

async function read(bytes: Uint8Array | string, chunk = 0): Promise<Trace> {
  const builder = new TraceBuilder('test');
  const source = memorySource('test', bytes);
  await otlp.read(chunk === 0 ? source : inChunks(source, bytes, chunk), builder, {});
  return builder.finish();
}

/** The same bytes, a few at a time: what a slow pipe does. */
function inChunks(source: Source, bytes: Uint8Array | string, size: number): Source {
  const data = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return {
    ...source,
    async *chunks() {
      for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
    },
  };
}

const warned = (trace: Trace, code: string): number => trace.warnings.find(w => w.code === code)?.count ?? 0;

/** Everything in a trace as plain values, so that two encodings can be compared. */
function plain(trace: Trace): unknown {
  const { spans, events, links, logs, strings } = trace;
  const time = (ns: number): string => (trace.epochNs + BigInt(ns)).toString();
  const id = (t: { trace: ArrayLike<number>; idHigh: Uint32Array; idLow: Uint32Array }, i: number): string =>
    `${t.trace[i] === -1 ? '' : trace.traceIds.hex(t.trace[i]!)}/${spanIdHex(t.idHigh[i]!, t.idLow[i]!)}`;
  const batch = (i: number): unknown => {
    const b = trace.batches[i]!;
    return { request: b.request, resource: [...trace.resources[b.resource]!.attributes] };
  };
  return {
    spans: Array.from({ length: spans.length }, (_, i) => ({
      id: id(spans, i),
      parent: spans.parent[i],
      parentId: spanIdHex(spans.parentHigh[i]!, spans.parentLow[i]!),
      name: strings[spans.name[i]!],
      kind: spans.kind[i],
      status: spans.status[i],
      start: time(spans.startNs[i]!),
      end: time(spans.endNs[i]!),
      scope: trace.scopes[spans.scope[i]!],
      batch: batch(spans.batch[i]!),
      attributes: [...attributesOf(trace, spans, i)],
      events: Array.from({ length: spans.eventCount[i]! }, (_, j) => {
        const e = spans.eventStart[i]! + j;
        return [strings[events.name[e]!], time(events.timeNs[e]!), ...attributesOf(trace, events, e)];
      }),
      links: Array.from({ length: spans.linkCount[i]! }, (_, j) => {
        const l = spans.linkStart[i]! + j;
        return [id(links, l), links.target[l], ...attributesOf(trace, links, l)];
      }),
    })),
    logs: Array.from({ length: logs.length }, (_, i) => ({
      id: id(logs, i),
      span: logs.span[i],
      time: time(logs.timeNs[i]!),
      severity: logs.severity[i],
      body: strings[logs.body[i]!],
      scope: trace.scopes[logs.scope[i]!],
      batch: batch(logs.batch[i]!),
      attributes: [...attributesOf(trace, logs, i)],
    })),
  };
}

test('otlp: JSON lines and framed protobuf of one run are the same trace', async () => {
  const json = await read(fixture('orders.jsonl'));
  assert.deepEqual(plain(await read(fixture('orders.pb'))), plain(json));
  assert.deepEqual(json.warnings, []);
  const [post, insert] = (plain(json) as { spans: Record<string, unknown>[] }).spans;
  assert.equal(post!.start, '1795227665534213880');
  assert.deepEqual(post!.attributes, [
    ['http.response.status_code', 201],
    ['sampled', true],
    ['ratio', 0.25],
  ]);
  assert.equal(insert!.parent, 0);
  assert.deepEqual(insert!.attributes, [
    ['db.query.text', 'INSERT INTO "orders" VALUES ($1, \'grün ✓\')\n'],
    ['tags', '["a",2]'],
    ['otel.status_description', 'duplicate key'],
  ]);
  const { logs } = plain(json) as { logs: Record<string, unknown>[] };
  assert.deepEqual(
    logs.map(l => [l.time, l.severity, l.body, l.span]),
    [
      ['1795227665540000001', 5, 'summary="INSERT INTO …"', -1],
      ['1795227665541000002', 13, '{"left":3}', 1],
    ],
  );
});

test('otlp: chunks of any size give the same trace', async () => {
  for (const name of ['orders.jsonl', 'orders.pb']) {
    const whole = plain(await read(fixture(name)));
    for (const size of [1, 2, 3, 7, 64, 1000]) assert.deepEqual(plain(await read(fixture(name), size)), whole);
  }
});

test('otlp: what is not OTLP is refused in one sentence', async () => {
  for (const bytes of ['', 'hello', '{"nodes":[]}', '[1,2,3]', Uint8Array.of(0x0a, 4, 8, 1, 16, 2, 0x12, 0)]) {
    await assert.rejects(
      read(bytes),
      (error: unknown) => error instanceof TprofError && error.code === 'input-invalid',
    );
    assert.equal(otlp.detect(memorySource('x', bytes).head.subarray(0, HEAD_BYTES)), 0);
  }
});

test('otlp: one span from the protobuf oracle, bare, framed and behind varints', async () => {
  const request = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'a' } }] },
        scopeSpans: [
          {
            spans: [
              {
                traceId: '1'.repeat(32),
                spanId: '2'.repeat(16),
                name: 'x',
                startTimeUnixNano: '5',
                endTimeUnixNano: '9',
              },
            ],
          },
        ],
      },
    ],
  };
  const message = encodeByOracle('traces', request);
  for (const bytes of [message, framed(message), Buffer.concat([Uint8Array.of(message.length), message])]) {
    const trace = await read(bytes);
    assert.equal(trace.spans.length, 1);
    assert.deepEqual([trace.spans.startNs[0], trace.spans.endNs[0], trace.epochNs], [0, 4, 5n]);
    assert.equal(warned(trace, 'damaged-input'), 0);
  }
});
