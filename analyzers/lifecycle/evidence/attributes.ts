import type { Trace } from '../../../src/model/trace.ts';
import { attributeValue } from '../../../src/model/trace-read.ts';
import type { AttributeRole } from '../catalog.ts';
import { type Ids, NO_IDS } from '../observation.ts';
import type { Recogniser } from '../recogniser.ts';

interface Attributed {
  readonly attrStart: Uint32Array;
  readonly attrCount: Uint16Array;
}

/** Attributes of one row by what they mean, read in one pass and reused for the next row. */
export class RoleReader {
  readonly #trace: Trace;
  readonly #recogniser: Recogniser;
  readonly #at = new Map<AttributeRole, { attribute: number; rank: number }>();
  eventName = '';

  constructor(trace: Trace, recogniser: Recogniser) {
    this.#trace = trace;
    this.#recogniser = recogniser;
  }

  read(table: Attributed, row: number): void {
    this.#at.clear();
    this.eventName = '';
    const { attributes } = this.#trace;
    const start = table.attrStart[row]!;
    const end = start + table.attrCount[row]!;
    for (let at = start; at < end; at++) {
      const key = attributes.key[at]!;
      if (key === this.#recogniser.eventNameKey) this.eventName = String(attributeValue(this.#trace, at));
      const known = this.#recogniser.roles.get(key);
      if (known === undefined) continue;
      const before = this.#at.get(known.role);
      if (before === undefined || known.rank < before.rank) {
        this.#at.set(known.role, { attribute: at, rank: known.rank });
      }
    }
  }

  has(role: AttributeRole): boolean {
    return this.#at.has(role);
  }

  /** Index of the string that the attribute holds; -1 = not there, or no text. */
  stringIndex(role: AttributeRole): number {
    const at = this.#at.get(role)?.attribute;
    if (at === undefined) return -1;
    const type = this.#trace.attributes.type[at]!;
    return type === 0 || type >= 4 ? this.#trace.attributes.value[at]! : -1;
  }

  text(role: AttributeRole): string {
    const at = this.#at.get(role)?.attribute;
    return at === undefined ? '' : plain(String(attributeValue(this.#trace, at)));
  }

  number(role: AttributeRole): number {
    const at = this.#at.get(role)?.attribute;
    return at === undefined ? Number.NaN : Number(attributeValue(this.#trace, at));
  }

  ids(): Ids {
    if (this.#at.size === 0) return NO_IDS;
    const handle = /msg_id: (\d+)/.exec(this.text('messageHandle'))?.[1];
    return {
      taskUuid: this.text('taskUuid'),
      stepUuid: this.text('stepUuid'),
      stepUuids: this.#list('stepUuids'),
      stepName: this.text('stepName'),
      namespace: this.text('namespace'),
      taskName: this.text('taskName'),
      correlationId: this.text('correlationId'),
      queue: this.text('queue'),
      messageId: handle ?? this.text('messageId'),
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
  if (text === 'None' || text === 'null') return '';
  const some = /^Some\("?(.*?)"?\)$/.exec(text);
  return some === null ? text : some[1]!;
}
