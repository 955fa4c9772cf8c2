import type { CaptureProcess } from '../src/model/capture.ts';
import { processName } from './process-name.ts';
import { isSameProcess, type ProcessStat, readCommandLine, readProcessStat } from './process-table.ts';
import { type StopSignal, watchStopSignals } from './stop-signals.ts';

export interface WatchOptions {
  readonly durationMs: number | undefined;
  readonly onStarted: () => Promise<void>;
}

/** Waits beside processes that run already: until Ctrl-C, the end of `durationMs`, or all of them have ended. */
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
  await options.onStarted();
  const stoppedBy = await new Promise<StopSignal | 'duration' | undefined>(resolve => {
    const end = (why: StopSignal | 'duration' | undefined): void => {
      signals.close();
      clearInterval(polling);
      clearTimeout(timer);
      resolve(why);
    };
    const signals = watchStopSignals(signal => end(signal));
    const polling = setInterval(() => {
      if (!stats.some(isSameProcess)) end(undefined);
    }, 250);
    const timer = options.durationMs === undefined ? undefined : setTimeout(() => end('duration'), options.durationMs);
  });
  return { stoppedBy, processes };
}
