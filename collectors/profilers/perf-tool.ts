import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { RUN_MARK } from '../run-command.ts';
import { startWatchdog } from '../watchdog.ts';

const PROBE_TIMEOUT_MS = 20_000;
/** Until a tool that attaches is surely sampling; a loaded machine takes its time. */
const READY_MS = 10_000;
const STOP_MS = 30_000;

/** Runs a short tool to its end. `scratch` is a file that it writes and nobody wants. */
export async function runTool(
  path: string,
  args: readonly string[],
  scratch?: string,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  try {
    return await new Promise(resolve => {
      execFile(
        path,
        [...args],
        { timeout: PROBE_TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          resolve({ code, stdout, stderr: stderr || (error?.message ?? '') });
        },
      );
    });
  } finally {
    if (scratch !== undefined) {
      rmSync(scratch, { force: true });
      rmSync(`${scratch}.old`, { force: true });
    }
  }
}

/** A tool that runs beside its target until it is told to stop. */
export interface ToolHandle {
  /** Waits until `isReady`, the tool's end, or ten seconds. */
  ready(isReady: () => boolean): Promise<void>;
  /** Of a tool that was started with `control`: asks it, and waits for the answer, its end, or ten seconds. */
  answered(): Promise<void>;
  /** Whether one of its processes has perf events open: what it samples by is set up. */
  hasEvents(): boolean;
  /** What it has said so far. */
  said(): string;
  /** Whether it has ended. */
  ended(): boolean;
  /** SIGINT, which makes recorders write what they have; SIGKILL where that takes longer (half a minute by default). */
  stop(withinMs?: number): Promise<void>;
  /** Waits for its end by itself, at most so long; then as `stop`. */
  finished(withinMs: number): Promise<void>;
  /** What it said, where it ended with a failure. */
  failure(): string | undefined;
}

export interface StartToolOptions {
  /** Two more descriptors, 3 and 4, on which the tool takes orders and answers: perf's `--control fd:3,4`. */
  readonly control?: boolean;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export function startTool(path: string, args: readonly string[], options: StartToolOptions = {}): ToolHandle {
  // A group of its own: a Ctrl-C on the terminal reaches tprof alone, which then stops it in order.
  // Marked and watched over: after a kill -9 of tprof it ends, too, instead of recording until its target does.
  const mark = randomUUID();
  const watchdog = startWatchdog(`${RUN_MARK}=${mark}`);
  const child: ChildProcess = spawn(path, [...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.control === true ? (['pipe', 'pipe'] as const) : [])],
    detached: true,
    env: { ...(options.environment ?? process.env), [RUN_MARK]: mark },
  });
  const [, , , orders, answers] = child.stdio as readonly (Duplex | null | undefined)[];
  orders?.on('error', () => {});
  let answered = false;
  answers
    ?.on('error', () => {})
    .on('data', () => {
      answered = true;
    });
  let stdout = '';
  let stderr = '';
  let stopped = false;
  let failure: string | undefined;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    // The figures come last.
    stdout = (stdout + text).slice(-16_384);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 4096) stderr += text;
  });
  const ended = new Promise<void>(resolve => {
    child.once('error', error => {
      failure = error.message;
      resolve();
    });
    child.once('close', (code, signal) => {
      if (code !== 0 && !(stopped && signal === 'SIGINT')) failure = stderr || `it ended with ${signal ?? code}`;
      resolve();
    });
  });
  void ended.then(() => watchdog.dismiss());
  const running = (): boolean => child.exitCode === null && child.signalCode === null && failure === undefined;
  const ready = async (isReady: () => boolean): Promise<void> => {
    const deadline = Date.now() + READY_MS;
    while (running() && !isReady() && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 20));
  };
  // To the whole group: some tools start the one that samples, and wait for it.
  const signal = (name: NodeJS.Signals): void => {
    // What could not be started has no group; 0 would be our own.
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      child.kill(name);
    }
  };
  const stop = async (within = STOP_MS): Promise<void> => {
    stopped = true;
    if (running()) signal('SIGINT');
    const timer = setTimeout(() => signal('SIGKILL'), within);
    await ended;
    clearTimeout(timer);
  };
  return {
    ready,
    async answered() {
      // They are on already: it is the answer that is wanted, and perf has known this order from the first.
      orders?.write('enable\n');
      await ready(() => answered);
    },
    hasEvents: () => child.pid !== undefined && hasPerfEvents(child.pid),
    said: () => `${stdout}${stderr}`,
    ended: () => !running(),
    stop,
    async finished(withinMs) {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>(resolve => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([ended, limit]);
      clearTimeout(timer);
      await stop();
    },
    failure: () => failure,
  };
}

function hasPerfEvents(pid: number): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some(name => {
      try {
        return readlinkSync(`${folder}/${name}`).includes('[perf_event]');
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
