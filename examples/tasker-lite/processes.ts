import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ServiceMessage, type ServiceSettings, settingsEnvironment } from './service-process.ts';
import { WorkloadError } from './workload-error.ts';

export type ServiceKind = 'orchestration' | 'worker';

/** One process of the workload, as its starter sees it. */
export interface ServiceProcess {
  readonly kind: ServiceKind;
  readonly instance: string;
  readonly pid: number;
  /** Of an orchestration: where its REST interface listens. */
  readonly url: string | undefined;
  /** Resolves with a sentence if it ends although nobody asked it to. */
  readonly died: Promise<string>;
  /** Asks it to finish, waits, and only then insists. Resolves when it has ended. */
  stop(): Promise<void>;
}

/** A process that is asked to end may need long for its spans and its profile; one that hangs is not waited for. */
const PATIENCE_MS = 8000;

/** Starts one process and resolves once it is ready. */
export async function startService(options: {
  kind: ServiceKind;
  settings: ServiceSettings;
  env: Readonly<Record<string, string | undefined>>;
  onTaskEnded: (taskUuid: string, status: string, atMs: number) => void;
  /** Called with the process id as soon as there is one. */
  onStarted: (pid: number) => void;
}): Promise<ServiceProcess> {
  const { kind, settings } = options;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`./${kind}-process.${extension}`, import.meta.url));
  // Standard output is the caller's data: what a process has to say goes to standard error.
  const child = fork(entry, [], {
    env: { ...options.env, ...settingsEnvironment(settings) },
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  if (child.pid !== undefined) options.onStarted(child.pid);
  let asked = false;
  let failure: string | undefined;
  const died = new Promise<string>(resolve => {
    child.once('error', error => resolve(`the ${kind} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      if (asked) return;
      const how = signal === null ? `exit code ${code}` : signal;
      resolve(
        failure === undefined
          ? `the ${kind} ended before its work was done (${how})`
          : `the ${kind} failed: ${failure}`,
      );
    });
  });
  const ready = new Promise<string | undefined>(resolve => {
    child.on('message', (message: ServiceMessage) => {
      if (message.type === 'ready') resolve(message.url);
      else if (message.type === 'task-ended') options.onTaskEnded(message.taskUuid, message.status, performance.now());
      else failure = message.message;
    });
  });
  const url = await Promise.race([
    ready,
    died.then(sentence => {
      throw new WorkloadError('run', sentence);
    }),
  ]);
  return {
    kind,
    instance: settings.instance,
    pid: child.pid!,
    url,
    died,
    stop: async () => {
      asked = true;
      await stopChild(child);
    },
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const patience = new AbortController();
    await Promise.race([gone, sleep(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {})]);
    patience.abort();
  }
}
