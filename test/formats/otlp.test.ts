import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { TprofError } from '../../src/base/errors.ts';
import { HEAD_BYTES, memorySource, type Source } from '../../src/base/source.ts';
import { otlp } from '../../src/formats/otlp.ts';
import { OtlpChecker } from '../../src/formats/otlp-check.ts';
import { OtlpEncoder } from '../../src/formats/otlp-encode.ts';
import { checkTrace } from '../../src/model/integrity.ts';
import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { attributesOf, spanIdHex } from '../../src/model/trace-read.ts';
import { logsRequest, tracesRequest } from './otlp-arbitrary.ts';
import { encodeByOracle, framed, oracle } from './otlp-schema.ts';
import { traceContract, warned } from './trace-contract.ts';

traceContract(otlp, ['orders.jsonl', 'orders.pb']);

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

test('otlp: any request reads the same from JSON, from the protobuf of the oracle, and from our encoding of the JSON', async () => {
  const encoder = new OtlpEncoder();
  const checker = new OtlpChecker();
  const same = async (signal: 'traces' | 'logs', request: object): Promise<void> => {
    const json = JSON.stringify(request);
    const theirs = encodeByOracle(signal, request);
    const ours = encoder.encode(signal, new TextEncoder().encode(json));
    assert.deepEqual(oracle[signal].decode(ours), oracle[signal].decode(theirs));
    const check = checker.check(signal, theirs);
    assert.ok(check.ok && check.invalidIds === 0);
    const fromJson = await read(json);
    checkTrace(fromJson);
    assert.equal(
      check.records,
      fromJson.spans.length +
        fromJson.logs.length +
        warned(fromJson, 'retried-spans') +
        warned(fromJson, 'retried-logs'),
    );
    assert.deepEqual(plain(await read(framed(theirs))), plain(fromJson));
    assert.deepEqual(plain(await read(theirs)), plain(fromJson));
  };
  await fc.assert(
    fc.asyncProperty(tracesRequest, request => same('traces', request)),
    { numRuns: 80 },
  );
  await fc.assert(
    fc.asyncProperty(logsRequest, request => same('logs', request)),
    { numRuns: 80 },
  );
});

test('otlp: values mean what the sender wrote', async () => {
  const values: [object, unknown][] = [
    [{ stringValue: 'a"\\\n\u0000🙂' }, 'a"\\\n\u0000🙂'],
    [{ intValue: '9007199254740993' }, '9007199254740993'],
    [{ intValue: '-9223372036854775808' }, '-9223372036854775808'],
    [{ intValue: -5 }, -5],
    [{ doubleValue: 1.5e-7 }, 1.5e-7],
    [{ doubleValue: 'NaN' }, Number.NaN],
    [{ doubleValue: '-Infinity' }, Number.NEGATIVE_INFINITY],
    [{ boolValue: false }, false],
    [{ bytesValue: 'AAEC' }, 'AAEC'],
    [{}, 'null'],
    [{ arrayValue: { values: [{ intValue: '1' }, {}, { arrayValue: {} }] } }, '[1,null,[]]'],
    [{ kvlistValue: { values: [{ key: 'a', value: { boolValue: true } }] } }, '{"a":true}'],
  ];
  const attributes = values.map(([value], i) => ({ key: `k${i}`, value }));
  const request = spanRequest({ attributes });
  for (const bytes of [JSON.stringify(request), encodeByOracle('traces', request)]) {
    const trace = await read(bytes);
    assert.deepEqual(
      [...attributesOf(trace, trace.spans, 0).values()],
      values.map(([, expected]) => expected),
    );
  }
});

