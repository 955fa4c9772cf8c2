// https://github.com/clinicjs/node-clinic-flame
import { checkClinic, clinicArguments, clinicPage, requireClinic } from './clinic-tool.ts';
import type { Profiler } from './profiler.ts';
import { harvestWrappedTicks, wrapForTicks } from './wrapped-ticks.ts';

/** `clinic flame`, which is a 0x of its own with another page: its page is kept, the tick logs beneath are read. */
export const clinicFlame: Profiler = {
  id: 'clinic-flame',
  title: 'clinic flame: its flame graph of one Node program, and the tick logs beneath it, of workers and children too',
  measures: ['cpu'],
  platforms: ['linux', 'darwin'],
  runtimes: ['node'],
  attaches: false,
  alone: true,
  options: ['frequency', 'children'],

  check: () => checkClinic('flame', 'its own page shows the main thread alone; tprof reads all'),

  async prepare(request) {
    const { rawDirectory } = request;
    const tool = requireClinic(request);
    const run = await wrapForTicks(request, {
      id: 'clinic-flame',
      tool,
      toolArguments: () => clinicArguments('flame', rawDirectory),
      talksOnStdout: true,
    });
    return {
      ...run,
      async collect() {
        const pid = run.note()?.pid ?? 0;
        const page = await clinicPage({ tool, clinic: 'flame', work: run.work }, rawDirectory, pid);
        const harvest = await harvestWrappedTicks(run, rawDirectory, []);
        return {
          ...harvest,
          artefacts: [...harvest.artefacts, ...page.artefacts],
          losses: [...harvest.losses, ...page.losses],
        };
      },
    };
  },
};
