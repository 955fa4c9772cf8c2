import { type Marker, markersOf } from './tasker-markers.ts';
import type { Attributes, SpanRecord, SpanRef } from './tracing.ts';

/** A log record or a span event, as the real Tasker would have written it. */
export interface EmittedLog {
  /** Module that speaks: the scope name of a log record, the attribute `target` of an event. */
  readonly target: string;
  /** Undefined for statements: sqlx says everything in attributes. */
  readonly body: string | undefined;
  readonly attributes: Attributes;
  readonly atMs: number;
  /** The span that it happened in; workers have none. */
  span: SpanRef | undefined;
}

export interface EmittedSpan {
  readonly ref: SpanRef;
  parent: SpanRef | undefined;
  readonly name: string;
  readonly target: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: EmittedLog[];
}

/** What sqlx calls the target of the record that it writes after each statement. */
export const SQLX = 'sqlx::query';

const PGMQ = 'tasker_pgmq::client';
const PGMQ_CALLS: Readonly<Record<string, string>> = {
  'send-step': 'send_json_message',
  'send-result': 'send_json_message',
  'claim-step': 'read_specific_message',
  'claim-result': 'read_specific_message',
  'poll-steps': 'read_messages',
  'poll-results': 'read_messages',
  'delete-step-message': 'archive_message',
  'delete-result-message': 'archive_message',
};

const LIFECYCLE = 'tasker_orchestration::orchestration::lifecycle';
/** The function spans of the orchestration that enclose ours of the same meaning. */
const FUNCTIONS: Readonly<Record<string, { name: string; target: string }>> = {
  request: { name: 'request', target: 'tower_http::trace::make_span' },
  create_task: { name: 'create_task_from_request', target: `${LIFECYCLE}::task_initialization::service` },
  enqueue_ready_steps: { name: 'enqueue_ready_steps', target: `${LIFECYCLE}::step_enqueuer` },
  process_result: { name: 'handle_step_execution_result', target: `${LIFECYCLE}::result_processing::service` },
  finalize_task: { name: 'finalize_task', target: `${LIFECYCLE}::task_finalization::service` },
};

/**
 * Turns what happened here into what the real Tasker would have told about it: orchestration functions as spans with
 * the statements as their events (and once more as log records), nothing but log records and calls of the queue from a
 * worker, no context across messages. Spans of ours that Tasker does not have dissolve into the one above.
 */
export class TaskerEmission {
  readonly #worker: boolean;
  readonly #newRef: (parent: SpanRef | undefined) => SpanRef;
  /** Told inside a span that is not over yet, by its id. */
  readonly #inside = new Map<string, { logs: EmittedLog[]; spans: EmittedSpan[] }>();
  #spans: EmittedSpan[] = [];
  #logs: EmittedLog[] = [];

  constructor(options: { worker: boolean; newRef: (parent: SpanRef | undefined) => SpanRef }) {
    this.#worker = options.worker;
    this.#newRef = options.newRef;
  }

  take(record: SpanRecord): void {
    const markers = markersOf(record).map(marker => markerLog(marker));
    const call = PGMQ_CALLS[record.what];
    // A broker is no part of sqlx or of pgmq's client: only log records tell of it.
    if (call !== undefined && record.sql === undefined) this.#insideOf(record.parent).logs.push(...markers);
    else if (call !== undefined) this.#takeCall(record, call, markers);
    else if (record.sql !== undefined) {
      // sqlx says nothing about BEGIN.
      const statement = record.what === 'begin' ? [] : [sqlxLog(record, record.sql)];
      this.#insideOf(record.parent).logs.push(...statement, ...markers);
    } else this.#takeEnclosing(record, markers);
  }

  /** Everything that is over, oldest first; what is inside a span that still runs is kept. */
  drain(): { spans: EmittedSpan[]; logs: EmittedLog[] } {
    const spans = this.#spans;
    const logs = this.#logs.sort((a, b) => a.atMs - b.atMs);
    this.#spans = [];
    this.#logs = [];
    return { spans, logs };
  }

