import type { ProfilerRequest } from '../../collectors/profilers/profiler.ts';

/** What a profiler is asked, with everything that a test does not name left open. */
export function requestOf(rawDirectory: string, more: Partial<ProfilerRequest>): ProfilerRequest {
  return {
    command: [],
    cwd: process.cwd(),
    pids: [],
    rawDirectory,
    environment: {},
    frequencyHz: undefined,
    callGraph: undefined,
    event: undefined,
    ...more,
  };
}
