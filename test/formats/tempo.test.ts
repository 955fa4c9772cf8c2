import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempo } from '../../src/formats/tempo.ts';
import { attributesOf } from '../../src/model/trace-read.ts';
import { readTrace, traceContract, traceFixture, warned } from './trace-contract.ts';

traceContract(tempo, ['trace.json', 'partial.json', 'search.json']);

test('tempo: batches with ids in base64 and libraries in place of scopes', async () => {
  const trace = await readTrace(tempo, traceFixture('tempo', 'trace.json'));
  assert.equal(trace.traceIds.hex(0), '0af7651916cd43dd8448eb211c80319c');
  assert.deepEqual([trace.spans.idHigh[0], trace.spans.idLow[0]], [0xb7ad6b71, 0x69203331]);
  assert.deepEqual([trace.spans.kind[0], trace.scopes[trace.spans.scope[0]!]!.name], [2, 'http']);
  assert.deepEqual(trace.warnings, []);
});

test('tempo: a partial trace says so', async () => {
  const trace = await readTrace(tempo, traceFixture('tempo', 'partial.json'));
  assert.deepEqual([trace.spans.length, warned(trace, 'partial-trace')], [1, 1]);
});

test('tempo: a search answer has the spans that matched, and says what it lacks', async () => {
  const trace = await readTrace(tempo, traceFixture('tempo', 'search.json'));
  assert.equal(trace.spans.length, 1);
  // Search leaves out leading zeros of trace ids.
  assert.equal(trace.traceIds.hex(0), '0000000000000000d6e9329d67b6146a');
  assert.equal(trace.spans.endNs[0]! - trace.spans.startNs[0]!, 5_000_000);
  assert.equal(trace.resources[trace.batches[trace.spans.batch[0]!]!.resource]!.serviceName, 'store');
  assert.deepEqual([...attributesOf(trace, trace.spans, 0)], [['rows', 3]]);
  assert.deepEqual([warned(trace, 'traces-without-spans'), warned(trace, 'incomplete-traces')], [1, 2]);
});
