// https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/ : V8's own sampling of allocations, asked from within.
import { fileURLToPath } from 'node:url';
import { TprofError } from '../../src/base/errors.ts';
import { HEAP_PROFILES, readAgentHarvest } from './agent-harvest.ts';
import { attachRun } from './attach-run.ts';
import { endOverdue } from './node-cpu-overdue.ts';
import { withNodeOption } from './node-options.ts';
import type { Profiler } from './profiler.ts';

/** One sample a so many bytes, on average: V8's own default, at which its cost cannot be seen. */
const INTERVAL_BYTES = 32_768;
/** Samples of what was collected stay in memory until they are taken out: at 1 GB/s about 30 MB in this time. */
const CHUNK_MS = 10_000;
/** A heap that is alive is one sum, saved now and then against a kill -9. */
const SAVE_MS = 30_000;

/** `--event`: what is counted. */
const EVENTS = ['alloc', 'inuse'];

/**
 * Heap profiles of every Node process below the target, worker threads included, by the agent that node-cpu uses: the two
 * share a run. By default everything that was allocated counts, as a CPU profile counts everything that ran; with
 * `--event inuse`, what is alive at the end: the leak.
 */
export const nodeHeap: Profiler = {
  id: 'node-heap',
  title: "V8's sampling heap profiler in every Node process and worker thread: bytes allocated, or alive at the end",
  measures: ['heap'],
  platforms: ['linux', 'darwin', 'win32'],
  runtimes: ['node'],
  attaches: true,
  options: ['event', 'children'],

  async check() {
    return {
      usable: true,
      version: process.versions.v8,
      path: process.execPath,
      note: 'targets from Node 18 on; what V8 inlined counts for the caller; --event inuse: what is alive at the end',
    };
  },

  async prepare(request) {
    const { command, environment, rawDirectory, event = 'alloc' } = request;
    if (!EVENTS.includes(event)) {
      throw new TprofError('usage', `node-heap knows no event '${event}'`, {
        hint: '--event alloc: everything that was allocated (the default); --event inuse: what is alive at the end',
      });
    }
    const collected = event === 'alloc';
    const settings = {
      directory: rawDirectory,
      intervalBytes: INTERVAL_BYTES,
      collected,
      chunkMs: collected ? CHUNK_MS : SAVE_MS,
    };
    if (request.pids.length > 0) {
      const instrument = { prefix: 'Heap', settings: { intervalBytes: INTERVAL_BYTES, collected } } as const;
      return attachRun(request, instrument, HEAP_PROFILES);
    }
    const agent = fileURLToPath(new URL('../preload/node-agent.cjs', import.meta.url));
    return {
      command,
      environment: {
        NODE_OPTIONS: withNodeOption(environment.NODE_OPTIONS, '--require', agent),
        TPROF_NODE_HEAP: JSON.stringify(settings),
      },
      overdue: (stuck, signal) => endOverdue(rawDirectory, stuck, signal),
      collect: () => readAgentHarvest(rawDirectory, HEAP_PROFILES),
    };
  },
};
