import type { Trace } from '../../../src/model/trace.ts';
import { attributeValue } from '../../../src/model/trace-read.ts';
import type { AttributeRole } from '../catalog.ts';
import { type Ids, NO_IDS } from '../observation.ts';
import type { Recogniser } from '../recogniser.ts';

interface Attributed {
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
}

const ROLES = [
  'taskUuid',
  'stepUuid',
  'stepUuids',
  'dependsOn',
  'stepName',
  'namespace',
  'taskName',
  'correlationId',
  'queue',
  'messageId',
  'messageHandle',
  'statement',
  'summary',
  'elapsedSeconds',
  'messagingType',
  'target',
  'fromState',
  'toState',
] as const satisfies readonly AttributeRole[];
const ROLE_NUMBER = Object.fromEntries(ROLES.map((role, i) => [role, i])) as Readonly<Record<AttributeRole, number>>;
const LETTER_N = 0x4e;
const LETTER_S = 0x53;
const LETTER_SMALL_N = 0x6e;

/** Attributes of one row by what they mean, read in one pass and reused for the next row. */
export class RoleReader {
  readonly #trace: Trace;
  readonly #recogniser: Recogniser;
  /** Attribute row and rank per role; a row counts only where its stamp is that of the last `read`. */
  readonly #attributeOf = new Int32Array(ROLES.length);
  readonly #rankOf = new Int32Array(ROLES.length);
  readonly #stampOf = new Int32Array(ROLES.length);
  #stamp = 0;
  #found = 0;
  eventName = '';

  constructor(trace: Trace, recogniser: Recogniser) {
    this.#trace = trace;
    this.#recogniser = recogniser;
  }

  read(table: Attributed, row: number): void {
    this.#stamp++;
    this.#found = 0;
    this.eventName = '';
    const { attributes } = this.#trace;
    const start = table.attrStart[row]!;
    const end = start + table.attrCount[row]!;
    for (let at = start; at < end; at++) {
      const key = attributes.key[at]!;
      if (key === this.#recogniser.eventNameKey) this.eventName = String(attributeValue(this.#trace, at));
      const known = this.#recogniser.roles.get(key);
      if (known === undefined) continue;
      const role = ROLE_NUMBER[known.role];
      const isNew = this.#stampOf[role] !== this.#stamp;
      if (!isNew && known.rank >= this.#rankOf[role]!) continue;
      if (isNew) this.#found++;
      this.#stampOf[role] = this.#stamp;
      this.#rankOf[role] = known.rank;
      this.#attributeOf[role] = at;
    }
  }

  /** Row of the attribute with this role; -1 = the row has none. */
  #at(role: AttributeRole): number {
    const number = ROLE_NUMBER[role];
    return this.#stampOf[number] === this.#stamp ? this.#attributeOf[number]! : -1;
  }

  has(role: AttributeRole): boolean {
    return this.#at(role) >= 0;
  }

  /** Index of the string that the attribute holds; -1 = not there, or no text. */
  stringIndex(role: AttributeRole): number {
    const at = this.#at(role);
    if (at < 0) return -1;
    const type = this.#trace.attributes.type[at]!;
    return type === 0 || type >= 4 ? this.#trace.attributes.value[at]! : -1;
  }

  text(role: AttributeRole): string {
    const at = this.#at(role);
    return at < 0 ? '' : plain(String(attributeValue(this.#trace, at)));
  }

  number(role: AttributeRole): number {
    const at = this.#at(role);
    return at < 0 ? Number.NaN : Number(attributeValue(this.#trace, at));
  }

  ids(): Ids {
    if (this.#found === 0) return NO_IDS;
    const handle = this.has('messageHandle') ? this.text('messageHandle') : '';
    const handleId = handle === '' ? undefined : /msg_id: (\d+)/.exec(handle)?.[1];
    const handleQueue = handle === '' ? undefined : /queue_name: "([^"]*)"/.exec(handle)?.[1];
    return {
      taskUuid: this.text('taskUuid'),
      stepUuid: this.text('stepUuid'),
      stepUuids: this.#list('stepUuids'),
      dependsOn: this.#list('dependsOn'),
      stepName: this.text('stepName'),
      namespace: this.text('namespace'),
      taskName: this.text('taskName'),
      correlationId: this.text('correlationId'),
      queue: this.text('queue') || (handleQueue ?? ''),
      messageId: handleId ?? this.text('messageId'),
      fromState: this.text('fromState'),
      toState: this.text('toState'),
    };
  }

  #list(role: AttributeRole): readonly string[] {
    const text = this.text(role);
    if (!text.startsWith('[')) return [];
    try {
      const list: unknown = JSON.parse(text);
      return Array.isArray(list) ? list.map(item => textOf(item)).filter(item => item !== '') : [];
    } catch {
      return [];
    }
  }
}

/** Array elements come as plain values, or as OTLP's `{"stringValue": …}`. */
function textOf(item: unknown): string {
  if (typeof item === 'string') return item;
  if (typeof item === 'object' && item !== null && 'stringValue' in item) return String(item.stringValue);
  return '';
}

/** Rust prints optional values as `Some(…)` and `None`. */
function plain(text: string): string {
  const first = text.charCodeAt(0);
  if (first !== LETTER_N && first !== LETTER_S && first !== LETTER_SMALL_N) return text;
  if (text === 'None' || text === 'null') return '';
  const some = /^Some\("?(.*?)"?\)$/.exec(text);
  return some === null ? text : some[1]!;
}
