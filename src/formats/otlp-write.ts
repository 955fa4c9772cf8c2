// https://github.com/open-telemetry/opentelemetry-proto
import { AttributeType, type Trace } from '../model/trace.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** Export requests of a trace, in the order in which they arrived; each holds one signal. */
export interface OtlpRequest {
  readonly signal: 'traces' | 'logs';
  readonly request: number;
  /** The process that the batch came from, as an index into `trace.processes`; 0 = not known. */
  readonly process: number;
  readonly arrivalNs: number | undefined;
  readonly bytes: Uint8Array;
}

/**
 * Writes a trace of any format as OTLP protobuf requests, one a batch, so that resources, scopes, processes and the
 * order of arrival survive.
 */
export function* writeOtlpRequests(trace: Trace): Generator<OtlpRequest> {
  const spansOf = rowsByBatch(trace.spans.batch, trace.batches.length);
  const logsOf = rowsByBatch(trace.logs.batch, trace.batches.length);
  for (let b = 0; b < trace.batches.length; b++) {
    const batch = trace.batches[b]!;
    const place = { request: batch.request, process: batch.process, arrivalNs: batch.arrivalNs };
    for (const [signal, rows] of [
      ['traces', spansOf(b)],
      ['logs', logsOf(b)],
    ] as const) {
      if (rows.length > 0) yield { signal, ...place, bytes: requestOf(trace, signal, rows, batch.resource) };
    }
  }
}

function requestOf(trace: Trace, signal: 'traces' | 'logs', rows: Uint32Array, resource: number): Uint8Array {
  const w = new ProtobufWriter();
  w.message(1, () => {
    w.message(1, () => {
      for (const [key, value] of trace.resources[resource]!.attributes) {
        w.message(1, () => {
          w.string(1, key);
          w.message(2, () => {
            if (typeof value === 'string') w.text(1, value);
            else if (typeof value === 'boolean') w.bool(2, value);
            else if (Number.isInteger(value)) w.int64(3, BigInt(value));
            else w.double(4, value);
          });
        });
      }
    });
    const scopeOf = signal === 'traces' ? trace.spans.scope : trace.logs.scope;
    // Runs of one scope, so that the order within the batch stays.
    for (let at = 0; at < rows.length; ) {
      const scope = scopeOf[rows[at]!]!;
      let end = at;
      while (end < rows.length && scopeOf[rows[end]!] === scope) end++;
      const run = rows.subarray(at, end);
      w.message(2, () => {
        w.message(1, () => {
          w.string(1, trace.scopes[scope]!.name);
          w.string(2, trace.scopes[scope]!.version);
        });
        for (const row of run)
          w.message(2, () => (signal === 'traces' ? writeSpan(trace, row, w) : writeLog(trace, row, w)));
      });
      at = end;
    }
  });
  return w.finish();
}

function writeSpan(trace: Trace, i: number, w: ProtobufWriter): void {
  const { spans, events, links, strings } = trace;
  w.hex(1, trace.traceIds.hex(spans.trace[i]!));
  w.words(2, spans.idHigh[i]!, spans.idLow[i]!);
  if (spans.parentHigh[i] !== 0 || spans.parentLow[i] !== 0) w.words(4, spans.parentHigh[i]!, spans.parentLow[i]!);
  w.string(5, strings[spans.name[i]!]!);
  w.varint(6, spans.kind[i]!);
  w.fixed64(7, unixNs(trace, spans.startNs[i]!));
  w.fixed64(8, unixNs(trace, spans.endNs[i]!));
  writeAttributes(trace, spans, i, 9, w);
  for (let e = spans.eventStart[i]!; e < spans.eventStart[i]! + spans.eventCount[i]!; e++) {
    w.message(11, () => {
      w.fixed64(1, unixNs(trace, events.timeNs[e]!));
      w.string(2, strings[events.name[e]!]!);
      writeAttributes(trace, events, e, 3, w);
    });
  }
  for (let l = spans.linkStart[i]!; l < spans.linkStart[i]! + spans.linkCount[i]!; l++) {
    w.message(13, () => {
      w.hex(1, trace.traceIds.hex(links.trace[l]!));
      w.words(2, links.idHigh[l]!, links.idLow[l]!);
      writeAttributes(trace, links, l, 4, w);
    });
  }
  if (spans.status[i] !== 0) w.message(15, () => w.varint(3, spans.status[i]!));
}

function writeLog(trace: Trace, i: number, w: ProtobufWriter): void {
  const { logs } = trace;
  // As Rust's appender writes it: the model keeps one time, and readers fall back to this one.
  w.fixed64(11, unixNs(trace, logs.timeNs[i]!));
  w.varint(2, logs.severity[i]!);
  w.message(5, () => w.text(1, trace.strings[logs.body[i]!]!));
  writeAttributes(trace, logs, i, 6, w);
  if (logs.trace[i]! >= 0) w.hex(9, trace.traceIds.hex(logs.trace[i]!));
  if (logs.idHigh[i] !== 0 || logs.idLow[i] !== 0) w.words(10, logs.idHigh[i]!, logs.idLow[i]!);
}

function writeAttributes(
  trace: Trace,
  table: { readonly attrStart: Uint32Array; readonly attrCount: Uint16Array },
  row: number,
  field: number,
  w: ProtobufWriter,
): void {
  const { attributes, strings } = trace;
  const start = table.attrStart[row]!;
  for (let a = start; a < start + table.attrCount[row]!; a++) {
    const value = attributes.value[a]!;
    w.message(field, () => {
      w.string(1, strings[attributes.key[a]!]!);
      w.message(2, () => {
        switch (attributes.type[a]) {
          case AttributeType.int:
            w.int64(3, BigInt(value));
            break;
          case AttributeType.double:
            w.double(4, value);
            break;
          case AttributeType.bool:
            w.bool(2, value !== 0);
            break;
          case AttributeType.bigint:
            w.int64(3, BigInt(strings[value]!));
            break;
          default:
            // Bytes and nested values are text in the model, and are written as that text.
            w.text(1, strings[value]!);
        }
      });
    });
  }
}

function unixNs(trace: Trace, ns: number): bigint {
  return trace.epochNs + BigInt(ns);
}

/** Rows of each batch in their order, by counting sort. */
function rowsByBatch(batchOf: Uint32Array, batches: number): (batch: number) => Uint32Array {
  const starts = new Uint32Array(batches + 1);
  for (let i = 0; i < batchOf.length; i++) starts[batchOf[i]! + 1]!++;
  for (let b = 0; b < batches; b++) starts[b + 1]! += starts[b]!;
  const next = starts.slice();
  const rows = new Uint32Array(batchOf.length);
  for (let i = 0; i < batchOf.length; i++) rows[next[batchOf[i]!]!++] = i;
  return batch => rows.subarray(starts[batch]!, starts[batch + 1]!);
}
