// https://github.com/clinicjs/node-clinic-bubbleprof

import { writeBubbleprof } from './bubbleprof-profile.ts';
import { checkClinic } from './clinic-tool.ts';
import { harvestTraces, wrapForTraces } from './clinic-traces.ts';
import type { Profiler } from './profiler.ts';

/** `clinic bubbleprof`: every asynchronous operation, with the stack that began it and how long it took. */
export const clinicBubbleprof: Profiler = {
  id: 'clinic-bubbleprof',
  title: 'clinic bubbleprof: asynchronous operations by the stack that began them, and how long each waited',
  measures: ['async'],
  platforms: ['linux', 'darwin'],
  runtimes: ['node'],
  attaches: false,
  alone: true,
  options: ['children'],

  check: () => checkClinic('bubbleprof', 'it slows a program down by a quarter to a half, and writes 20 MB a second'),

  async prepare(request) {
    const { rawDirectory } = request;
    const run = await wrapForTraces(request, 'clinic-bubbleprof', 'bubbleprof');
    return {
      ...run,
      async collect() {
        const { data, ...harvest } = await harvestTraces(run, rawDirectory, 'asynchronous operations');
        const artefacts = [...harvest.artefacts];
        for (const one of data) {
          // The trace events of a process hold those of its workers.
          if (one.tid !== 0) continue;
          const workers = data.filter(({ pid, tid }) => pid === one.pid && tid !== 0);
          artefacts.push(...(await writeBubbleprof(rawDirectory, one, workers)));
        }
        return { ...harvest, artefacts };
      },
    };
  },
};
