import { resolveCommand } from '../resolve-command.ts';
import { checkFlamegraph, flamegraphRun } from './flamegraph-run.ts';
import type { Profiler } from './profiler.ts';

/** `flamegraph -- target`: its picture is kept, and the perf.data behind it is read like perf's own. */
export const flamegraph: Profiler = {
  id: 'flamegraph',
  title: 'flamegraph-rs: perf, and its own SVG',
  measures: ['cpu', 'off-cpu'],
  platforms: ['linux'],
  runtimes: ['native', 'node', 'python'],
  attaches: true,
  options: ['frequency', 'call-graph', 'event', 'children'],

  check: () => checkFlamegraph('flamegraph', ['--version']),

  prepare: request =>
    flamegraphRun(request, [resolveCommand('flamegraph', process.env, process.cwd())], ['--', ...request.command]),
};
