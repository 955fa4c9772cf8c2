import { fromUnixMs } from './clock.ts';
import type { Database, Ran, Scope, Session } from './database.ts';
import { PostgresConsumer } from './postgres-consumer.ts';
import type { Statement } from './statements.ts';
import { type Attributes, formatTraceparent, parseTraceparent, type Tracing } from './tracing.ts';
import type {
  ClaimedMessage,
  ConsumerOptions,
  MessageConsumer,
  MessageHeaders,
  StepMessage,
  Transport,
} from './transport.ts';

interface QueueRow {
  readonly msg_id: string;
  readonly step_uuid: string;
  readonly read_ct: number;
  readonly enqueued_ms: number;
  readonly message: StepMessage;
  readonly headers: MessageHeaders;
}

/** How long a claimed message stays hidden, in seconds. A consumer that dies is replaced after that. */
export const VISIBILITY_TIMEOUT_S = 30;

/** Messages as rows of a table, with pgmq's calls and a notification for each. */
export class PostgresTransport implements Transport {
  readonly #database: Database;
  readonly #tracing: Tracing;

  constructor(database: Database, tracing: Tracing) {
    this.#database = database;
    this.#tracing = tracing;
  }

  consume(options: ConsumerOptions): MessageConsumer {
    return new PostgresConsumer(this.#database, options);
  }

  async send(what: 'send-step' | 'send-result', queue: string, scope: Scope, session: Session): Promise<void> {
    const { task_uuid, step_uuid, correlation_id, step_name, namespace } = scope.ids;
    const statement = this.#database.statements[what];
    const ref = this.#tracing.ref(scope.parent);
    const headers = {
      step_name,
      namespace,
      ...(this.#tracing.propagates ? { traceparent: formatTraceparent(ref) } : {}),
    };
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

  tellClaim(what: 'claim-step' | 'claim-result', message: ClaimedMessage, session: Session): void {
    session.tell(
      this.#database.statements[what],
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

  async settle(
    what: 'delete-step-message' | 'delete-result-message',
    message: ClaimedMessage,
    scope: Scope,
    session?: Session,
  ): Promise<void> {
    if (session === undefined) {
      await this.#database.session(own => this.settle(what, message, scope, own));
      return;
    }
    const values = [message.queue, message.msgId, message.ids.step_uuid];
    await session.run(this.#database.statements[what], values, scope, {
      attributes: { 'messaging.destination.name': message.queue, 'messaging.message.id': message.msgId },
    });
  }

  attributesOf(message: ClaimedMessage): Attributes {
    return {
      'messaging.system': 'pgmq',
      'messaging.destination.name': message.queue,
      'messaging.message.id': message.msgId,
    };
  }

  async end(): Promise<void> {
    // The connections are the database's.
  }
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
