import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

/**
 * A trace drawn as a timeline, one span a line, one character `unitNs` (default 1):
 *
 *     A            [==========]
 *       B            [===]              indented: child of the span above it
 *       C                |              no length
 *     D consumer <B, C      [====]      a kind, and links to spans drawn before
 *     E svc=db ^lost       [=]          a service; a parent that is not in the data
 *     F trace=2 error   [=]             another trace id; status error
 *
 * A bar begins at the column of its `[` and ends after that of its `]`, so `[=]` is 3 units; `[]` is 2. A name may
 * occur more than once; links and `spanNames` then mean the last one. Ids are numbered in the order of the lines.
 */
export function drawTrace(text: string, options: { unitNs?: number; startNs?: number } = {}): Trace {
  const { unitNs = 1, startNs = 0 } = options;
  const builder = new TraceBuilder('drawn');
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const origin = Math.min(...lines.map(line => line.search(/[[|]/)));
  const rowOf = new Map<string, { trace: number; id: number }>();
  const open: { indent: number; trace: number; id: number }[] = [];
  for (const [index, line] of lines.entries()) {
    const bar = /\[=*\]|\|/.exec(line);
    if (bar === null) throw new Error(`no bar in: ${line}`);
    const words = line.slice(0, bar.index).replaceAll(', ', ',').trim().split(/\s+/);
    const name = words[0]!;
    const word = (prefix: string): string | undefined =>
      words.find((w, i) => i > 0 && w.startsWith(prefix))?.slice(prefix.length);
    const indent = line.search(/\S/);
    while (open.length > 0 && open.at(-1)!.indent >= indent) open.pop();
    const parent = open.at(-1);
    const traceWord = word('trace=');
    const trace =
      traceWord === undefined ? (parent?.trace ?? traceId(builder, 1)) : traceId(builder, Number(traceWord));
    const id = index + 1;
    const lost = word('^') !== undefined;
    builder.span({
      trace,
      idHigh: 0,
      idLow: id,
      parentHigh: 0,
      parentLow: lost ? 0xffff : (parent?.id ?? 0),
      name: builder.strings.intern(name),
      kind: Math.max(0, KINDS.indexOf(words.find(w => KINDS.includes(w)) ?? '')),
      status: words.includes('error') ? 2 : 0,
      startNs: startNs + (bar.index - origin) * unitNs,
      endNs: startNs + (bar.index - origin + (bar[0] === '|' ? 0 : bar[0].length)) * unitNs,
      scope: builder.scope('drawing'),
      batch: batchOf(builder, word('svc=') ?? 'service'),
    });
    for (const attribute of words.filter(w => w.startsWith('@'))) {
      const [key = '', value = ''] = attribute.slice(1).split('=');
      builder.attributeOf(key, value);
    }
    for (const target of (word('<') ?? '').split(',').filter(w => w !== '')) {
      const linked = rowOf.get(target);
      if (linked === undefined) throw new Error(`${name} links to ${target}, which is not drawn before it`);
      builder.link(linked.trace, 0, linked.id);
    }
    rowOf.set(name, { trace, id });
    open.push({ indent, trace, id });
  }
  return builder.finish();
}

/** Row of the (last) span with this name. */
export function rowNamed(trace: Trace, name: string): number {
  for (let row = trace.spans.length - 1; row >= 0; row--) {
    if (trace.strings[trace.spans.name[row]!] === name) return row;
  }
  throw new Error(`no span ${name}`);
}

function traceId(builder: TraceBuilder, number: number): number {
  return builder.traceIds.intern(0, 0, 0, number);
}

function batchOf(builder: TraceBuilder, service: string): number {
  const resource = builder.resource(new Map([['service.name', service]]));
  return builder.batch({ resource, process: 0, arrivalNs: undefined, request: 0 });
}

export interface SpanRow {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Index of the parent in the list, which may be the span itself or a later one. */
  readonly parent?: number;
  readonly kind?: number;
  readonly service?: string;
  /** Given: the span id; otherwise the index plus 1. */
  readonly id?: number;
  readonly trace?: number;
}

/** A trace given as rows, where a drawing would be too wide, or is impossible: cycles, equal ids, thousands of spans. */
export function traceOfRows(rows: readonly SpanRow[]): Trace {
  const builder = new TraceBuilder('rows');
  const scope = builder.scope('rows');
  const idOf = (index: number): number => rows[index]!.id ?? index + 1;
  const batches = new Map<string, number>();
  for (const [index, row] of rows.entries()) {
    const service = row.service ?? 'service';
    const batch = batches.get(service) ?? batchOf(builder, service);
    batches.set(service, batch);
    builder.span({
      trace: traceId(builder, row.trace ?? 1),
      idHigh: 0,
      idLow: idOf(index),
      parentHigh: 0,
      parentLow: row.parent === undefined ? 0 : idOf(row.parent),
      name: builder.strings.intern(row.name),
      kind: row.kind ?? 0,
      status: 0,
      startNs: row.start,
      endNs: row.end,
      scope,
      batch,
    });
  }
  return builder.finish();
}
