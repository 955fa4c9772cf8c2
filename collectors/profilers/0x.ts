// https://github.com/davidmarkclements/0x
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkNodeTool, findNodeTool, runNodeTool } from './node-tool.ts';
import type { Profiler } from './profiler.ts';
import { requireNodeTool } from './require-node-tool.ts';
import { harvestWrappedTicks, wrapForTicks } from './wrapped-ticks.ts';

const DRAW_WITHIN_MS = 120_000;
const FOLDER = 'flamegraph';

/**
 * 0x around the target. Its own flame graph is kept; its tick logs are read by tprof, with those of worker threads and
 * children, which it leaves out, and with stacks of over 1,024 characters, which it drops.
 */
export const zeroX: Profiler = {
  id: '0x',
  title: '0x: its flame graph of one Node program, and the tick logs beneath it, of workers and children too',
  measures: ['cpu'],
  platforms: ['linux', 'darwin'],
  runtimes: ['node'],
  attaches: false,
  alone: true,
  options: ['frequency', 'children'],

  check: () => checkNodeTool('0x', ['--version'], 'its own graph shows the main thread alone; tprof reads all'),

  async prepare(request) {
    const { rawDirectory, cwd } = request;
    const tool = requireNodeTool('0x', findNodeTool('0x', cwd));
    const folder = join(rawDirectory, FOLDER);
    const run = await wrapForTicks(request, {
      id: '0x',
      tool,
      toolArguments: work => ['--quiet', '--output-dir', folder, '--working-dir', work],
      talksOnStdout: false,
    });
    return {
      ...run,
      async collect() {
        const html = join(folder, 'flamegraph.html');
        let said = '';
        if (existsSync(folder) && !existsSync(html)) {
          const args = ['--quiet', '--working-dir', run.work, '--visualize-only', folder, '--', run.target.node];
          said = (await runNodeTool(tool.script, args, { cwd: run.work, timeoutMs: DRAW_WITHIN_MS })).stderr;
        }
        return harvestWrappedTicks(run, rawDirectory, [
          { file: `${FOLDER}/flamegraph.html`, what: '0x’s own graph', said },
        ]);
      },
    };
  },
};
