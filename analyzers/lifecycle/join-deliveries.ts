import type { CatalogDelivery } from './catalog.ts';
import type { Observation } from './observation.ts';

/** A notification precedes the listener that it wakes by less than this. */
const NOTICE_NS = 50e6;

/**
 * Follows a message from its receipt to its handling. Only the last marker names the step; those before it are
 * joined first in first out by process and queue, none before the message was sent. Sets `windowStep` of the markers
 * and returns one call per delivery: from the receipt until the message was put into the process's own channel.
 */
export function joinDeliveries(
  observations: readonly Observation[],
  specs: readonly CatalogDelivery[],
  sentNs: (spec: CatalogDelivery, step: string, before: number) => number,
): Observation[] {
  const made: Observation[] = [];
  for (const spec of specs) {
    const names = new Set([...spec.receipts, spec.heard, spec.pushed, spec.command, spec.handled]);
    const byProcess = new Map<number, Observation[]>();
    for (const o of observations) {
      const isDelivery = o.form === 'marker' && names.has(o.what);
      // The transport's own begin-to-acknowledgement call starts with its first marker.
      if (!isDelivery && o.what !== 'broker-delivery') continue;
      const list = byProcess.get(o.process);
      if (list === undefined) byProcess.set(o.process, [o]);
      else list.push(o);
    }
    for (const list of byProcess.values()) follow(spec, list, sentNs, made);
  }
  return made;
}

function follow(
  spec: CatalogDelivery,
  list: readonly Observation[],
  sentNs: (spec: CatalogDelivery, step: string, before: number) => number,
  made: Observation[],
): void {
  const of = (what: string): Observation[] => list.filter(o => o.form === 'marker' && o.what === what);
  const waiting = {
    heard: new Line(of(spec.heard)),
    pushed: new Line(of(spec.pushed)),
    command: new Line(of(spec.command)),
    receipts: new Line(list.filter(o => o.form === 'marker' && spec.receipts.includes(o.what))),
  };
  const calls = new Map(list.filter(o => o.what === 'broker-delivery').map(o => [`${o.startNs} ${o.ids.queue}`, o]));
  const handledBefore = new Set<string>();
  for (const handled of of(spec.handled)) {
    const step = handled.ids.stepUuid;
    const { messageId, queue } = handled.ids;
    const earliestNs = sentNs(spec, step, handled.startNs);
    const command = takeCommand(waiting.command, handled, earliestNs);
    if (command !== undefined) command.windowStep = step;
    const message = realMessageId(messageId) ? `${queue} ${messageId}` : '';
    // Read again by a poller: no push belongs to it.
    if (message !== '' && handledBefore.has(message)) continue;
    if (message !== '') handledBefore.add(message);
    const untilNs = command?.startNs ?? handled.startNs;
    const pushed = takeFirst(waiting.pushed, queue, earliestNs, untilNs);
    const heard = takeFirst(waiting.heard, queue, earliestNs, pushed?.startNs ?? untilNs);
    const first = heard ?? pushed;
    const receipt = first === undefined ? undefined : takeReceipt(waiting.receipts, first, earliestNs);
    for (const marker of [pushed, heard, receipt]) if (marker !== undefined) marker.windowStep = step;
    if (receipt !== undefined) {
      const call = calls.get(`${receipt.startNs} ${receipt.ids.queue}`);
      if (call !== undefined && call.windowStep === '') {
        call.windowStep = step;
        call.windowContext = spec.context;
      }
    }
    const begin = receipt ?? first;
    const end = pushed ?? heard;
    if (begin === undefined || end === undefined) continue;
    made.push({
      ...begin,
      form: 'call',
      operation: '',
      what: spec.id,
      endNs: Math.max(end.endNs, begin.startNs),
      ids: { ...begin.ids, stepUuid: step, taskUuid: handled.ids.taskUuid, queue, messageId },
      windowStep: step,
      windowContext: spec.context,
    });
  }
}

/** Numbers that name one message: RabbitMQ's handles may all be 2⁶⁴−1. */
export function realMessageId(id: string): boolean {
  return id !== '' && id.length < 19;
}

/** The command of the same message; where messages have no names, the first that could be it. */
function takeCommand(commands: Line, handled: Observation, fromNs: number): Observation | undefined {
  const { messageId, queue } = handled.ids;
  const named = realMessageId(messageId);
  let found: Observation | undefined;
  for (const c of commands.from(fromNs)) {
    if (c.startNs > handled.startNs) break;
    if (c.ids.queue !== '' && queue !== '' && c.ids.queue !== queue) continue;
    if (named && realMessageId(c.ids.messageId)) {
      if (c.ids.messageId === messageId) found = c;
    } else found ??= c;
  }
  return commands.take(found);
}

function takeFirst(line: Line, queue: string, fromNs: number, toNs: number): Observation | undefined {
  for (const o of line.from(fromNs)) {
    if (o.startNs > toNs) break;
    if (o.ids.queue === '' || queue === '' || o.ids.queue === queue) return line.take(o);
  }
  return undefined;
}

/** The latest receipt before the listener: the transport hands over at once. */
function takeReceipt(line: Line, heard: Observation, fromNs: number): Observation | undefined {
  let found: Observation | undefined;
  for (const o of line.from(Math.max(fromNs, heard.startNs - NOTICE_NS))) {
    if (o.startNs > heard.startNs) break;
    if (o.ids.queue === '' || heard.ids.queue === '' || o.ids.queue === heard.ids.queue) found = o;
  }
  return line.take(found);
}

/** Markers of one kind in order of time; each is taken once. */
class Line {
  readonly #list: readonly Observation[];
  readonly #taken = new Set<Observation>();

  constructor(list: readonly Observation[]) {
    this.#list = list;
  }

  /** Those that nobody took, from a time on. */
  *from(startNs: number): Generator<Observation> {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#list[middle]!.startNs < startNs) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < this.#list.length; at++) if (!this.#taken.has(this.#list[at]!)) yield this.#list[at]!;
  }

  take(marker: Observation | undefined): Observation | undefined {
    if (marker !== undefined) this.#taken.add(marker);
    return marker;
  }
}
