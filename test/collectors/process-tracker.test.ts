import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isSameProcess, readProcessStat } from '../../collectors/process-table.ts';
import { ProcessTracker } from '../../collectors/process-tracker.ts';

const SKIP = process.platform === 'linux' ? false : 'processes are followed by /proc';

test('a process is known again by its start, not by its pid alone', { skip: SKIP }, async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const stat = readProcessStat(child.pid as number);
  assert.ok(stat !== undefined && isSameProcess(stat));
  assert.equal(isSameProcess({ pid: stat.pid, startTime: '1' }), false);
  assert.equal(stat.parentPid, process.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isSameProcess(stat), false);
});

test('followed are marked processes and their children, also those that dropped the mark; strangers are not', {
  skip: SKIP,
}, async () => {
  const mark = `TPROF_RUN=test-${process.pid}`;
  const inner = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'],
    { stdio: 'ignore', env: {} }); console.log('ready'); setInterval(() => {}, 1000);`;
  const own = spawn(process.execPath, ['-e', inner], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TPROF_RUN: `test-${process.pid}` },
  });
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const found: number[] = [];
  const tracker = new ProcessTracker(mark, stat => found.push(stat.pid));
  try {
    await once(own.stdout, 'data');
    tracker.scan();
    const alive = tracker.alive();
    assert.equal(alive.length, 2);
    assert.deepEqual(
      found,
      alive.map(stat => stat.pid),
    );
    assert.ok(alive.some(stat => stat.parentPid === own.pid));
    assert.ok(!alive.some(stat => stat.pid === stranger.pid));
    for (const stat of alive) if (stat.pid !== own.pid) process.kill(stat.pid, 'SIGKILL');
    own.kill('SIGKILL');
    await once(own, 'exit');
    // A killed process is there until the kernel is done with it, and an orphan until it is waited for.
    for (let tries = 0; tracker.alive().length > 0 && tries < 200; tries++) await setTimeout(25);
    assert.equal(tracker.alive().length, 0);
    assert.equal(tracker.list().length, 2, 'what took part stays in the list');
  } finally {
    own.kill('SIGKILL');
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  }
});
