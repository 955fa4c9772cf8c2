import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { axisTicks } from '../../flame/axis-ticks.ts';
import { renderWaterfallSvg, type Waterfall } from '../../flame/waterfall.ts';
import { assertGolden } from './golden.ts';
import { assertWellFormed } from './well-formed.ts';

const ms = (value: number): number => value * 1e6;

const TASK: Waterfall = {
  title: 'linear_workflow 0199-4f',
  totalNs: ms(100),
  facts: ['4 steps, one of them with a gap that nothing explains'],
  rows: [
    { label: 'task', depth: 0, bars: [{ startNs: 0, durationNs: ms(100), kind: 'span', label: 'linear_workflow' }] },
    {
      label: 'linear_step_1',
      depth: 1,
      bars: [
        { startNs: 0, durationNs: ms(10), kind: 'discovery', label: 'next-ready-tasks' },
        { startNs: ms(10), durationNs: ms(25), kind: 'wait', label: 'queue' },
        { startNs: ms(35), durationNs: ms(30), kind: 'handler', label: 'handler' },
        { startNs: ms(65), durationNs: ms(5), kind: 'unattributed', label: 'unattributed' },
      ],
    },
    {
      label: 'linear_step_2 <&>',
      depth: 1,
      bars: [{ startNs: ms(70), durationNs: ms(40), kind: 'code', label: 'code' }],
    },
    { label: 'linear_step_3', depth: 1, bars: [] },
  ],
};

test('a task', () => {
  const svg = renderWaterfallSvg(TASK);
  assertWellFormed(svg);
  assertGolden('waterfall.svg', svg);
});

test('says in words what it draws, cuts, and leaves out', () => {
  const svg = renderWaterfallSvg(TASK, { mostRows: 3 });
  assert.match(svg, /the last 1 rows are not drawn/);
  assert.match(svg, /bars that reach beyond the axis, cut there: 1/);
  assert.match(svg, /wait: 25\.0 ms \(\d+\.\d %\)/);
  assert.match(svg, /linear_step_1: next-ready-tasks 10\.0 ms \(discovery\), queue 25\.0 ms \(wait\)/);
});

test('bars lie between the labels and the margin, at their times', () => {
  const bar = fc.record({
    startNs: fc.nat(1e9),
    durationNs: fc.nat(1e9),
    kind: fc.constantFrom('wait', 'code', 'x'),
    label: fc.string(),
  });
  fc.assert(
    fc.property(
      fc.array(fc.array(bar, { maxLength: 5 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 2e9 }),
      (rows, totalNs) => {
        const svg = renderWaterfallSvg({
          title: 't',
          totalNs,
          rows: rows.map((bars, i) => ({ label: `r${i}`, depth: i, bars })),
        });
        assertWellFormed(svg);
        const drawn = [
          ...svg.matchAll(/<\/title><rect class="\w+"(?: fill="[^"]+")? x="([\d.]+)" y="\d+" width="([\d.]+)"/g),
        ];
        assert.equal(drawn.length, rows.flat().filter(b => b.startNs <= totalNs).length);
        for (const [, x, width] of drawn) {
          assert.ok(Number(x) >= 100 && Number(x) + Number(width) <= 1191, `${x} ${width}`);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('no time, no rows', () => {
  assertWellFormed(renderWaterfallSvg({ title: '', totalNs: 0, rows: [] }));
  assertWellFormed(
    renderWaterfallSvg({
      title: 'x',
      totalNs: 0,
      rows: [{ label: 'a', depth: 0, bars: [{ startNs: 0, durationNs: 0, kind: 'k', label: 'l' }] }],
    }),
  );
});

test('ticks are round and not too many', () => {
  assert.deepEqual(axisTicks(100, 10), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  assert.deepEqual(axisTicks(7, 4), [0, 2, 4, 6]);
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e18, noNaN: true }), fc.integer({ min: 2, max: 20 }), (end, most) => {
      const ticks = axisTicks(end, most);
      assert.ok(ticks.length >= 1 && ticks.length <= most + 1 && ticks.at(-1)! <= end * 1.000001);
    }),
  );
});