/** One span, with some fields of its own. */
function spanRequest(fields: object): { resourceSpans: { scopeSpans: { spans: object[] }[] }[] } {
  const span = {
    traceId: '0AF7651916CD43DD8448EB211C80319C',
    spanId: 'b7ad6b7169203331',
    name: 'x',
    startTimeUnixNano: '1795227665534213881',
    endTimeUnixNano: '1795227665534213889',
    ...fields,
  };
  return { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
}

test('otlp: JSON as others write it', async () => {
  const trace = async (text: string): Promise<Trace> => {
    const read1 = await read(text);
    assert.equal(read1.spans.length, 1, text.slice(0, 80));
    assert.equal(read1.epochNs + BigInt(read1.spans.startNs[0]!), 1795227665534213881n, text.slice(0, 80));
    assert.equal(read1.traceIds.hex(read1.spans.trace[0]!), '0af7651916cd43dd8448eb211c80319c');
    return read1;
  };
  const usual = JSON.stringify(spanRequest({}));
  await trace(usual);
  // Numbers that are not quoted keep their last digits.
  await trace(usual.replaceAll(/"(17952\d+)"/g, '$1'));
  await trace(`\ufeff${usual}\r\n`);
  await trace(JSON.stringify(JSON.parse(usual), undefined, 2));
  await trace(`[${usual}]`);
  await trace(`\u001e${usual}\n`);
  await trace(`{"batches":${usual.slice(usual.indexOf('['))}`);
  await trace(`{"trace":${usual},"metrics":{}}`);
  await trace(`2026-11-21T04:00:00Z stdout F ${usual}\n`);
  const snake = usual.replaceAll(/"[a-zA-Z]+":/g, key => key.replaceAll(/[A-Z]/g, c => `_${c.toLowerCase()}`));
  assert.match(snake, /start_time_unix_nano/);
  await trace(snake);
  await trace(JSON.stringify(spanRequest({ traceId: 'CvdlGRbNQ92ESOshHIAxnA==', spanId: 't61rcWkgMzE=' })));
  const named = await trace(
    JSON.stringify(spanRequest({ kind: 'SPAN_KIND_CONSUMER', status: { code: 'STATUS_CODE_ERROR' } })),
  );
  assert.deepEqual([named.spans.kind[0], named.spans.status[0]], [5, 2]);
  await trace(JSON.stringify(spanRequest({ unknown: { deep: [[[{}]]] }, attributes: null, events: [] })));
  // The resource behind the spans that belong to it, the scope behind its spans.
  const behind = await trace(
    `{"resourceSpans":[{"scopeSpans":[{"spans":${JSON.stringify(spanRequest({}).resourceSpans[0]!.scopeSpans[0]!.spans)},"scope":{"name":"late"}}],"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"late too"}}]}}]}`,
  );
  assert.equal(behind.resources[behind.batches[behind.spans.batch[0]!]!.resource]!.serviceName, 'late too');
  assert.equal(behind.scopes[behind.spans.scope[0]!]!.name, 'late');
});

test('otlp: records without valid ids are counted, the others are read', async () => {
  for (const fields of [{ traceId: '' }, { traceId: 'abcd' }, { spanId: 'xyz' }, { spanId: '0'.repeat(16) }]) {
    const request = spanRequest(fields);
    request.resourceSpans[0]!.scopeSpans[0]!.spans.push(spanRequest({}).resourceSpans[0]!.scopeSpans[0]!.spans[0]!);
    for (const bytes of [JSON.stringify(request), framed(encodeByOracle('traces', request))]) {
      const trace = await read(bytes);
      assert.equal(trace.spans.length, 1);
      assert.equal(warned(trace, 'invalid-ids'), 1);
    }
  }
});

test('otlp: a retried request is counted once, different spans of one id are kept', async () => {
  const request = JSON.stringify(spanRequest({ attributes: [{ key: 'a', value: { intValue: '1' } }] }));
  const retried = await read(`${request}\n${request}\n${request}`);
  assert.deepEqual([retried.spans.length, warned(retried, 'retried-spans')], [1, 2]);
  const other = await read(`${request}\n${request.replace('"1"', '"2"')}`);
  assert.deepEqual([other.spans.length, warned(other, 'duplicate-spans')], [2, 1]);
});

test('otlp: log records of a retried request are counted once, alike ones of one request are kept', async () => {
  const record = (text: string, timeUnixNano = '5'): object => ({
    timeUnixNano,
    body: { stringValue: text },
    attributes: [{ key: 'n', value: { intValue: '1' } }],
  });
  const request = (...logRecords: object[]): string =>
    JSON.stringify({ resourceLogs: [{ scopeLogs: [{ scope: { name: 's' }, logRecords }] }] });
  const twice = request(record('tick'), record('tick'), record('other'));
  const retried = await read(`${twice}\n${twice}\n${request(record('tick', '6'))}`);
  assert.deepEqual([retried.logs.length, warned(retried, 'retried-logs')], [4, 3]);
  const elsewhere = twice.replace(
    '"scopeLogs"',
    '"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"b"}}]},"scopeLogs"',
  );
  const apart = await read(`${twice}\n${elsewhere}`);
  assert.deepEqual([apart.logs.length, warned(apart, 'retried-logs')], [6, 0]);
});

test('otlp: metrics beside traces are passed over and counted', async () => {
  const metrics = {
    resourceMetrics: [
      { scopeMetrics: [{ metrics: [{ name: 'queue', gauge: { dataPoints: [{ asInt: '1' }] } }, { name: 'b' }] }] },
    ],
  };
  const traces = spanRequest({});
  for (const bytes of [
    `${JSON.stringify(metrics)}\n${JSON.stringify(traces)}\n`,
    framed(encodeByOracle('metrics', metrics), encodeByOracle('traces', traces)),
  ]) {
    const trace = await read(bytes);
    assert.deepEqual([trace.spans.length, warned(trace, 'metrics-skipped')], [1, 2]);
  }
});

test('otlp: messages that were compressed one by one, empty ones, and JSON behind lengths', async () => {
  const message = encodeByOracle('traces', spanRequest({}));
  const other = encodeByOracle('traces', spanRequest({ spanId: '1'.repeat(16) }));
  const json = new TextEncoder().encode(JSON.stringify(spanRequest({ spanId: '2'.repeat(16) })));
  const trace = await read(framed(new Uint8Array(0), zstdCompressSync(message), other, json));
  assert.deepEqual([trace.spans.length, trace.warnings], [3, []]);
});

test('otlp: cut anywhere, what came before is there; cut before the first record, it is refused', async () => {
  const lines = Array.from({ length: 5 }, (_, i) => JSON.stringify(spanRequest({ spanId: `${i + 1}`.repeat(16) })));
  const json = new TextEncoder().encode(lines.join('\n'));
  const messages = lines.map(line => encodeByOracle('traces', JSON.parse(line)));
  const bare = encodeByOracle('traces', {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: lines.flatMap(
              line => (JSON.parse(line) as ReturnType<typeof spanRequest>).resourceSpans[0]!.scopeSpans[0]!.spans,
            ),
          },
        ],
      },
    ],
  });
  for (const [name, bytes] of [
    ['json', json],
    ['framed', framed(...messages)],
    ['bare', bare],
  ] as const) {
    let most = 0;
    for (let cut = 1; cut < bytes.length; cut++) {
      try {
        const trace = await read(bytes.subarray(0, cut));
        checkTrace(trace);
        assert.ok(trace.spans.length >= most, `${name} cut at ${cut}: ${trace.spans.length} of ${most} spans`);
        most = trace.spans.length;
        assert.ok(most > 0, `${name} cut at ${cut} is neither refused nor read`);
      } catch (error) {
        assert.ok(error instanceof TprofError && error.code === 'input-invalid', `${name} cut at ${cut}: ${error}`);
        assert.equal(most, 0, `${name} cut at ${cut} is refused although an earlier cut was read`);
      }
    }
    assert.ok(most >= 4, name);
    assert.equal((await read(bytes)).spans.length, 5);
  }
  const cutLine = await read(json.subarray(0, json.length - 20));
  assert.deepEqual([cutLine.spans.length, warned(cutLine, 'damaged-input')], [4, 1]);
});

test('otlp: a line that is not JSON costs that line', async () => {
  const line = (id: string): string => JSON.stringify(spanRequest({ spanId: id.repeat(16) }));
  const trace = await read(`${line('1')}\n${line('2').replace('"name":', '"name"')}\n${line('3')}\n`);
  assert.deepEqual([trace.spans.length, warned(trace, 'damaged-input')], [2, 1]);
});

test('otlp: recordings of a running system hold what their notes say', async t => {
  const folder = new URL('../../../shared/captures/tasker/', import.meta.url);
  if (!existsSync(folder)) return t.skip('the recordings are not beside this checkout');
  for (const kind of ['jsonl', 'pb']) {
    const builder = new TraceBuilder(kind);
    for (const signal of ['traces', 'logs']) {
      const file = `linear-pgmq/${signal}.${kind}.gz`;
      const bytes = gunzipSync(readFileSync(new URL(file, folder)));
      await otlp.read(memorySource(file, bytes), builder, {});
    }
    const trace = builder.finish();
    checkTrace(trace);
    assert.deepEqual([trace.spans.length, trace.logs.length, trace.warnings], [7453, 20034, []]);
  }
});
