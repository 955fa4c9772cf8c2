import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { pySpy } from '../../collectors/profilers/py-spy.ts';
import { TprofError } from '../../src/base/errors.ts';
import { speedscope } from '../../src/formats/speedscope.ts';
import { requestOf } from './request-of.ts';

const status = await pySpy.check();
const skip = !status.usable
  ? `py-spy cannot record here: ${status.reason}`
  : spawnSync('python3', ['-c', '']).status !== 0
    ? 'there is no python3'
    : false;

const PROGRAM = `
import os, sys, time
def busy(seconds):
    end = time.monotonic() + seconds
    x = 0
    while time.monotonic() < end: x += 1
pid = os.fork()
busy(float(sys.argv[1]))
if pid == 0: os._exit(0)
os.waitpid(pid, 0)
print('out', flush=True)
sys.exit(3)
`;

async function inFolder(run: (folder: string, raw: string, program: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof py-spy-'));
  const raw = join(folder, 'raw');
  mkdirSync(raw);
  writeFileSync(join(folder, 'program.py'), PROGRAM);
  try {
    await run(folder, raw, join(folder, 'program.py'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('py-spy: check names the version, or the command that mends what is missing', () => {
  if (status.usable) assert.match(status.version, /^\d+\.\d+\.\d+/);
  else assert.match(status.hint, /pip install py-spy|sysctl/);
});

test('py-spy: it has no frame pointers to walk by, and says what it has', async () => {
  await assert.rejects(
    pySpy.prepare(requestOf('/nowhere', { command: ['python3'], callGraph: 'fp' })),
    (error: unknown) => error instanceof TprofError && error.code === 'usage' && /dwarf/.test(error.hint ?? ''),
  );
});

test('py-spy: a tree of processes, each its own thread; exit and output are the target’s own', { skip }, async () => {
  await inFolder(async (_folder, raw, program) => {
    const run = await pySpy.prepare(requestOf(raw, { command: ['python3', program, '1'], frequencyHz: 200 }));
    const [file = '', ...args] = run.command;
    const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env: { ...process.env, ...run.environment } });
    assert.equal(stdout, 'out\n');
    assert.equal(stderr, '');
    assert.deepEqual(run.targetExit?.(), { code: 3, signal: null });
    const { artefacts } = await run.collect();
    assert.deepEqual(readdirSync(raw).sort(), artefacts.map(a => a.file).sort(), 'notes are removed');
    const { file: name, format, clock } = artefacts[0]!;
    assert.deepEqual([name, format, clock], ['profile.speedscope.json', 'speedscope', 'none']);
    const profile = await speedscope.read!(await fileSource(join(raw, name)), {});
    assert.ok(profile.strings.includes('busy'));
    assert.ok(!profile.strings.some(text => text.startsWith('process ')), 'processes are threads, not frames');
    assert.ok(profile.threads.length >= 2);
    assert.ok(profile.threads.every(thread => thread.pid > 0));
  });
});

test('py-spy: attaches to a process that runs, and leaves it running', { skip }, async () => {
  await inFolder(async (_folder, raw, program) => {
    const child = spawn('python3', [program, '60'], { stdio: 'ignore' });
    const ended = new Promise(resolve => child.once('close', resolve));
    try {
      const run = await pySpy.prepare(requestOf(raw, { pids: [child.pid!] }));
      // Until the interpreter is up, there is nothing to attach to.
      for (let tries = 0; ; tries++) {
        try {
          await run.started?.(child.pid!);
          break;
        } catch (error) {
          if (tries === 20) throw error;
          await new Promise(resolve => setTimeout(resolve, 200));
        }
      }
      await new Promise(resolve => setTimeout(resolve, 500));
      await run.stop?.();
      assert.equal(child.exitCode ?? child.signalCode, null);
      const { artefacts } = await run.collect();
      const profile = await speedscope.read!(await fileSource(join(raw, artefacts.at(-1)!.file)), {});
      assert.ok(profile.samples.length > 0);
      // Of one process, its profile names threads alone; the artefact has the pid.
      assert.deepEqual(
        profile.threads.map(thread => [thread.pid, thread.tid]),
        [[0, child.pid]],
      );
      assert.equal(artefacts.at(-1)!.pid, child.pid);
    } finally {
      spawnSync('kill', [
        '-9',
        ...spawnSync('ps', ['-o', 'pid=', '--ppid', String(child.pid)], { encoding: 'utf8' })
          .stdout.trim()
          .split(/\s+/),
      ]);
      child.kill('SIGKILL');
      await ended;
    }
  });
});
