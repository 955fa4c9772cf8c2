// https://github.com/clinicjs/node-clinic-doctor

import type { CaptureProbe } from '../../src/model/capture.ts';
import { checkClinic } from './clinic-tool.ts';
import { harvestTraces, wrapForTraces } from './clinic-traces.ts';
import { writeDoctorFigures } from './doctor-figures.ts';
import type { Profiler } from './profiler.ts';

/**
 * `clinic doctor`: the delay and use of the event loop, CPU, memory and handles every 10 ms, and V8's own trace events
 * (garbage collection, compilation). Its diagnosis stays on its page; its figures are drawn with those of the probes.
 */
export const clinicDoctor: Profiler = {
  id: 'clinic-doctor',
  title: 'clinic doctor: event loop delay, CPU, memory, handles and garbage collection over time',
  measures: ['cpu'],
  platforms: ['linux', 'darwin'],
  runtimes: ['node'],
  attaches: false,
  alone: true,
  options: ['children'],

  check: () => checkClinic('doctor', 'figures over time and a diagnosis, no functions: for these node-cpu'),

  async prepare(request) {
    const { rawDirectory } = request;
    const run = await wrapForTraces(request, 'clinic-doctor', 'doctor');
    return {
      ...run,
      async collect() {
        const { data, ...harvest } = await harvestTraces(run, rawDirectory, 'doctor’s figures');
        const artefacts = harvest.artefacts.map(artefact =>
          /-traceevent[.\d]*$/.test(artefact.file) ? { ...artefact, format: 'trace-event' } : artefact,
        );
        const probes: CaptureProbe[] = [];
        const losses = [...harvest.losses];
        for (const one of data) {
          const probe = await writeDoctorFigures(rawDirectory, one);
          if (probe !== undefined) probes.push(probe);
          else {
            const why = 'its sampler wrote nothing: the event loop had no turn, or the process was killed';
            losses.push({ what: `doctor’s figures of ${one.name}`, count: 1, why });
          }
        }
        return { ...harvest, artefacts, probes, losses };
      },
    };
  },
};
