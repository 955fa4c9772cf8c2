import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A span as OTLP JSON carries it, attributes flattened. */
export interface SunkSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string>>;
  readonly links: readonly string[];
  readonly events: readonly string[];
}

/** A log record as OTLP JSON carries it. */
export interface SunkLog {
  readonly service: string;
  readonly scope: string;
  readonly body: string;
  readonly timeNs: bigint;
  readonly observedNs: bigint;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface WireLogRequest {
  resourceLogs: {
    resource: { attributes: WireAttribute[] };
    scopeLogs: {
      scope: { name: string };
      logRecords: {
        timeUnixNano?: string;
        observedTimeUnixNano: string;
        body?: { stringValue?: string };
        spanId?: string;
        attributes: WireAttribute[];
      }[];
    }[];
  }[];
}

interface WireAttribute {
  key: string;
  value: Record<string, unknown>;
}

interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: WireAttribute[];
  links?: { spanId: string }[];
  events?: { name: string }[];
}

interface WireRequest {
  resourceSpans: { resource: { attributes: WireAttribute[] }; scopeSpans: { spans: WireSpan[] }[] }[];
}

/** Listens on a free loopback port and keeps every span and log record that is posted as JSON. */
export async function startSpanSink(): Promise<{
  url: string;
  spans: SunkSpan[];
  logs: SunkLog[];
  close(): Promise<void>;
}> {
  const spans: SunkSpan[] = [];
  const logs: SunkLog[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
      if (request.url === '/v1/traces') spans.push(...spansOf(JSON.parse(body.toString('utf8')) as WireRequest));
      if (request.url === '/v1/logs') logs.push(...logsOf(JSON.parse(body.toString('utf8')) as WireLogRequest));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    logs,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function* spansOf(request: WireRequest): Generator<SunkSpan> {
  for (const { resource, scopeSpans } of request.resourceSpans) {
    const service = flat(resource.attributes)['service.name'] ?? '';
    for (const span of scopeSpans.flatMap(scope => scope.spans)) {
      yield {
        service,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        name: span.name,
        kind: span.kind,
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: flat(span.attributes),
        links: (span.links ?? []).map(link => link.spanId),
        events: (span.events ?? []).map(event => event.name),
      };
    }
  }
}

function* logsOf(request: WireLogRequest): Generator<SunkLog> {
  for (const { resource, scopeLogs } of request.resourceLogs) {
    const service = flat(resource.attributes)['service.name'] ?? '';
    for (const { scope, logRecords } of scopeLogs) {
      for (const record of logRecords) {
        yield {
          service,
          scope: scope.name,
          body: record.body?.stringValue ?? '',
          timeNs: BigInt(record.timeUnixNano ?? '0'),
          observedNs: BigInt(record.observedTimeUnixNano),
          spanId: record.spanId ?? '',
          attributes: flat(record.attributes),
        };
      }
    }
  }
}

function flat(attributes: readonly WireAttribute[]): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
}
