import { TprofError } from '../../src/base/errors.ts';
import type { Catalog } from './catalog.ts';
import { TASKER_CATALOG } from './tasker-catalog.ts';

/**
 * Reads a catalogue from JSON (`--catalog FILE`). Its shape is that of the built-in one: every list must be there, of
 * entries with the same required fields; every pattern must be a regular expression; names that refer must exist.
 */
export function parseCatalog(name: string, document: unknown): Catalog {
  const catalog = expectObject(document, name, '');
  for (const key of Object.keys(TASKER_CATALOG) as (keyof Catalog)[]) {
    const value = catalog[key];
    const model = TASKER_CATALOG[key];
    if (typeof model === 'string') expectString(value, name, key);
    else if (Array.isArray(model)) expectList(value, name, key);
    else expectObject(value, name, key);
  }
  if (catalog.schema !== TASKER_CATALOG.schema) {
    throw invalid(name, 'schema', `'${TASKER_CATALOG.schema}'`, JSON.stringify(catalog.schema));
  }
  const noise = expectObject(catalog.noise, name, 'noise');
  for (const key of ['targets', 'except']) expectStrings(noise[key], name, `noise.${key}`);
  const attributes = expectObject(catalog.attributes, name, 'attributes');
  for (const key of Object.keys(TASKER_CATALOG.attributes)) expectStrings(attributes[key], name, `attributes.${key}`);
  const signals = expectObject(catalog.signals, name, 'signals');
  for (const [key, model] of Object.entries(TASKER_CATALOG.signals)) {
    if (typeof model === 'string') expectString(signals[key], name, `signals.${key}`);
    else expectStrings(signals[key], name, `signals.${key}`);
  }
  for (const { list, strings = [], patterns = [], lists = [], numbers = [] } of FIELDS) {
    expectList(catalog[list], name, list).forEach((entry, i) => {
      const where = `${list}[${i}]`;
      const fields = expectObject(entry, name, where);
      for (const field of strings) expectString(fields[field], name, `${where}.${field}`);
      for (const field of numbers) {
        if (typeof fields[field] !== 'number')
          throw invalid(name, `${where}.${field}`, 'a number', typeof fields[field]);
      }
      for (const field of lists) expectStrings(fields[field], name, `${where}.${field}`);
      for (const field of patterns) {
        if (fields[field] !== undefined) expectPattern(fields[field], name, `${where}.${field}`);
      }
    });
  }
  const phases = new Set((catalog.phases as { id: string }[]).map(p => p.id));
  (catalog.operations as { id: string; phase: string; match: unknown }[]).forEach(({ id, phase, match }, i) => {
    if (!phases.has(phase)) throw invalid(name, `operations[${i}] (${id})`, 'a phase of the catalogue', `'${phase}'`);
    expectList(match, name, `operations[${i}].match`).forEach((entry, j) => {
      const where = `operations[${i}].match[${j}]`;
      const fields = expectObject(entry, name, where);
      expectStrings(fields.what, name, `${where}.what`);
      for (const field of ['queue', 'toState']) {
        if (fields[field] !== undefined) expectPattern(fields[field], name, `${where}.${field}`);
      }
    });
  });
  (catalog.windows as { slots: unknown }[]).forEach(({ slots }, i) => {
    expectList(slots, name, `windows[${i}].slots`).forEach((slot, j) => {
      expectStrings(expectObject(slot, name, `windows[${i}].slots[${j}]`).what, name, `windows[${i}].slots[${j}].what`);
    });
  });
  return catalog as unknown as Catalog;
}

interface ListFields {
  readonly list: keyof Catalog;
  readonly strings?: readonly string[];
  readonly numbers?: readonly string[];
  readonly lists?: readonly string[];
  /** Regular expressions; those that may be missing are asked for in `strings` too where they may not. */
  readonly patterns?: readonly string[];
}

const FIELDS: readonly ListFields[] = [
  { list: 'phases', strings: ['id', 'title', 'performer'] },
  { list: 'operations', strings: ['id', 'phase', 'title'], numbers: ['expectedPerStep'] },
  { list: 'statements', strings: ['id', 'sql'], patterns: ['sql'] },
  { list: 'calls', strings: ['id', 'span'], patterns: ['span'] },
  { list: 'markers', strings: ['id', 'text'], patterns: ['text'] },
  { list: 'pairs', strings: ['id', 'from'], lists: ['to'] },
  { list: 'contexts', strings: ['id', 'role'], patterns: ['span'] },
  { list: 'windows', strings: ['id', 'context'], lists: ['from', 'to'] },
  {
    list: 'deliveries',
    strings: ['id', 'context', 'heard', 'pushed', 'command', 'handled', 'sentBy'],
    lists: ['receipts'],
  },
  { list: 'waits', strings: ['id', 'phase', 'title'], lists: ['after', 'before'] },
  { list: 'processKeys', strings: ['attribute', 'pattern'], patterns: ['pattern'] },
];

function expectObject(value: unknown, name: string, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(name, where, 'an object', describe(value));
}

function expectList(value: unknown, name: string, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(name, where, 'a list', describe(value));
}

function expectString(value: unknown, name: string, where: string): void {
  if (typeof value !== 'string') throw invalid(name, where, 'text', describe(value));
}

function expectStrings(value: unknown, name: string, where: string): void {
  if (!Array.isArray(value) || value.some(item => typeof item !== 'string')) {
    throw invalid(name, where, 'a list of texts', describe(value));
  }
}

function expectPattern(value: unknown, name: string, where: string): void {
  expectString(value, name, where);
  try {
    new RegExp(value as string, 's');
  } catch {
    throw invalid(name, where, 'a regular expression', JSON.stringify(value));
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}

function invalid(name: string, where: string, expected: string, found: string): TprofError {
  return new TprofError(
    'input-invalid',
    `${name}: expected ${expected}${where === '' ? '' : ` at ${where}`}, found ${found}`,
    {
      hint: 'tprof breakdown --print-catalog writes the built-in catalogue, to begin with',
    },
  );
}
