import type { Trace } from '../src/model/trace.ts';
import { attribute } from '../src/model/trace-read.ts';
import { type Message, type SpanForest, SpanKind } from './span-forest.ts';

/**
 * The messages between spans, each pair once, by what the messaging conventions leave to see, most trusted first:
 * a consumer that is the producer's child; a link; the same `messaging.message.id` on the same destination.
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
export function findMessages(trace: Trace, forest: SpanForest): Message[] {
  const messages: Message[] = [];
  const seen = new Set<number>();
  const add = (producer: number, consumer: number): void => {
    const key = producer * trace.spans.length + consumer;
    if (producer === consumer || forest.kept[producer] === 0 || forest.kept[consumer] === 0 || seen.has(key)) return;
    seen.add(key);
    messages.push({ producer, consumer });
  };
  for (const { producer, consumer } of forest.handedOver) add(producer, consumer);
  const { links } = trace;
  const typeKeys = ['messaging.operation.type', 'messaging.operation'].map(key => trace.strings.indexOf(key));
  for (let link = 0; link < links.length; link++) {
    const target = links.target[link]!;
    if (target !== -1 && takesUp(trace, links.span[link]!, target, typeKeys)) add(target, links.span[link]!);
  }
  const joined = new Set(messages.map(message => message.consumer));
  for (const { producer, consumer } of sameMessageId(trace)) if (!joined.has(consumer)) add(producer, consumer);
  return messages;
}

/** Whether a link from `span` to `target` says that `span` took up a message of `target`'s. */
function takesUp(trace: Trace, span: number, target: number, typeKeys: readonly number[]): boolean {
  const { kind } = trace.spans;
  switch (kind[span]) {
    case SpanKind.consumer:
      return kind[target] === SpanKind.producer || kind[target] === SpanKind.client;
    case SpanKind.client: {
      // Sending and settling are clients' spans too, and may link the message's creation without waiting for it.
      if (kind[target] !== SpanKind.producer) return false;
      return typeKeys.some(key => attribute(trace, trace.spans, span, key) === 'receive');
    }
    default:
      return false;
  }
}

/** Pairs of PRODUCER and CONSUMER spans that name one message; of several producers (a redelivery) the latest. */
function sameMessageId(trace: Trace): Message[] {
  const idKey = trace.strings.indexOf('messaging.message.id');
  if (idKey === -1) return [];
  const destinationKey = trace.strings.indexOf('messaging.destination.name');
  const keyOf = (span: number): string | undefined => {
    const id = attribute(trace, trace.spans, span, idKey);
    return id === undefined ? undefined : `${attribute(trace, trace.spans, span, destinationKey) ?? ''}\0${id}`;
  };
  const { length, kind, startNs } = trace.spans;
  const producersOf = new Map<string, number[]>();
  for (let span = 0; span < length; span++) {
    if (kind[span] !== SpanKind.producer) continue;
    const key = keyOf(span);
    if (key === undefined) continue;
    const producers = producersOf.get(key);
    if (producers === undefined) producersOf.set(key, [span]);
    else producers.push(span);
  }
  if (producersOf.size === 0) return [];
  const messages: Message[] = [];
  for (let span = 0; span < length; span++) {
    if (kind[span] !== SpanKind.consumer) continue;
    const key = keyOf(span);
    const producers = key === undefined ? undefined : producersOf.get(key);
    if (producers === undefined) continue;
    const before = producers.filter(producer => startNs[producer]! <= startNs[span]!);
    const candidates = before.length > 0 ? before : producers;
    const producer = candidates.reduce((best, p) => (startNs[p]! > startNs[best]! ? p : best));
    messages.push({ producer, consumer: span });
  }
  return messages;
}
