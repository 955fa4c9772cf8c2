import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderSparklineSvg } from '../../flame/sparkline.ts';
import { assertGolden } from './golden.ts';
import { assertWellFormed } from './well-formed.ts';

test('a queue that fills and drains, with a gap', () => {
  const values = [0, 2, 5, 9, 12, Number.NaN, Number.NaN, 11, 7, 3, 0];
  const svg = renderSparklineSvg({
    title: 'worker_queue depth',
    unit: 'messages',
    timesNs: values.map((_, i) => i * 1e8),
    values,
  });
  assertWellFormed(svg);
  assert.match(svg, /lowest 0 messages, highest 12 messages, last 0 messages in 1\.00 s, 2 readings missing/);
  assertGolden('sparkline.svg', svg);
});

test('a peak of one reading among a million is drawn, in few characters', () => {
  const values = new Float64Array(1_000_000).fill(100 * 2 ** 20);
  values[777_777] = 2 ** 30;
  const timesNs = Float64Array.from(values, (_, i) => i * 1e6);
  const svg = renderSparklineSvg({ title: 'RSS', unit: 'bytes', timesNs, values });
  assert.ok(svg.length < 30_000);
  // Its top: right below the title.
  assert.match(svg, /L[\d.]+ 22L/);
  assert.match(svg, /highest 1\.00 GiB/);
});

test('a long title is cut in its middle, and whole for who cannot see the picture', () => {
  const title = `queue: ${'very_'.repeat(20)}long`;
  const svg = renderSparklineSvg({ title, unit: 'count', timesNs: [0, 1], values: [1, 2] });
  assertWellFormed(svg);
  assert.match(svg, /y="14">queue: very_[a-z_]{5,40}…[a-z_]{5,20}long</);
  assert.ok(svg.includes(`>${title}</title>`));
});

test('nothing read, one reading, all the same', () => {
  for (const values of [[], [Number.NaN], [3], [0, 0, 0], [-2, -1]]) {
    const svg = renderSparklineSvg({ title: 'a & b', unit: 'share', timesNs: values.map((_, i) => i), values });
    assertWellFormed(svg);
    assert.doesNotMatch(svg, /NaN|Infinity/);
  }
});
