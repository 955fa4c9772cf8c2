// https://www.jaegertracing.io/docs/latest/apis/ : the query service's JSON, which the UI downloads and uploads.
import { TprofError } from '../base/errors.ts';
import { type JsonShape, streamJson } from '../base/json-stream.ts';
import { asArray, asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import { AttributeType, type AttributeValue } from '../model/trace.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';
import { SPAN_KINDS, scopeOfTags, spanIdWords, statusOfTags, traceIdWords, unixNsOfMicros } from './foreign-span.ts';
import type { TraceFormat, TraceReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';

export const jaeger: TraceFormat = {
  kind: 'trace',
  id: 'jaeger',
  title: 'Jaeger JSON: /api/traces and downloads of its UI',
  recognisedBy: 'JSON with data[].spans[] that have operationName, or one such trace',
  extensions: ['.jaeger.json', '.json'],
  detect(head) {
    const { paths } = readJsonHead(head);
    for (const [prefix, sureness] of [
      ['data[].', 0.95],
      ['', 0.9],
      ['[].', 0.9],
    ] as const) {
      const spans = `${prefix}spans[].`;
      if (paths.has(`${spans}operationName`) || paths.has(`${spans}traceID`)) return sureness;
      if (paths.has(`${prefix}processes`) && paths.has(`${prefix}traceID`)) return sureness;
    }
    return 0;
  },
  read: readJaeger,
};

/** A trace of the document. Its processes stand behind its spans, so batches get their resource at the end. */
interface JaegerTrace {
  readonly batches: Map<string, { resource: number; process: number; arrivalNs: undefined; request: number }>;
  readonly batchOf: Map<string, number>;
  processes: JsonObject;
  request: number;
}

/** What is left in place of a span's parent: links, tags that became fields. */
const FIELDS: ReadonlySet<string> = new Set([
  'span.kind',
  'otel.status_code',
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'otel.library.version',
]);

async function readJaeger(source: Source, builder: TraceBuilder, options: TraceReadOptions): Promise<void> {
  const before = builder.spanCount;
  let trace = newTrace(builder);
  const unknown = builder.resource(new Map());
  const shape: JsonShape = {
    fields: {
      spans: { each: value => addSpan(builder, trace, asObject(value), unknown) },
      processes: {
        value: value => {
          trace.processes = asObject(value);
        },
      },
      warnings: { value: value => noteWarnings(builder, value) },
    },
    begin: () => {
      trace = newTrace(builder);
    },
    end: () => placeProcesses(builder, trace),
  };
  const { damage } = await streamJson(
    source,
    {
      object: { fields: { ...(shape as { fields: Record<string, JsonShape> }).fields, data: { items: shape } } },
      array: { items: shape },
    },
    options.onProgress,
  );
  placeProcesses(builder, trace);
  if (damage === undefined) return;
  const where = `near byte ${damage.offset}: ${damage.reason}`;
  if (builder.spanCount === before) {
    throw new TprofError('input-invalid', `${source.name}: expected a Jaeger trace, found no whole span, ${where}`, {
      hint: 'download it again from the UI (Trace JSON) or from /api/traces/ID',
    });
  }
  builder.warnings.add('damaged-input', 'the input is damaged: what could be read is used, the rest is missing', {
    example: `${source.name}, ${where}`,
  });
}

function newTrace(builder: TraceBuilder): JaegerTrace {
  return { batches: new Map(), batchOf: new Map(), processes: {}, request: builder.request() };
}

function addSpan(builder: TraceBuilder, trace: JaegerTrace, span: JsonObject, unknown: number): void {
  const traceId = traceIdWords(span.traceID);
  const id = spanIdWords(span.spanID);
  if (traceId === undefined || id === undefined) {
    builder.warnings.add('invalid-ids', 'spans without a valid trace or span id were left out', {
      example: `${asText(span.traceID)}/${asText(span.spanID)}`,
    });
    return;
  }
  const tags = new Map(asArray(span.tags).map(tag => [asText(asObject(tag).key), asObject(tag)]));
  const tag = (key: string): unknown => tags.get(key)?.value;
  const { parent, others } = references(span, traceId);
  const startNs = unixNsOfMicros(span.startTime);
  builder.span({
    trace: builder.traceIds.intern(...traceId),
    idHigh: id[0],
    idLow: id[1],
    parentHigh: parent[0],
    parentLow: parent[1],
    name: builder.strings.intern(asText(span.operationName)),
    kind: SPAN_KINDS.get(asText(tag('span.kind')).toLowerCase()) ?? 0,
    status: statusOfTags(tag),
    startNs: builder.timeOfUnixNs(startNs),
    endNs: builder.timeOfUnixNs(startNs + unixNsOfMicros(span.duration)),
    scope: scopeOfTags(builder, tag),
    batch: batchOf(builder, trace, asText(span.processID), unknown),
  });
  for (const [key, { type, value }] of tags) if (!FIELDS.has(key)) addTag(builder, key, asText(type), value);
  for (const log of asArray(span.logs)) addLog(builder, asObject(log));
  for (const { traceId: linked, id: to, childOf } of others) {
    builder.link(builder.traceIds.intern(...linked), to[0], to[1]);
    // As OpenTelemetry's conventions for OpenTracing say it.
    if (!childOf) builder.attributeOf('opentracing.ref_type', 'follows_from');
  }
  noteWarnings(builder, span.warnings);
}

type Reference = {
  traceId: readonly [number, number, number, number];
  id: readonly [number, number];
  childOf: boolean;
};

/**
 * The parent is the first CHILD_OF within the trace, or where there is none the first FOLLOWS_FROM, as in Jaeger's own
 * model; all other references are links, and so is a FOLLOWS_FROM parent as well, which does not wait for the span. Old exports repeat the whole parent inside a reference: not looked at.
 */
function references(
  span: JsonObject,
  own: readonly [number, number, number, number],
): { parent: readonly [number, number]; others: readonly Reference[] } {
  const all: Reference[] = [];
  for (const value of asArray(span.references)) {
    const { refType, traceID, spanID } = asObject(value);
    const traceId = traceIdWords(traceID ?? span.traceID);
    const id = spanIdWords(spanID);
    if (traceId !== undefined && id !== undefined) all.push({ traceId, id, childOf: refType !== 'FOLLOWS_FROM' });
  }
  const inside = all.filter(({ traceId }) => traceId.every((word, i) => word === own[i]));
  const parent = inside.find(({ childOf }) => childOf) ?? inside[0];
  const older = spanIdWords(span.parentSpanID);
  return {
    parent: parent?.id ?? older ?? [0, 0],
    others: all.filter(reference => reference !== parent || !reference.childOf),
  };
}

function batchOf(builder: TraceBuilder, trace: JaegerTrace, process: string, unknown: number): number {
  let index = trace.batchOf.get(process);
  if (index === undefined) {
    // The builder keeps this very object: its resource is put in when the trace's processes have been read.
    const batch = { resource: unknown, process: 0, arrivalNs: undefined, request: trace.request };
    index = builder.batch(batch);
    trace.batches.set(process, batch);
    trace.batchOf.set(process, index);
  }
  return index;
}

function placeProcesses(builder: TraceBuilder, trace: JaegerTrace): void {
  for (const [name, batch] of trace.batches) {
    const process = asObject(trace.processes[name]);
    const attributes = new Map<string, AttributeValue>([['service.name', asText(process.serviceName)]]);
    for (const value of asArray(process.tags)) {
      const { key, value: held } = asObject(value);
      attributes.set(asText(key), plain(held));
    }
    batch.resource = builder.resource(attributes);
  }
}

function addTag(builder: TraceBuilder, key: string, type: string, value: unknown): void {
  // 64-bit integers may come as text; beyond 2^53 they stay text.
  if (type === 'int64' && typeof value === 'string' && /^-?\d+$/.test(value)) {
    const number = Number(value);
    if (Number.isSafeInteger(number)) builder.attributeOf(key, number);
    else builder.attribute(builder.strings.intern(key), AttributeType.bigint, builder.strings.intern(value));
  } else if (type === 'binary') {
    builder.attribute(builder.strings.intern(key), AttributeType.bytes, builder.strings.intern(asText(value)));
  } else if (type === 'float64' && typeof value === 'number') {
    builder.attribute(builder.strings.intern(key), AttributeType.double, value);
  } else builder.attributeOf(key, plain(value));
}

/** A log of OpenTracing is an event: its name is the field `event`, or else `message`. */
function addLog(builder: TraceBuilder, log: JsonObject): void {
  const fields = asArray(log.fields).map(asObject);
  const of = (key: string): JsonObject | undefined => fields.find(field => field.key === key);
  const named = of('event') ?? of('message');
  const name = named === undefined ? 'log' : String(plain(named.value));
  builder.event(builder.strings.intern(name), builder.timeOfUnixNs(unixNsOfMicros(log.timestamp)));
  for (const field of fields) if (field !== named) addTag(builder, asText(field.key), asText(field.type), field.value);
}

function noteWarnings(builder: TraceBuilder, value: unknown): void {
  for (const warning of asArray(value)) {
    builder.warnings.add('jaeger-warnings', 'Jaeger itself had doubts about these spans', { example: asText(warning) });
  }
}

function plain(value: unknown): AttributeValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return typeof value === 'number' ? asNumber(value, 0) : JSON.stringify(value ?? null);
}
