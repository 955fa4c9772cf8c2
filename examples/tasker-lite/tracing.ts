import { randomBytes } from 'node:crypto';
import type { StatementId } from './statements.ts';

/** What a span is known by before it is told. Enough to be a parent, to be linked to, and to travel with a message. */
export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
}

/** Whose work it was. Each one becomes an attribute of that name. */
export interface WorkIds {
  readonly task_uuid?: string | undefined;
  readonly step_uuid?: string | undefined;
  readonly step_name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly correlation_id?: string | undefined;
}

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
export type SpanKindName = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** A span that is over. Times are `nowMs()`. */
export interface SpanRecord {
  readonly ref: SpanRef;
  readonly parent: SpanRef | undefined;
  /** What it is, however it is called: a statement's id, or the name of an enclosing span. */
  readonly what: StatementId | EnclosingId;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly startMs: number;
  readonly endMs: number;
  readonly ids?: WorkIds | undefined;
  /** The same object for every span of one statement. */
  readonly fixed?: Attributes;
  readonly attributes?: Attributes | undefined;
  readonly links?: readonly { readonly ref: SpanRef; readonly attributes?: Attributes }[] | undefined;
  readonly events?:
    | readonly { readonly name: string; readonly atMs: number; readonly attributes?: Attributes }[]
    | undefined;
  readonly error?: unknown;
  /** Of a statement: its text, and how many rows it wrote or returned. */
  readonly sql?: { readonly text: string; readonly affected: number; readonly returned: number } | undefined;
}

/** Spans that enclose statements, and the handler. */
export type EnclosingId =
  | 'request'
  | 'create_task'
  | 'enqueue_ready_steps'
  | 'enqueue_step'
  | 'process_step'
  | 'handler'
  | 'process_result'
  | 'finalize_task';

/**
 * Where spans go. A span is told once, after its end, and turned into one of the SDK only when the process has nothing
 * better to do (`idle`): the work that is watched does not wait for the watching.
 */
export interface Tracing {
  readonly enabled: boolean;
  /** Whether a message carries the context of the span that sends it. */
  readonly propagates: boolean;
  /** A new span below `parent`, or of a trace of its own. */
  ref(parent: SpanRef | undefined): SpanRef;
  record(span: SpanRecord): void;
  /** The process has nothing in flight now. */
  idle(): void;
  /** Sends everything; afterwards nothing more is taken. */
  shutdown(): Promise<void>;
}

const NONE: SpanRef = { traceId: '', spanId: '' };

/** Tells nobody; for runs without an endpoint. */
export const NO_TRACING: Tracing = {
  enabled: false,
  propagates: false,
  ref: () => NONE,
  record: () => {},
  idle: () => {},
  shutdown: async () => {},
};

/** `traceparent` of W3C Trace Context. */
export function formatTraceparent(ref: SpanRef): string {
  return `00-${ref.traceId}-${ref.spanId}-01`;
}

/** The span behind a `traceparent`; undefined where there is none, or it is malformed. */
export function parseTraceparent(text: unknown): SpanRef | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text);
  if (match === null || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return undefined;
  return { traceId: match[1]!, spanId: match[2]! };
}

/** Random ids, drawn from the system in blocks. */
export class IdSource {
  #block = '';
  #at = 0;

  ref(parent: SpanRef | undefined): SpanRef {
    return { traceId: parent === undefined ? this.#take(32) : parent.traceId, spanId: this.#take(16) };
  }

  #take(digits: number): string {
    if (this.#at + digits > this.#block.length) {
      this.#block = randomBytes(4096).toString('hex');
      this.#at = 0;
    }
    const id = this.#block.slice(this.#at, this.#at + digits);
    this.#at += digits;
    return id;
  }
}
