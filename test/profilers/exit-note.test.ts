import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ExitNote, exitNote, signalOf } from '../../collectors/profilers/exit-note.ts';

async function noted(
  target: readonly string[],
  work: (note: ExitNote, shell: ChildProcess) => Promise<void> | void = () => {},
): Promise<{ exit: ReturnType<ExitNote['exit']>; code: number | null; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof exit-'));
  try {
    const note = exitNote(folder, { 'a.b': 'odd' });
    const [file = '', ...args] = [...note.prefix, ...target];
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
    });
    const ended = new Promise<number | null>(resolve => child.once('close', resolve));
    await work(note, child);
    const code = await ended;
    const exit = note.exit();
    note.forget();
    assert.deepEqual(readdirSync(folder), [], 'nothing is left');
    return { exit, code, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('exit note: a code is a code, 137 included; a signal is a signal, silent ones included', async () => {
  for (const code of [0, 3, 137]) {
    const found = await noted(['sh', '-c', `echo own words >&2; exit ${code}`]);
    assert.deepEqual(found.exit, { code, signal: null });
    assert.equal(found.code, code);
    assert.equal(found.stderr, 'own words\n', "the target's own words arrive");
  }
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGINT'] as const) {
    const found = await noted(['sh', '-c', `kill -${signal.slice(3)} $$`]);
    assert.deepEqual(found.exit, { code: null, signal }, signal);
    assert.equal(found.stderr, '', "the shell's own words do not");
  }
});

test('exit note: what may not be run is 126, what is not there 127', async () => {
  assert.deepEqual((await noted(['/'])).exit, { code: 126, signal: null });
  assert.deepEqual((await noted(['/no/such/program'])).exit, { code: 127, signal: null });
});

test('exit note: the target is known while it runs, and a signal for the shell does not end it', {
  skip: process.platform !== 'linux' && 'processes are found in /proc',
}, async () => {
  const found = await noted(['sleep', '60'], async (note, shell) => {
    const deadline = Date.now() + 20_000;
    while (note.targetPid() === undefined && Date.now() < deadline) await new Promise(r => setTimeout(r, 10));
    const pid = note.targetPid()!;
    assert.equal(note.shellPid(), shell.pid);
    assert.notEqual(pid, shell.pid);
    shell.kill('SIGINT');
    await new Promise(resolve => setTimeout(resolve, 50));
    assert.equal(note.targetPid(), pid);
    process.kill(pid, 'SIGTERM');
  });
  assert.deepEqual(found.exit, { code: null, signal: 'SIGTERM' });
});

test('exit note: numbers of signals have names', () => {
  assert.equal(signalOf(9), 'SIGKILL');
  assert.equal(signalOf(0), undefined);
  assert.equal(signalOf(127), undefined);
});
