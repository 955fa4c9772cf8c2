import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { eventually, inFolder, processesMarked, runInProcess, runTprof, startTprof, theCapture } from './run-tprof.ts';

const NODE = process.execPath;
const OWN_HANDLER = `process.on('SIGINT', () => { console.log('own'); setTimeout(() => process.exit(6), 50); });`;
const WAIT = `console.log('ready'); setInterval(() => {}, 1000);`;

test('the exit code is the target’s, and the capture is complete', () =>
  inFolder(async cwd => {
    const run = await runTprof(['record', '--no-trace', '--', NODE, '-e', 'process.exit(3)'], { cwd });
    assert.equal(run.code, 3, run.stderr);
    const { manifest, directory } = theCapture(cwd);
    assert.equal(manifest.complete, true);
    assert.deepEqual(manifest.exit, { code: 3, signal: null });
    assert.equal(manifest.clocks.length, 2);
    assert.equal(manifest.profiles.length, 1);
    assert.ok(existsSync(join(directory, manifest.profiles[0]?.file ?? '')));
    assert.match(run.stderr, /profiling with node-cpu: /);
  }));

test('standard output is the target’s own; with --json it is the manifest alone', () =>
  inFolder(async cwd => {
    const plain = await runTprof(['record', '--no-trace', '--', NODE, '-p', '"data"'], { cwd });
    assert.equal(plain.stdout, 'data\n');
    const json = await runTprof(['record', '--no-trace', '--json', '-o', 'j', '--', NODE, '-p', '"data"'], { cwd });
    assert.equal((JSON.parse(json.stdout) as { schema: string }).schema, 'tprof.capture/1');
    assert.match(json.stderr, /^data$/m);
  }));

test('a signal that ends the target gives 128 + n, and its profile is kept', () =>
  inFolder(async cwd => {
    const code = `setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100); setInterval(() => {}, 1000);`;
    const run = await runTprof(['record', '--no-trace', '--', NODE, '-e', code], { cwd });
    assert.equal(run.code, 143);
    const { manifest } = theCapture(cwd);
    assert.deepEqual(manifest.exit, { code: null, signal: 'SIGTERM' });
    assert.equal(manifest.profiles.length, 1);
    assert.deepEqual(manifest.losses, []);
  }));

test('kill -9 of the target: the loss is named', () =>
  inFolder(async cwd => {
    const code = `process.kill(process.pid, 'SIGKILL')`;
    const run = await runTprof(['record', '--no-trace', '--', NODE, '-e', code], { cwd });
    assert.equal(run.code, 137);
    const { manifest } = theCapture(cwd);
    assert.equal(manifest.complete, true);
    assert.equal(manifest.profiles.length, 0);
    assert.match(manifest.losses.map(loss => `${loss.what}: ${loss.why}`).join(), /kill -9/);
  }));

test('Ctrl-C (a signal to the whole group) reaches the target once, and the capture is complete', () =>
  inFolder(async cwd => {
    const run = startTprof(['record', '--no-trace', '--', NODE, '-e', OWN_HANDLER + WAIT], { cwd });
    await eventually('the target is ready', () => run.output().includes('ready'));
    process.kill(-run.pid, 'SIGINT');
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 6, stderr);
    assert.equal(stdout.match(/own/g)?.length, 1);
    assert.match(stderr, /stopping/);
    assert.equal(theCapture(cwd).manifest.complete, true);
  }));

test('kill -INT of tprof alone is passed on, once', () =>
  inFolder(async cwd => {
    const run = startTprof(['record', '--no-trace', '--', NODE, '-e', OWN_HANDLER + WAIT], { cwd });
    await eventually('the target is ready', () => run.output().includes('ready'));
    process.kill(run.pid, 'SIGINT');
    const { code, stdout } = await run.ended;
    assert.equal(code, 6);
    assert.equal(stdout.match(/own/g)?.length, 1);
    assert.equal(theCapture(cwd).manifest.complete, true);
  }));

test('SIGTERM of tprof is passed on, and the code is that of the target', () =>
  inFolder(async cwd => {
    const run = startTprof(['record', '--no-trace', '--', NODE, '-e', WAIT], { cwd });
    await eventually('the target is ready', () => run.output().includes('ready'));
    process.kill(run.pid, 'SIGTERM');
    const { code } = await run.ended;
    assert.equal(code, 143);
    const { manifest } = theCapture(cwd);
    assert.equal(manifest.complete, true);
    assert.equal(manifest.profiles.length, 1);
  }));

test('a second Ctrl-C gives up at once: everything is killed, and the capture says that it is not complete', () =>
  inFolder(async cwd => {
    const deaf = `process.on('SIGINT', () => {});`;
    const run = startTprof(['record', '--no-trace', '--', NODE, '-e', deaf + WAIT], { cwd, env: { TP_MARK: cwd } });
    await eventually('the target is ready', () => run.output().includes('ready'));
    process.kill(-run.pid, 'SIGINT');
    await new Promise(resolve => setTimeout(resolve, 600));
    process.kill(-run.pid, 'SIGINT');
    const { code, stderr } = await run.ended;
    assert.equal(code, 137, stderr);
    const { manifest } = theCapture(cwd);
    assert.equal(manifest.complete, false);
    assert.match(manifest.incompleteWhy ?? '', /second Ctrl-C/);
    assert.deepEqual(processesMarked(`TP_MARK=${cwd}`), []);
  }));

