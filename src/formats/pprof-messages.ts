import type { PprofCursor } from './pprof-wire.ts';

/** Ids are 64 bits: text where a number cannot hold them. */
export type Id = number | string;

/** A label before the string table is known: indices of strings. */
export interface RawLabel {
  key: number;
  text: number;
  number: number;
  unit: number;
}

export function valueType(cursor: PprofCursor): { type: number; unit: number } {
  const result = { type: 0, unit: 0 };
  while (cursor.next()) {
    if (cursor.field === 1) result.type = cursor.int();
    else if (cursor.field === 2) result.unit = cursor.int();
    else cursor.skip();
  }
  return result;
}

export function label(cursor: PprofCursor): RawLabel {
  const result = { key: 0, text: 0, number: 0, unit: 0 };
  while (cursor.next()) {
    if (cursor.field === 1) result.key = cursor.int();
    else if (cursor.field === 2) result.text = cursor.int();
    else if (cursor.field === 3) result.number = cursor.int();
    else if (cursor.field === 4) result.unit = cursor.int();
    else cursor.skip();
  }
  return result;
}

export function line(cursor: PprofCursor): { func: Id; line: number; column: number } {
  const result: { func: Id; line: number; column: number } = { func: 0, line: 0, column: 0 };
  while (cursor.next()) {
    if (cursor.field === 1) result.func = cursor.id();
    else if (cursor.field === 2) result.line = cursor.int();
    else if (cursor.field === 3) result.column = cursor.int();
    else cursor.skip();
  }
  return result;
}
