import { logs, ROOT_CONTEXT, SeverityNumber, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { toUnix } from './clock.ts';
import { type EmittedLog, type EmittedSpan, TaskerEmission } from './tasker-emission.ts';
import { IdSource, type SpanRef, type Tracing } from './tracing.ts';

/** sqlx names an event after the line of its own source that wrote it. */
const SQLX_EVENT = 'event sqlx-core-0.8.6/src/logger.rs:143';

/**
 * Emits like the real Tasker: its names, one resource for every process of a kind, log records only with
 * `OTEL_LOGS_ENABLED=true`, the SDK's own limits, and no flush at the end, so that the last spans are lost.
 */
export function startTaskerTracing(service: { readonly worker: boolean }): Tracing {
  const ids = new IdSource();
  let next: SpanRef = { traceId: '', spanId: '' };
  const withLogs = process.env.OTEL_LOGS_ENABLED === 'true';
  const sdk = new NodeSDK({
    serviceName: service.worker ? 'tasker-rust-worker' : 'tasker-orchestration',
    resourceDetectors: [
      { detect: () => ({ attributes: { 'service.version': '0.1.0', 'deployment.environment': 'test' } }) },
    ],
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    metricReaders: [],
    textMapPropagator: null,
    ...(withLogs ? {} : { logRecordProcessors: [] }),
  });
  sdk.start();
  const tracer = trace.getTracer('tasker-core');
  const emission = new TaskerEmission({ worker: service.worker, newRef: parent => ids.ref(parent) });

  const makeSpan = (span: EmittedSpan): void => {
    next = span.ref;
    const made = tracer.startSpan(
      span.name,
      {
        kind: SpanKind.INTERNAL,
        startTime: toUnix(span.startMs),
        attributes: { target: span.target, ...plain(span.attributes) },
      },
      contextOf(span.parent),
    );
    for (const { target, body, attributes, atMs } of span.events) {
      made.addEvent(body ?? SQLX_EVENT, { level: 'DEBUG', target, ...plain(attributes) }, toUnix(atMs));
    }
    made.end(toUnix(span.endMs));
  };
  const makeLog = ({ target, body, attributes, atMs, span }: EmittedLog): void => {
    logs.getLogger(target).emit({
      // Tasker leaves the time of the record itself at 0.
      timestamp: [0, 0],
      observedTimestamp: toUnix(atMs),
      severityNumber: SeverityNumber.DEBUG,
      severityText: 'DEBUG',
      ...(body === undefined ? {} : { body }),
      attributes: plain(attributes),
      context: contextOf(span),
    });
  };
  const make = (): void => {
    const { spans, logs: records } = emission.drain();
    for (const span of spans) makeSpan(span);
    if (withLogs) for (const record of records) makeLog(record);
  };
  const timer = setInterval(make, 200);
  timer.unref();
  return {
    enabled: true,
    propagates: false,
    ref: parent => ids.ref(parent),
    record: span => emission.take(span),
    idle: make,
    shutdown: async () => clearInterval(timer),
  };
}

function contextOf(ref: SpanRef | undefined): typeof ROOT_CONTEXT {
  return ref === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, { ...ref, traceFlags: TraceFlags.SAMPLED });
}

function plain(attributes: EmittedLog['attributes']): Record<string, string | number | boolean | string[]> {
  const kept: Record<string, string | number | boolean | string[]> = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) kept[key] = value as string | number | boolean | string[];
  }
  return kept;
}