test(
  'kill -9 of tprof: no process is left behind, and the capture says that it is not complete',
  {
    skip: process.platform === 'linux' ? false : 'the watchdog needs /proc',
  },
  () =>
    inFolder(async cwd => {
      // A child in a session of its own whose parent is gone: no group and no parent leads to it.
      const fugitive = `require('child_process').spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' }).unref();`;
      const code = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(fugitive)}]);${WAIT}`;
      const run = startTprof(['record', '--no-trace', '--', NODE, '-e', code], { cwd, env: { TP_MARK: cwd } });
      await eventually('the target is ready', () => run.output().includes('ready'));
      assert.equal(processesMarked(`TP_MARK=${cwd}`).length, 3, 'tprof, target, escaped');
      process.kill(run.pid, 'SIGKILL');
      await eventually('the workload is gone', () => processesMarked(`TP_MARK=${cwd}`).length === 0);
      await run.ended;
      assert.equal(theCapture(cwd).manifest.complete, false);
    }),
);

test('what a killed target leaves running ends with it', () =>
  inFolder(async cwd => {
    const child = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true }).unref();`;
    const code = `${child} setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500)`;
    const run = await runTprof(['record', '--no-trace', '--', NODE, '-e', code], { cwd, env: { TP_MARK: cwd } });
    assert.equal(run.code, 137);
    assert.deepEqual(processesMarked(`TP_MARK=${cwd}`), []);
  }));

test('--duration ends the target as Ctrl-C would, and that is no failure', () =>
  inFolder(async cwd => {
    const run = await runTprof(['record', '--no-trace', '--duration', '1s', '--', NODE, '-e', WAIT], { cwd });
    assert.equal(run.code, 0, run.stderr);
    const { manifest } = theCapture(cwd);
    assert.equal(manifest.profiles.length, 1);
    assert.ok((manifest.durationNs ?? 0) > 0.9e9);
  }));

test('not found is 127, not executable 126, and neither leaves a capture', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'app.js'), '');
    const cases = [
      { word: 'no-such-program', code: 127, says: /command not found/ },
      { word: './no-such-file', code: 127, says: /no such file/ },
      { word: './app.js', code: 126, says: /tprof record -- node \.\/app\.js/ },
      { word: '/', code: 126, says: /found a folder/ },
    ];
    for (const { word, code, says } of cases) {
      const run = await runInProcess(['record', '--', word], cwd);
      assert.equal(run.code, code, `${word}: ${run.stderr}`);
      assert.match(run.stderr, says);
      assert.doesNotMatch(run.stderr, /\n\s+at /);
    }
    assert.equal(existsSync(join(cwd, '.tprof')), false);
  }));

test('a script whose interpreter is missing is 127, and leaves no capture', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'x.sh'), '#!/no/such/interpreter\n');
    await chmod(join(cwd, 'x.sh'), 0o755);
    const run = await runTprof(['record', '--no-trace', '--', './x.sh'], { cwd });
    assert.equal(run.code, 127, run.stderr);
    assert.match(run.stderr, /interpreter/);
    assert.deepEqual(readdirSync(join(cwd, '.tprof')), ['.gitignore']);
  }));

test('wrong use is 2, and names what would be right', () =>
  inFolder(async cwd => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /needs a command/],
      [['--profiler', 'magic', '--', NODE], /there is no profiler 'magic'/],
      [['--profiler', 'node-cpu', '--event', 'cycles', '--', NODE], /node-cpu has no --event/],
      [['--profiler', 'none,node-cpu', '--', NODE], /goes with no other/],
      [['--frequency', 'often', '--', NODE], /samples a second/],
      [['--duration', 'soon', '--', NODE], /expected a time/],
      [['--env', 'nonsense', '--', NODE], /NAME=VALUE/],
      [['--pid', '1', '--', NODE], /not both/],
    ];
    for (const [args, says] of cases) {
      const run = await runInProcess(['record', ...args], cwd);
      assert.equal(run.code, 2, `${args.join(' ')}: ${run.stderr}`);
      assert.match(run.stderr, says);
    }
    assert.equal(existsSync(join(cwd, '.tprof')), false);
  }));

