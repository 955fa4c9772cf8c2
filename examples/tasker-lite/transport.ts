import type { Ran, Scope, Session } from './database.ts';
import type { Attributes, SpanRef, WorkIds } from './tracing.ts';

/** What travels: Tasker's StepMessage. */
export interface StepMessage {
  readonly task_uuid: string;
  readonly step_uuid: string;
  readonly correlation_id: string;
}

/** What travels beside it, so that a consumer can name its work before it reads anything. */
export interface MessageHeaders {
  readonly traceparent?: string;
  readonly step_name: string;
  readonly namespace: string;
}

/** A message that is ours: until its visibility timeout ends, or until our connection does. */
export interface ClaimedMessage {
  readonly queue: string;
  readonly msgId: string;
  /** 1 at its first delivery. */
  readonly readCount: number;
  /** `nowMs()` of the time at which it was put into the queue. */
  readonly enqueuedMs: number;
  /** When this process heard of it, where that is not the claim itself; undefined where a poll found it. */
  readonly notifiedMs: number | undefined;
  readonly ids: WorkIds & { readonly task_uuid: string; readonly step_uuid: string };
  /** The span that sent it. */
  readonly sender: SpanRef | undefined;
  /** How it was claimed; told by `tellClaim`. */
  readonly claim: Ran<unknown>;
}

export interface ConsumerOptions<Message extends ClaimedMessage = ClaimedMessage> {
  readonly queues: readonly string[];
  readonly claims: 'step' | 'result';
  /** Messages in hand at once. */
  readonly concurrency: number;
  readonly handle: (message: Message) => Promise<void>;
  /** Nothing in hand and nothing known to be waiting. */
  readonly onIdle: () => void;
  /** The source of messages went away, or a handler threw: the process cannot go on. */
  readonly onFailure: (error: Error) => void;
}

export interface MessageConsumer {
  start(): Promise<void>;
  /** Takes nothing more, and waits for what is in hand. */
  stop(): Promise<void>;
}

/**
 * How messages about steps travel between orchestration and workers. Everything is told as spans by whoever did it;
 * `session` is the connection of the work around, for a queue that is a table.
 */
export interface Transport {
  consume(options: ConsumerOptions): MessageConsumer;
  /** Sends a message about the step in `scope`; resolves when it cannot be lost any more. */
  send(what: 'send-step' | 'send-result', queue: string, scope: Scope, session: Session): Promise<void>;
  /** Tells the claim: beside the processing that follows, below the span that sent the message. */
  tellClaim(what: 'claim-step' | 'claim-result', message: ClaimedMessage, session: Session): void;
  /** Takes a message out of its queue for good. */
  settle(
    what: 'delete-step-message' | 'delete-result-message',
    message: ClaimedMessage,
    scope: Scope,
    session?: Session,
  ): Promise<void>;
  /** What every span about a message carries, by the conventions for messaging. */
  attributesOf(message: ClaimedMessage): Attributes;
  end(): Promise<void>;
}
