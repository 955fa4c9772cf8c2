// https://zipkin.io/zipkin-api/#/default/post_spans : Zipkin v2 JSON, a list of spans or a list of traces.
import { TprofError } from '../base/errors.ts';
import { streamJson } from '../base/json-stream.ts';
import { asArray, asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import type { AttributeValue } from '../model/trace.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';
import { SPAN_KINDS, scopeOfTags, spanIdWords, statusOfTags, traceIdWords, unixNsOfMicros } from './foreign-span.ts';
import type { TraceFormat, TraceReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';

export const zipkin: TraceFormat = {
  kind: 'trace',
  id: 'zipkin',
  title: 'Zipkin v2 JSON: /api/v2/trace(s)',
  recognisedBy: 'a JSON list (or list of lists) of spans with traceId, id and localEndpoint, timestamp or duration',
  extensions: ['.zipkin.json', '.json'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    if (root !== 'array') return 0;
    for (const prefix of ['[].', '[][].']) {
      if (!paths.has(`${prefix}traceId`)) continue;
      const own = ['id', 'parentId', 'localEndpoint', 'timestamp', 'duration', 'annotations', 'kind', 'name'];
      const found = own.filter(key => paths.has(prefix + key)).length;
      if (found >= 2) return 0.9;
      if (found === 1) return 0.5;
    }
    return 0;
  },
  read: readZipkin,
};

interface ZipkinSpan {
  readonly span: JsonObject;
  readonly traceId: readonly [number, number, number, number];
  readonly traceText: string;
  readonly id: readonly [number, number];
  readonly idText: string;
  readonly parentText: string;
  readonly service: string;
  readonly shared: boolean;
}

const FIELDS: ReadonlySet<string> = new Set([
  'otel.status_code',
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'otel.library.version',
]);

/**
 * Spans are held until all are read: the server's half of a call may share the client's id (`shared`), and which of
 * the two a child belongs to is known only when both are.
 */
async function readZipkin(source: Source, builder: TraceBuilder, options: TraceReadOptions): Promise<void> {
  const spans: ZipkinSpan[] = [];
  const each = (value: unknown): void => {
    const span = parse(builder, asObject(value));
    if (span !== undefined) spans.push(span);
  };
  const { damage } = await streamJson(
    source,
    {
      array: {
        items: { object: { value: each }, array: { each } },
      },
      object: { value: each },
    },
    options.onProgress,
  );
  if (damage !== undefined) {
    const where = `near byte ${damage.offset}: ${damage.reason}`;
    if (spans.length === 0) {
      throw new TprofError('input-invalid', `${source.name}: expected Zipkin spans, found no whole one, ${where}`, {
        hint: 'download it again from /api/v2/trace/ID',
      });
    }
    builder.warnings.add('damaged-input', 'the input is damaged: what could be read is used, the rest is missing', {
      example: `${source.name}, ${where}`,
    });
  }
  emit(builder, spans);
}

function parse(builder: TraceBuilder, span: JsonObject): ZipkinSpan | undefined {
  const traceId = traceIdWords(span.traceId);
  const id = spanIdWords(span.id);
  if (traceId === undefined || id === undefined) {
    builder.warnings.add('invalid-ids', 'spans without a valid trace or span id were left out', {
      example: `${asText(span.traceId)}/${asText(span.id)}`,
    });
    return undefined;
  }
  return {
    span,
    traceId,
    traceText: traceId.join(),
    id,
    idText: id.join(),
    parentText: (spanIdWords(span.parentId) ?? []).join(),
    service: asText(asObject(span.localEndpoint).serviceName),
    shared: span.shared === true,
  };
}

function emit(builder: TraceBuilder, spans: readonly ZipkinSpan[]): void {
  const taken = new Set(spans.map(s => `${s.traceText}/${s.idText}`));
  const owners = new Set(spans.filter(s => !s.shared).map(s => `${s.traceText}/${s.idText}`));
  /** Server halves by the id that they share, with the id that they get here. */
  const halves = new Map<string, { service: string; id: readonly [number, number] }>();
  for (const s of spans) {
    const key = `${s.traceText}/${s.idText}`;
    // Without the client's half nothing is shared: the server keeps the id.
    if (s.shared && owners.has(key) && !halves.has(key)) {
      halves.set(key, { service: s.service, id: freeId(s, taken) });
    }
  }
  const earliest = earliestTimes(spans);
  const request = builder.request();
  const batches = new Map<string, number>();
  for (const s of spans) {
    const half = s.shared ? halves.get(`${s.traceText}/${s.idText}`) : undefined;
    const above = halves.get(`${s.traceText}/${s.parentText}`);
    const parent =
      half !== undefined
        ? s.id
        : above !== undefined && above.service === s.service
          ? above.id
          : (spanIdWords(s.span.parentId) ?? [0, 0]);
    addSpan(
      builder,
      s,
      half?.id ?? s.id,
      parent,
      earliest.get(s.traceText) ?? 0n,
      batchOf(builder, batches, s, request),
    );
  }
}

/** An id for the server's half of a shared one: the same with another first bit, or the next that is free. */
function freeId(s: ZipkinSpan, taken: Set<string>): readonly [number, number] {
  let high = (s.id[0] ^ 0x8000_0000) >>> 0;
  while (taken.has(`${s.traceText}/${high},${s.id[1]}`)) high = (high + 1) >>> 0;
  taken.add(`${s.traceText}/${high},${s.id[1]}`);
  return [high, s.id[1]];
}

/** Of each trace, its first instant: where spans without any time of their own are put. */
function earliestTimes(spans: readonly ZipkinSpan[]): Map<string, bigint> {
  const earliest = new Map<string, bigint>();
  for (const { traceText, span } of spans) {
    const start = startOf(span);
    if (start === undefined) continue;
    const known = earliest.get(traceText);
    if (known === undefined || start < known) earliest.set(traceText, start);
  }
  return earliest;
}

function startOf(span: JsonObject): bigint | undefined {
  if (asNumber(span.timestamp, 0) > 0) return unixNsOfMicros(span.timestamp);
  const marks = asArray(span.annotations).map(a => asNumber(asObject(a).timestamp, 0));
  const first = Math.min(...marks.filter(mark => mark > 0));
  return Number.isFinite(first) ? unixNsOfMicros(first) : undefined;
}

function addSpan(
  builder: TraceBuilder,
  { span, traceId }: ZipkinSpan,
  id: readonly [number, number],
  parent: readonly [number, number],
  fallback: bigint,
  batch: number,
): void {
  const tags = asObject(span.tags);
  const tag = (key: string): unknown => tags[key];
  const start = startOf(span);
  if (start === undefined || asNumber(span.duration, 0) <= 0) {
    builder.warnings.add('times-missing', 'spans without a start or a duration are read as points in time');
  }
  const startNs = start ?? fallback;
  builder.span({
    trace: builder.traceIds.intern(...traceId),
    idHigh: id[0],
    idLow: id[1],
    parentHigh: parent[0],
    parentLow: parent[1],
    name: builder.strings.intern(asText(span.name)),
    kind: SPAN_KINDS.get(asText(span.kind).toLowerCase()) ?? 0,
    status: statusOfTags(tag),
    startNs: builder.timeOfUnixNs(startNs),
    endNs: builder.timeOfUnixNs(startNs + unixNsOfMicros(span.duration)),
    scope: scopeOfTags(builder, tag),
    batch,
  });
  for (const [key, value] of Object.entries(tags)) {
    if (!FIELDS.has(key)) builder.attributeOf(key, typeof value === 'string' ? value : JSON.stringify(value));
  }
  const remote = asObject(span.remoteEndpoint);
  for (const [key, value] of [
    ['peer.service', remote.serviceName],
    ['network.peer.address', remote.ipv4 ?? remote.ipv6],
    ['network.peer.port', remote.port],
  ] as const) {
    if (typeof value === 'string' || typeof value === 'number') builder.attributeOf(key, value);
  }
  for (const annotation of asArray(span.annotations).map(asObject)) {
    const time = unixNsOfMicros(annotation.timestamp);
    builder.event(builder.strings.intern(asText(annotation.value)), builder.timeOfUnixNs(time));
  }
}

function batchOf(builder: TraceBuilder, batches: Map<string, number>, { span }: ZipkinSpan, request: number): number {
  const { serviceName, ipv4, ipv6 } = asObject(span.localEndpoint);
  const attributes = new Map<string, AttributeValue>([['service.name', asText(serviceName)]]);
  const address = asText(ipv4 ?? ipv6);
  if (address !== '') attributes.set('host.ip', address);
  const key = JSON.stringify([...attributes]);
  let batch = batches.get(key);
  if (batch === undefined) {
    batch = builder.batch({ resource: builder.resource(attributes), process: 0, arrivalNs: undefined, request });
    batches.set(key, batch);
  }
  return batch;
}
