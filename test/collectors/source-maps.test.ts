import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withSourceMaps } from '../../collectors/source-maps.ts';
import { checkProfile } from '../../src/model/integrity.ts';
import { NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';

/** Line 2, column 1 of the script comes from line 10, column 3 of src/work.ts. */
const MAP = { version: 3, file: 'work.js', sourceRoot: '', sources: ['../src/work.ts'], names: [], mappings: ';AASE' };

function profileOf(file: string): Profile {
  const builder = new ProfileBuilder('x', [{ name: 'samples', unit: 'count' }]);
  const thread = builder.thread({ pid: 0, tid: 0, processName: '', threadName: '' });
  const frame = builder.frame({ name: 'work', file, line: 2, column: 5 });
  builder.sample({ thread, stack: builder.stack(NO_STACK, frame), values: [1] });
  builder.frame({ name: 'native', file: 'node:fs', line: 3 });
  return builder.finish();
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-maps-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('source maps: beside the script and inside of it', async () => {
  await inFolder(async folder => {
    const inline = `data:application/json;base64,${Buffer.from(JSON.stringify(MAP)).toString('base64')}`;
    writeFileSync(join(folder, 'work.js.map'), JSON.stringify(MAP));
    for (const url of ['work.js.map', inline]) {
      const script = join(folder, 'work.js');
      writeFileSync(script, `'use strict';\nfunction work() {}\n//# sourceMappingURL=${url}\n`);
      const { frames, strings, ...rest } = await withSourceMaps(profileOf(script));
      checkProfile({ frames, strings, ...rest });
      assert.equal(strings[frames.file[0]!], join(folder, '..', 'src', 'work.ts'));
      assert.deepEqual([frames.line[0], frames.column[0]], [10, 3]);
      assert.equal(strings[frames.file[1]!], 'node:fs');
    }
  });
});

test('source maps: a map that is gone or damaged is a warning, no map is none', async () => {
  await inFolder(async folder => {
    const script = join(folder, 'work.js');
    const codes = async (): Promise<string[]> => (await withSourceMaps(profileOf(script))).warnings.map(w => w.code);
    assert.deepEqual(await codes(), []);
    writeFileSync(script, 'function work() {}\n');
    assert.deepEqual(await codes(), []);
    writeFileSync(script, 'function work() {}\n//# sourceMappingURL=gone.map');
    assert.deepEqual(await codes(), ['source-map-missing']);
    writeFileSync(join(folder, 'gone.map'), '{"version":3');
    assert.deepEqual(await codes(), ['source-map-missing']);
  });
});
