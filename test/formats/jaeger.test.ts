import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jaeger } from '../../src/formats/jaeger.ts';
import { attributesOf, spanIdHex } from '../../src/model/trace-read.ts';
import { readTrace, traceContract, traceFixture, warned } from './trace-contract.ts';

traceContract(jaeger, ['orders.json']);

test('jaeger: short ids, processes behind the spans, references, kinds and status in tags', async () => {
  const trace = await readTrace(jaeger, traceFixture('jaeger', 'orders.json'));
  const { spans, strings } = trace;
  assert.deepEqual(
    Array.from({ length: spans.length }, (_, i) => ({
      trace: trace.traceIds.hex(spans.trace[i]!),
      id: spanIdHex(spans.idHigh[i]!, spans.idLow[i]!),
      parent: spans.parent[i],
      name: strings[spans.name[i]!],
      kind: spans.kind[i],
      status: spans.status[i],
      service: trace.resources[trace.batches[spans.batch[i]!]!.resource]!.serviceName,
      scope: trace.scopes[spans.scope[i]!]!.name,
      times: [spans.startNs[i], spans.endNs[i]],
      attributes: Object.fromEntries(attributesOf(trace, spans, i)),
      links: spans.linkCount[i],
    })),
    [
      {
        trace: '000000000000000000a1b2c3d4e5f607',
        id: '0000000000000001',
        parent: -1,
        name: 'POST /orders',
        kind: 2,
        status: 0,
        service: 'web',
        scope: 'express',
        times: [0, 9_000_000],
        attributes: { 'http.status_code': 201 },
        links: 0,
      },
      {
        trace: '000000000000000000a1b2c3d4e5f607',
        id: '000000000000002a',
        parent: 0,
        name: 'INSERT',
        kind: 3,
        status: 2,
        service: 'worker',
        scope: '',
        times: [1_787_000, 4_287_000],
        attributes: { error: true, big: '9007199254740993' },
        links: 0,
      },
      {
        trace: '000000000000000000a1b2c3d4e5f607',
        id: '0000000000000003',
        parent: 1,
        name: 'handle',
        kind: 5,
        status: 0,
        service: 'worker',
        scope: '',
        times: [5_787_000, 5_887_000],
        attributes: {},
        // One to the other trace, one to the parent, which it only follows from.
        links: 2,
      },
    ],
  );
  assert.equal(strings[trace.events.name[0]!], 'retry');
  assert.deepEqual([...attributesOf(trace, trace.events, 0)], [['attempt', 1]]);
  assert.equal(trace.epochNs, 1795227665534213000n);
  assert.equal(warned(trace, 'jaeger-warnings'), 1);
});

test('jaeger: one trace without the envelope, and a list of traces', async () => {
  const whole = JSON.parse(Buffer.from(traceFixture('jaeger', 'orders.json')).toString()) as { data: object[] };
  for (const text of [JSON.stringify(whole.data[0]), JSON.stringify(whole.data)]) {
    assert.ok(jaeger.detect(Buffer.from(text)) > 0.5);
    const trace = await readTrace(jaeger, text);
    assert.equal(trace.spans.length, 3);
    assert.equal(trace.resources[trace.batches[trace.spans.batch[0]!]!.resource]!.serviceName, 'web');
  }
});

test('jaeger: spans without valid ids are counted', async () => {
  const text = Buffer.from(traceFixture('jaeger', 'orders.json'))
    .toString()
    .replace('"spanID": "2a"', '"spanID": "zz"');
  const trace = await readTrace(jaeger, text);
  assert.deepEqual([trace.spans.length, warned(trace, 'invalid-ids')], [2, 1]);
});