test('a folder with other files, and a port that is taken, are reasons not to begin', () =>
  inFolder(async cwd => {
    await mkdir(join(cwd, 'mine'));
    await writeFile(join(cwd, 'mine', 'file'), '');
    const folder = await runInProcess(['record', '--no-trace', '-o', 'mine', '--', NODE, '-e', '0'], cwd);
    assert.equal(folder.code, 2);
    assert.match(folder.stderr, /expected an empty folder/);
    const server = createServer().listen(0, '127.0.0.1');
    try {
      await new Promise(resolve => server.once('listening', resolve));
      const { port } = server.address() as { port: number };
      const taken = await runInProcess(['record', '--listen', `:${port}`, '-o', 'out', '--', NODE, '-e', '0'], cwd);
      assert.equal(taken.code, 125, taken.stderr);
      assert.equal(existsSync(join(cwd, 'out')), false);
    } finally {
      server.close();
    }
  }));

test('--env and telemetry settings reach the target, and what was set stays', () =>
  inFolder(async cwd => {
    const code = `console.log(JSON.stringify([process.env.A, process.env.OTEL_EXPORTER_OTLP_ENDPOINT, process.env.OTEL_BSP_MAX_QUEUE_SIZE, process.env.TELEMETRY_ENABLED]))`;
    const run = await runTprof(
      ['record', '--env', 'A=1=2', '--env', 'OTEL_BSP_MAX_QUEUE_SIZE=9', '--profiler', 'none', '--', NODE, '-e', code],
      { cwd },
    );
    const [a, endpoint, queue, enabled] = JSON.parse(run.stdout) as string[];
    assert.equal(a, '1=2');
    assert.match(endpoint ?? '', /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual([queue, enabled], ['9', 'true']);
    assert.equal(theCapture(cwd).manifest.profiles.length, 0);
  }));

test('an existing NODE_OPTIONS stays, and a path with spaces is quoted', () =>
  inFolder(async cwd => {
    const run = await runTprof(['record', '--no-trace', '--', NODE, '-p', 'process.env.NODE_OPTIONS'], {
      cwd,
      env: { NODE_OPTIONS: '--no-warnings' },
    });
    assert.match(run.stdout, /^--no-warnings --require=/);
    assert.equal(theCapture(cwd).manifest.profiles.length, 1);
  }));

test('a program that sits in a loop ends at Ctrl-C as it would without tprof, and its profile is asked out of it', async t => {
  if (!(await isFree(9229))) {
    t.skip('port 9229, where Node opens its inspector, is taken');
    return;
  }
  await inFolder(async cwd => {
    const code = `function spin() { for (;;); } console.log('ready'); setTimeout(spin, 100);`;
    const run = startTprof(['record', '--no-trace', '--', NODE, '-e', code], { cwd });
    await eventually('the target is ready', () => run.output().includes('ready'));
    await new Promise(resolve => setTimeout(resolve, 500));
    process.kill(-run.pid, 'SIGINT');
    const { code: exit, stderr } = await run.ended;
    assert.equal(exit, 130, stderr);
    assert.match(stderr, /was in a loop/);
    const { manifest, directory } = theCapture(cwd);
    assert.equal(manifest.complete, true);
    assert.deepEqual(manifest.losses, []);
    assert.match(readFileSync(join(directory, manifest.profiles[0]?.file ?? ''), 'utf8'), /"functionName":"spin"/);
  });
});

test(
  'what a full disk refuses is told in one sentence, and what is there does not look whole',
  {
    skip: canMount() ? false : 'mounting a small file system needs root on Linux',
  },
  () =>
    inFolder(async cwd => {
      const disk = join(cwd, 'disk');
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tprof-test', disk]);
      try {
        // Room for the manifest, and for nothing that the agent writes at the end.
        const code = `const end = Date.now() + 300; while (Date.now() < end);
        try { for (;;) require('fs').appendFileSync(${JSON.stringify(join(disk, 'filler'))}, Buffer.alloc(512)); } catch {}`;
        const run = await runTprof(['record', '--no-trace', '-o', join(disk, 'out'), '--', NODE, '-e', code], { cwd });
        assert.match(run.stderr, /disk is full/);
        assert.doesNotMatch(run.stderr, /\n\s+at /);
        const names = readdirSync(join(disk, 'out'), { recursive: true }).map(String);
        assert.deepEqual(
          names.filter(name => name.includes('partial') || name.endsWith('.cpuprofile')),
          [],
        );
        const manifest = JSON.parse(readFileSync(join(disk, 'out/capture.json'), 'utf8')) as CaptureManifest;
        assert.ok(!manifest.complete || /disk is full/.test(JSON.stringify(manifest.losses)));
      } finally {
        execFileSync('umount', [disk]);
      }
      const none = join(cwd, 'none');
      await mkdir(none);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tprof-test', none]);
      try {
        await writeFile(join(none, 'filler'), Buffer.alloc(4096));
        const run = await runTprof(['record', '--no-trace', '-o', join(none, 'out'), '--', NODE, '-e', '0'], { cwd });
        assert.equal(run.code, 125, run.stderr);
        assert.match(run.stderr, /disk is full/);
        assert.equal(existsSync(join(none, 'out')), false);
      } finally {
        execFileSync('umount', [none]);
      }
    }),
);

/** Root in a container may not mount, either: it is tried. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'tprof-mount-'));
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tprof-test', folder]).status === 0;
  if (made) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return made;
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
