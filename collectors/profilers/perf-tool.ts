import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { RUN_MARK } from '../run-command.ts';
import { startWatchdog } from '../watchdog.ts';

const PROBE_TIMEOUT_MS = 20_000;
const READY_MS = 2000;
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
  /** Waits until `isReady`, the tool's end, or two seconds. */
  ready(isReady: () => boolean): Promise<void>;
  /** SIGINT, which makes recorders write what they have; SIGKILL where that takes half a minute. */
  stop(): Promise<void>;
  /** What it said, where it ended with a failure. */
  failure(): string | undefined;
}

export function startTool(path: string, args: readonly string[]): ToolHandle {
  // A group of its own: a Ctrl-C on the terminal reaches tprof alone, which then stops it in order.
  // Marked and watched over: after a kill -9 of tprof it ends, too, instead of recording until its target does.
  const mark = randomUUID();
  const watchdog = startWatchdog(`${RUN_MARK}=${mark}`);
  const child: ChildProcess = spawn(path, [...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { ...process.env, [RUN_MARK]: mark },
  });
  let stderr = '';
  let stopped = false;
  let failure: string | undefined;
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
  return {
    async ready(isReady) {
      const deadline = Date.now() + READY_MS;
      while (running() && !isReady() && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 20));
    },
    async stop() {
      stopped = true;
      if (running()) child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
    failure: () => failure,
  };
}
