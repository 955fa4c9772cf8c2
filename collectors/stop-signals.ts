import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT';
const STOP_SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** How long the sentry may take to say that it was hit as well. */
const SENTRY_MS = 250;

/**
 * A sentry in tprof's own process group. Ctrl-C in a terminal hits the whole group, the workload included; `kill PID`
 * hits tprof alone, and has to be passed on. A program that got the first SIGINT twice would often give up at once, so
 * the two must be told apart, and the sentry tells: it was hit, or it was not.
 * (`read` fails alike at a signal and at the end of the pipe; only the latter goes on failing.)
 */
const SENTRY = `
for s in INT TERM HUP QUIT; do trap "failed=0; echo SIG$s" $s; done
failed=0
while [ $failed -lt 3 ]; do
  failed=$((failed + 1))
  read -r line
done
`;

export interface StopSignals {
  /** Ends the watch; signals have their default effect on tprof again. */
  close(): void;
}

/** Calls `onSignal` for each signal that asks tprof to stop; `reachedGroup` = the workload has got it already. */
export function watchStopSignals(onSignal: (signal: StopSignal, reachedGroup: boolean) => void): StopSignals {
  const seen = new Map<StopSignal, number>();
  const waiting = new Map<StopSignal, () => void>();
  const sentry = spawn('/bin/sh', ['-c', SENTRY, 'tprof-sentry'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    cwd: '/',
  });
  sentry.on('error', () => {});
  sentry.stdin.on('error', () => {});
  sentry.unref();
  createInterface({ input: sentry.stdout }).on('line', line => {
    const signal = line as StopSignal;
    seen.set(signal, (seen.get(signal) ?? 0) + 1);
    waiting.get(signal)?.();
  });
  const handlers = STOP_SIGNALS.map(signal => {
    const handler = (): void => {
      const decide = (): void => {
        clearTimeout(timer);
        waiting.delete(signal);
        const hits = seen.get(signal) ?? 0;
        if (hits > 0) seen.set(signal, hits - 1);
        onSignal(signal, hits > 0);
      };
      const timer = setTimeout(decide, SENTRY_MS);
      if ((seen.get(signal) ?? 0) > 0) decide();
      else waiting.set(signal, decide);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return {
    close() {
      for (const { signal, handler } of handlers) process.removeListener(signal, handler);
      sentry.stdin.end();
      sentry.stdout.destroy();
    },
  };
}
