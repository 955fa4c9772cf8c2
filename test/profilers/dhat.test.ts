import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { dhat } from '../../collectors/profilers/dhat.ts';
import { dhat as format } from '../../src/formats/dhat.ts';
import { requestOf } from './request-of.ts';

const status = await dhat.check();
const skip = status.usable ? false : `Valgrind cannot record here: ${status.reason}`;

async function inFolder(run: (folder: string, raw: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tprof-dhat 100%-'));
  const raw = join(folder, 'raw');
  mkdirSync(raw);
  try {
    await run(folder, raw);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('dhat: check names the version, or the command that mends what is missing', () => {
  if (status.usable) assert.match(status.version, /^\d+\.\d+\.\d+/);
  else assert.match(status.hint, /apt-get install valgrind/);
});

test('dhat: a tree of processes leaves one profile each; words and exit are the target’s own', { skip }, async () => {
  await inFolder(async (_folder, raw) => {
    const run = await dhat.prepare(
      requestOf(raw, { command: ['sh', '-c', 'ls / >/dev/null; echo words >&2; exit 3'] }),
    );
    const [file = '', ...args] = run.command;
    const { status: code, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    assert.equal(code, 3);
    assert.equal(stderr, 'words\n');
    const { artefacts, losses, processes, profiled } = await run.collect();
    assert.deepEqual(losses, []);
    assert.deepEqual(readdirSync(raw).sort(), artefacts.map(a => a.file).sort());
    const profiles = artefacts.filter(a => a.format === 'dhat');
    assert.equal(profiles.length, 2);
    assert.deepEqual(processes!.map(p => p.command[0]?.split('/').at(-1)).sort(), ['ls', 'sh']);
    assert.deepEqual([...profiled!.pids].sort(), processes!.map(p => p.pid).sort());
    const [shell, ls] = ['sh', 'ls'].map(name => processes!.find(p => p.command[0]?.endsWith(name))!);
    assert.equal(ls!.parentPid, shell!.pid);
    for (const { file: name, pid } of profiles) {
      const profile = await format.read!(await fileSource(join(raw, name)), {});
      assert.equal(profile.threads[0]!.pid, pid);
    }
  });
});

const CRATE_PROFILE = JSON.stringify({
  dhatFileVersion: 2,
  mode: 'rust-heap',
  verb: 'Allocated',
  bklt: true,
  bkacc: false,
  tu: 'µs',
  Mtu: 's',
  tuth: 10,
  cmd: 'target/release/server',
  pid: 4711,
  te: 90,
  tg: 80,
  pps: [{ tb: 600, tbk: 6, tl: 10, mb: 100, mbk: 1, gb: 100, gbk: 1, eb: 0, ebk: 0, fs: [1] }],
  ftbl: ['[root]', '0x1000: server::work (src/main.rs:3:5)'],
});

test('dhat: a program with the dhat crate is run as it is, and the file that it leaves is copied', {
  skip: process.platform === 'win32' && 'the stand-in for the program is a shell script',
}, async () => {
  await inFolder(async (folder, raw) => {
    const program = join(folder, 'server');
    // As in the program's data: the name of the file stands in what is run.
    writeFileSync(program, `#!/bin/sh\ncat >dhat-heap.json <<'END'\n${CRATE_PROFILE}\nEND\n`);
    chmodSync(program, 0o755);
    const run = await dhat.prepare(requestOf(raw, { command: [program], cwd: folder }));
    assert.deepEqual(run.command, [program]);
    assert.match((await run.collect()).losses[0]?.why ?? '', /Profiler was not dropped/);
    assert.equal(spawnSync(program, { cwd: folder }).status, 0);
    const { artefacts, losses } = await run.collect();
    assert.deepEqual(losses, []);
    assert.deepEqual(artefacts, [{ file: 'dhat-heap.json', format: 'dhat', pid: 4711, tid: 0 }]);
    const profile = await format.read!(await fileSource(join(raw, 'dhat-heap.json')), {});
    assert.equal(profile.samples.values[0]![0], 600);
  });
});
