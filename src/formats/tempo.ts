// https://grafana.com/docs/tempo/latest/api_docs/ : what Tempo's API answers, where it is not plain OTLP.
import { TprofError } from '../base/errors.ts';
import { streamJson } from '../base/json-stream.ts';
import { asArray, asNumber, asObject, asText, type JsonObject } from '../base/narrow.ts';
import type { Source } from '../base/source.ts';
import type { AttributeValue } from '../model/trace.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';
import { spanIdWords, traceIdWords } from './foreign-span.ts';
import type { TraceFormat, TraceReadOptions } from './format.ts';
import { readJsonHead } from './json-head.ts';
import { otlp } from './otlp.ts';
import { plainValue } from './otlp-json-value.ts';

/**
 * Two shapes: a trace (`/api/traces/ID`: `batches`; `/api/v2/traces/ID`: `trace` with a status), which is OTLP inside
 * and read as such; and a search (`/api/search`), which has only the spans that matched, without parents.
 */
export const tempo: TraceFormat = {
  kind: 'trace',
  id: 'tempo',
  title: "Grafana Tempo's API: /api/traces/ID, /api/v2/traces/ID, /api/search",
  recognisedBy: 'JSON with batches[], with trace.resourceSpans[], or with traces[] that have rootTraceName',
  extensions: ['.tempo.json', '.json'],
  detect(head) {
    const { root, paths } = readJsonHead(head);
    if (root !== 'object') return 0;
    if (isSearch(paths)) return 0.95;
    return paths.has('batches[]') ||
      paths.has('batches') ||
      paths.has('trace.resourceSpans') ||
      paths.has('trace.batches')
      ? 0.95
      : 0;
  },
  async read(source, builder, options) {
    if (isSearch(readJsonHead(source.head).paths)) await readSearch(source, builder, options);
    else await otlp.read(source, builder, options);
  },
};

function isSearch(paths: ReadonlyMap<string, string>): boolean {
  return paths.has('traces[].traceID') && !paths.has('traces[].spans');
}

async function readSearch(source: Source, builder: TraceBuilder, options: TraceReadOptions): Promise<void> {
  const before = builder.spanCount;
  const request = builder.request();
  let traces = 0;
  const { damage } = await streamJson(
    source,
    {
      fields: {
        traces: {
          each: value => {
            traces++;
            addTrace(builder, asObject(value), request);
          },
        },
      },
    },
    options.onProgress,
  );
  const found = builder.spanCount - before;
  if (damage !== undefined) {
    const where = `near byte ${damage.offset}: ${damage.reason}`;
    if (traces === 0) {
      throw new TprofError(
        'input-invalid',
        `${source.name}: expected a search answer of Tempo, found no whole trace, ${where}`,
      );
    }
    builder.warnings.add('damaged-input', 'the input is damaged: what could be read is used, the rest is missing', {
      example: `${source.name}, ${where}`,
    });
  }
  if (found > 0) {
    builder.warnings.add(
      'incomplete-traces',
      'a search answer has only the spans that matched, without parents: download each trace from /api/v2/traces/ID',
      { count: traces },
    );
  }
}

function addTrace(builder: TraceBuilder, trace: JsonObject, request: number): void {
  const traceId = traceIdWords(trace.traceID);
  const sets = trace.spanSets ?? (trace.spanSet === undefined ? [] : [trace.spanSet]);
  const spans = asArray(sets).flatMap(set => asArray(asObject(set).spans).map(asObject));
  if (traceId === undefined || spans.length === 0) {
    builder.warnings.add('traces-without-spans', 'traces that a search named without any of their spans', {
      example: asText(trace.traceID),
    });
    return;
  }
  const root = asText(trace.rootServiceName);
  const seen = new Set<string>();
  for (const span of spans) {
    const id = spanIdWords(span.spanID);
    // A span that matched twice stands in two sets.
    if (id === undefined || seen.has(id.join())) continue;
    seen.add(id.join());
    addSpan(builder, span, { traceId, id, root, request });
  }
}

function addSpan(
  builder: TraceBuilder,
  span: JsonObject,
  place: {
    readonly traceId: readonly [number, number, number, number];
    readonly id: readonly [number, number];
    readonly root: string;
    readonly request: number;
  },
): void {
  const attributes = asArray(span.attributes)
    .map(asObject)
    .map(({ key, value }): [string, AttributeValue] => {
      const plain = plainValue(value, 0);
      return [asText(key), typeof plain === 'object' ? JSON.stringify(plain) : plain];
    });
  const service = attributes.find(([key]) => key === 'service.name')?.[1] ?? place.root;
  const start = unixNs(span.startTimeUnixNano);
  const resource = builder.resource(new Map<string, AttributeValue>([['service.name', service]]));
  builder.span({
    trace: builder.traceIds.intern(...place.traceId),
    idHigh: place.id[0],
    idLow: place.id[1],
    parentHigh: 0,
    parentLow: 0,
    name: builder.strings.intern(asText(span.name)),
    kind: 0,
    status: 0,
    startNs: builder.timeOfUnixNs(start),
    endNs: builder.timeOfUnixNs(start + BigInt(Math.round(Math.max(0, asNumber(span.durationNanos, 0))))),
    scope: builder.scope(''),
    batch: builder.batch({ resource, process: 0, arrivalNs: undefined, request: place.request }),
  });
  for (const [key, value] of attributes) if (key !== 'service.name') builder.attributeOf(key, value);
}

function unixNs(value: unknown): bigint {
  return /^\d{1,20}$/.test(asText(value)) ? BigInt(asText(value)) : BigInt(Math.round(Math.max(0, asNumber(value, 0))));
}
