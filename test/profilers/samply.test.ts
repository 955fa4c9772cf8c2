import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { samply } from '../../collectors/profilers/samply.ts';
import { firefox } from '../../src/formats/firefox.ts';
import { requestOf } from './request-of.ts';

const status = await samply.check();
const skip = status.usable ? false : `samply cannot record here: ${status.reason}`;

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-samply-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('samply: check names the version, or the command that mends what is missing', () => {
  if (status.usable) assert.match(status.version, /^\d+\.\d+\.\d+$/);
  else assert.match(status.hint, /^(cargo install|sudo|run on)/);
});

test('samply: the target runs behind a shell that notes its exit; the profile is one with addresses and symbols', async t => {
  if (!existsSync(status.usable ? status.path : '')) return t.skip(String(skip));
  await inFolder(async folder => {
    const run = await samply.prepare(requestOf(folder, { command: ['./program', '--flag'], frequencyHz: 499 }));
    assert.deepEqual(run.command.slice(1, 8), [
      'record',
      '--save-only',
      '--unstable-presymbolicate',
      '--rate',
      '499',
      '--output',
      join(folder, 'profile.json'),
    ]);
    assert.deepEqual(run.command.slice(-2), ['./program', '--flag']);
    assert.match(run.environment.NODE_OPTIONS ?? '', /--perf-basic-prof/);
    assert.deepEqual((await run.collect()).losses.length, 1, 'a recording that never came is a loss');
  });
});

test('samply: a real run: its exit passes, every process is there, its files are named', { skip }, async () => {
  await inFolder(async folder => {
    const raw = join(folder, 'raw');
    mkdirSync(raw);
    writeFileSync(join(folder, 'busy.sh'), 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit $1\n');
    const words = ['sh', '-c', 'sh "$0" 0 & sh "$0" 0; wait; exit 3', join(folder, 'busy.sh')];
    const run = await samply.prepare(requestOf(raw, { command: words }));
    const [file = '', ...args] = run.command;
    spawnSync(file, args, { stdio: 'ignore', env: { ...process.env, ...run.environment } });
    assert.deepEqual(run.targetExit?.(), { code: 3, signal: null });
    const { artefacts, losses } = await run.collect();
    assert.deepEqual(losses, []);
    assert.deepEqual(artefacts[0], { file: 'profile.json', format: 'firefox', pid: 0, tid: 0, clock: 'monotonic' });
    assert.deepEqual(readdirSync(raw).sort(), artefacts.map(a => a.file).sort(), 'notes are removed');
    const profile = await firefox.read!(await fileSource(join(raw, 'profile.json')), {});
    assert.ok(new Set(profile.threads.map(thread => thread.pid)).size >= 2);
  });
});

test('samply: attaches to processes that run, one recorder each, and leaves them running', { skip }, async () => {
  await inFolder(async folder => {
    const children = [0, 1].map(() => spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }));
    try {
      const pids = children.map(child => child.pid!);
      const run = await samply.prepare(requestOf(folder, { pids }));
      await run.started?.(pids[0]!);
      await new Promise(resolve => setTimeout(resolve, 500));
      await run.stop?.();
      const { artefacts, losses } = await run.collect();
      assert.deepEqual(losses, []);
      const profiles = artefacts.filter(artefact => artefact.format === 'firefox');
      assert.deepEqual(profiles.map(artefact => artefact.pid).sort(), [...pids].sort());
      for (const { file, pid } of profiles) {
        const profile = await firefox.read!(await fileSource(join(folder, file)), {});
        assert.ok(profile.samples.length > 10, file);
        assert.ok(profile.threads.every(thread => thread.pid === pid));
      }
      for (const child of children) assert.equal(child.exitCode ?? child.signalCode, null);
    } finally {
      for (const child of children) {
        child.kill('SIGKILL');
        await new Promise(resolve => child.once('close', resolve));
      }
    }
  });
});
