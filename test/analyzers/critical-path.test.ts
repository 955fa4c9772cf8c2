import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyzeCriticalPath, type CriticalPathOptions, findCriticalPaths } from '../../analyzers/critical-path.ts';
import { buildSpanForest, SpanKind } from '../../analyzers/span-forest.ts';
import type { Trace } from '../../src/model/trace.ts';
import { drawTrace, rowNamed, type SpanRow, traceOfRows } from './trace-drawing.ts';

/** `A[0,5) wait for B[5,7)`: the segments of each path in order of time; checks that they touch and add up. */
function pathsOf(trace: Trace, options: CriticalPathOptions = {}): string[] {
  return analyzeCriticalPath(trace, options).traces.map(({ segments, startNs, totalNs }) => {
    let at = startNs;
    for (const segment of segments) {
      assert.equal(segment.startNs, at);
      assert.ok(segment.durationNs > 0);
      at += segment.durationNs;
    }
    assert.equal(at, startNs + totalNs);
    return segments.map(s => `${s.name}[${s.startNs},${s.startNs + s.durationNs})`).join(' ');
  });
}

function path(trace: Trace): string {
  const all = pathsOf(trace);
  assert.equal(all.length, 1);
  return all[0]!;
}

const rows = (...list: [name: string, start: number, end: number, parent?: number][]): Trace =>
  traceOfRows(
    list.map(([name, start, end, parent]) => ({ name, start, end, ...(parent === undefined ? {} : { parent }) })),
  );

// The nine cases that Jaeger UI tests itself with, as intervals; times here count from each trace's first start.
test('children one after another', () => {
  assert.equal(
    path(rows(['E', 50, 60, 1], ['C', 1, 101], ['D', 20, 40, 1])),
    'C[0,19) D[19,39) C[39,49) E[49,59) C[59,100)',
  );
});

test('a child that another one overlaps keeps the time before the overlap', () => {
  assert.equal(path(rows(['X', 1, 101], ['A', 10, 50, 0], ['C', 20, 60, 0])), 'X[0,9) A[9,19) C[19,59) X[59,100)');
});

test('children wholly after or before their parent hold nobody up, nor do their own children', () => {
  assert.equal(path(rows(['A', 100, 140], ['B', 200, 260, 0])), 'A[0,40)');
  assert.equal(path(rows(['A', 1, 31], ['B', 40, 80, 0], ['C', 50, 60, 1])), 'A[0,30)');
  assert.equal(path(rows(['A', 10, 30], ['B', 1, 5, 0])), 'A[9,29)');
});

test('a span that only links to another is a root of its own', () => {
  assert.deepEqual(pathsOf(drawTrace('A       [======]\nB <A      [==]')), ['A[0,8)', 'B[2,6)']);
});

test('children that stick out are clipped to their parent, generation by generation', () => {
  assert.equal(path(rows(['A', 1, 30], ['B', 15, 35, 0], ['C', 10, 25, 1])), 'A[0,14) C[14,24) B[24,29)');
  assert.equal(path(rows(['A', 1, 30], ['B', 15, 35, 0], ['C', 20, 40, 1])), 'A[0,14) B[14,19) C[19,29)');
  assert.equal(path(rows(['A', 10, 30], ['B', 5, 35, 0])), 'B[5,25)');
});

test('siblings that touch, to the nanosecond', () => {
  assert.equal(
    path(rows(['A', 1000, 1100], ['B', 1010, 1050, 0], ['C', 1050, 1090, 0])),
    'A[0,10) B[10,50) C[50,90) A[90,100)',
  );
});

test('siblings with a gap of one', () => {
  assert.equal(
    path(rows(['A', 1000, 1100], ['B', 1010, 1049, 0], ['C', 1050, 1090, 0])),
    'A[0,10) B[10,49) A[49,50) C[50,90) A[90,100)',
  );
});

test('siblings that overlap lose nothing to their parent', () => {
  assert.equal(path(rows(['A', 1000, 1300], ['x', 1000, 1120, 0], ['y', 1100, 1300, 0])), 'x[0,100) y[100,300)');
});

test('fork and join with equal ends', () => {
  assert.equal(
    path(rows(['A', 1000, 1100], ['B1', 1010, 1050, 0], ['B2', 1020, 1050, 0], ['C', 1050, 1090, 0])),
    'A[0,10) B1[10,50) C[50,90) A[90,100)',
  );
});

test('equal siblings: the one that came first in the data', () => {
  assert.equal(path(rows(['A', 0, 10], ['B', 2, 8, 0], ['C', 2, 8, 0])), 'A[0,2) B[2,8) A[8,10)');
});

