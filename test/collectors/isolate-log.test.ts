import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isIsolateLog, preprocessIsolateLog } from '../../collectors/isolate-log.ts';
import { TprofError } from '../../src/base/errors.ts';
import { memorySource } from '../../src/base/source.ts';
import { v8Log } from '../../src/formats/v8-log.ts';

test('isolate log: what this Node records is read by way of its own --prof-process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-prof-'));
  try {
    const program =
      'function busy() { let s = 0; for (let i = 0; i < 3e6; i++) s += Math.sqrt(i); return s } for (let i = 0; i < 30; i++) busy()';
    execFileSync(process.execPath, ['--prof', '-e', program], { cwd: folder });
    const path = join(folder, globSync('isolate*.log', { cwd: folder })[0]!);
    const source = memorySource(path, new Uint8Array(readFileSync(path)));
    assert.ok(isIsolateLog(source.head));
    const profile = await v8Log.read!(await preprocessIsolateLog(path, source), {});
    assert.ok(profile.samples.length > 0);
    assert.ok(profile.strings.includes('busy'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('isolate log: of another V8 it is refused, with the command that helps', async () => {
  const source = memorySource('isolate-1.log', 'v8-version,6,8,275,32,0\nshared-library,"/usr/bin/node",1,2,0\n');
  assert.ok(isIsolateLog(source.head));
  await assert.rejects(
    preprocessIsolateLog('isolate-1.log', source),
    (error: unknown) =>
      error instanceof TprofError && /V8 6\.8\.275\.32/.test(error.message) && /--preprocess/.test(error.hint ?? ''),
  );
});
