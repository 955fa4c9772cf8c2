import {
  type Context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { toUnix } from './clock.ts';
import {
  type Attributes,
  IdSource,
  type SpanKindName,
  type SpanRecord,
  type SpanRef,
  type Tracing,
} from './tracing.ts';

const KINDS: Readonly<Record<SpanKindName, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** With this many told and not yet made, they are made although there is other work. */
const MOST_UNMADE = 20_000;
const UNMADE_LIMIT_MS = 1000;
/** Sent while there is nothing else to do, so that the SDK's own timer, which comes when it comes, finds little. */
const SENT_WHEN_IDLE = 256;

/**
 * Spans by the OpenTelemetry SDK, sent as `OTEL_EXPORTER_OTLP_*` and `OTEL_BSP_*` say. Loaded only by a process that
 * emits: the SDK alone takes a third of a second.
 */
export function startOtelTracing(service: { readonly name: string; readonly instance: string }): Tracing {
  const ids = new IdSource();
  // The SDK asks for ids when it makes a span; ours were given away before, with messages and to children.
  let next: SpanRef = { traceId: '', spanId: '' };
  const json =
    (process.env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? process.env.OTEL_EXPORTER_OTLP_PROTOCOL) === 'http/json';
  process.env.OTEL_BSP_MAX_QUEUE_SIZE ??= '65536';
  process.env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE ??= '2048';
  process.env.OTEL_BSP_SCHEDULE_DELAY ??= '1000';
  const sdk = new NodeSDK({
    serviceName: service.name,
    resourceDetectors: [
      { detect: () => ({ attributes: { 'service.instance.id': service.instance, 'process.pid': process.pid } }) },
    ],
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    metricReaders: [],
    logRecordProcessors: [],
    textMapPropagator: null,
    ...(json ? { traceExporter: new OTLPTraceExporter() } : {}),
  });
  sdk.start();
  const tracer = trace.getTracer('tasker-lite');

  const provider = trace.getTracerProvider();
  const delegate = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
  const flush = async (): Promise<void> => {
    if ('forceFlush' in delegate && typeof delegate.forceFlush === 'function') await delegate.forceFlush();
  };

  let made = 0;
  let unmade: SpanRecord[] = [];
  const make = (): void => {
    const records = unmade;
    unmade = [];
    for (const record of records) {
      next = record.ref;
      makeSpan(tracer, record);
    }
  };
  const timer = setInterval(make, UNMADE_LIMIT_MS);
  timer.unref();
  return {
    enabled: true,
    propagates: true,
    ref: parent => ids.ref(parent),
    record: span => {
      unmade.push(span);
      if (unmade.length >= MOST_UNMADE) make();
    },
    idle: () => {
      made += unmade.length;
      make();
      if (made < SENT_WHEN_IDLE) return;
      made = 0;
      // What cannot be sent now is the SDK's to try again, and to say.
      flush().catch(() => {});
    },
    shutdown: async () => {
      clearInterval(timer);
      make();
      await sdk.shutdown();
    },
  };
}

function contextOf(ref: SpanRef | undefined): Context {
  if (ref === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { ...ref, traceFlags: TraceFlags.SAMPLED });
}

function makeSpan(tracer: Tracer, record: SpanRecord): void {
  const span = tracer.startSpan(
    record.name,
    {
      kind: KINDS[record.kind],
      startTime: toUnix(record.startMs),
      attributes: sdkAttributes({ ...record.fixed, ...record.ids, ...record.attributes }),
      links: (record.links ?? []).map(({ ref, attributes }) => ({
        context: { ...ref, traceFlags: TraceFlags.SAMPLED },
        attributes: sdkAttributes(attributes ?? {}),
      })),
    },
    contextOf(record.parent),
  );
  for (const event of record.events ?? []) {
    span.addEvent(event.name, sdkAttributes(event.attributes ?? {}), toUnix(event.atMs));
  }
  if (record.error !== undefined) {
    const { error } = record;
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
    span.setAttribute(
      'error.type',
      (error as { code?: string }).code ?? (error instanceof Error ? error.name : 'error'),
    );
  }
  span.end(toUnix(record.endMs));
}

function sdkAttributes(attributes: Attributes): Record<string, string | number | boolean | string[] | undefined> {
  // The SDK leaves out what is undefined, and does not write to arrays.
  return attributes as Record<string, string | number | boolean | string[] | undefined>;
}
