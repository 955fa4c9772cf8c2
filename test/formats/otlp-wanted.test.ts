import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memorySource } from '../../src/base/source.ts';
import { otlp } from '../../src/formats/otlp.ts';
import { OtlpEncoder } from '../../src/formats/otlp-encode.ts';
import type { AttributeValue, Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { attributesOf } from '../../src/model/trace-read.ts';

const KEYS = ['step_uuid', 'step_name', 'step', 'queue', 'queue_name', 'ü', 'a'.repeat(200), 'eueuq'];

const attribute = fc.record({
  key: fc.constantFrom(...KEYS),
  value: fc.oneof(
    fc.string().map(stringValue => ({ stringValue })),
    fc.integer().map(n => ({ intValue: String(n) })),
    fc.boolean().map(boolValue => ({ boolValue })),
    fc.array(fc.string()).map(list => ({ arrayValue: { values: list.map(stringValue => ({ stringValue })) } })),
  ),
});
const attributes = fc.uniqueArray(attribute, { selector: ({ key }) => key, maxLength: KEYS.length });

async function read(bytes: Uint8Array, wanted: readonly string[] | undefined): Promise<Trace> {
  const builder = new TraceBuilder('test');
  await otlp.read(memorySource('test', bytes), builder, wanted === undefined ? {} : { attributes: wanted });
  return builder.finish();
}

function all(trace: Trace): [string, AttributeValue][][] {
  const { spans, events } = trace;
  const of = (table: typeof spans | typeof events) =>
    Array.from({ length: table.length }, (_, row) => [...attributesOf(trace, table, row)]);
  return [...of(spans), ...of(events)];
}

test('attributes that are not asked for are left out, the others and everything else stay, in both encodings', async () => {
  const span = fc.record({ own: attributes, event: attributes });
  await fc.assert(
    fc.asyncProperty(fc.array(span, { minLength: 1 }), fc.subarray(KEYS), async (list, wanted) => {
      const spans = list.map(({ own, event }, i) => ({
        traceId: 'a'.repeat(32),
        spanId: (i + 1).toString(16).padStart(16, '0'),
        name: `span ${i}`,
        startTimeUnixNano: String(1_795_000_000_000_000_000n + BigInt(i)),
        endTimeUnixNano: String(1_795_000_000_000_000_500n + BigInt(i)),
        attributes: own,
        events: [{ timeUnixNano: '1795000000000000100', name: 'happened', attributes: event }],
      }));
      const resource = { attributes: [{ key: 'queue', value: { stringValue: 'of the resource' } }] };
      const json = Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }));
      for (const bytes of [json, new OtlpEncoder().encode('traces', json)]) {
        const whole = await read(bytes, undefined);
        const asked = await read(bytes, wanted);
        const expected = all(whole).map(row => row.filter(([key]) => wanted.includes(key)));
        assert.deepEqual(all(asked), expected);
        assert.deepEqual([...asked.spans.startNs], [...whole.spans.startNs]);
        assert.equal(asked.resources[0]!.attributes.get('queue'), 'of the resource');
      }
    }),
  );
});
