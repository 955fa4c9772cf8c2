import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  findPostgresFolder,
  postgresPackage,
  reachableByOthers,
} from '../../examples/tasker-lite/postgres-binaries.ts';

const NOBODY = 65534;
const TPROF = fileURLToPath(new URL('../../bin/tprof.js', import.meta.url));
const installed = findPostgresFolder() !== undefined;
const skip = !installed
  ? `${postgresPackage()} is not installed`
  : process.platform !== 'linux'
    ? 'looks for processes in /proc, which only Linux has'
    : false;

interface Run {
  readonly child: ChildProcess;
  /** Folder for temporary files of this run alone. */
  readonly folder: string;
  said(): string;
  /** All processes of this run that are alive, its own included. */
  processes(): { pid: number; command: string }[];
}

/** Starts `tprof e2e` with a folder of its own, and resolves once tasks are under way. */
async function start(t: TestContext, args: readonly string[], uid?: number): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'tl-end-'));
  // As root, PostgreSQL runs as nobody, who has to get in.
  await chmod(folder, 0o711);
  if (uid !== undefined) await chown(folder, uid, uid);
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(OTEL_|DATABASE_URL|AMQP_URL)/.test(name)),
  );
  const child = spawn(process.execPath, [TPROF, 'e2e', 'linear', ...args], {
    env: { ...env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let said = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const run: Run = { child, folder, said: () => said, processes: () => processesOf(child.pid!) };
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await gone(run);
    await rm(folder, { recursive: true, force: true });
  });
  return run;
}

/** Processes that were started, directly or not, by `root`, with PostgreSQL's own children. */
function processesOf(root: number): { pid: number; command: string }[] {
  const all = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ') as [string, string];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return state === 'Z' ? [] : [{ pid: Number(name), ppid: Number(ppid), command }];
      } catch {
        return [];
      }
    });
  const found = new Set([root]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { pid, ppid } of all) if (found.has(ppid)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

async function until<T>(look: () => T | undefined, limitMs: number, what: () => string): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < end, what());
    await sleep(50);
  }
}

/** Waits until orchestration, worker and a server with their connections are there. */
async function underWay(run: Run): Promise<{ pid: number; command: string }[]> {
  return await until(
    () => {
      const processes = run.processes();
      const working = processes.filter(
        ({ command }) => /postgres: .*tasker-lite-worker/.test(command) || command.includes('[local]'),
      );
      return working.length >= 4 ? processes : undefined;
    },
    60_000,
    () => `the workload was not under way after a minute: ${run.said()}`,
  );
}

/** Nothing of the run is left: no folder. */
async function gone(run: Run): Promise<void> {
  await until(
    () => (readdirSync(run.folder).some(name => name.startsWith('tasker-lite-')) ? undefined : true),
    15_000,
    () => `${run.folder} still holds ${readdirSync(run.folder).join(', ')}`,
  );
}

function alive(pids: readonly { pid: number; command: string }[]): string[] {
  return pids
    .filter(({ pid, command }) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') === command && command !== '';
      } catch {
        return false;
      }
    })
    .map(({ pid, command }) => `${pid} ${command}`);
}

test('kill -9 of the driver leaves no process and no folder behind', { skip }, async t => {
  const run = await start(t, ['--tasks', '100000']);
  const processes = await underWay(run);
  assert.equal(readdirSync(run.folder).filter(name => name.startsWith('tasker-lite-')).length, 1);
  run.child.kill('SIGKILL');
  await once(run.child, 'exit');
  await gone(run);
  await until(
    () => (alive(processes).length === 0 ? true : undefined),
    5000,
    () => `still there: ${alive(processes).join('; ')}`,
  );
});

for (const victim of ['worker-process', 'orchestration-process', 'postgres -D']) {
  test(`kill -9 of ${victim} ends the run with one sentence and leaves nothing behind`, { skip }, async t => {
    const run = await start(t, ['--tasks', '100000']);
    const processes = await underWay(run);
    process.kill(processes.find(({ command }) => command.includes(victim))!.pid, 'SIGKILL');
    const [code] = (await once(run.child, 'close')) as [number];
    assert.equal(code, 1, run.said());
    assert.match(run.said(), /^tprof: (the worker|the orchestration|PostgreSQL) .*\n$/);
    await gone(run);
    assert.deepEqual(alive(processes), []);
  });
}

test('SIGINT ends the run in good order, and reports what had ended', { skip }, async t => {
  const run = await start(t, ['--tasks', '100000', '--json']);
  const processes = await underWay(run);
  run.child.kill('SIGINT');
  const [code] = (await once(run.child, 'close')) as [number];
  assert.equal(code, 130, run.said());
  assert.equal((JSON.parse(run.said()) as { aborted: boolean }).aborted, true);
  await gone(run);
  assert.deepEqual(alive(processes), []);
});

const asRoot = process.getuid?.() === 0;
const reachable =
  installed &&
  (await Promise.all([process.execPath, TPROF, findPostgresFolder()!].map(path => reachableByOthers(dirname(path)))));
test('an ordinary user runs it too', {
  skip:
    skip !== false
      ? skip
      : !asRoot
        ? 'every other test here ran as one'
        : !Array.isArray(reachable) || reachable.includes(false)
          ? 'the checkout lies in a folder that only root can enter'
          : false,
}, async t => {
  const run = await start(t, ['--tasks', '2', '--json'], NOBODY);
  const [code] = (await once(run.child, 'close')) as [number];
  assert.equal(code, 0, run.said());
  assert.equal((JSON.parse(run.said()) as { failed: number }).failed, 0);
  assert.ok(existsSync(run.folder));
  await gone(run);
});

test('without a place for its files it says so, and exits 4', { skip }, async t => {
  const run = await start(t, ['--tasks', '1', '--statement-log', '/nonexistent/folder/statements.log']);
  const [code] = (await once(run.child, 'close')) as [number];
  assert.equal(code, 4, run.said());
  assert.match(run.said(), /statements\.log/);
  await gone(run);
});
