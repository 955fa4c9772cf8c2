import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { selfTimeNs } from '../../analyzers/self-time.ts';
import { buildSpanForest } from '../../analyzers/span-forest.ts';
import type { Trace } from '../../src/model/trace.ts';
import { drawTrace, rowNamed, type SpanRow, traceOfRows } from './trace-drawing.ts';

/** `A 5 B 3`: self time of the named spans. */
function selfOf(trace: Trace): Record<string, number> {
  const self = selfTimeNs(buildSpanForest(trace));
  const names = [...new Set(Array.from(trace.spans.name, name => trace.strings[name]!))];
  return Object.fromEntries(names.map(name => [name, self[rowNamed(trace, name)]!]));
}

const CASES: readonly [what: string, drawing: string, expected: Record<string, number>][] = [
  ['no children', 'A [==]', { A: 4 }],
  ['one child', 'A [======]\n  B  [==]', { A: 4, B: 4 }],
  ['two children apart', 'A [==========]\n  B  [==]\n  C        [=]', { A: 5, B: 4, C: 3 }],
  ['two children that touch', 'A [==========]\n  B  [==]\n  C      [=]', { A: 5, B: 4, C: 3 }],
  ['two children that overlap count once', 'A [==========]\n  B  [====]\n  C     [====]', { A: 3, B: 6, C: 6 }],
  ['a child within another', 'A [==========]\n  B  [======]\n  C    [=]', { A: 4, B: 8, C: 3 }],
  ['two equal children', 'A [========]\n  B  [==]\n  C  [==]', { A: 6, B: 4, C: 4 }],
  [
    'three short children that overlap',
    'A [==========]\n  B  [==]\n  C    [==]\n  D      [==]',
    { A: 4, B: 4, C: 4, D: 4 },
  ],
  ['children from the very start', 'A   [======]\n  B [==]\n  C [=]', { A: 4, B: 4, C: 3 }],
  ['a child as long as its parent', 'A   [====]\n  B [====]', { A: 0, B: 6 }],
  ['a child that ends after its parent', 'A [====]\n  B    [======]', { A: 5, B: 8 }],
  ['a child longer than its parent on both sides', 'A    [==]\n  B [=======]', { A: 0, B: 9 }],
  ['a child after its parent', 'A [==]\n  B       [==]', { A: 4, B: 4 }],
  ['a child before its parent', 'A       [==]\n  B [==]', { A: 4, B: 4 }],
  [
    'grandchildren are their parent’s, not their grandparent’s',
    'A [========]\n  B  [=====]\n    C  [=]',
    { A: 3, B: 4, C: 3 },
  ],
  ['overlapping children, one longer than its parent', 'A [======]\n  B  [==]\n  C    [======]', { A: 3, B: 4, C: 8 }],
  ['a child without length', 'A [====]\n  B   |', { A: 6, B: 0 }],
  ['a consumer below its producer', 'P producer [==]\n  C consumer  [====]', { P: 4, C: 6 }],
];

for (const [what, drawing, expected] of CASES) {
  test(`self time: ${what}`, () => assert.deepEqual(selfOf(drawTrace(drawing)), expected));
}

const anyRows: fc.Arbitrary<SpanRow[]> = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: 50 }),
      length: fc.integer({ min: 0, max: 30 }),
      parent: fc.integer({ min: -1, max: 20 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map(list =>
    list.map(({ start, length, parent }, i) => ({
      name: `s${i}`,
      start,
      end: start + length,
      ...(parent < 0 || parent >= list.length ? {} : { parent }),
    })),
  );

test('self time lies between nothing and the whole span, and is the instants in which no child ran', () => {
  fc.assert(
    fc.property(anyRows, rows => {
      const trace = traceOfRows(rows);
      const forest = buildSpanForest(trace);
      const self = selfTimeNs(forest);
      for (let span = 0; span < trace.spans.length; span++) {
        const childRows = forest.children.subarray(forest.childStart[span]!, forest.childStart[span + 1]!);
        let alone = 0;
        const start = trace.spans.startNs[span]!;
        const end = trace.spans.endNs[span]!;
        for (let at = start; at < end; at++) {
          if (!childRows.some(c => trace.spans.startNs[c]! <= at && at < trace.spans.endNs[c]!)) alone++;
        }
        assert.equal(self[span], alone);
      }
    }),
  );
});

test('in a tree without overlaps the self times add up to the root', () => {
  // Each span is cut into pieces; some of the pieces are children, cut again.
  const tree = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(tree, levels => {
      const rows: SpanRow[] = [{ name: 'root', start: 0, end: 4 ** 7 }];
      let open = [0];
      for (const level of levels) {
        const next: number[] = [];
        for (const parent of open) {
          const { start, end } = rows[parent]!;
          const piece = (end - start) / 4;
          for (const [i, isChild] of level.entries()) {
            if (!isChild || next.length > 50) continue;
            next.push(rows.push({ name: 's', start: start + i * piece, end: start + (i + 1) * piece, parent }) - 1);
          }
        }
        open = next;
      }
      const self = selfTimeNs(buildSpanForest(traceOfRows(rows)));
      assert.equal(
        self.reduce((sum, value) => sum + value, 0),
        4 ** 7,
      );
    }),
  );
});