test('spans without length and time 0', () => {
  assert.equal(path(rows(['A', 0, 10], ['B', 0, 0, 0], ['C', 0, 5, 0], ['D', 5, 5, 0])), 'C[0,5) A[5,10)');
  assert.deepEqual(pathsOf(rows(['A', 7, 7])), ['']);
  assert.equal(path(rows(['A', 0, 4], ['B', 4, 4, 0])), 'A[0,4)');
});

test('an end before the start is no length, and is said', () => {
  const trace = rows(['A', 0, 10], ['B', 6, 2, 0]);
  assert.equal(path(trace), 'A[0,10)');
  const warning = analyzeCriticalPath(trace).warnings.find(w => w.code === 'end-before-start');
  assert.deepEqual([warning?.count, warning?.examples], [1, ['B']]);
});

test('cycles are cut at their earliest span; a span that is its own parent is a root', () => {
  assert.equal(path(rows(['A', 0, 10, 2], ['B', 1, 9, 0], ['C', 2, 8, 1])), 'A[0,1) B[1,2) C[2,8) B[8,9) A[9,10)');
  assert.equal(path(rows(['A', 0, 10, 0], ['B', 1, 9, 0])), 'A[0,1) B[1,9) A[9,10)');
  const { warnings } = analyzeCriticalPath(rows(['A', 0, 10, 1], ['B', 0, 10, 0], ['C', 3, 4, 2]));
  assert.equal(warnings.find(w => w.code === 'span-cycles')?.count, 2);
});

test('the same span twice counts once; different spans under one id both count', () => {
  const twice = traceOfRows([
    { name: 'A', start: 0, end: 10 },
    { name: 'B', start: 2, end: 5, parent: 0, id: 9 },
    { name: 'B', start: 2, end: 5, parent: 0, id: 9 },
    { name: 'C', start: 6, end: 8, parent: 0, id: 9 },
  ]);
  const result = analyzeCriticalPath(twice);
  assert.deepEqual(
    result.traces[0]?.segments.map(s => s.name),
    ['A', 'B', 'A', 'C', 'A'],
  );
  assert.equal(result.warnings.find(w => w.code === 'copied-spans')?.count, 1);
  assert.equal(result.operations.find(o => o.name === 'B')?.count, 1);
});

test('several roots in a trace are several paths; an orphan is one of them, and is said', () => {
  const trace = drawTrace(`
    A          [=====]
    B  ^lost     [==]
    C                 [===]
      D                [=]
  `);
  assert.deepEqual(pathsOf(trace), ['A[0,7)', 'B[2,6)', 'C[7,8) D[8,11) C[11,12)']);
  const { warnings, traces } = analyzeCriticalPath(trace);
  assert.equal(warnings.find(w => w.code === 'orphan-spans')?.count, 1);
  assert.equal(new Set(traces.map(t => t.traceId)).size, 1);
});

test('20,000 children in a row, touching', () => {
  const list: SpanRow[] = [{ name: 'root', start: 0, end: 20_000 }];
  for (let i = 0; i < 20_000; i++) list.push({ name: 'child', start: i, end: i + 1, parent: 0 });
  const [only] = analyzeCriticalPath(traceOfRows(list)).traces;
  assert.equal(only?.segments.length, 20_000);
  assert.ok(only?.segments.every(s => s.name === 'child'));
});

test('20,000 spans nested in each other', () => {
  const list: SpanRow[] = [{ name: 's', start: 0, end: 40_000 }];
  for (let i = 1; i < 20_000; i++) list.push({ name: 's', start: i, end: 40_000 - i, parent: i - 1 });
  const [only] = analyzeCriticalPath(traceOfRows(list)).traces;
  assert.equal(only?.totalNs, 40_000);
  assert.equal(only?.segments.length, 39_999);
});

test("an exporter's own spans are left out, counted, and their time is their parent's", () => {
  const trace = drawTrace(`
    A          [========]
      noise     [=====]
        B         [=]
    noise      [===]
  `);
  const noise = (span: number): boolean => trace.strings[trace.spans.name[span]!] === 'noise';
  assert.deepEqual(pathsOf(trace, { exclude: noise }), ['A[0,3) B[3,6) A[6,10)']);
  const { warnings } = analyzeCriticalPath(trace, { exclude: noise });
  assert.equal(warnings.find(w => w.code === 'exporter-noise')?.count, 2);
});

test('producer to consumer: the wait and the work are on the path', () => {
  const trace = drawTrace(`
    P producer      [===]
      C consumer           [======]
  `);
  assert.equal(path(trace), 'P[0,5) wait for C[5,7) C[7,15)');
  assert.deepEqual(pathsOf(trace, { followMessages: false }), ['P[0,5)', 'C[7,15)']);
});

