import { Warnings } from '../src/base/warnings.ts';
import { IdTable } from '../src/model/id-table.ts';
import type { Trace } from '../src/model/trace.ts';
import { attribute } from '../src/model/trace-read.ts';

/** True for spans that an analysis leaves out: an exporter watching itself. */
export type SpanPredicate = (span: number) => boolean;

/** OTLP's span kinds, as the model stores them. */
export const SpanKind = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

/**
 * The spans of a trace as trees that can be walked safely: no cycles, no span twice, no end before its start, and no
 * consumer below the producer that did not wait for it.
 */
export interface SpanForest {
  readonly length: number;
  /** 1 = in the forest; 0 = left out, or a copy of another row. */
  readonly kept: Uint8Array;
  /** Row of the nearest kept parent; -1 = root. */
  readonly parent: Int32Array;
  /** `children[childStart[s] … childStart[s + 1]]`: latest end first, then earliest start, then row. */
  readonly childStart: Uint32Array;
  readonly children: Uint32Array;
  /** By start, then row. */
  readonly roots: Uint32Array;
  readonly startNs: Float64Array;
  /** Never before `startNs`. */
  readonly endNs: Float64Array;
  /** Consumers that are children of the producer of their message: roots here, since it did not wait for them. */
  readonly handedOver: readonly Message[];
  /** What had to be mended, and what was left out. */
  readonly warnings: Warnings;
}

/** Rows of the span that sent a message and of the one that took it up. */
export interface Message {
  readonly producer: number;
  readonly consumer: number;
}

export interface SpanForestOptions {
  /** Spans to leave out; their children move up to the nearest span that stays. Counted as `exporter-noise`. */
  readonly exclude?: SpanPredicate | undefined;
}

/** Builds the forest in time that is linear but for sorting siblings, and without recursion. */
export function buildSpanForest(trace: Trace, options: SpanForestOptions = {}): SpanForest {
  const { length, kind } = trace.spans;
  const warnings = new Warnings();
  const { startNs, endNs } = mendTimes(trace, warnings);
  const kept = keepSpans(trace, options.exclude, warnings);
  const parent = Int32Array.from(trace.spans.parent);
  breakCycles(parent, startNs, trace, warnings);
  skipExcluded(parent, kept);
  const handedOver: Message[] = [];
  for (let span = 0; span < length; span++) {
    const p = parent[span]!;
    // Orphans are counted where they would have been: at a row that names a parent which is not there.
    if (kept[span] === 1 && trace.spans.parent[span] === -1 && hasParentId(trace, span)) {
      warnings.add('orphan-spans', 'the parent of a span is not in the data: the span is taken as a root', {
        example: nameOf(trace, span),
      });
    }
    if (p !== -1 && kept[span] === 1 && kind[span] === SpanKind.consumer && kind[p] === SpanKind.producer) {
      parent[span] = -1;
      handedOver.push({ producer: p, consumer: span });
    }
  }
  for (const span of followers(trace)) parent[span] = -1;
  const { childStart, children, roots } = arrange(parent, kept, startNs, endNs);
  return { length, kept, parent, childStart, children, roots, startNs, endNs, handedOver, warnings };
}

/** Rows of the forest, parents before children; `lastOf[p]` is the last position of the subtree at position `p`. */
export function preOrder(forest: SpanForest): {
  readonly order: Uint32Array;
  readonly positionOf: Int32Array;
  readonly lastOf: Uint32Array;
} {
  const { length, childStart, children, roots, parent } = forest;
  const order = new Uint32Array(forest.roots.length + forest.children.length);
  const positionOf = new Int32Array(length).fill(-1);
  const stack = new Uint32Array(order.length);
  let count = 0;
  let top = 0;
  for (let i = roots.length - 1; i >= 0; i--) stack[top++] = roots[i]!;
  while (top > 0) {
    const span = stack[--top]!;
    positionOf[span] = count;
    order[count++] = span;
    for (let c = childStart[span + 1]! - 1; c >= childStart[span]!; c--) stack[top++] = children[c]!;
  }
  const lastOf = Uint32Array.from(order, (_, position) => position);
  for (let position = count - 1; position >= 0; position--) {
    const p = parent[order[position]!]!;
    if (p === -1) continue;
    const at = positionOf[p]!;
    if (lastOf[position]! > lastOf[at]!) lastOf[at] = lastOf[position]!;
  }
  return { order, positionOf, lastOf };
}

/**
 * Spans that say of their own parent that they only follow from it (OpenTracing's FOLLOWS_FROM): it did not wait.
 * https://opentelemetry.io/docs/specs/semconv/general/opentracing-compatibility/
 */
function followers(trace: Trace): number[] {
  const key = trace.strings.indexOf('opentracing.ref_type');
  if (key === -1) return [];
  const { links, spans } = trace;
  const found: number[] = [];
  for (let link = 0; link < links.length; link++) {
    const span = links.span[link]!;
    if (links.target[link] === -1 || links.target[link] !== spans.parent[span]) continue;
    if (attribute(trace, links, link, key) === 'follows_from') found.push(span);
  }
  return found;
}

function mendTimes(trace: Trace, warnings: Warnings): { startNs: Float64Array; endNs: Float64Array } {
  const { length, startNs, endNs } = trace.spans;
  let mended: Float64Array | undefined;
  for (let span = 0; span < length; span++) {
    if (endNs[span]! >= startNs[span]!) continue;
    mended ??= Float64Array.from(endNs);
    mended[span] = startNs[span]!;
    warnings.add('end-before-start', 'spans end before they start, or never ended: they count as having no length', {
      example: nameOf(trace, span),
    });
  }
  return { startNs, endNs: mended ?? endNs };
}

