import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hdrQuantile, readHdrHistogram } from '../../src/formats/hdr-histogram.ts';
import { encodeHdrHistogram } from './hdr-encode.ts';

test('values come back within the precision of the histogram, counts exactly', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 1_000_000_000 }), fc.integer({ min: 1, max: 1_000_000 })), {
        minLength: 1,
        maxLength: 30,
      }),
      fc.integer({ min: 1, max: 4 }),
      (pairs, digits) => {
        const histogram = readHdrHistogram(encodeHdrHistogram(pairs, digits));
        assert.ok(histogram !== undefined);
        assert.equal(
          histogram.total,
          pairs.reduce((sum, [, count]) => sum + count, 0),
        );
        const largest = Math.max(...pairs.map(([value]) => value));
        const smallest = Math.min(...pairs.map(([value]) => value));
        for (const [told, value] of [
          [hdrQuantile(histogram, 1), largest],
          [hdrQuantile(histogram, 0), smallest],
        ] as const) {
          assert.ok(told >= value && told <= value + Math.max(1, value * 10 ** -digits), `${told} for ${value}`);
        }
      },
    ),
  );
});

test('empty buckets between values are skipped, and a value stands for the highest of its bucket', () => {
  const bytes = encodeHdrHistogram(
    [
      [5, 1],
      [1000, 2],
      [40_000_000, 1],
    ],
    2,
  );
  const histogram = readHdrHistogram(bytes);
  assert.deepEqual(histogram?.counts, [1, 2, 1]);
  assert.equal(hdrQuantile(histogram!, 0.5), 1003);
});

test('bytes that are no histogram, and cut ones, are refused', () => {
  const bytes = encodeHdrHistogram([[1000, 3]], 2);
  assert.equal(readHdrHistogram(new Uint8Array(0)), undefined);
  assert.equal(readHdrHistogram(new Uint8Array(64)), undefined);
  for (let cut = 1; cut < bytes.length; cut++)
    assert.equal(readHdrHistogram(bytes.subarray(0, cut)), undefined, `${cut}`);
  assert.deepEqual(readHdrHistogram(encodeHdrHistogram([], 2))?.total, 0);
});
