// https://github.com/flamegraph-rs/flamegraph
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { resolveCommand } from '../resolve-command.ts';
import { perf } from './perf.ts';
import { startTool } from './perf-tool.ts';
import type { Profiler, ProfilerStatus } from './profiler.ts';
import { toolVersion } from './tool-version.ts';

/** What flamegraph-rs draws, in the folder of its recording. */
export const FLAMEGRAPH_PICTURE = 'flamegraph.svg';
/** How long its `perf script` may take: by hand, people have waited 40 minutes for it. We read perf.data ourselves. */
export const FLAMEGRAPH_SECONDS = 60;

/**
 * The `perf record` that flamegraph would start, and flamegraph's own picture of it at the end. As the one in front, it
 * would keep the target's exit to itself and give no picture of a target that fails.
 */
export const flamegraph: Profiler = {
  id: 'flamegraph',
  title: 'flamegraph-rs: perf, and its own SVG',
  measures: ['cpu', 'off-cpu'],
  platforms: ['linux'],
  runtimes: ['native', 'node', 'python'],
  attaches: true,
  options: ['frequency', 'call-graph', 'event', 'children'],

  check: () => checkFlamegraph('flamegraph', ['--version']),

  async prepare(request) {
    const path = resolveCommand('flamegraph', process.env, process.cwd());
    const run = await perf.prepare(request);
    return {
      ...run,
      async collect() {
        const harvest = await run.collect();
        if (harvest.artefacts.length === 0) return harvest;
        const picture = join(request.rawDirectory, FLAMEGRAPH_PICTURE);
        const data = join(request.rawDirectory, 'perf.data');
        // Looking up inlined calls is what makes its `perf script` slow.
        const tool = startTool(path, ['--perfdata', data, '--no-inline', '-o', picture]);
        await tool.finished(FLAMEGRAPH_SECONDS * 1000);
        if (existsSync(picture)) {
          const own = { file: FLAMEGRAPH_PICTURE, format: undefined, pid: 0, tid: 0 };
          return { ...harvest, artefacts: [...harvest.artefacts, own] };
        }
        const said = tool.failure()?.trim().split('\n')[0] ?? `its perf script took over ${FLAMEGRAPH_SECONDS} s`;
        const loss = { what: FLAMEGRAPH_PICTURE, count: 1, why: `flamegraph drew none: ${said}; tprof draws its own` };
        return { ...harvest, losses: [...harvest.losses, loss] };
      },
    };
  },
};

/** flamegraph-rs draws what perf records: both have to be there. */
export async function checkFlamegraph(id: string, args: readonly string[]): Promise<ProfilerStatus> {
  const found = await toolVersion(id, args, 'cargo install flamegraph');
  if (!found.usable) return found;
  const recorder = await perf.check();
  if (!recorder.usable) return { ...recorder, reason: `it records with perf: ${recorder.reason}` };
  return recorder.note === undefined ? found : { ...found, note: recorder.note };
}
