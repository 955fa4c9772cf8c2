import type { Trace } from '../../../src/model/trace.ts';
import { attributesOf, spanIdHex } from '../../../src/model/trace-read.ts';

/** A trace as OTLP JSON, one export request a line: spans of each batch, then log records of each batch. */
export function otlpOfTrace(trace: Trace): { traces: string; logs: string } {
  const unix = (ns: number): string => String(trace.epochNs + BigInt(ns));
  const attributes = (table: Parameters<typeof attributesOf>[1], row: number): object[] =>
    [...attributesOf(trace, table, row)].map(([key, value]) => ({
      key,
      value:
        typeof value === 'string'
          ? { stringValue: value }
          : Number.isInteger(value)
            ? { intValue: String(value) }
            : { doubleValue: value },
    }));
  const { spans, events, logs } = trace;
  const request = (kind: 'Spans' | 'Logs', batch: number, scopes: object[]): string => {
    const { serviceName } = trace.resources[trace.batches[batch]!.resource]!;
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: serviceName } }] };
    return `${JSON.stringify({ [`resource${kind}`]: [{ resource, [`scope${kind}`]: scopes }] })}\n`;
  };
  const lines = { traces: '', logs: '' };
  for (let batch = 0; batch < trace.batches.length; batch++) {
    const own: object[] = [];
    for (let i = 0; i < spans.length; i++) {
      if (spans.batch[i] !== batch) continue;
      const first = spans.eventStart[i]!;
      own.push({
        traceId: trace.traceIds.hex(spans.trace[i]!),
        spanId: spanIdHex(spans.idHigh[i]!, spans.idLow[i]!),
        parentSpanId: spans.parentLow[i] === 0 ? '' : spanIdHex(spans.parentHigh[i]!, spans.parentLow[i]!),
        name: trace.strings[spans.name[i]!],
        kind: spans.kind[i],
        startTimeUnixNano: unix(spans.startNs[i]!),
        endTimeUnixNano: unix(spans.endNs[i]!),
        attributes: attributes(spans, i),
        events: Array.from({ length: spans.eventCount[i]! }, (_, n) => ({
          name: trace.strings[events.name[first + n]!],
          timeUnixNano: unix(events.timeNs[first + n]!),
          attributes: attributes(events, first + n),
        })),
      });
    }
    if (own.length > 0) lines.traces += request('Spans', batch, [{ scope: { name: 'tasker-core' }, spans: own }]);
    const scopes = new Map<number, object[]>();
    for (let i = 0; i < logs.length; i++) {
      if (logs.batch[i] !== batch) continue;
      const linked = logs.trace[i]! >= 0;
      const records = scopes.get(logs.scope[i]!) ?? [];
      scopes.set(logs.scope[i]!, records);
      records.push({
        timeUnixNano: '0',
        observedTimeUnixNano: unix(logs.timeNs[i]!),
        severityNumber: 5,
        body: { stringValue: trace.strings[logs.body[i]!] },
        attributes: attributes(logs, i),
        ...(linked
          ? { traceId: trace.traceIds.hex(logs.trace[i]!), spanId: spanIdHex(logs.idHigh[i]!, logs.idLow[i]!) }
          : {}),
      });
    }
    const list = [...scopes].map(([scope, logRecords]) => ({ scope: { name: trace.scopes[scope]!.name }, logRecords }));
    if (list.length > 0) lines.logs += request('Logs', batch, list);
  }
  return lines;
}
