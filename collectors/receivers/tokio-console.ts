// https://github.com/tokio-rs/console/tree/main/console-api/proto
import { type FileHandle, open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { TprofError } from '../../src/base/errors.ts';
import {
  CONSOLE_MAGIC,
  ConsoleFrame,
  consoleDetailsFrame,
  consoleJsonFrame,
  consoleUpdateFrame,
} from '../../src/formats/tokio-console-frames.ts';
import { diskFailure } from '../disk-failure.ts';
import { readProcessStat } from '../process-table.ts';
import { PeerProcesses } from './peer-process.ts';
import { type ConsoleCallEnd, watchConsole } from './tokio-console-call.ts';
import { ConsoleDetails } from './tokio-console-details.ts';

export const CONSOLE_PORT = 6669;
/** Soon at first, since what is being recorded has just been started; then it may take its time. */
const RETRY_MS = [50, 50, 100, 100, 200, 200, 500] as const;

const PID_ATTEMPTS = 4;

export interface ConsoleAddress {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `HOST`, `:PORT`, `PORT`, `http://HOST:PORT`; loopback and 6669 where one is left out. */
export function parseConsoleAddress(text: string): ConsoleAddress {
  const match = /^(?:http:\/\/)?(?:\[([0-9a-f:.]+)\]|([^:/\s[\]]*))?(?::(\d+))?\/?$/i.exec(text.trim());
  const bare = match !== null && match[3] === undefined && /^\d{1,5}$/.test(match[2] ?? '');
  const port = bare ? Number(match?.[2]) : Number(match?.[3] ?? CONSOLE_PORT);
  if (match === null || text.trim() === '' || !(port > 0 && port <= 65_535)) {
    throw new TprofError('usage', `--tokio-console ${text}: expected HOST:PORT or :PORT`, {
      hint: `for example --tokio-console :${CONSOLE_PORT}, the default of console-subscriber`,
    });
  }
  const host = bare ? '' : (match[1] ?? match[2] ?? '');
  return { host: host === '' ? '127.0.0.1' : host, port };
}

export interface ConsoleCounts {
  readonly connections: number;
  readonly updates: number;
}

export interface ConsoleHarvest {
  /** Relative to the folder. */
  readonly file: string;
  readonly address: string;
  /** Of the program, where it runs on this machine; 0 = not known. */
  readonly pid: number;
  readonly counts: ConsoleCounts;
  readonly losses: readonly { readonly what: string; readonly count: number; readonly why: string }[];
  readonly processes: PeerProcesses['processes'];
}

/**
 * Listens to one console-subscriber and keeps what it says as it came. The program may begin to listen late, and end or
 * be started anew: connections are tried again until `stop`, and counted. An update is at most as old as the
 * subscriber's own interval (a second): what happened after the last one before the program ended is not known.
 */
export class TokioConsole {
  readonly address: string;
  readonly #authority: string;
  readonly #path: string;
  readonly #name: string;
  readonly #file: FileHandle;
  readonly #peers = new PeerProcesses();
  readonly #running: Promise<void>;
  #writing: Promise<void> = Promise.resolve();
  #diskProblem: unknown;
  #call: ReturnType<typeof watchConsole> | undefined;
  #stopping: (() => void) | undefined;
  #stopped = false;
  #connections = 0;
  #updates = 0;
  #attempts = 0;
  #pid = 0;
  /** Why the latest attempt failed, and how connections that had been made ended. */
  #lastWhy = '';
  readonly #broken = new Map<string, number>();
  /** How the last connection ended; a loss only if the program went on. */
  #gone: string | undefined;

  private constructor({ host, port }: ConsoleAddress, file: FileHandle, path: string, name: string) {
    this.address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#authority = `http://${this.address}`;
    this.#file = file;
    this.#path = path;
    this.#name = name;
    const header = { address: this.address, startedUnixNs: unixNs().toString() };
    this.#append(Buffer.from(CONSOLE_MAGIC));
    this.#append(consoleJsonFrame(ConsoleFrame.header, header));
    this.#running = this.#run();
  }

  static async start(address: ConsoleAddress, directory: string): Promise<TokioConsole> {
    const name = `${address.host.replace(/[^\w.-]/g, '_')}-${address.port}.console`;
    const path = join(directory, name);
    try {
      return new TokioConsole(address, await open(path, 'w'), path, name);
    } catch (cause) {
      throw diskFailure(path, cause);
    }
  }

  counts(): ConsoleCounts {
    return { connections: this.#connections, updates: this.#updates };
  }

  /** What was received is on disk when this resolves. May be called again. */
  async stop(): Promise<ConsoleHarvest> {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#stopping?.();
      this.#call?.close();
      await this.#running;
      // A program that has ended takes its connection with it, and nothing is missing.
      if (this.#pid > 0 && readProcessStat(this.#pid) !== undefined) this.#countBroken();
      await this.#writing;
      await this.#file.sync().catch(cause => {
        this.#diskProblem ??= diskFailure(this.#path, cause);
      });
      await this.#file.close();
    }
    return {
      file: this.#name,
      address: this.address,
      pid: this.#pid,
      counts: this.counts(),
      losses: this.#losses(),
      processes: this.#peers.processes,
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const call = watchConsole(this.#authority, {
        onAnswer: socket => this.#answered(socket),
        onUpdate: message => {
          this.#updates++;
          this.#append(consoleUpdateFrame(unixNs(), message));
          details.update(message);
        },
      });
      const details = new ConsoleDetails(call, message => this.#append(consoleDetailsFrame(unixNs(), message)));
      this.#call = call;
      const end = await call.ended;
      details.end();
      this.#ended(end);
      if (this.#stopped) return;
      const wait = end.answered ? RETRY_MS[0] : RETRY_MS[Math.min(this.#attempts, RETRY_MS.length) - 1]!;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, wait);
        this.#stopping = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #answered(socket: Socket): void {
    this.#connections++;
    this.#attempts = 0;
    this.#countBroken();
    const at = unixNs().toString();
    // The record stands before the updates of the connection, so it must not wait for the walk through /proc.
    const pid = this.#pidOf(socket);
    this.#appendLater(
      pid.then(found => {
        if (found > 0) this.#pid = found;
        return consoleJsonFrame(ConsoleFrame.connected, { unixNs: at, pid: found });
      }),
    );
  }

  /** On a busy machine the walk through /proc may take longer than its patience: it is begun again. */
  async #pidOf(socket: Socket): Promise<number> {
    for (let attempt = 0; attempt < PID_ATTEMPTS && !socket.destroyed; attempt++) {
      const { process } = await this.#peers.resolve(socket);
      if (process !== undefined) return process.pid;
    }
    return 0;
  }

  #ended({ answered, why }: ConsoleCallEnd): void {
    if (answered) {
      this.#append(consoleJsonFrame(ConsoleFrame.ended, { unixNs: unixNs().toString(), why }));
      if (!this.#stopped) this.#gone = why;
    } else {
      this.#attempts++;
      if (!this.#stopped) this.#lastWhy = why;
    }
  }

  #countBroken(): void {
    if (this.#gone !== undefined) this.#broken.set(this.#gone, (this.#broken.get(this.#gone) ?? 0) + 1);
    this.#gone = undefined;
  }

  #append(bytes: Uint8Array): void {
    this.#appendLater(Promise.resolve(bytes));
  }

  /** In the order of the calls; a disk that fails costs what comes after, and is said at the end. */
  #appendLater(bytes: Promise<Uint8Array>): void {
    const before = this.#writing;
    this.#writing = (async () => {
      await before;
      if (this.#diskProblem !== undefined) return;
      try {
        await this.#file.appendFile(await bytes);
      } catch (cause) {
        this.#diskProblem = diskFailure(this.#path, cause);
      }
    })();
  }

  #losses(): ConsoleHarvest['losses'] {
    const losses: { what: string; count: number; why: string }[] = [];
    const of = `the console-subscriber at ${this.address}`;
    if (this.#connections === 0) {
      const why = `${this.#lastWhy === '' ? 'it was not reached' : this.#lastWhy}; the program needs console_subscriber::init() and RUSTFLAGS="--cfg tokio_unstable", and TOKIO_CONSOLE_BIND names its address`;
      losses.push({ what: `tasks of ${of}`, count: 1, why });
    }
    for (const [why, count] of this.#broken) losses.push({ what: `a connection to ${of}`, count, why });
    if (this.#diskProblem !== undefined) {
      const why = this.#diskProblem instanceof Error ? this.#diskProblem.message : String(this.#diskProblem);
      losses.push({ what: `updates of ${of}`, count: 1, why });
    }
    return losses;
  }
}

function unixNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
