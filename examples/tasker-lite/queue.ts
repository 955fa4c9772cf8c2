import { fromUnixMs } from './clock.ts';
import type { Ran, Scope, Session } from './database.ts';
import type { Statement } from './statements.ts';
import { formatTraceparent, parseTraceparent, type SpanRef, type Tracing, type WorkIds } from './tracing.ts';

/** What travels: Tasker's StepMessage. */
export interface StepMessage {
  readonly task_uuid: string;
  readonly step_uuid: string;
  readonly correlation_id: string;
}

/** What travels beside it, so that a consumer can name its work before it reads anything. */
interface MessageHeaders {
  readonly traceparent?: string;
  readonly step_name: string;
  readonly namespace: string;
}

interface QueueRow {
  readonly msg_id: string;
  readonly step_uuid: string;
  readonly read_ct: number;
  readonly enqueued_ms: number;
  readonly message: StepMessage;
  readonly headers: MessageHeaders;
}

/** A message that is ours until its visibility timeout ends. */
export interface ClaimedMessage {
  readonly queue: string;
  readonly msgId: string;
  /** 1 at its first delivery. */
  readonly readCount: number;
  /** `nowMs()` of the server's own time of enqueueing. */
  readonly enqueuedMs: number;
  /** When this process heard of it; undefined where a poll found it. */
  readonly notifiedMs: number | undefined;
  readonly ids: WorkIds & { readonly task_uuid: string; readonly step_uuid: string };
  /** The span that sent it. */
  readonly sender: SpanRef | undefined;
  /** How it was claimed; told by `tellClaim`. */
  readonly claim: Ran<unknown>;
}

/** How long a claimed message stays hidden, in seconds. A consumer that dies is replaced after that. */
export const VISIBILITY_TIMEOUT_S = 30;

/** Sends a message about the step in `scope`. */
export async function sendMessage(
  session: Session,
  statement: Statement,
  queue: string,
  scope: Scope,
  tracing: Tracing,
): Promise<void> {
  const { task_uuid, step_uuid, correlation_id, step_name, namespace } = scope.ids;
  const ref = tracing.ref(scope.parent);
  const headers = { step_name, namespace, ...(tracing.propagates ? { traceparent: formatTraceparent(ref) } : {}) };
  const body = JSON.stringify({ task_uuid, step_uuid, correlation_id });
  const ran = await session.quiet<{ msg_id: string }>(statement, [queue, body, JSON.stringify(headers)]);
  session.tell(statement, ran, scope, {
    ref,
    attributes: {
      'messaging.destination.name': queue,
      'messaging.message.id': ran.rows[0]?.msg_id,
      'messaging.message.conversation_id': correlation_id,
      'messaging.message.body.size': body.length,
    },
  });
}

/** Claims the message that a notification named; undefined where another consumer was faster. */
export async function claimMessage(
  session: Session,
  statement: Statement,
  queue: string,
  notified: { msg_id: number; step_uuid: string; atMs: number },
): Promise<ClaimedMessage | undefined> {
  const values = [queue, notified.msg_id, notified.step_uuid, VISIBILITY_TIMEOUT_S];
  const ran = await session.quiet<QueueRow>(statement, values);
  const row = ran.rows[0];
  return row === undefined ? undefined : claimed(queue, row, ran, notified.atMs);
}

/** Claims the oldest visible message, if there is one. An empty answer is polling, not work: nobody is told. */
export async function pollMessage(
  session: Session,
  statement: Statement,
  queue: string,
): Promise<ClaimedMessage | undefined> {
  const ran = await session.quiet<QueueRow>(statement, [queue, VISIBILITY_TIMEOUT_S, 1]);
  const row = ran.rows[0];
  return row === undefined ? undefined : claimed(queue, row, ran, undefined);
}

/** Tells the claim's span: beside the processing that follows, below the span that sent the message. */
export function tellClaim(session: Session, statement: Statement, message: ClaimedMessage): void {
  session.tell(
    statement,
    message.claim,
    { parent: message.sender, ids: message.ids },
    {
      attributes: {
        'messaging.destination.name': message.queue,
        'messaging.message.id': message.msgId,
        'messaging.message.conversation_id': message.ids.correlation_id,
        'tasker.message.read_count': message.readCount,
      },
      ...(message.sender === undefined
        ? {}
        : { links: [{ ref: message.sender, attributes: { 'messaging.message.id': message.msgId } }] }),
      events: [
        { name: 'message.enqueued', atMs: message.enqueuedMs },
        ...(message.notifiedMs === undefined ? [] : [{ name: 'notification.received', atMs: message.notifiedMs }]),
      ],
    },
  );
}

/** Takes a message out of its queue for good. */
export async function deleteMessage(
  session: Session,
  statement: Statement,
  message: ClaimedMessage,
  scope: Scope,
): Promise<void> {
  await session.run(statement, [message.queue, message.msgId, message.ids.step_uuid], scope, {
    attributes: { 'messaging.destination.name': message.queue, 'messaging.message.id': message.msgId },
  });
}

function claimed(queue: string, row: QueueRow, claim: Ran<unknown>, notifiedMs: number | undefined): ClaimedMessage {
  return {
    queue,
    msgId: row.msg_id,
    readCount: row.read_ct,
    enqueuedMs: fromUnixMs(row.enqueued_ms),
    notifiedMs,
    ids: {
      task_uuid: row.message.task_uuid,
      step_uuid: row.message.step_uuid,
      step_name: row.headers.step_name,
      namespace: row.headers.namespace,
      correlation_id: row.message.correlation_id,
    },
    sender: parseTraceparent(row.headers.traceparent),
    claim,
  };
}
