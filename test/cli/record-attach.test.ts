import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { pySpy } from '../../collectors/profilers/py-spy.ts';
import { eventually, inFolder, runInProcess, runTprof, startTprof, theCapture } from './run-tprof.ts';

const NODE = process.execPath;

/**
 * Programs that run already; ended afterwards. V8 does not tell what it had inlined before it was profiled, and a program
 * that has run for a while has all of its work inlined into the timer's loop: so nothing is inlined here.
 */
async function beside(sources: readonly string[], work: (pids: readonly number[]) => Promise<void>): Promise<void> {
  const children = sources.map(source =>
    spawn(NODE, ['--no-turbo-inlining', '--no-maglev-inlining', '-e', source], { stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  try {
    for (const child of children) await once(child.stdout, 'data');
    await work(children.map(child => child.pid as number));
    for (const child of children) assert.ok(isRunning(child), 'the program goes on after it was watched');
  } finally {
    for (const child of children) {
      child.kill('SIGKILL');
      if (isRunning(child)) await once(child, 'exit');
    }
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function portIsFree(): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(9229, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** Work that no compiler can leave out. */
const loop = (name: string): string =>
  `var sum = 0; function ${name}() { let x = 1; for (let i = 0; i < 1e6; i++) x = (x * 31 + i) % 1000003; return x; }
  function ${name}Again() { sum += ${name}(); }`;
const TURNING = `${loop('turning')} setInterval(turningAgain, 5); console.log('ready');`;
const LOOPING = `${loop('looping')} console.log('ready');
  setTimeout(function loopingForever() { for (;;) loopingAgain(); }, 50);`;
const WORKING = `const { Worker } = require('worker_threads');
  const code = ${JSON.stringify(`${loop('inWorker')} setInterval(inWorkerAgain, 5);`)};
  const w = new Worker(code + "require('worker_threads').parentPort.postMessage(0)", { eval: true });
  w.once('message', () => console.log('ready'));`;

test('several running Node processes are profiled at once, one of them in a loop, one with a worker, and twice', async t => {
  if (process.platform !== 'linux' || !(await portIsFree())) {
    t.skip('needs Linux, and port 9229 free, where Node opens its inspector');
    return;
  }
  await inFolder(cwd =>
    beside([TURNING, LOOPING, WORKING], async pids => {
      for (const _round of [1, 2]) {
        const args = ['record', '--no-trace', '--pid', pids.join(','), '--duration', '2s', '-o', '.tprof/one'];
        const run = await runTprof(args, { cwd });
        assert.equal(run.code, 0, run.stderr);
        const { manifest, directory } = theCapture(cwd);
        assert.deepEqual(manifest.losses, []);
        const texts = manifest.profiles.map(({ file }) => readFileSync(join(directory, file), 'utf8'));
        for (const name of ['turning', 'looping', 'inWorker']) {
          assert.ok(
            texts.some(text => text.includes(`"functionName":"${name}`)),
            `${name} is missing`,
          );
        }
        assert.equal(manifest.profiles.length, 4);
        assert.deepEqual([manifest.complete, manifest.exit, manifest.processes.length], [true, undefined, 3]);
      }
    }),
  );
});

test('where one of several tools refuses, the others record, and it is said', async t => {
  if (process.platform !== 'linux' || !(await portIsFree())) {
    t.skip('needs Linux, and port 9229 free, where Node opens its inspector');
    return;
  }
  const status = await pySpy.check();
  if (!status.usable) {
    t.skip(`needs a profiler that refuses, for which py-spy is taken: ${status.reason}`);
    return;
  }
  await inFolder(cwd =>
    beside([TURNING], async ([pid]) => {
      // By its name it is a Python.
      const program = join(cwd, 'python3');
      copyFileSync('/bin/sleep', program);
      const child = spawn(program, ['600'], { stdio: 'ignore' });
      const ended = new Promise(resolve => child.once('close', resolve));
      try {
        const run = await runTprof(['record', '--no-trace', '--pid', `${pid},${child.pid}`, '--duration', '1s'], {
          cwd,
        });
        assert.equal(run.code, 0, run.stderr);
        const { manifest } = theCapture(cwd);
        assert.deepEqual(
          manifest.profiles.map(profile => profile.pid),
          [pid],
        );
        assert.match(JSON.stringify(manifest.losses), /what py-spy would have recorded.*py-spy refuses to attach/);
      } finally {
        child.kill('SIGKILL');
        await ended;
      }
    }),
  );
});

test('Ctrl-C ends the watching and completes the capture; the program is not touched', async t => {
  if (process.platform !== 'linux' || !(await portIsFree())) {
    t.skip('needs Linux, and port 9229 free, where Node opens its inspector');
    return;
  }
  await inFolder(cwd =>
    beside([TURNING], async ([pid]) => {
      const run = startTprof(['record', '--no-trace', '--pid', String(pid)], { cwd });
      const started = (): boolean => {
        const [capture] = readdirSync(join(cwd, '.tprof')).filter(name => name !== '.gitignore');
        return capture !== undefined && readdirSync(join(cwd, '.tprof', capture, 'raw/node-cpu')).length > 0;
      };
      await eventually('the profile has begun', () => {
        try {
          return started();
        } catch {
          return false;
        }
      });
      process.kill(-run.pid, 'SIGINT');
      const { code, stderr } = await run.ended;
      assert.equal(code, 0, stderr);
      const { manifest } = theCapture(cwd);
      assert.deepEqual([manifest.complete, manifest.profiles.length], [true, 1]);
    }),
  );
});

test('kill -9 of tprof: the program is profiled no longer, and can be watched again', async t => {
  if (process.platform !== 'linux' || !(await portIsFree())) {
    t.skip('needs Linux, and port 9229 free, where Node opens its inspector');
    return;
  }
  await inFolder(cwd =>
    beside([TURNING], async ([pid]) => {
      const run = startTprof(['record', '--no-trace', '--pid', String(pid), '-o', '.tprof/one'], { cwd });
      const raw = join(cwd, '.tprof/one/raw/node-cpu');
      const journal = (): string => {
        const [name] = existsSync(raw) ? readdirSync(raw).filter(file => file.endsWith('.jsonl')) : [];
        return name === undefined ? '' : readFileSync(join(raw, name), 'utf8');
      };
      await eventually('the profile has begun', () => journal().includes('"start"'));
      process.kill(run.pid, 'SIGKILL');
      await run.ended;
      await eventually('the program ends its profile by itself', () => journal().includes('"end"'));
      assert.equal(theCapture(cwd).manifest.complete, false);
      const again = ['record', '--no-trace', '--pid', String(pid), '--duration', '500ms', '-o', '.tprof/one'];
      const second = await runTprof(again, { cwd });
      assert.equal(second.code, 0, second.stderr);
      assert.equal(theCapture(cwd).manifest.profiles.length, 1);
    }),
  );
});

test('what cannot be watched is refused by name, with the command that could', () =>
  inFolder(async cwd => {
    const gone = await runInProcess(['record', '--no-trace', '--pid', '4194302'], cwd);
    assert.equal(gone.code, 3);
    assert.match(gone.stderr, /there is no process 4194302/);
    const nobody = await runInProcess(['record', '--no-trace', '--name', 'no-such-name-*'], cwd);
    assert.equal(nobody.code, 3);
    assert.match(nobody.stderr, /no running process is named no-such-name-\*/);
    if (process.platform !== 'linux') return;
    const shell = spawn('/bin/sh', ['-c', 'read x'], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      const args = ['record', '--no-trace', '--profiler', 'node-cpu', '--pid', String(shell.pid)];
      const foreign = await runInProcess(args, cwd);
      assert.equal(foreign.code, 125, foreign.stderr);
      assert.match(foreign.stderr, /node-cpu profiles Node alone/);
      assert.match(foreign.stderr, /--profiler perf --pid/);
      assert.deepEqual(readdirSync(join(cwd, '.tprof')), ['.gitignore']);
    } finally {
      shell.stdin.end();
      await once(shell, 'exit');
    }
  }));
