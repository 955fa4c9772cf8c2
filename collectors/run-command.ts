import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { TprofError } from '../src/base/errors.ts';
import type { CaptureProcess } from '../src/model/capture.ts';
import { isSameProcess, type ProcessStat, readProcessStat } from './process-table.ts';
import { ProcessTracker } from './process-tracker.ts';
import { type StopSignal, watchStopSignals } from './stop-signals.ts';
import { startWatchdog } from './watchdog.ts';

/** Names the run in the environment of everything that it starts: how its processes are told from others. */
export const RUN_MARK = 'TPROF_RUN';

const SCAN_MS = 250;
/** How long what the command leaves behind may take to end by itself, then after SIGTERM. */
const STRAGGLER_MS = 500;
const TERM_MS = 2000;
/** After `--duration`, SIGINT, then these times until SIGTERM and SIGKILL. */
const ESCALATE_MS = 5000;
/** How long after a signal a program without a handler for it is surely not getting to it. */
const OVERDUE_MS = 1500;

export interface RunCommandOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * `stderr` sends the program's standard output there: tprof's own is taken by `--json`. `nowhere` gives it no
   * standard streams at all: a round that is timed.
   */
  readonly stdout?: 'inherit' | 'stderr' | 'nowhere';
  /** False: its processes are not followed while it runs, which costs, but only looked for when it has ended. */
  readonly follows?: boolean;
  readonly durationMs?: number;
  /** Daemons that the command leaves in sessions of their own are left alone after a good end, unless this is true. */
  readonly endDaemons?: boolean;
  readonly onStarted?: (pid: number) => Promise<void>;
  /** Before the command starts: the processes of the run, to be asked for at any time. */
  readonly onTracking?: (current: ProcessTracker['current']) => void;
  /** Who gets a stop signal that reached tprof alone; undefined = the process that was started. */
  readonly stopTarget?: () => number | undefined;
  /** Whether the target has ended, and what still runs is a tool that writes down what it has: it is not made to end. */
  readonly targetEnded?: () => boolean;
  /** A first Ctrl-C, a signal, or the end of `--duration`: the workload is ending. */
  readonly onStopping?: (why: StopSignal | 'duration') => void;
  /** A stop signal reached these processes a while ago, and they still run. */
  readonly onOverdue?: (pids: readonly number[], signal: StopSignal) => Promise<void>;
}

export interface RunResult {
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  /** From its start to its exit. */
  readonly durationNs: number;
  /** What asked the workload to end, if not the workload. */
  readonly stoppedBy: StopSignal | 'duration' | undefined;
  /** A second Ctrl-C: everything was killed, and what profilers had not written is lost. */
  readonly gaveUp: boolean;
  readonly processes: readonly CaptureProcess[];
  /** What the command had left running and tprof ended. */
  readonly ended: readonly CaptureProcess[];
  /** Daemons that were left running. */
  readonly left: readonly CaptureProcess[];
}

/**
 * The only place that starts a user's program. It keeps tprof's terminal, group and standard streams, so that it reads
 * the keyboard and gets Ctrl-C as it would without tprof; its exit is handed back as it was. Throws `run-not-found` and
 * `run-not-executable`. When this resolves, no process of the run is left but daemons that were left on purpose.
 */
