import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { heaptrack } from '../../collectors/profilers/heaptrack.ts';
import type { ProfilerHarvest, ProfilerRun } from '../../collectors/profilers/profiler.ts';
import { heaptrack as format } from '../../src/formats/heaptrack.ts';
import { requestOf } from './request-of.ts';

const status = await heaptrack.check();
const skip = status.usable ? false : `heaptrack cannot record here: ${status.reason}`;

async function record(
  command: readonly string[],
  check: (raw: string, harvest: ProfilerHarvest, code: number | null, stdout: string) => Promise<void> | void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof heaptrack-'));
  try {
    const raw = join(folder, 'raw');
    mkdirSync(raw);
    const run: ProfilerRun = await heaptrack.prepare(requestOf(raw, { command }));
    const [file = '', ...args] = run.command;
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...run.environment },
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text;
    });
    await run.started?.(child.pid!);
    const code = await new Promise<number | null>(resolve => child.once('close', resolve));
    await check(raw, await run.collect(), code, stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('heaptrack: check names the version, or the command that mends what is missing', () => {
  if (status.usable) assert.match(status.version, /^\d+\.\d+\.\d+$/);
  else assert.match(status.hint, /apt-get install heaptrack/);
});

test('heaptrack: the exit and the output are the target’s own; its allocations are resolved and packed', {
  skip,
}, async () => {
  await record(['ls', '/etc/passwd', '/no/such/file'], async (raw, harvest, code, stdout) => {
    assert.equal(code, 2);
    assert.equal(stdout, '/etc/passwd\n');
    assert.deepEqual(harvest.losses, []);
    assert.deepEqual(
      harvest.artefacts.map(({ file, format: id }) => [file, id]),
      [['heaptrack.zst', 'heaptrack']],
    );
    assert.deepEqual(readdirSync(raw), ['heaptrack.zst']);
    assert.deepEqual(harvest.profiled?.pids, [harvest.artefacts[0]!.pid]);
    const profile = await format.read!(await fileSource(join(raw, 'heaptrack.zst')), {});
    const allocated = profile.valueTypes.findIndex(type => type.name === 'alloc_space');
    assert.ok(profile.samples.values[allocated]!.reduce((sum, bytes) => sum + bytes, 0) > 0);
  });
});

test('heaptrack: a target that never opens the recording is a loss, and nobody waits for it', { skip }, async () => {
  await record(['/no/such/program'], (raw, harvest, code) => {
    assert.equal(code, 127);
    assert.deepEqual(harvest.artefacts, []);
    assert.match(harvest.losses.map(loss => loss.why).join(), /no allocation/);
    assert.deepEqual(readdirSync(raw), []);
  });
});
