import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { TprofError } from '../../src/base/errors.ts';
import { memorySource, type Source } from '../../src/base/source.ts';
import type { Format, ProfileFormat } from '../../src/formats/format.ts';
import { FORMATS } from '../../src/formats/list.ts';
import { checkProfile } from '../../src/model/integrity.ts';
import type { Profile } from '../../src/model/profile.ts';
import { mutate, seededRandom } from '../fuzz/mutate.ts';
import { tryRead } from '../fuzz/try-read.ts';

export interface ContractOptions {
  /** Files of `test/fixtures/<id>/`. */
  readonly fixtures: readonly string[];
  /** Byte at which the first fixture's records begin: a cut before it is a cut in the header. 0: there is no header. */
  readonly header: (bytes: Uint8Array) => number;
  /** Byte behind which a cut leaves at least one record. */
  readonly firstRecordEnd: (bytes: Uint8Array) => number;
  /** A cut there leaves a file that is whole in its own right (between two lines). */
  readonly cutUnseen?: (bytes: Uint8Array, at: number) => boolean;
  /** The format loses nothing: what is written is what was read, byte for byte. */
  readonly identity?: boolean;
  /** Warnings that a fixture has by its nature, also when it was written by us. */
  readonly roundTripWarnings?: readonly string[];
  /** Mutated files; a few hundred unless one takes long. */
  readonly mutations?: number;
}

/** What every profile format promises, tested the same way for all. */
export function formatContract(format: ProfileFormat, options: ContractOptions): void {
  const files = options.fixtures.map(name => ({ name, bytes: fixture(format.id, name) }));
  const { read, write } = format;

  test(`${format.id}: detected by content alone, against all other formats`, () => {
    for (const { name, bytes } of files) {
      const head = bytes.subarray(0, 4096);
      const sureness = format.detect(head);
      assert.ok(sureness > 0 && sureness <= 1, `${name}: sureness ${sureness}`);
      for (const other of FORMATS as readonly Format[]) {
        if (other.id === format.id) continue;
        assert.ok(other.detect(head) < sureness, `${name} is taken for ${other.id}`);
      }
    }
  });

  if (read !== undefined) {
    test(`${format.id}: integrity holds, however the bytes arrive`, async () => {
      for (const { name, bytes } of files) {
        const profile = await read(memorySource(name, bytes), {});
        checkProfile(profile);
        assert.ok(profile.samples.length > 0, `${name} has no samples`);
        for (const size of [1, 1000]) {
          assert.deepEqual(await read(inChunks(name, bytes, size), {}), profile, `${name} in chunks of ${size}`);
        }
      }
    });

    testCuts(format.id, read, files[0]!, options);

    test(`${format.id}: mutated files give a sound profile or a TprofError`, { timeout: 120_000 }, async () => {
      const count = options.mutations ?? 300;
      const outcomes = { read: 0, refused: 0 };
      for (let seed = 0; seed < count; seed++) {
        const { name, bytes } = files[seed % files.length]!;
        try {
          outcomes[await tryRead(format, mutate(bytes, seededRandom(seed)))]++;
        } catch (cause) {
          throw new Error(`${name} mutated with seed ${seed}`, { cause });
        }
      }
      assert.equal(outcomes.read + outcomes.refused, count);
    });
  }

  if (read !== undefined && write !== undefined) {
    test(`${format.id}: what is read and written stays the same after one pass`, async () => {
      for (const { name, bytes } of files) {
        const profile = await read(memorySource(name, bytes), {});
        const first = await written(format, profile);
        const again = await read(memorySource(name, first), {});
        checkProfile(again);
        const unexpected = again.warnings.filter(w => options.roundTripWarnings?.includes(w.code) !== true);
        assert.deepEqual(unexpected, [], name);
        const second = await written(format, again);
        assert.ok(Buffer.compare(first, second) === 0, `${name} changes when it is written again`);
        if (options.identity === true) {
          assert.equal(new TextDecoder().decode(first), new TextDecoder().decode(bytes), name);
        }
      }
    });
  }
}

function testCuts(
  id: string,
  read: NonNullable<ProfileFormat['read']>,
  file: { readonly name: string; readonly bytes: Uint8Array },
  options: ContractOptions,
): void {
  const { bytes } = file;
  const headerEnd = options.header(bytes);
  test(`${id}: cut in its header it is refused`, async t => {
    if (headerEnd === 0) return t.skip('the format has no header');
    for (const at of spread(1, headerEnd - 1, 12)) {
      await assert.rejects(
        read(memorySource('cut', bytes.subarray(0, at)), {}),
        (error: unknown) => {
          assert.ok(error instanceof TprofError, `cut at ${at}: ${String(error)}`);
          assert.equal(error.code, 'input-invalid');
          assert.match(error.message, /cut/);
          return true;
        },
        `cut at ${at}`,
      );
    }
  });
  test(`${id}: cut in its records it gives what came before, and says so`, async () => {
    const whole = await read(memorySource('cut', bytes), {});
    let last = 0;
    for (const at of spread(options.firstRecordEnd(bytes), bytes.length - 3, 25)) {
      const profile = await read(memorySource('cut', bytes.subarray(0, at)), {});
      checkProfile(profile);
      if (options.cutUnseen?.(bytes, at) !== true) {
        assert.ok(
          profile.warnings.some(w => w.code === 'damaged-input'),
          `cut at ${at} of ${bytes.length} is not noticed`,
        );
      }
      assert.ok(profile.samples.length <= whole.samples.length, `cut at ${at} has more samples`);
      last = Math.max(last, profile.samples.length);
    }
    assert.ok(last > 0, 'no cut left a sample');
  });
}

/** About `count` whole numbers from `low` to `high`, both included. */
function spread(low: number, high: number, count: number): number[] {
  const step = Math.max(1, Math.floor((high - low) / count));
  const result: number[] = [];
  for (let at = low; at <= high; at += step) result.push(at);
  if (result.at(-1) !== high && high >= low) result.push(high);
  return result;
}

export async function written(
  format: ProfileFormat,
  profile: Profile,
  options: Parameters<NonNullable<ProfileFormat['write']>>[1] = {},
): Promise<Uint8Array> {
  assert.ok(format.write !== undefined);
  const parts: Uint8Array[] = [];
  for await (const part of format.write(profile, options)) {
    parts.push(typeof part === 'string' ? new TextEncoder().encode(part) : part);
  }
  return Buffer.concat(parts);
}

export async function writtenText(
  format: ProfileFormat,
  profile: Profile,
  options: Parameters<NonNullable<ProfileFormat['write']>>[1] = {},
): Promise<string> {
  return new TextDecoder().decode(await written(format, profile, options));
}

/** A file of the format's fixture folder, unpacked. */
export function fixture(id: string, name: string): Uint8Array {
  const bytes = readFileSync(new URL(`../fixtures/${id}/${name}`, import.meta.url));
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? new Uint8Array(gunzipSync(bytes)) : new Uint8Array(bytes);
}

export function inChunks(name: string, bytes: Uint8Array, size: number): Source {
  return {
    ...memorySource(name, bytes),
    async *chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
  };
}

/** Byte offset of `needle` in `bytes`, plus its own length. */
export function behind(bytes: Uint8Array, needle: string): number {
  const at = Buffer.from(bytes).indexOf(needle);
  assert.ok(at >= 0, `the fixture has no ${needle}`);
  return at + needle.length;
}
