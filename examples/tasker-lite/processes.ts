import { fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endProcess } from './end-process.ts';
import {
  type ServiceMessage,
  type ServiceSettings,
  type SlownessMessage,
  settingsEnvironment,
} from './service-settings.ts';
import type { Slowness } from './slowness.ts';
import { WorkloadError } from './workload-error.ts';

export type ServiceKind = 'orchestration' | 'worker';

/** One process of the workload, as its starter sees it, from its first moment. */
export interface ServiceProcess {
  readonly kind: ServiceKind;
  readonly instance: string;
  readonly pid: number | undefined;
  /** Resolves once it takes work: with the address of an orchestration's REST interface, '' for a worker. */
  readonly ready: Promise<string>;
  /** Rejects with WorkloadError if it ends although nobody asked it to; never resolves. */
  readonly died: Promise<never>;
  /** From now on these operations take longer, and no others. Resolves when it has heard. */
  slow(slowness: Slowness): Promise<void>;
  /** Asks it to finish, waits, and only then insists. Resolves when it has ended. */
  stop(): Promise<void>;
}

/** A process that is asked to end may need long for its spans and its profile; one that hangs is not waited for. */
const END = [
  ['SIGTERM', 22_000],
  ['SIGKILL', 1000],
] as const;

/** Compiled code is shared with whoever started us: half a second of CPU a process, in the first second of a run. */
function compileCache(): { NODE_COMPILE_CACHE?: string } {
  const folder = getCompileCacheDir();
  // Node names its own version's folder; the variable takes the one above it.
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

/** Starts one process. */
export function startService(options: {
  kind: ServiceKind;
  settings: ServiceSettings;
  env: Readonly<Record<string, string | undefined>>;
  onTaskEnded: (taskUuid: string, status: string, atMs: number) => void;
}): ServiceProcess {
  const { kind, settings } = options;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`./${kind}-process.${extension}`, import.meta.url));
  // Standard output is the caller's data: what a process has to say goes to standard error.
  const child = fork(entry, [], {
    env: { ...compileCache(), ...options.env, ...settingsEnvironment(settings) },
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  let asked = false;
  let failure: string | undefined;
  const died = new Promise<never>((_, reject) => {
    child.once('error', error => {
      reject(new WorkloadError('run', `the ${kind} could not be started: ${error.message}`, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      if (asked) return;
      const how = signal === null ? `exit code ${code}` : signal;
      const sentence =
        failure === undefined
          ? `the ${kind} (process ${child.pid}) ended before its work was done: ${how}`
          : `the ${kind} failed: ${failure}`;
      reject(new WorkloadError('run', sentence));
    });
  });
  let heard: (() => void) | undefined;
  const ready = new Promise<string>(resolve => {
    child.on('message', (message: ServiceMessage) => {
      if (message.type === 'ready') resolve(message.url ?? '');
      else if (message.type === 'slowness-set') heard?.();
      else if (message.type === 'task-ended') options.onTaskEnded(message.taskUuid, message.status, performance.now());
      else failure = message.message;
    });
  });
  const readyOrDead = Promise.race([ready, died]);
  // Whoever waits hears of it; there may be nobody who waits any more.
  readyOrDead.catch(() => {});
  died.catch(() => {});
  return {
    kind,
    instance: settings.instance,
    pid: child.pid,
    ready: readyOrDead,
    died,
    slow: async slowness => {
      const told = new Promise<void>(resolve => {
        heard = resolve;
      });
      child.send({ type: 'slowness', slowness } satisfies SlownessMessage);
      await Promise.race([told, died]);
    },
    stop: async () => {
      asked = true;
      await endProcess(child, END);
    },
  };
}
