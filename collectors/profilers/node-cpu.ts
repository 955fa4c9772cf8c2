// https://chromedevtools.github.io/devtools-protocol/v8/Profiler/ : V8's own sampling profiler, asked from within.
import { fileURLToPath } from 'node:url';
import { CPU_PROFILES, readAgentHarvest } from './agent-harvest.ts';
import { type Attachment, attachToNode } from './node-cpu-attach.ts';
import { endOverdue } from './node-cpu-overdue.ts';
import { withNodeOption } from './node-options.ts';
import type { Profiler, ProfilerHarvest, ProfilerRequest, ProfilerRun } from './profiler.ts';

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
    if (request.pids.length > 0) return attachRun(request, intervalUs);
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

/** Beside running processes: one after the other, since their inspectors share a port. */
function attachRun({ pids, rawDirectory }: ProfilerRequest, intervalUs: number): ProfilerRun {
  const attachments: Attachment[] = [];
  const losses: ProfilerHarvest['losses'][number][] = [];
  const detachAll = async (): Promise<void> => {
    for (let next = attachments.pop(); next !== undefined; next = attachments.pop()) {
      const why = await next.detach();
      if (why !== undefined) losses.push({ what: `CPU profile of pid ${next.pid}`, count: 1, why });
    }
  };
  return {
    command: [],
    environment: {},
    async started() {
      const failures: unknown[] = [];
      for (const pid of pids) {
        try {
          attachments.push(await attachToNode(pid, rawDirectory, intervalUs));
        } catch (error) {
          failures.push(error);
          losses.push({ what: `CPU profile of pid ${pid}`, count: 1, why: (error as Error).message });
        }
      }
      if (attachments.length === 0) throw failures[0];
    },
    stop: detachAll,
    async collect() {
      const harvest = await readAgentHarvest(rawDirectory, CPU_PROFILES);
      return { ...harvest, losses: [...losses, ...harvest.losses] };
    },
  };
}
