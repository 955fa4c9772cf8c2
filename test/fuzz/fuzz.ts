/**
 * `npm run fuzz [-- COUNT [FORMAT…]]`: COUNT (10,000) mutated files a reader. Prints a line a reader; a failure prints
 * its seed, and `npm run fuzz -- =SEED FORMAT` runs that one again with its stack.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Format } from '../../src/formats/format.ts';
import { FORMATS } from '../../src/formats/list.ts';
import { mutate, seededRandom } from './mutate.ts';
import { tryRead } from './try-read.ts';

/** A reader that needs longer than this for one small file is reported as hanging. */
const SLOW_MS = 2000;

const [count = '10000', ...only] = process.argv.slice(2);
const one = count.startsWith('=') ? Number(count.slice(1)) : undefined;
let failures = 0;
for (const format of FORMATS) {
  if (only.length > 0 && !only.includes(format.id)) continue;
  if (format.kind === 'profile' && format.read === undefined) continue;
  const fixtures = fixturesOf(format);
  if (fixtures.length === 0) {
    console.log(`${format.id}: no fixture to mutate`);
    continue;
  }
  if (one !== undefined) {
    await tryRead(format, fileOf(fixtures, one));
    continue;
  }
  await fuzz(format, fixtures, Number(count));
}
process.exitCode = failures > 0 ? 1 : 0;

async function fuzz(format: Format, fixtures: readonly Uint8Array[], files: number): Promise<void> {
  const outcomes = { read: 0, refused: 0 };
  const failed: string[] = [];
  let slowest = 0;
  for (let seed = 0; seed < files; seed++) {
    const began = performance.now();
    try {
      outcomes[await tryRead(format, fileOf(fixtures, seed))]++;
    } catch (error) {
      failed.push(`  seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const took = performance.now() - began;
    slowest = Math.max(slowest, took);
    if (took > SLOW_MS) failed.push(`  seed ${seed}: took ${Math.round(took)} ms`);
  }
  failures += failed.length;
  console.log(
    `${format.id}: ${files} mutated files, ${outcomes.read} read, ${outcomes.refused} refused, ${failed.length} failed, slowest ${slowest.toFixed(1)} ms`,
  );
  for (const line of failed.slice(0, 10)) console.log(line);
}

function fileOf(fixtures: readonly Uint8Array[], seed: number): Uint8Array {
  return mutate(fixtures[seed % fixtures.length]!, seededRandom(seed));
}

/** The files of the format's fixture folder that it recognises as its own, smallest first: small files go deep. */
function fixturesOf(format: Format): Uint8Array[] {
  const folder = new URL(`../fixtures/${format.id}/`, import.meta.url);
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return names
    .filter(name => /\.[^/]+$/.test(name))
    .map(name => {
      const bytes = readFileSync(new URL(name, folder));
      return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    })
    .filter(bytes => format.detect(bytes.subarray(0, 4096)) > 0 && bytes.length < 1 << 18)
    .sort((a, b) => a.length - b.length);
}
