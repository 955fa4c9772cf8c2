import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { processProbe } from '../../../collectors/probes/process.ts';
import { belowRoots, parsePs, psReadings } from '../../../collectors/probes/process-ps.ts';
import type { Reading } from '../../../src/formats/probe-log.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/probes/process');
const linux = process.platform === 'linux';

function figureOf(readings: readonly Reading[], name: string, pid: number): number {
  return readings.find(r => r.name === name && r.labels?.pid === String(pid))?.value ?? Number.NaN;
}

/** Computes on its main thread and in a worker for half a second of CPU each, says so, and sleeps. */
const BUSY = `
const { Worker, isMainThread } = require('worker_threads');
const burn = () => { const from = process.threadCpuUsage().user; while (process.threadCpuUsage().user - from < 5e5); };
if (isMainThread) {
  const worker = new Worker(process.env.CODE, { eval: true });
  worker.on('exit', () => { burn(); console.log('done'); setInterval(() => {}, 1000); });
} else burn();
`;

test('CPU of all threads, ended ones too; waits and switches; memory; from birth on', {
  skip: linux ? false : 'Linux only',
}, async () => {
  const processes: { pid: number; startTime: string }[] = [];
  const run = processProbe.open({ target: '', intervalMs: 1000, processes: () => processes });
  const before = (await run.sample()).readings;
  assert.ok(figureOf(before, 'process.cpu', process.pid) > 0, 'tprof itself');
  const child = spawn(process.execPath, ['-e', BUSY], {
    env: { ...process.env, CODE: BUSY },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const pid = child.pid as number;
    processes.push({ pid, startTime: '' });
    await once(child, 'spawn');
    await run.sample();
    await once(child.stdout!, 'data');
    const { readings } = await run.sample();
    assert.ok(figureOf(readings, 'process.cpu', pid) >= 0.95e9, `CPU ${figureOf(readings, 'process.cpu', pid)}`);
    assert.ok(figureOf(readings, 'process.rss', pid) > 10e6);
    assert.ok(figureOf(readings, 'process.threads', pid) > 2);
    const born = readings.find(r => r.name === 'process.cpu' && r.labels?.pid === String(pid))?.bornNs;
    assert.ok(
      born !== undefined && born <= process.hrtime.bigint(),
      'a process that began in the recording counts from 0',
    );
    const observer = readings.find(r => r.name === 'process.cpu' && r.labels?.observer === 'tprof');
    assert.equal(observer?.labels?.pid, String(process.pid));
    assert.equal(observer?.bornNs, undefined);
    // Not every kernel counts these; where it does, the main thread's half second is in them.
    const ran = figureOf(readings, 'process.run', pid);
    if (!Number.isNaN(ran)) {
      assert.ok(ran >= 0.45e9, `run ${ran}`);
      assert.ok(figureOf(readings, 'process.run-queue', pid) >= 0);
      assert.ok(figureOf(readings, 'process.switches-voluntary', pid) > 0);
    }
    assert.ok(readings.some(r => r.name === 'host.cpu' && r.value > 0));
    processes[0] = { pid, startTime: '1' };
    const strange = (await run.sample()).readings;
    assert.ok(Number.isNaN(figureOf(strange, 'process.cpu', pid)), 'another process of the same number is not read');
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
    await run.close();
  }
});

test('ps of macOS and of Linux, and what is below a process', () => {
  const darwin = parsePs(readFileSync(join(FIXTURES, 'ps-darwin.txt'), 'utf8'));
  assert.deepEqual(darwin[2], { pid: 733, parentPid: 501, rssBytes: 120_000 * 1024, cpuNs: 754_560_000_000 });
  assert.equal(darwin[4]?.cpuNs, 6060e9);
  const linuxPs = parsePs(readFileSync(join(FIXTURES, 'ps-linux.txt'), 'utf8'));
  assert.deepEqual(
    linuxPs.map(p => p.cpuNs / 1e9),
    [62, 93_784, 754],
  );
  assert.deepEqual(
    belowRoots(darwin.toReversed(), [501]).map(p => p.pid),
    [501, 733, 734],
  );
});

test('by ps: CPU and memory of this very process', {
  skip: process.platform === 'win32' ? 'no ps' : false,
}, async t => {
  let readings: Reading[];
  try {
    readings = await psReadings([], process.pid);
  } catch {
    t.skip('ps is not installed');
    return;
  }
  assert.ok(figureOf(readings, 'process.rss', process.pid) > 10e6);
  assert.equal(readings[0]?.labels?.observer, 'tprof');
});
