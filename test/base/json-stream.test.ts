import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JsonShape, streamJson } from '../../src/base/json-stream.ts';
import { memorySource, type Source } from '../../src/base/source.ts';

function inChunks(text: string, size: number): Source {
  const bytes = new TextEncoder().encode(text);
  return {
    ...memorySource('x', bytes),
    async *chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
  };
}

test('streamJson: gives what JSON.parse gives, however the bytes are cut', async () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  await fc.assert(
    fc.asyncProperty(
      value,
      fc.array(value),
      fc.array(fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))),
      fc.nat({ max: 9 }),
      fc.constantFrom(undefined, 1, '\t'),
      async (skipped, list, numbers, size, indent) => {
        const seen: { whole?: unknown; each: unknown[]; numbers: number[] } = { each: [], numbers: [] };
        const text = JSON.stringify({ skipped, whole: skipped, each: list, numbers, after: 1 }, null, indent);
        const outcome = await streamJson(inChunks(text, size + 1), {
          fields: {
            whole: {
              value: v => {
                seen.whole = v;
              },
            },
            each: { each: v => seen.each.push(v) },
            numbers: { numbers: v => seen.numbers.push(v) },
          },
        });
        assert.deepEqual(outcome, { damage: undefined, mismatches: 0 });
        assert.deepEqual(seen, JSON.parse(JSON.stringify({ each: list, numbers, whole: skipped })));
      },
    ),
    { numRuns: 60 },
  );
});

test('streamJson: shapes that hold themselves walk trees of any depth', async () => {
  let depth = 0;
  let deepest = 0;
  const fields: Record<string, JsonShape> = {};
  const node: JsonShape = {
    fields,
    begin: () => {
      deepest = Math.max(deepest, ++depth);
    },
    end: () => {
      depth--;
    },
  };
  fields.children = { items: node };
  await streamJson(memorySource('x', `${'{"children":['.repeat(50_000)}${']}'.repeat(50_000)}`), node);
  assert.deepEqual([depth, deepest], [0, 50_000]);
});

test('streamJson: says where and how a document is damaged, and delivers what came before', async () => {
  const read = async (text: string) => {
    const seen: unknown[] = [];
    const { damage } = await streamJson(memorySource('x', text), { fields: { a: { each: v => seen.push(v) } } });
    return [damage?.kind, damage?.offset, damage?.isBetweenValues, seen];
  };
  assert.deepEqual(await read('{"a":[1,2'), ['cut', 8, false, [1]]);
  assert.deepEqual(await read('{"a":[1,2,'), ['cut', 10, true, [1, 2]]);
  assert.deepEqual(await read('{"a":[1 2]}'), ['invalid', 8, false, [1]]);
  assert.deepEqual(await read('{"a":[1,2]} x'), ['invalid', 12, false, [1, 2]]);
  assert.deepEqual(await read('{"a":[1,2,]}'), [undefined, undefined, undefined, [1, 2]]);
  assert.deepEqual(await read(''), ['cut', 0, true, []]);
});

test('streamJson: values of another kind than the shape are skipped and counted', async () => {
  const { mismatches, damage } = await streamJson(memorySource('x', '{"a":null,"b":{"c":[1]},"d":[2]}'), {
    fields: { a: { each: () => assert.fail() }, b: { numbers: () => assert.fail() }, d: { fields: {} } },
  });
  assert.deepEqual([mismatches, damage], [3, undefined]);
});
