import { float64Column } from '../base/column.ts';
import type { JsonShape } from '../base/json-stream.ts';
import { asText } from '../base/narrow.ts';

/** A column as the file has it; what is null there is NaN here. */
export type FxColumn = ReturnType<typeof float64Column>;

const STACK = ['frame', 'prefix', 'prefixOffset', 'category'] as const;
const FRAME = ['func', 'category', 'address', 'inlineDepth', 'flags', 'lib', 'line', 'column'] as const;
const FUNC = ['name', 'resource', 'source', 'fileName', 'lineNumber', 'columnNumber'] as const;
const RESOURCE = ['lib', 'name'] as const;
const SOURCES = ['filename'] as const;

type Columns<Names extends readonly string[]> = { readonly [Name in Names[number]]: FxColumn };

/** The tables that stacks are made of: below each thread until version 59, below `shared` since version 60. */
export interface FxTables {
  readonly strings: string[];
  readonly stack: Columns<typeof STACK>;
  readonly frame: Columns<typeof FRAME>;
  readonly func: Columns<typeof FUNC>;
  readonly resource: Columns<typeof RESOURCE>;
  readonly sources: Columns<typeof SOURCES>;
}

export function fxTables(): FxTables {
  return {
    strings: [],
    stack: columns(STACK),
    frame: columns(FRAME),
    func: columns(FUNC),
    resource: columns(RESOURCE),
    sources: columns(SOURCES),
  };
}

/** Shapes of the tables' keys; `tables` says which tables are being filled at that moment. */
export function fxTableShapes(tables: () => FxTables): Record<string, JsonShape> {
  return {
    stringArray: { each: text => tables().strings.push(asText(text)) },
    stringTable: { each: text => tables().strings.push(asText(text)) },
    stackTable: shapeOf(STACK, () => tables().stack),
    frameTable: shapeOf(FRAME, () => tables().frame),
    funcTable: shapeOf(FUNC, () => tables().func),
    resourceTable: shapeOf(RESOURCE, () => tables().resource),
    sources: shapeOf(SOURCES, () => tables().sources),
  };
}

/** The value of row `row`, NaN where the column is not there or shorter. */
export function cell(column: FxColumn, row: number): number {
  return row >= 0 && row < column.length ? column.get(row) : Number.NaN;
}

function columns<const Names extends readonly string[]>(names: Names): Columns<Names> {
  return Object.fromEntries(names.map(name => [name, float64Column()])) as Columns<Names>;
}

function shapeOf<const Names extends readonly string[]>(names: Names, table: () => Columns<Names>): JsonShape {
  const fields: Record<string, JsonShape> = {};
  for (const name of names) {
    fields[name] = { numbers: value => table()[name as Names[number]].push(value) };
  }
  return { fields };
}
