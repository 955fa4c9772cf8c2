import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { readCommandLine, readProcessStat } from '../../collectors/process-table.ts';
import { behindGate, openGate, reachedGate, withoutGate } from '../../collectors/start-gate.ts';

const skip = process.platform !== 'linux' && 'processes are found in /proc';

test('start gate: the target begins when it is let, in the same process, with its own exit', { skip }, async () => {
  const [file = '', ...args] = behindGate(['sh', '-c', 'echo "$0 $1"; exit 3', 'a b', '$c'], {
    PATH: '/bin',
    'x-y': '2',
  });
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  const ended = new Promise(resolve => child.once('close', resolve));
  await reachedGate(child.pid!);
  assert.equal(readProcessStat(child.pid!)?.state, 'T');
  assert.equal(stdout, '');
  assert.deepEqual(withoutGate(readCommandLine(child.pid!)), ['sh', '-c', 'echo "$0 $1"; exit 3', 'a b', '$c']);
  openGate(child.pid!);
  assert.equal(await ended, 3);
  assert.equal(stdout, 'a b $c\n');
});

test('start gate: a process that ended at the gate is not waited for', { skip }, async () => {
  const [file = '', ...args] = behindGate(['true'], {});
  const child = spawn(file, args, { stdio: 'ignore' });
  const ended = new Promise(resolve => child.once('close', (_code, signal) => resolve(signal)));
  child.kill('SIGKILL');
  await reachedGate(child.pid!);
  assert.equal(await ended, 'SIGKILL');
  openGate(child.pid!);
});

test('start gate: variables that a shell does not pass on reach the target', { skip }, async () => {
  const odd = { 'a.b': '1 2', 'npm_config_@scope:registry': 'x=y' };
  const [file = '', ...args] = behindGate(['env'], { ...odd, LANG: 'C' });
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...odd, PATH: process.env.PATH } });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  const ended = new Promise(resolve => child.once('close', resolve));
  await reachedGate(child.pid!);
  openGate(child.pid!);
  await ended;
  for (const [name, value] of Object.entries(odd)) assert.ok(stdout.split('\n').includes(`${name}=${value}`), name);
});

test('start gate: commands without one stay as they are', () => {
  for (const command of [[], ['sh'], ['/bin/sh', '-c', 'exit 3'], ['/bin/sh', '-c', 'x', 'tprof-gate', 'y']]) {
    assert.deepEqual(withoutGate(command), command);
  }
});