  #takeCall(record: SpanRecord, name: string, markers: EmittedLog[]): void {
    const queue = String(record.attributes?.['messaging.destination.name']);
    const id = record.attributes?.['messaging.message.id'];
    // Sending happens inside the enqueueing; in a worker, and for everything else, the call is a trace of its own.
    const inside = record.what === 'send-step';
    const ref = inside ? record.ref : this.#newRef(undefined);
    const own = record.sql === undefined ? [] : [sqlxLog(record, record.sql)];
    if (name === 'send_json_message') {
      const body = `JSON message sent to queue: ${queue} with ID: ${String(id)} (with notification)`;
      own.push({ target: PGMQ, body, attributes: {}, atMs: record.endMs, span: undefined });
    }
    const span: EmittedSpan = {
      ref,
      parent: undefined,
      name,
      target: PGMQ,
      startMs: record.startMs,
      endMs: record.endMs,
      attributes: {
        queue_name: queue,
        queue,
        ...(name === 'send_json_message' || id === undefined ? {} : { message_id: id }),
      },
      events: own,
    };
    for (const log of own) log.span = ref;
    this.#logs.push(...own);
    const home = this.#insideOf(record.parent);
    if (inside) home.spans.push(span);
    else this.#spans.push(span);
    home.logs.push(...markers);
  }

  #takeEnclosing(record: SpanRecord, markers: EmittedLog[]): void {
    const { logs, spans } = this.#insideOf(record.ref);
    this.#inside.delete(record.ref.spanId);
    logs.push(...markers);
    const shape = FUNCTIONS[record.what];
    if (this.#worker || shape === undefined) {
      // Tasker has no such span. In a worker that leaves records without any; elsewhere the span above takes over.
      if (this.#worker) {
        this.#logs.push(...logs);
        return;
      }
      const above = this.#insideOf(record.parent);
      above.logs.push(...logs);
      above.spans.push(...spans);
      return;
    }
    const { ids = {} } = record;
    const span: EmittedSpan = {
      ref: record.ref,
      parent: record.what === 'process_result' ? undefined : record.parent,
      name: shape.name,
      target: shape.target,
      startMs: record.startMs,
      endMs: record.endMs,
      attributes: functionAttributes(record, ids),
      events: logs.sort((a, b) => a.atMs - b.atMs),
    };
    for (const log of logs) log.span = span.ref;
    for (const inner of spans) inner.parent = span.ref;
    this.#logs.push(...logs);
    this.#spans.push(...spans, span);
    if (record.what === 'enqueue_ready_steps') this.#wrapEnqueueing(span, record);
  }

  /** Around `enqueue_ready_steps` Tasker has one more span, and inside it one around the readiness query. */
  #wrapEnqueueing(span: EmittedSpan, { ids = {} }: SpanRecord): void {
    const outer = this.#newRef(span.parent);
    this.#spans.push({
      ...span,
      ref: outer,
      name: 'process_single_task_from_ready_info',
      target: `${LIFECYCLE}::step_enqueuer_services::service`,
      attributes: { task_uuid: ids.task_uuid, namespace: ids.namespace },
      events: [],
    });
    span.parent = outer;
    const query = span.events.find(event => String(event.attributes.summary).includes('get_step_readiness_status'));
    if (query === undefined) return;
    const inner = this.#newRef(span.ref);
    span.events.splice(span.events.indexOf(query), 1);
    query.span = inner;
    this.#spans.push({
      ref: inner,
      parent: span.ref,
      name: 'find_viable_steps',
      target: 'tasker_orchestration::orchestration::viable_step_discovery',
      startMs: query.atMs - Number(query.attributes.elapsed_secs) * 1000,
      endMs: query.atMs,
      attributes: { task_uuid: ids.task_uuid },
      events: [query],
    });
  }

  #insideOf(ref: SpanRef | undefined): { logs: EmittedLog[]; spans: EmittedSpan[] } {
    if (ref === undefined) return { logs: this.#logs, spans: this.#spans };
    let inside = this.#inside.get(ref.spanId);
    if (inside === undefined) {
      inside = { logs: [], spans: [] };
      this.#inside.set(ref.spanId, inside);
    }
    return inside;
  }
}

function functionAttributes(record: SpanRecord, ids: NonNullable<SpanRecord['ids']>): Attributes {
  switch (record.what) {
    case 'request':
      return {
        method: record.attributes?.['http.request.method'],
        uri: record.attributes?.['url.path'],
        version: 'HTTP/1.1',
      };
    case 'process_result':
      return { step_uuid: ids.step_uuid };
    case 'finalize_task':
      return { task_uuid: ids.task_uuid, correlation_id: ids.correlation_id };
    case 'create_task':
      return { correlation_id: ids.correlation_id };
    default:
      return { task_uuid: ids.task_uuid };
  }
}

function markerLog({ target, body, attributes, atMs }: Marker): EmittedLog {
  return { target, body, attributes, atMs, span: undefined };
}

/** A statement as sqlx tells it, once it has ended. */
function sqlxLog(record: SpanRecord, sql: NonNullable<SpanRecord['sql']>): EmittedLog {
  const words = sql.text.split(' ');
  const short = words.length <= 4;
  const elapsedMs = record.endMs - record.startMs;
  return {
    target: SQLX,
    body: undefined,
    attributes: {
      summary: short ? sql.text : `${words.slice(0, 4).join(' ')} …`,
      'db.statement': short ? '' : `\n\n${sql.text}\n`,
      rows_affected: sql.affected,
      rows_returned: sql.returned,
      elapsed: elapsedMs < 1 ? `${(elapsedMs * 1000).toFixed(3)}µs` : `${elapsedMs.toFixed(6)}ms`,
      elapsed_secs: elapsedMs / 1000,
    },
    atMs: record.endMs,
    span: undefined,
  };
}
