import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCaptureFolder, fileNameOf } from '../../collectors/capture-folder.ts';
import { readManifest, writeManifest } from '../../collectors/capture-manifest.ts';
import { readClockAnchor } from '../../collectors/clock-anchor.ts';
import { describeHost } from '../../collectors/describe-host.ts';
import { readProcessStat } from '../../collectors/process-table.ts';
import { TprofError } from '../../src/base/errors.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';

const AT = new Date(2026, 10, 21, 4, 5, 6);

function manifestOf(part: Partial<CaptureManifest> = {}): CaptureManifest {
  return {
    schema: 'tprof.capture/1',
    complete: true,
    name: 'x',
    tprof: '0.1.0',
    command: ['true'],
    startedAt: AT.toISOString(),
    host: describeHost(),
    tools: [],
    clocks: [readClockAnchor()],
    processes: [],
    losses: [],
    self: { cpuUserNs: 0, cpuSystemNs: 0, peakRssBytes: 0 },
    profiles: [],
    spans: { accepted: 0, logs: 0, metrics: 0, requests: 0 },
    ...part,
  };
}

async function inTemporary(work: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'tprof-test-'));
  try {
    await work(cwd);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

test('captures of the same second get folders of their own, and git does not see them', () =>
  inTemporary(async cwd => {
    const make = (): ReturnType<typeof createCaptureFolder> =>
      createCaptureFolder({ cwd, output: undefined, name: 'node app', startedAt: AT });
    const [a, b] = [await make(), await make()];
    assert.equal(a.name, '20261121-040506-node-app');
    assert.equal(b.name, '20261121-040506-node-app-2');
    assert.equal(await readFile(join(cwd, '.tprof/.gitignore'), 'utf8'), '*\n');
    assert.equal(await a.raw('node-cpu'), join(a.directory, 'raw/node-cpu'));
    await b.discard();
    assert.deepEqual((await readdir(join(cwd, '.tprof'))).sort(), ['.gitignore', a.name]);
  }));

test('a folder with files that are not a capture is refused and left as it is', () =>
  inTemporary(async cwd => {
    await mkdir(join(cwd, 'mine'));
    await writeFile(join(cwd, 'mine/thesis.txt'), 'years of work');
    await assert.rejects(
      createCaptureFolder({ cwd, output: 'mine', name: 'x', startedAt: AT }),
      (error: unknown) => error instanceof TprofError && error.code === 'usage' && /thesis\.txt/.test(error.message),
    );
    assert.deepEqual(await readdir(join(cwd, 'mine')), ['thesis.txt']);
  }));

test('an earlier capture is replaced, and notes beside it stay', () =>
  inTemporary(async cwd => {
    const first = await createCaptureFolder({ cwd, output: 'out', name: 'x', startedAt: AT });
    await writeFile(join(await first.raw('node-cpu'), 'CPU.cpuprofile'), '{}');
    await writeFile(join(first.directory, 'notes.md'), 'slow on Tuesdays');
    await writeManifest(first.directory, manifestOf());
    const second = await createCaptureFolder({ cwd, output: 'out', name: 'x', startedAt: AT });
    assert.deepEqual((await readdir(second.directory)).sort(), ['notes.md', 'raw']);
    assert.deepEqual(await readdir(join(second.directory, 'raw')), []);
  }));

test('a capture that is being recorded is not replaced; an abandoned one is', () =>
  inTemporary(async cwd => {
    const first = await createCaptureFolder({ cwd, output: 'out', name: 'x', startedAt: AT });
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      const recorder = { pid: child.pid ?? 0, startTime: readProcessStat(child.pid ?? 0)?.startTime ?? '' };
      await writeManifest(first.directory, manifestOf({ complete: false, recorder }));
      await assert.rejects(createCaptureFolder({ cwd, output: 'out', name: 'x', startedAt: AT }), /another recording/);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await createCaptureFolder({ cwd, output: 'out', name: 'x', startedAt: AT });
  }));

test('a manifest is read back as it was written; other JSON is no manifest', () =>
  inTemporary(async cwd => {
    const manifest = manifestOf({ exit: { code: null, signal: 'SIGTERM' } });
    await writeManifest(cwd, manifest);
    assert.deepEqual(await readManifest(cwd), manifest);
    assert.deepEqual(await readdir(cwd), ['capture.json']);
    await writeFile(join(cwd, 'capture.json'), '{"schema":"other"}');
    assert.equal(await readManifest(cwd), undefined);
    assert.equal(await readManifest(join(cwd, 'nowhere')), undefined);
  }));

test('two anchors agree on how much time passed between them', async () => {
  const a = readClockAnchor();
  await new Promise(resolve => setTimeout(resolve, 20));
  const b = readClockAnchor();
  const unix = Number(BigInt(b.unixNs) - BigInt(a.unixNs));
  const monotonic = Number(BigInt(b.monotonicNs) - BigInt(a.monotonicNs));
  assert.ok(Math.abs(unix - monotonic) < 1e6, `clocks differ by ${unix - monotonic} ns`);
});

test('any name becomes a file name that is neither empty nor hidden nor a path', () => {
  fc.assert(fc.property(fc.string(), name => /^[A-Za-z0-9_][A-Za-z0-9._-]{0,39}$/.test(fileNameOf(name))));
});
