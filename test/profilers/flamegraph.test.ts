import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { flamegraph } from '../../collectors/profilers/flamegraph.ts';
import { perfData } from '../../src/formats/perf-data.ts';
import { requestOf } from './request-of.ts';

const status = await flamegraph.check();
const skip = status.usable ? false : `flamegraph cannot record here: ${status.reason}`;

test('flamegraph: check names the version, or the command that mends what is missing', () => {
  if (status.usable) assert.match(status.version, /^\d+\.\d+\.\d+$/);
  else assert.match(status.hint, /^(cargo install flamegraph|sudo|run on)/);
});

test('flamegraph: its picture, the perf.data behind it, the exit of the target; in a folder with blanks', {
  skip,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "tprof flamegraph's "));
  try {
    const raw = join(folder, 'raw');
    mkdirSync(raw);
    const run = await flamegraph.prepare(
      requestOf(raw, {
        command: ['sh', '-c', 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exit 3'],
        frequencyHz: 499,
      }),
    );
    const [file = '', ...args] = run.command;
    const child = spawn(file, args, { stdio: 'ignore', env: { ...process.env, ...run.environment } });
    const ended = new Promise(resolve => child.once('close', resolve));
    await run.started?.(child.pid!);
    assert.equal(await ended, 3);
    await run.stop?.();
    const { artefacts, losses } = await run.collect();
    assert.deepEqual(losses, []);
    assert.deepEqual(
      artefacts.map(a => [a.file, a.format]),
      [
        ['perf.data', 'perf-data'],
        ['flamegraph.svg', undefined],
      ],
    );
    assert.deepEqual(readdirSync(raw).sort(), ['flamegraph.svg', 'perf.data'], 'nothing of ours is left');
    assert.match(readFileSync(join(raw, 'flamegraph.svg'), 'utf8'), /<svg/);
    const profile = await perfData.read!(await fileSource(join(raw, 'perf.data')), {});
    assert.ok(profile.samples.length > 20);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
