import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zipkin } from '../../src/formats/zipkin.ts';
import { attributesOf } from '../../src/model/trace-read.ts';
import { readTrace, traceContract, traceFixture, warned } from './trace-contract.ts';

traceContract(zipkin, ['orders.json']);

test('zipkin: the server half of a shared id becomes a span of its own, with its own children', async () => {
  const trace = await readTrace(zipkin, traceFixture('zipkin', 'orders.json'));
  const { spans, strings } = trace;
  assert.deepEqual(
    Array.from({ length: spans.length }, (_, i) => [
      strings[spans.name[i]!],
      spans.kind[i],
      spans.parent[i],
      trace.resources[trace.batches[spans.batch[i]!]!.resource]!.serviceName,
      spans.startNs[i],
      spans.endNs[i]! - spans.startNs[i]!,
    ]),
    [
      ['post /orders', 2, -1, 'web', 0, 9_000_000],
      ['put', 3, 0, 'web', 1_787_000, 4_000_000],
      ['put', 2, 1, 'store', 2_287_000, 3_000_000],
      // The child of the shared id belongs to the half of its own service.
      ['insert', 0, 2, 'store', 2_787_000, 1_000_000],
      // Without a time of its own it stands at its trace's beginning, and that is counted.
      ['late', 0, 1, 'web', 0, 0],
      ['send', 4, -1, 'web', 65_787_000, 10_000],
    ],
  );
  assert.equal(warned(trace, 'times-missing'), 1);
  assert.equal(warned(trace, 'duplicate-spans'), 0);
  assert.equal(trace.traceIds.hex(0), '0000000000000000a1b2c3d4e5f60718');
  assert.equal(spans.status[1], 2);
  assert.deepEqual(Object.fromEntries(attributesOf(trace, spans, 1)), {
    error: 'timeout',
    'peer.service': 'store',
    'network.peer.port': 8080,
  });
  assert.equal(strings[trace.events.name[0]!], 'retry');
});

test('zipkin: a list of spans without lists around it; a shared span whose client is not there keeps its id', async () => {
  const traces = JSON.parse(Buffer.from(traceFixture('zipkin', 'orders.json')).toString()) as object[][];
  const flat = JSON.stringify(traces.flat());
  assert.ok(zipkin.detect(Buffer.from(flat)) > 0.5);
  assert.equal((await readTrace(zipkin, flat)).spans.length, 6);
  const alone = await readTrace(zipkin, JSON.stringify([traces[0]![0], traces[0]![2], traces[0]![3]]));
  assert.deepEqual([...alone.spans.idLow], [1, 2, 3]);
  assert.deepEqual([...alone.spans.idHigh], [0, 0, 0]);
  assert.deepEqual([...alone.spans.parent], [-1, 0, 1]);
});
