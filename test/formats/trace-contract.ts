import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TprofError } from '../../src/base/errors.ts';
import { memorySource, type Source } from '../../src/base/source.ts';
import type { Format, TraceFormat } from '../../src/formats/format.ts';
import { FORMATS } from '../../src/formats/list.ts';
import { checkTrace } from '../../src/model/integrity.ts';
import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { mutate, seededRandom } from '../fuzz/mutate.ts';
import { tryRead } from '../fuzz/try-read.ts';

export const traceFixture = (id: string, name: string): Uint8Array =>
  readFileSync(new URL(`../fixtures/${id}/${name}`, import.meta.url));

export async function readTrace(format: TraceFormat, bytes: Uint8Array | string, chunk = 0): Promise<Trace> {
  const builder = new TraceBuilder('test');
  await format.read(inChunks(memorySource('test', bytes), chunk), builder, {});
  return builder.finish();
}

export const warned = (trace: Trace, code: string): number => trace.warnings.find(w => w.code === code)?.count ?? 0;

function inChunks(source: Source, size: number): Source {
  if (size === 0) return source;
  return {
    ...source,
    async *chunks() {
      for await (const chunk of source.chunks()) {
        for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
      }
    },
  };
}

/** What every trace format promises, tested the same way for all. The first fixture has several spans. */
export function traceContract(format: TraceFormat, fixtures: readonly string[]): void {
  const files = fixtures.map(name => ({ name, bytes: traceFixture(format.id, name) }));

  test(`${format.id}: detected by content alone, against all other formats`, () => {
    for (const { name, bytes } of files) {
      const head = bytes.subarray(0, 4096);
      const sureness = format.detect(head);
      assert.ok(sureness > 0 && sureness <= 1, `${name}: sureness ${sureness}`);
      for (const other of FORMATS as readonly Format[]) {
        if (other.id !== format.id) assert.ok(other.detect(head) < sureness, `${name} is taken for ${other.id}`);
      }
    }
  });

  test(`${format.id}: integrity holds, however the bytes arrive`, async () => {
    for (const { name, bytes } of files) {
      const trace = await readTrace(format, bytes);
      checkTrace(trace);
      assert.ok(trace.spans.length > 0, `${name} has no spans`);
      for (const size of [1, 1000]) assert.deepEqual(await readTrace(format, bytes, size), trace, `${name} by ${size}`);
    }
  });

  test(`${format.id}: cut before the first record it is refused, cut behind it that much is there`, async () => {
    const { name, bytes } = files[0]!;
    const all = (await readTrace(format, bytes)).spans.length;
    let most = 0;
    for (let cut = 0; cut < bytes.length - 2; cut += bytes.length > 1500 ? 3 : 1) {
      try {
        const trace = await readTrace(format, bytes.subarray(0, cut));
        checkTrace(trace);
        assert.ok(trace.spans.length >= most, `${name} cut at ${cut}`);
        most = trace.spans.length;
        assert.ok(most > 0, `${name} cut at ${cut} is neither refused nor read`);
        assert.ok(warned(trace, 'damaged-input') > 0 || most === all, `${name} cut at ${cut}: no warning`);
      } catch (error) {
        assert.ok(error instanceof TprofError && error.code === 'input-invalid', `${name} cut at ${cut}: ${error}`);
        assert.equal(most, 0, `${name} cut at ${cut} is refused although an earlier cut was read`);
      }
    }
    assert.ok(most >= all - 1, name);
  });

  test(`${format.id}: mutated files give a sound trace or a TprofError`, async () => {
    for (let seed = 0; seed < 400; seed++) {
      const { name, bytes } = files[seed % files.length]!;
      try {
        await tryRead(format, mutate(bytes, seededRandom(seed)));
      } catch (cause) {
        throw new Error(`${name} mutated with seed ${seed}`, { cause });
      }
    }
  });
}