export async function runCommand(options: RunCommandOptions): Promise<RunResult> {
  const mark = `${RUN_MARK}=${randomUUID()}`;
  const watchdog = startWatchdog(mark);
  const tracker = new ProcessTracker(mark, stat => watchdog.knows(stat));
  options.onTracking?.(() => tracker.current());
  let child: ChildProcess;
  const began = process.hrtime.bigint();
  try {
    child = await spawnTarget(options, mark);
  } catch (error) {
    watchdog.dismiss();
    throw error;
  }
  let durationNs = 0;
  const ended = new Promise<RunResult['exit']>(resolve => {
    child.once('exit', (code, signal) => {
      durationNs = Number(process.hrtime.bigint() - began);
      resolve({ code, signal });
    });
  });
  const pid = child.pid as number;
  const ownSession = readProcessStat(process.pid)?.sessionId;
  let stoppedBy: RunResult['stoppedBy'];
  let gaveUp = false;

  const killAll = (signal: NodeJS.Signals, of: readonly ProcessStat[] = tracker.alive()): void => {
    for (const stat of of) send(stat.pid, signal);
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  };
  const signals = watchStopSignals((signal, reachedGroup) => {
    if (signal === 'SIGINT' && stoppedBy === 'SIGINT') {
      gaveUp = true;
      killAll('SIGKILL');
      return;
    }
    stoppedBy = signal;
    if (options.follows === false) tracker.scan();
    const target = options.stopTarget?.();
    if (!reachedGroup && target !== undefined) send(target, signal);
    else if (!reachedGroup) child.kill(signal);
    options.onStopping?.(signal);
    after(OVERDUE_MS, () => overdue(signal, reachedGroup));
  });
  const timers: NodeJS.Timeout[] = [];
  const after = (ms: number, work: () => void): void => {
    timers.push(setTimeout(work, ms));
  };
  const inGroup = (): ProcessStat[] => {
    const group = readProcessStat(process.pid)?.groupId;
    return tracker.alive().filter(stat => stat.groupId === group);
  };
  const overdue = (signal: StopSignal, reachedGroup: boolean): void => {
    const pids = reachedGroup ? inGroup().map(stat => stat.pid) : [options.stopTarget?.() ?? pid];
    // What it cannot mend costs a profile, and the harvest names it.
    options.onOverdue?.(pids, signal).catch(() => {});
  };
  const beginDuration = (durationMs: number): void => {
    after(durationMs, () => {
      stoppedBy ??= 'duration';
      options.onStopping?.('duration');
      // As Ctrl-C would: to everything in the terminal's foreground group, which is tprof's own.
      const targets = inGroup();
      if (targets.length === 0) child.kill('SIGINT');
      for (const stat of targets) send(stat.pid, 'SIGINT');
      after(OVERDUE_MS, () => overdue('SIGINT', true));
      const escalate = (signal: NodeJS.Signals): void => {
        if (options.targetEnded?.() !== true) killAll(signal);
      };
      after(ESCALATE_MS, () => escalate('SIGTERM'));
      after(2 * ESCALATE_MS, () => escalate('SIGKILL'));
    });
  };
  const follows = options.follows !== false;
  if (follows) tracker.scan();
  // Dense at first: what a shell script starts and forgets in its first moments is seen, too.
  for (const ms of follows ? [10, 30, 60, 120] : []) after(ms, () => tracker.scan());
  const scanning = follows ? setInterval(() => tracker.scan(), SCAN_MS) : undefined;
  try {
    try {
      await options.onStarted?.(pid);
      // A target that a tool has to be ready for begins when it is.
      if (options.durationMs !== undefined) beginDuration(options.durationMs);
    } catch (error) {
      killAll('SIGKILL');
      await ended;
      throw error;
    }
    const exit = await ended;
    if (!follows) tracker.scan();
    const bad = gaveUp || stoppedBy !== undefined || exit.signal !== null || options.endDaemons === true;
    const stays = (stat: ProcessStat): boolean => !bad && stat.sessionId !== ownSession;
    const remaining = await endStragglers(tracker, stays, gaveUp);
    const named = new Map(tracker.list().map(process => [process.pid, process]));
    const nameAll = (stats: readonly ProcessStat[]): CaptureProcess[] =>
      stats.flatMap(stat => named.get(stat.pid) ?? []).filter(process => process.pid !== pid);
    return {
      exit,
      durationNs,
      stoppedBy,
      gaveUp,
      processes: tracker.list(),
      ended: nameAll(remaining.ended),
      left: nameAll(remaining.left),
    };
  } finally {
    clearInterval(scanning);
    for (const timer of timers) clearTimeout(timer);
    signals.close();
    watchdog.dismiss();
  }
}

async function spawnTarget(options: RunCommandOptions, mark: string): Promise<ChildProcess> {
  const [file, ...rest] = options.command as [string, ...string[]];
  const [name, value] = mark.split('=') as [string, string];
  const child = spawn(file, rest, {
    cwd: options.cwd,
    env: { ...options.environment, [name]: value },
    stdio:
      options.stdout === 'nowhere'
        ? 'ignore'
        : ['inherit', options.stdout === 'stderr' ? process.stderr.fd : 'inherit', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', cause => reject(cannotStart(file, cause)));
  });
  // Later errors are failed kills of a process that has just ended.
  child.on('error', () => {});
  return child;
}

function cannotStart(file: string, cause: NodeJS.ErrnoException): unknown {
  switch (cause.code) {
    case 'ENOENT':
      return new TprofError(
        'run-not-found',
        `${file}: cannot be started: it, or the interpreter that its first line names, is missing`,
        {
          hint: `head -1 ${file}`,
          cause,
        },
      );
    case 'EACCES':
    case 'EPERM':
    case 'ENOEXEC':
      return new TprofError('run-not-executable', `${file}: the system refuses to run it (${cause.code})`, {
        hint: `file ${file}; ls -l ${file}`,
        cause,
      });
    case 'E2BIG':
      return new TprofError(
        'run-not-executable',
        `${file}: its arguments and environment are too long for the system`,
        {
          cause,
        },
      );
    default:
      return cause;
  }
}

/** The command has ended: what it left behind ends as well, by itself, asked to, or made to. */
async function endStragglers(
  tracker: ProcessTracker,
  stays: (stat: ProcessStat) => boolean,
  atOnce: boolean,
): Promise<{ ended: readonly ProcessStat[]; left: readonly ProcessStat[] }> {
  const remaining = (): ProcessStat[] => tracker.alive().filter(stat => !stays(stat));
  if (!atOnce) await until(() => remaining().length === 0, STRAGGLER_MS);
  const ended = remaining();
  if (!atOnce && ended.length > 0) {
    for (const stat of ended) send(stat.pid, 'SIGTERM');
    await until(() => !ended.some(isSameProcess), TERM_MS);
  }
  await until(() => {
    const rest = remaining();
    for (const stat of rest) send(stat.pid, 'SIGKILL');
    return rest.length === 0;
  }, TERM_MS);
  return { ended: atOnce ? [] : ended, left: tracker.alive().filter(stays) };
}

async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const end = Date.now() + limitMs;
  while (!holds() && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 25));
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended, or runs as another user.
  }
}