test('a producer that goes on longer than its consumer keeps its own path', () => {
  assert.equal(
    path(
      drawTrace(`
    R                [===========]
      P producer      [=]
        C consumer       [===]
  `),
    ),
    'R[0,1) P[1,4) R[4,13)',
  );
});

test('a chain of messages by links, across traces', () => {
  const trace = drawTrace(`
    R                          [======]
      P producer                 [=]
    C consumer trace=2 <P               [=====]
      work trace=2                       [=]
      P2 producer trace=2                   [=]
    D consumer trace=3 <P2                        [==]
  `);
  assert.equal(path(trace), 'R[0,2) P[2,5) wait for C[5,9) C[9,10) work[10,13) P2[13,16) wait for D[16,19) D[19,23)');
  const [only] = analyzeCriticalPath(trace).traces;
  assert.equal(only?.segments.at(-1)?.traceId, '00000000000000000000000000000003');
  assert.equal(only?.segments[0]?.traceId, undefined);
  assert.equal(only?.segments.find(s => s.kind === 'queue-wait')?.durationNs, 4);
});

test('a message id is enough, on the same destination', () => {
  const trace = drawTrace(`
    P producer @messaging.message.id=7 @messaging.destination.name=q            [==]
    C consumer trace=2 @messaging.message.id=7 @messaging.destination.name=q         [==]
    D consumer trace=3 @messaging.message.id=7 @messaging.destination.name=other     [==]
  `);
  assert.deepEqual(pathsOf(trace), ['P[0,4) wait for C[4,5) C[5,9)', 'D[5,9)']);
});

test('a batch waits for the message that came last; each producer has its path', () => {
  const trace = drawTrace(`
    P1 producer                       [==]
    P2 producer trace=2                 [===]
    B consumer trace=3 <P1,P2                 [==]
  `);
  assert.deepEqual(pathsOf(trace), ['P1[0,4) wait for B[4,8) B[8,12)', 'P2[2,7) wait for B[7,8) B[8,12)']);
});

test('fan-out: the consumer that ends last is the path', () => {
  const trace = drawTrace(`
    R                  [====]
      P1 producer       []
        C1 consumer        [======]
      P2 producer         []
        C2 consumer          [===]
  `);
  assert.equal(path(trace), 'R[0,1) P1[1,3) wait for C1[3,4) C1[4,12)');
});

test('a reply that the caller waited for leads through the other side', () => {
  const trace = drawTrace(`
    R                      [==================]
      P producer            [=]
        C consumer             [=======]
          P2 producer                [=]
      RC consumer <P2                    [==]
  `);
  assert.equal(path(trace), 'R[0,1) P[1,4) C[4,10) P2[10,13) wait for RC[13,14) RC[14,18) R[18,20)');
});

test('a reply that came while the caller was still busy was not waited for', () => {
  const trace = drawTrace(`
    R                      [==================]
      P producer            [=]
        C consumer             [==]
          P2 producer            []
      busy                     [========]
      RC consumer <P2                    [==]
  `);
  assert.equal(path(trace), 'R[0,1) P[1,4) busy[4,14) RC[14,18) R[18,20)');
});

test('a consumer that seems to begin before its producer ends: no wait, nothing negative', () => {
  const trace = drawTrace(`
    R                      [======]
      P producer             [====]
        C consumer             [========]
  `);
  assert.equal(path(trace), 'R[0,2) P[2,4) C[4,14)');
});

test('a consumer before its producer even began: the path still adds up', () => {
  const trace = drawTrace(`
    R                      [======]
      P producer               [==]
        C consumer           [========]
  `);
  assert.equal(path(trace), 'R[0,2) C[2,12)');
});

test('messages in a circle end', () => {
  const trace = traceOfRows([
    { name: 'A', start: 0, end: 10, kind: SpanKind.consumer, parent: 1 },
    { name: 'B', start: 0, end: 10, kind: SpanKind.producer, parent: 0 },
  ]);
  assert.equal(pathsOf(trace).length, 1);
});

test('a message sent after its parent ended: the time between is a gap, nobody knows whose', () => {
  const trace = drawTrace(`
    R                      [==]
      P producer               [=]
        C consumer                  [==]
  `);
  const late = drawTrace(`
    R                      [==]
      P producer                 [=]
        C consumer                  [==]
  `);
  assert.equal(path(trace), 'R[0,4) P[4,7) wait for C[7,9) C[9,13)');
  assert.equal(path(late), 'R[0,4) gap before P[4,6) P[6,9) C[9,13)');
});

