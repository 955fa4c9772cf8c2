import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * What a shell does once the pipe from its starter ends, for whatever reason: stop PostgreSQL at once, end the other
 * processes, take back the shared memory of a server that was killed, remove the folder. `done` on the pipe means that
 * the starter did all of it. Plain sh, so that nothing that is set for Node (NODE_OPTIONS) reaches it.
 */
const SCRIPT = `
trap '' INT HUP TERM QUIT
dir=$1 postmaster= pids=
while IFS= read -r line; do
  case $line in
    done) exit 0 ;;
    'postgres '*) postmaster=\${line#postgres } ;;
    'pid '*) pids="$pids \${line#pid }" ;;
  esac
done
shm=
if [ -n "$postmaster" ]; then
  { read -r _; read -r _; read -r _; read -r _; read -r _; read -r _; read -r _ shm _; } < "$dir/data/postmaster.pid"
  kill -QUIT "$postmaster"
fi
for p in $pids; do kill -TERM "$p"; done
n=0
while [ $n -lt 25 ]; do
  alive=
  for p in $postmaster $pids; do kill -0 "$p" && alive=1; done
  [ -z "$alive" ] && break
  n=$((n + 1)); sleep 0.1
done
for p in $postmaster $pids; do kill -KILL "$p"; done
[ -n "$shm" ] && ipcrm -m "$shm"
rm -rf "$dir" || { sleep 0.5; rm -rf "$dir"; }
`;

/** Cleans up after a starter that may be killed at any moment. It outlives its starter by a few seconds at most. */
export class Watchdog {
  readonly #directory: string;
  readonly #lines: string[] = [];
  #shell: ChildProcess | undefined;
  #closing = false;

  constructor(directory: string) {
    this.#directory = directory;
    this.#start();
  }

  /** The server to stop first, by its process id. */
  watchPostgres(pid: number): void {
    this.#tell(`postgres ${pid}`);
  }

  /** Another process to end, by its id. */
  watch(pid: number): void {
    this.#tell(`pid ${pid}`);
  }

  /** Ends the pipe, and waits until the shell has cleaned up what is left. */
  async cleanUp(): Promise<void> {
    this.#closing = true;
    const shell = this.#shell;
    if (shell === undefined || shell.exitCode !== null || shell.signalCode !== null) return;
    const gone = once(shell, 'exit');
    shell.ref();
    shell.stdin?.end();
    await gone;
  }

  #tell(line: string): void {
    this.#lines.push(line);
    this.#shell?.stdin?.write(`${line}\n`);
  }

  #start(): void {
    // A session of its own: a Ctrl-C in the terminal is not for it.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'tasker-lite-watchdog', this.#directory], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
      cwd: '/',
    });
    shell.stdin?.on('error', () => {});
    shell.on('error', () => {});
    shell.on('exit', () => {
      if (!this.#closing) this.#start();
    });
    shell.unref();
    (shell.stdin as unknown as { unref(): void } | null)?.unref();
    for (const line of this.#lines) shell.stdin?.write(`${line}\n`);
    this.#shell = shell;
  }
}
