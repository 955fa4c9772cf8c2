import type { CaptureProcess } from '../src/model/capture.ts';
import { processName } from './process-name.ts';
import { isSameProcess, type ProcessStat, readCommandLine, readProcessStat } from './process-table.ts';
import { type StopSignal, watchStopSignals } from './stop-signals.ts';

export interface WatchOptions {
  readonly durationMs: number | undefined;
  readonly onStarted: () => Promise<void>;
}

/**
 * Waits beside processes that run already: until Ctrl-C, the end of `durationMs`, or all of them have ended. Beside
 * none (a program that is listened to from afar) it is one of the first two.
 */
export async function watchProcesses(
  pids: readonly number[],
  options: WatchOptions,
): Promise<{ readonly stoppedBy: StopSignal | 'duration' | undefined; readonly processes: readonly CaptureProcess[] }> {
  const stats = pids.map(
    (pid): ProcessStat =>
      readProcessStat(pid) ?? { pid, startTime: '', parentPid: 0, groupId: 0, sessionId: 0, state: '?', comm: '' },
  );
  const processes = stats.map(({ pid, parentPid, startTime, comm }): CaptureProcess => {
    const command = readCommandLine(pid);
    return { pid, parentPid, startTime, command, name: processName(command, undefined, comm) };
  });
  // Watched from before the tools attach: a Ctrl-C in between has to detach them again.
  let stoppedBy: StopSignal | 'duration' | undefined;
  let wake = (): void => {};
  const woken = new Promise<void>(resolve => {
    wake = resolve;
  });
  const signals = watchStopSignals(signal => {
    stoppedBy ??= signal;
    wake();
  });
  let polling: NodeJS.Timeout | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await options.onStarted();
    polling = setInterval(() => {
      if (stats.length > 0 && !stats.some(isSameProcess)) wake();
    }, 250);
    if (options.durationMs !== undefined) {
      timer = setTimeout(() => {
        stoppedBy ??= 'duration';
        wake();
      }, options.durationMs);
    }
    await woken;
    return { stoppedBy, processes };
  } finally {
    signals.close();
    clearInterval(polling);
    clearTimeout(timer);
  }
}