test('drag: what a segment costs, with and without a sibling beside it', () => {
  const trace = drawTrace(`
    A    [==================]
      B    [========]
      C    [====]
      D                [==]
  `);
  const [only] = analyzeCriticalPath(trace).traces;
  const drags = only?.segments.map(s => [s.name, s.durationNs, s.dragNs]);
  assert.deepEqual(drags, [
    ['A', 2, 2],
    ['B', 10, 4],
    ['A', 2, 2],
    ['D', 4, 4],
    ['A', 2, 2],
  ]);
});

test('slack: how far beside the path a span ran, its children included', () => {
  const trace = drawTrace(`
    A    [==================]
      B    [========]
      C    [====]
        E   [=]
        F   []
  `);
  const { operations } = analyzeCriticalPath(trace);
  const beside = operations.filter(o => o.besideCount > 0).map(o => [o.name, o.slackNs]);
  assert.deepEqual(beside, [
    ['C', 4],
    ['E', 4],
    ['F', 5],
  ]);
});

test('operations: time, share and count over all paths', () => {
  const trace = drawTrace(`
    A           [========]
      B svc=db   [=]
      B svc=db      [==]
    A trace=2              [========]
  `);
  const { operations } = analyzeCriticalPath(trace);
  assert.deepEqual(
    operations.map(o => [o.service, o.name, o.totalNs, o.share, o.count]),
    [
      ['service', 'A', 13, 0.65, 2],
      ['db', 'B', 7, 0.35, 2],
    ],
  );
});

const randomRows: fc.Arbitrary<SpanRow[]> = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: 40 }),
      length: fc.integer({ min: -2, max: 25 }),
      parent: fc.integer({ min: -1, max: 30 }),
      kind: fc.constantFrom(0, 0, 0, 4, 5),
    }),
    { minLength: 1, maxLength: 24 },
  )
  .map(list =>
    list.map(({ start, length, parent, kind }, i) => ({
      name: `s${i}`,
      start,
      end: start + length,
      kind,
      // Parents may come later, be the span itself, or form a circle.
      ...(parent < 0 || parent >= list.length ? {} : { parent }),
    })),
  );

test('any spans at all: paths touch, add up, and no instant in which a child ran is its parent’s', () => {
  fc.assert(
    fc.property(randomRows, list => {
      const trace = traceOfRows(list);
      pathsOf(trace);
      const forest = buildSpanForest(trace);
      const { segments } = findCriticalPaths(trace, forest, { followMessages: false });
      for (let s = 0; s < segments.length; s++) {
        const span = segments.span[s]!;
        const from = segments.startNs[s]!;
        const to = from + segments.durationNs[s]!;
        assert.ok(forest.startNs[span]! <= from && to <= forest.endNs[span]!, 'a segment lies in its span');
        for (let c = forest.childStart[span]!; c < forest.childStart[span + 1]!; c++) {
          const child = forest.children[c]!;
          const overlap = Math.min(to, forest.endNs[child]!) - Math.max(from, forest.startNs[child]!);
          assert.ok(overlap <= 0, `child ${child} ran in a segment of ${span}`);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('any tree: the path is the same in whatever order the spans arrive', () => {
  const shuffled = randomRows.chain(list =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length })),
  );
  fc.assert(
    fc.property(shuffled, ([rowsInOrder, order]) => {
      // Siblings that agree in both times are told apart by their place in the data: give every span its own start.
      const distinct = rowsInOrder.map((row, i) => ({ ...row, start: row.start * 100 + i, end: row.end * 100 + i }));
      const tree = distinct.map((row, i) =>
        row.parent === undefined || row.parent >= i ? { ...row, parent: 0 } : row,
      );
      const { parent: _, ...root } = tree[0]!;
      tree[0] = root;
      const placeOf = new Map(order.map((from, to) => [from, to]));
      const moved = order.map(from => {
        const row = tree[from]!;
        return row.parent === undefined ? row : { ...row, parent: placeOf.get(row.parent)! };
      });
      assert.deepEqual(pathsOf(traceOfRows(moved)), pathsOf(traceOfRows(tree)));
    }),
  );
});

test('drag never exceeds the segment, and slack 0 means on a path', () => {
  fc.assert(
    fc.property(randomRows, list => {
      const result = analyzeCriticalPath(traceOfRows(list), { followMessages: false });
      for (const { segments } of result.traces) {
        for (const s of segments) assert.ok(s.dragNs >= 0 && s.dragNs <= s.durationNs);
      }
      const shares = result.operations.reduce((sum, o) => sum + o.share, 0);
      assert.ok(shares === 0 || Math.abs(shares - 1) < 1e-9);
    }),
  );
});

test('row lookup of the drawing itself', () => {
  const trace = drawTrace('A [==]\n  B |');
  assert.equal(trace.spans.parent[rowNamed(trace, 'B')], rowNamed(trace, 'A'));
  assert.equal(trace.spans.endNs[rowNamed(trace, 'A')], 4);
});
