// https://chromedevtools.github.io/devtools-protocol/v8/Profiler/ : V8's own sampling profiler, asked from within.
import { fileURLToPath } from 'node:url';
import { CPU_PROFILES, readAgentHarvest } from './agent-harvest.ts';
import { attachRun } from './attach-run.ts';
import { endOverdue } from './node-cpu-overdue.ts';
import { withNodeOption } from './node-options.ts';
import type { Profiler } from './profiler.ts';

const DEFAULT_HZ = 1000;
/** V8 keeps samples in memory (about 50 bytes each) until a profile is taken out; that pauses the program for ~0.1 s. */
const SAMPLES_PER_CHUNK = 300_000;

/**
 * CPU profiles of every Node process below the target, worker threads included. An agent is preloaded through
 * NODE_OPTIONS, so nothing stands between tprof and the target: its exit code, signals and terminal are its own.
 */
export const nodeCpu: Profiler = {
  id: 'node-cpu',
  title: "V8's CPU profiler in every Node process and worker thread of the target",
  measures: ['cpu'],
  platforms: ['linux', 'darwin', 'win32'],
  runtimes: ['node'],
  attaches: true,
  options: ['frequency', 'children'],

  async check() {
    return { usable: true, version: process.versions.v8, path: process.execPath, note: 'targets from Node 18 on' };
  },

  async prepare(request) {
    const agent = fileURLToPath(new URL('../preload/node-agent.cjs', import.meta.url));
    const intervalUs = Math.max(1, Math.round(1e6 / (request.frequencyHz ?? DEFAULT_HZ)));
    const chunkMs = Math.min(600_000, Math.max(60_000, (SAMPLES_PER_CHUNK * intervalUs) / 1000));
    if (request.pids.length > 0) {
      return attachRun(request, { prefix: 'CPU', settings: { intervalUs } }, CPU_PROFILES);
    }
    return {
      command: request.command,
      environment: {
        NODE_OPTIONS: withNodeOption(request.environment.NODE_OPTIONS, '--require', agent),
        TPROF_NODE_CPU: JSON.stringify({ directory: request.rawDirectory, intervalUs, chunkMs }),
      },
      overdue: (pids, signal) => endOverdue(request.rawDirectory, pids, signal),
      collect: () => readAgentHarvest(request.rawDirectory, CPU_PROFILES),
    };
  },
};
