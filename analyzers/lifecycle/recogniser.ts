import type { Trace } from '../../src/model/trace.ts';
import type { AttributeRole, Catalog, CatalogContext } from './catalog.ts';

/** The state change that a marker reports. */
const EVENT_NAME = 'event_name';

/** Attributes of spans, events and log records that a catalogue looks at: the others need not be read at all. */
export function wantedAttributes(catalog: Catalog): string[] {
  const processKeys = catalog.processKeys.map(key => key.attribute);
  return [...new Set([...Object.values(catalog.attributes).flat(), ...processKeys, EVENT_NAME])];
}

/** What the catalogue calls things, asked once per distinct string of the trace. */
export class Recogniser {
  readonly catalog: Catalog;
  readonly #strings: readonly string[];
  readonly #statements: readonly { id: string; pattern: RegExp }[];
  readonly #calls: readonly { id: string; pattern: RegExp }[];
  readonly #contexts: readonly { context: CatalogContext; pattern: RegExp }[];
  readonly #markers: readonly { id: string; pattern: RegExp; target: string; event: string }[];
  readonly #signs = new Map<string, CatalogContext>();
  readonly #statementOf = new Map<number, { id: string; text: string }>();
  readonly #callOf = new Map<number, string>();
  readonly #contextOf = new Map<number, CatalogContext | undefined>();
  readonly #markersOf = new Map<number, readonly { id: string; target: string; event: string }[]>();
  readonly #noiseOf = new Map<string, boolean>();
  /** By the index of a target: 0 = not asked yet, 1 = noise, 2 = not. */
  readonly #noiseAt: Uint8Array;
  /** Attribute key index → role, and how early the role's list names it. */
  readonly roles: ReadonlyMap<number, { readonly role: AttributeRole; readonly rank: number }>;
  readonly processKeys: ReadonlyMap<number, RegExp>;

  constructor(catalog: Catalog, trace: Trace) {
    this.catalog = catalog;
    this.#strings = trace.strings;
    this.#noiseAt = new Uint8Array(trace.strings.length);
    this.#statements = catalog.statements.map(s => ({ id: s.id, pattern: new RegExp(s.sql, 's') }));
    this.#calls = catalog.calls.map(c => ({ id: c.id, pattern: new RegExp(c.span) }));
    this.#contexts = catalog.contexts.flatMap(context =>
      context.span === undefined ? [] : [{ context, pattern: new RegExp(context.span) }],
    );
    this.#markers = catalog.markers.map(m => ({
      id: m.id,
      pattern: new RegExp(m.text),
      target: m.target ?? '',
      event: m.event ?? '',
    }));
    for (const context of catalog.contexts) for (const sign of context.signs ?? []) this.#signs.set(sign, context);
    const indexOf = new Map<string, number>();
    const wanted = new Set(wantedAttributes(catalog));
    for (let i = 0; i < trace.strings.length; i++) if (wanted.has(trace.strings[i]!)) indexOf.set(trace.strings[i]!, i);
    const roles = new Map<number, { role: AttributeRole; rank: number }>();
    for (const [role, names] of Object.entries(catalog.attributes) as [AttributeRole, readonly string[]][]) {
      names.forEach((name, rank) => {
        const index = indexOf.get(name);
        if (index !== undefined && !roles.has(index)) roles.set(index, { role, rank });
      });
    }
    this.roles = roles;
    this.processKeys = new Map(
      catalog.processKeys.flatMap(({ attribute, pattern }) => {
        const index = indexOf.get(attribute);
        return index === undefined ? [] : [[index, new RegExp(pattern)] as const];
      }),
    );
    this.eventNameKey = indexOf.get(EVENT_NAME) ?? -1;
  }

  /** Index of the attribute that names the state change a marker reports; -1 = not in the data. */
  readonly eventNameKey: number;

  /** The exporter watching itself. */
  isNoise(target: string): boolean {
    let noise = this.#noiseOf.get(target);
    if (noise === undefined) {
      const { targets, except } = this.catalog.noise;
      noise = targets.some(t => target.startsWith(t)) && !except.some(t => target.startsWith(t));
      this.#noiseOf.set(target, noise);
    }
    return noise;
  }

  /** The same for a target by the index of its text. */
  isNoiseAt(index: number): boolean {
    let noise = this.#noiseAt[index]!;
    if (noise === 0) {
      noise = this.isNoise(this.#strings[index]!) ? 1 : 2;
      this.#noiseAt[index] = noise;
    }
    return noise === 1;
  }

  /** A statement by the index of its text: the catalogue's name ('' = unknown) and the normalised text. */
  statement(index: number): { readonly id: string; readonly text: string } {
    let found = this.#statementOf.get(index);
    if (found === undefined) {
      const text = normaliseSql(this.#strings[index]!);
      found = { id: this.#statements.find(s => s.pattern.test(text))?.id ?? '', text };
      this.#statementOf.set(index, found);
    }
    return found;
  }

  /** The call that a span of this name is; '' = none. */
  call(nameIndex: number): string {
    let found = this.#callOf.get(nameIndex);
    if (found === undefined) {
      const name = this.#strings[nameIndex]!;
      found = this.#calls.find(c => c.pattern.test(name))?.id ?? '';
      this.#callOf.set(nameIndex, found);
    }
    return found;
  }

  context(nameIndex: number): CatalogContext | undefined {
    if (this.#contextOf.has(nameIndex)) return this.#contextOf.get(nameIndex);
    const name = this.#strings[nameIndex]!;
    const found = this.#contexts.find(c => c.pattern.test(name))?.context;
    this.#contextOf.set(nameIndex, found);
    return found;
  }

  /** The context of a span of this name, which need not have arrived. */
  contextNamed(name: string): CatalogContext | undefined {
    return this.#contexts.find(c => c.pattern.test(name))?.context;
  }

  /** The context that a marker inside it betrays. */
  contextOfSign(marker: string): CatalogContext | undefined {
    return this.#signs.get(marker);
  }

  /** The marker of a text; '' = none. `event` and `target` are asked for only where the catalogue needs them. */
  marker(textIndex: number, target: string, event: () => string): string {
    let candidates = this.#markersOf.get(textIndex);
    if (candidates === undefined) {
      const text = this.#strings[textIndex]!;
      candidates = this.#markers.filter(m => m.pattern.test(text));
      this.#markersOf.set(textIndex, candidates);
    }
    for (const { id, target: wanted, event: name } of candidates) {
      if (wanted !== '' && !target.includes(wanted)) continue;
      if (name !== '' && event() !== name) continue;
      return id;
    }
    return '';
  }
}

/** Lower case, single spaces, no comments, no trailing semicolon: what two spellings of one statement share. */
export function normaliseSql(text: string): string {
  return text
    .replace(/--[^\n]*/g, ' ')
    .replace(/\/\*.*?\*\//gs, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/;$/, '')
    .toLowerCase();
}
