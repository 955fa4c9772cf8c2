import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchMemory, type RecordBatch } from '../../src/formats/perf-data-batches.ts';
import { RecordQueue } from '../../src/formats/perf-data-order.ts';

test('records leave the queue in order of time, ties as they came, each once', async () => {
  const rounds = fc.array(fc.array(fc.nat(30), { maxLength: 12 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(rounds, async times => {
      const batch: RecordBatch = {
        bytes: new Uint8Array(8),
        view: new DataView(new ArrayBuffer(8)),
        words: new Int32Array(2),
        offsets: [],
        users: 1,
      };
      const queue = new RecordQueue(new BatchMemory());
      const taken: number[] = [];
      const take = (_: RecordBatch, offset: number): undefined => {
        taken.push(offset);
      };
      // What a round promises: nothing that follows is older than what the round before ended with.
      const all = times.flatMap((round, r) => round.map(time => r * 30 + time));
      let number = 0;
      for (const round of times) {
        for (const _ of round) queue.push(batch, number, all[number++]!);
        await queue.round(take);
      }
      await queue.end(take);
      const expected = all.map((_, i) => i).sort((a, b) => all[a]! - all[b]! || a - b);
      assert.deepEqual(taken, expected);
      assert.equal(batch.users, 1, 'every record gave its memory back');
    }),
  );
});
