import type { Trace } from '../../../src/model/trace.ts';
import { attributeValue } from '../../../src/model/trace-read.ts';
import type { AttributeRole } from '../catalog.ts';
import { type Ids, NO_IDS } from '../observation.ts';
import type { Recogniser } from '../recogniser.ts';

interface Attributed {
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
}

/** What attributes mean, as numbers; those up to `toState` are names by which evidence is joined. */
export const Role: Readonly<Record<AttributeRole, number>> = {
  taskUuid: 0,
  stepUuid: 1,
  stepUuids: 2,
  dependsOn: 3,
  stepName: 4,
  namespace: 5,
  taskName: 6,
  correlationId: 7,
  queue: 8,
  messageId: 9,
  messageHandle: 10,
  fromState: 11,
  toState: 12,
  statement: 13,
  summary: 14,
  elapsedSeconds: 15,
  messagingType: 16,
  target: 17,
};
const ROLES = Object.keys(Role).length;
const ID_ROLES = Role.toState + 1;
/** Sets of ids that are kept for the next rows that name the same. */
const IDS_KEPT = 1 << 12;
const LETTER_N = 0x4e;
const LETTER_S = 0x53;
const LETTER_SMALL_N = 0x6e;

/** Attributes of one row by what they mean, read in one pass and reused for the next row. */
export class RoleReader {
  readonly #trace: Trace;
  readonly #eventNameKey: number;
  /** Attribute row and rank per role; a row counts only where its stamp is that of the last `read`. */
  readonly #attributeOf = new Int32Array(ROLES);
  readonly #rankOf = new Int32Array(ROLES);
  readonly #stampOf = new Int32Array(ROLES);
  #stamp = 0;
  #found = 0;
  readonly #words = new Float64Array(ID_ROLES);
  readonly #wordsKept = new Float64Array(IDS_KEPT * ID_ROLES);
  readonly #idsKept: (Ids | undefined)[] = new Array<Ids | undefined>(IDS_KEPT).fill(undefined);
  /** By key: the role's number + 1 (0 = none), and its rank. */
  readonly #roleOfKey: Uint8Array;
  readonly #rankOfKey: Uint8Array;
  #eventNameAt = -1;

  constructor(trace: Trace, recogniser: Recogniser) {
    this.#trace = trace;
    this.#eventNameKey = recogniser.eventNameKey;
    let keys = 0;
    for (const key of recogniser.roles.keys()) keys = Math.max(keys, key + 1);
    this.#roleOfKey = new Uint8Array(keys);
    this.#rankOfKey = new Uint8Array(keys);
    for (const [key, { role, rank }] of recogniser.roles) {
      this.#roleOfKey[key] = Role[role] + 1;
      this.#rankOfKey[key] = rank;
    }
  }

  /** The state change that the row names; '' = none. */
  get eventName(): string {
    return this.#eventNameAt === -1 ? '' : String(attributeValue(this.#trace, this.#eventNameAt));
  }

  read(table: Attributed, row: number): void {
    this.#stamp++;
    this.#found = 0;
    this.#eventNameAt = -1;
    const { attributes } = this.#trace;
    const start = table.attrStart[row]!;
    const end = start + table.attrCount[row]!;
    for (let at = start; at < end; at++) {
      const key = attributes.key[at]!;
      if (key === this.#eventNameKey) this.#eventNameAt = at;
      const role = key < this.#roleOfKey.length ? this.#roleOfKey[key]! - 1 : -1;
      if (role === -1) continue;
      const rank = this.#rankOfKey[key]!;
      const isNew = this.#stampOf[role] !== this.#stamp;
      if (!isNew && rank >= this.#rankOf[role]!) continue;
      if (isNew) this.#found++;
      this.#stampOf[role] = this.#stamp;
      this.#rankOf[role] = rank;
      this.#attributeOf[role] = at;
    }
  }

  /** Row of the attribute with this role; -1 = the row has none. */
  #at(role: number): number {
    return this.#stampOf[role] === this.#stamp ? this.#attributeOf[role]! : -1;
  }

  has(role: number): boolean {
    return this.#at(role) >= 0;
  }

  /** Index of the string that the attribute holds; -1 = not there, or no text. */
  stringIndex(role: number): number {
    const at = this.#at(role);
    if (at < 0) return -1;
    const type = this.#trace.attributes.type[at]!;
    return type === 0 || type >= 4 ? this.#trace.attributes.value[at]! : -1;
  }

  text(role: number): string {
    const at = this.#at(role);
    return at < 0 ? '' : plain(String(attributeValue(this.#trace, at)));
  }

  number(role: number): number {
    const at = this.#at(role);
    return at < 0 ? Number.NaN : Number(attributeValue(this.#trace, at));
  }

  /** What the row names; rows that name the same share one object. */
  ids(): Ids {
    if (this.#found === 0) return NO_IDS;
    const { type, value } = this.#trace.attributes;
    let hash = 0;
    let some = false;
    for (let i = 0; i < ID_ROLES; i++) {
      const at = this.#at(i);
      some ||= at >= 0;
      // Numbers and indices of strings are told apart by their type.
      const word = at < 0 ? -1 : value[at]! * 8 + type[at]!;
      this.#words[i] = word;
      hash = Math.imul(hash ^ (word | 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    if (!some) return NO_IDS;
    const slot = hash & (IDS_KEPT - 1);
    const first = slot * ID_ROLES;
    let ids = this.#idsKept[slot];
    for (let i = 0; ids !== undefined && i < ID_ROLES; i++) {
      if (this.#wordsKept[first + i] !== this.#words[i]) ids = undefined;
    }
    if (ids !== undefined) return ids;
    ids = this.#newIds();
    this.#wordsKept.set(this.#words, first);
    this.#idsKept[slot] = ids;
    return ids;
  }

  #newIds(): Ids {
    const handle = this.has(Role.messageHandle) ? this.text(Role.messageHandle) : '';
    const handleId = handle === '' ? undefined : /msg_id: (\d+)/.exec(handle)?.[1];
    const handleQueue = handle === '' ? undefined : /queue_name: "([^"]*)"/.exec(handle)?.[1];
    return {
      taskUuid: this.text(Role.taskUuid),
      stepUuid: this.text(Role.stepUuid),
      stepUuids: this.#list(Role.stepUuids),
      dependsOn: this.#list(Role.dependsOn),
      stepName: this.text(Role.stepName),
      namespace: this.text(Role.namespace),
      taskName: this.text(Role.taskName),
      correlationId: this.text(Role.correlationId),
      queue: this.text(Role.queue) || (handleQueue ?? ''),
      messageId: handleId ?? this.text(Role.messageId),
      fromState: this.text(Role.fromState),
      toState: this.text(Role.toState),
    };
  }

  #list(role: number): readonly string[] {
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