function keepSpans(trace: Trace, exclude: SpanPredicate | undefined, warnings: Warnings): Uint8Array {
  const { length } = trace.spans;
  const kept = new Uint8Array(length).fill(1);
  if (exclude !== undefined) {
    for (let span = 0; span < length; span++) {
      if (!exclude(span)) continue;
      kept[span] = 0;
      warnings.add('exporter-noise', "spans of the telemetry exporter's own work are left out");
    }
  }
  // Only the builder sees every id; without its warning no id occurs twice and nothing needs to be looked up.
  if (trace.warnings.some(warning => warning.code === 'duplicate-spans')) dropCopies(trace, kept, warnings);
  return kept;
}

/** Of rows that agree in ids, kind, name and times, the first stays. Rows that only share an id are different spans. */
function dropCopies(trace: Trace, kept: Uint8Array, warnings: Warnings): void {
  const { length, trace: traceOf, idHigh, idLow, kind, name, startNs, endNs } = trace.spans;
  const ids = new IdTable(4);
  const rowsOf: number[][] = [];
  for (let span = 0; span < length; span++) {
    const id = ids.intern(traceOf[span]!, idHigh[span]!, idLow[span]!);
    const rows = rowsOf[id];
    if (rows === undefined) {
      rowsOf[id] = [span];
      continue;
    }
    const same = (other: number): boolean =>
      kind[other] === kind[span] &&
      name[other] === name[span] &&
      startNs[other] === startNs[span] &&
      endNs[other] === endNs[span];
    if (rows.some(same)) {
      kept[span] = 0;
      warnings.add('copied-spans', 'the same span stands in the data more than once: counted once');
    } else rows.push(span);
  }
}

/** Each walk towards the root marks its own steps; meeting its own mark again is a cycle, which its earliest span ends. */
function breakCycles(parent: Int32Array, startNs: Float64Array, trace: Trace, warnings: Warnings): void {
  const mark = new Int32Array(parent.length);
  for (let span = 0; span < parent.length; span++) {
    let at = span;
    while (at !== -1 && mark[at] === 0) {
      mark[at] = span + 1;
      at = parent[at]!;
    }
    if (at === -1 || mark[at] !== span + 1) continue;
    let first = at;
    for (let member = parent[at]!; member !== at; member = parent[member]!) {
      const earlier = startNs[member]! - startNs[first]!;
      if (earlier < 0 || (earlier === 0 && member < first)) first = member;
    }
    parent[first] = -1;
    warnings.add('span-cycles', 'spans are their own ancestors: the earliest of each circle is taken as a root', {
      example: nameOf(trace, first),
    });
  }
}

/** Points every span past left-out ancestors; left-out spans are shortened on the way, so that long chains cost once. */
function skipExcluded(parent: Int32Array, kept: Uint8Array): void {
  for (let span = 0; span < parent.length; span++) {
    let target = parent[span]!;
    if (target === -1 || kept[target] === 1) continue;
    while (target !== -1 && kept[target] === 0) target = parent[target]!;
    for (let at = span; at !== target; ) {
      const next = parent[at]!;
      parent[at] = target;
      at = next;
    }
  }
}

function arrange(
  parent: Int32Array,
  kept: Uint8Array,
  startNs: Float64Array,
  endNs: Float64Array,
): { childStart: Uint32Array; children: Uint32Array; roots: Uint32Array } {
  const { length } = parent;
  const childStart = new Uint32Array(length + 1);
  let rootCount = 0;
  for (let span = 0; span < length; span++) {
    if (kept[span] === 0) continue;
    const p = parent[span]!;
    if (p === -1) rootCount++;
    else childStart[p + 1] = childStart[p + 1]! + 1;
  }
  for (let span = 0; span < length; span++) childStart[span + 1] = childStart[span + 1]! + childStart[span]!;
  const children = new Uint32Array(childStart[length]!);
  const roots = new Uint32Array(rootCount);
  const next = childStart.slice(0, length);
  let root = 0;
  for (let span = 0; span < length; span++) {
    if (kept[span] === 1 && parent[span] === -1) roots[root++] = span;
  }
  // From the last row to the first: exporters write spans as they end, so that siblings arrive almost in order.
  for (let span = length - 1; span >= 0; span--) {
    const p = parent[span]!;
    if (kept[span] === 0 || p === -1) continue;
    const slot = next[p]!;
    children[slot] = span;
    next[p] = slot + 1;
  }
  const laterFirst = (a: number, b: number): number => endNs[b]! - endNs[a]! || startNs[a]! - startNs[b]! || a - b;
  for (let span = 0; span < length; span++) sortRange(children, childStart[span]!, childStart[span + 1]!, laterFirst);
  roots.sort((a, b) => startNs[a]! - startNs[b]! || a - b);
  return { childStart, children, roots };
}

/** Insertion for the few siblings that most spans have, the library's sort for many. */
function sortRange(rows: Uint32Array, from: number, to: number, order: (a: number, b: number) => number): void {
  if (to - from > 24) {
    rows.subarray(from, to).sort(order);
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const row = rows[i]!;
    let at = i;
    for (; at > from && order(rows[at - 1]!, row) > 0; at--) rows[at] = rows[at - 1]!;
    rows[at] = row;
  }
}

function hasParentId(trace: Trace, span: number): boolean {
  return trace.spans.parentHigh[span] !== 0 || trace.spans.parentLow[span] !== 0;
}

function nameOf(trace: Trace, span: number): string {
  return trace.strings[trace.spans.name[span]!]!;
}
