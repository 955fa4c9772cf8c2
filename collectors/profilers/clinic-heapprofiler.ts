// https://github.com/clinicjs/node-clinic-heap-profiler
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentProduct, readAgentHarvest } from './agent-harvest.ts';
import { checkClinic, clinicArguments, clinicPage, listClinicData, requireClinic } from './clinic-tool.ts';
import type { Profiler, ProfilerArtefact } from './profiler.ts';
import { wrappedAgent } from './wrapped-agent.ts';
import { wrapNode } from './wrapped-node.ts';

const PROCESSES: AgentProduct = {
  prefix: 'Process',
  profile: 'heap profile',
  samples: 'heap samples',
  format: undefined,
};

/**
 * `clinic heapprofiler`: what is alive at the end, by the function that allocated it. It writes nothing where the program
 * calls process.exit, and makes 0 of every exit code: preload/wrapped-agent.cjs mends both.
 */
export const clinicHeapprofiler: Profiler = {
  id: 'clinic-heapprofiler',
  title: 'clinic heapprofiler: bytes alive at the end, by the function that allocated them',
  measures: ['heap'],
  platforms: ['linux', 'darwin'],
  runtimes: ['node'],
  attaches: false,
  alone: true,
  options: ['children'],

  check: () => checkClinic('heapprofiler', 'what is alive at the end; node-heap counts all that was allocated'),

  async prepare(request) {
    const { rawDirectory } = request;
    const tool = requireClinic(request);
    const agent = wrappedAgent(rawDirectory, 'clinic-heapprofiler');
    const run = await wrapNode(request, {
      id: 'clinic-heapprofiler',
      tool,
      toolArguments: () => clinicArguments('heapprofiler', rawDirectory),
      nodeOptions: agent.nodeOptions,
      targetEnvironment: agent.environment,
      talksOnStdout: true,
    });
    return {
      ...run,
      async collect() {
        const note = run.note();
        const clinic = { tool, clinic: 'heapprofiler', work: run.work } as const;
        const page = await clinicPage(clinic, rawDirectory, note?.pid ?? 0);
        const journals = await readAgentHarvest(rawDirectory, PROCESSES);
        const artefacts: ProfilerArtefact[] = [];
        for (const { name, pid, tid } of await listClinicData('heapprofiler', rawDirectory)) {
          if ((await stat(join(rawDirectory, name))).size === 0) continue;
          // Told by its name from then on: it is a heap profile as Node writes them.
          const file = `Heap.${pid}.${tid}.1.heapprofile`;
          await rename(join(rawDirectory, name), join(rawDirectory, file));
          artefacts.push({ file, format: 'heapprofile', pid, tid });
        }
        await run.forget();
        const seen = new Set(artefacts.map(({ pid, tid }) => `${pid}.${tid}`));
        return {
          ...journals,
          artefacts: [...artefacts, ...page.artefacts],
          losses: [...page.losses, ...journals.losses.filter(({ what }) => !isSeen(what, seen))],
          ...(note === undefined ? {} : { toolTree: { pid: note.toolPid, target: note.pid } }),
        };
      },
    };
  },
};

/** The journals know no end; a profile that is there is the end. */
function isSeen(what: string, seen: ReadonlySet<string>): boolean {
  const pid = /pid (\d+)/.exec(what)?.[1] ?? '';
  const tid = /worker thread (\d+)/.exec(what)?.[1] ?? '0';
  return seen.has(`${pid}.${tid}`);
}
