import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/**
 * What a shell does once the pipe from its starter ends, for whatever reason: stop PostgreSQL at once, end the other
 * processes, take back the shared memory of a server that was killed, remove the folder. `done` on the pipe means that
 * the starter did all of it. Plain sh, so that nothing that is set for Node (NODE_OPTIONS) reaches it.
 */
const SCRIPT = `
{
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
while [ $n -lt 10 ]; do
  alive=
  for p in $postmaster $pids; do kill -0 "$p" && alive=1; done
  [ -z "$alive" ] && break
  n=$((n + 1)); sleep 0.1
done
for p in $postmaster $pids; do kill -KILL "$p"; done
[ -n "$shm" ] && ipcrm -m "$shm"
rm -rf "$dir" || { sleep 0.5; rm -rf "$dir"; }
} <&3 &
`;

/** Cleans up after a starter that may be killed at any moment. It outlives its starter by a few seconds at most. */
export class Watchdog {
  readonly #directory: string;
  readonly #lines: string[] = [];
  #pipe: Socket | undefined;
  #end: Socket | undefined;
  #gone: Promise<void> = Promise.resolve();
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
    this.#end?.ref();
    this.#pipe?.end();
    await this.#gone;
  }

  #tell(line: string): void {
    this.#lines.push(line);
    this.#pipe?.write(`${line}\n`);
  }

  #start(): void {
    // A session of its own: a Ctrl-C in the terminal is not for it.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'tasker-lite-watchdog', this.#directory], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      cwd: '/',
    });
    shell.on('error', () => {});
    shell.unref();
    const pipe = shell.stdio[3] as Socket;
    const end = shell.stdio[4] as Socket;
    pipe.on('error', () => {});
    pipe.unref();
    // Nothing comes on it but its end; it is no reason to stay, unless the end is waited for.
    this.#gone = once(end.resume(), 'close').then(() => {
      if (!this.#closing) this.#start();
    });
    end.on('error', () => {});
    end.unref();
    for (const line of this.#lines) pipe.write(`${line}\n`);
    this.#pipe = pipe;
    this.#end = end;
  }
}
