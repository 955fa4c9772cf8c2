import fc from 'fast-check';

/** Any OTLP request in its JSON form, as a sender may write it: 64-bit integers as text, ids in hex. */
export interface AnyAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter(array => array.some(byte => byte !== 0))
    .map(array => Buffer.from(array).toString('hex'));

/** Text with what is hard: quotes, backslashes, control characters, all planes. No lone surrogates: not UTF-8. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', 'GET', 'grün', '\u0000\n\t"\\/', '🙂', 'a'.repeat(2000)),
);
const time = fc.bigInt({ min: 1_795_227_665_000_000_000n, max: 1_795_227_765_000_000_000n }).map(String);

const scalar: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  text.map(stringValue => ({ stringValue })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(value => ({ intValue: String(value) })),
  fc.integer().map(value => ({ intValue: String(value) })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(doubleValue => ({ doubleValue })),
  fc.boolean().map(boolValue => ({ boolValue })),
  fc.uint8Array({ maxLength: 9 }).map(bytes => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
  fc.constant({}),
);

const { value } = fc.letrec<{ value: Record<string, unknown> }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }).map(values => ({ arrayValue: { values } })),
    fc
      .uniqueArray(fc.tuple(text, tie('value')), { maxLength: 3, selector: ([key]) => key })
      .map(pairs => ({ kvlistValue: { values: pairs.map(([key, inner]) => ({ key, value: inner })) } })),
  ),
}));

const attributes = fc.array(fc.record({ key: text, value }), { maxLength: 4 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const span = fc.record({
  traceId: hex(16),
  spanId: hex(8),
  parentSpanId: maybe(hex(8)),
  name: text,
  kind: fc.integer({ min: 0, max: 5 }),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  events: fc.array(fc.record({ timeUnixNano: time, name: text, attributes }), { maxLength: 2 }),
  links: fc.array(fc.record({ traceId: hex(16), spanId: hex(8), attributes }), { maxLength: 2 }),
  status: maybe(fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text })),
});

const log = fc.record({
  timeUnixNano: maybe(time),
  observedTimeUnixNano: time,
  severityNumber: fc.integer({ min: 1, max: 24 }),
  body: value,
  attributes,
  traceId: maybe(hex(16)),
  spanId: maybe(hex(8)),
});

const scope = fc.record({ name: text, version: text });
const resource = fc.record({ attributes: fc.array(fc.record({ key: text, value: scalar }), { maxLength: 3 }) });

export const tracesRequest: fc.Arbitrary<{ resourceSpans: readonly unknown[] }> = fc
  .array(
    fc.record({
      resource,
      scopeSpans: fc.array(fc.record({ scope, spans: fc.array(span, { minLength: 1, maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 2,
      }),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map(resourceSpans => clean({ resourceSpans }));

export const logsRequest: fc.Arbitrary<{ resourceLogs: readonly unknown[] }> = fc
  .array(
    fc.record({
      resource,
      scopeLogs: fc.array(fc.record({ scope, logRecords: fc.array(log, { minLength: 1, maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 2,
      }),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map(resourceLogs => clean({ resourceLogs }));

/** Without members that are undefined, as JSON has it. */
function clean<T>(request: T): T {
  return JSON.parse(JSON.stringify(request)) as T;
}
