import type { Brand } from '../base/brand.ts';
import type { Warning } from '../base/warnings.ts';
import type { IdTable } from './id-table.ts';

export type SpanIndex = Brand<number, 'SpanIndex'>;
export type LogIndex = Brand<number, 'LogIndex'>;

/**
 * Spans with their events and links, log records, and the processes that they came from, columnar.
 * All times are float64 nanoseconds after `epochNs` (exact for 104 days); JavaScript numbers never hold Unix
 * nanoseconds.
 *
 *     spans.batch[i] ─▶ batches[] ─▶ resources[], processes[]
 *     spans.attrStart/attrCount[i] ─▶ attributes.*      (the same for events, links, logs)
 *     spans.eventStart/eventCount[i] ─▶ events.*        spans.parent[i] ─▶ spans row, or -1
 */
export interface Trace {
  readonly name: string;
  /** `strings[0]` is ''. */
  readonly strings: readonly string[];
  /** Unix nanoseconds that all times count from: the earliest time in the data. */
  readonly epochNs: bigint;
  readonly traceIds: IdTable;
  readonly resources: readonly Resource[];
  readonly scopes: readonly Scope[];
  readonly processes: readonly TraceProcess[];
  readonly batches: readonly Batch[];
  readonly spans: SpanTable;
  readonly events: EventTable;
  readonly links: LinkTable;
  readonly logs: LogTable;
  readonly attributes: AttributeTable;
  readonly warnings: readonly Warning[];
}

export interface SpanTable {
  readonly length: number;
  /** Index into `traceIds`. */
  readonly trace: Uint32Array;
  /** The span id, as two big-endian words. */
  readonly idHigh: Uint32Array;
  readonly idLow: Uint32Array;
  /** The parent's id; both 0 = root. */
  readonly parentHigh: Uint32Array;
  readonly parentLow: Uint32Array;
  /** Row of the parent; -1 = root, or its parent is not in the data (then `parentHigh/Low` are not 0). */
  readonly parent: Int32Array;
  readonly name: Uint32Array;
  /** OTLP's numbers: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: Uint8Array;
  /** OTLP's numbers: 0 unset, 1 ok, 2 error. */
  readonly status: Uint8Array;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly scope: Uint32Array;
  readonly batch: Uint32Array;
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
  readonly eventStart: Uint32Array;
  readonly eventCount: Uint16Array;
  readonly linkStart: Uint32Array;
  readonly linkCount: Uint16Array;
}

export interface EventTable {
  readonly length: number;
  readonly span: Uint32Array;
  readonly name: Uint32Array;
  readonly timeNs: Float64Array;
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
}

export interface LinkTable {
  readonly length: number;
  readonly span: Uint32Array;
  /** Index into `traceIds`. */
  readonly trace: Uint32Array;
  readonly idHigh: Uint32Array;
  readonly idLow: Uint32Array;
  /** Row of the linked span; -1 = not in the data. */
  readonly target: Int32Array;
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
}

export interface LogTable {
  readonly length: number;
  /** `timeUnixNano`, or where that is 0 (Rust's appender writes no other) `observedTimeUnixNano`. */
  readonly timeNs: Float64Array;
  readonly severity: Uint8Array;
  /** Text of the body; a structured body as JSON. */
  readonly body: Uint32Array;
  /** Index into `traceIds`; -1 = the record names no trace. */
  readonly trace: Int32Array;
  readonly idHigh: Uint32Array;
  readonly idLow: Uint32Array;
  /** Row of the span that the record names; -1 = none, or it never arrived (then `idHigh/Low` are not 0). */
  readonly span: Int32Array;
  readonly scope: Uint32Array;
  readonly batch: Uint32Array;
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
}

export const AttributeType = {
  string: 0,
  int: 1,
  double: 2,
  bool: 3,
  /** Base64 text. */
  bytes: 4,
  /** Arrays and key-value lists, as JSON text. */
  json: 5,
  /** An integer beyond 2^53, as decimal text. */
  bigint: 6,
} as const;

export interface AttributeTable {
  readonly length: number;
  readonly key: Uint32Array;
  readonly type: Uint8Array;
  /** The number (0 or 1 for bool), or the index into `strings` for the text types. */
  readonly value: Float64Array;
}

export type AttributeValue = string | number | boolean;

export interface Resource {
  readonly serviceName: string;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
}

/** The instrumentation scope; for Rust's `tracing` logs its name is the target. */
export interface Scope {
  readonly name: string;
  readonly version: string;
}

/** The operating-system process behind a batch, since resources often do not name one. */
export interface TraceProcess {
  /** 0 = not known. */
  readonly pid: number;
  /** Tells processes apart where the pid is not known: a connection, a publisher id. '' = not known. */
  readonly key: string;
  readonly name: string;
}

/** One resource's part of one export request. */
export interface Batch {
  readonly resource: number;
  readonly process: number;
  /** When the receiver had it, ns after `epochNs`; undefined for files that do not say. */
  readonly arrivalNs: number | undefined;
  /** Number of the export request in the input, from 0. */
  readonly request: number;
}
