// https://nodejs.org/en/learn/getting-started/profiling
import { nodeTarget } from './node-target.ts';
import type { Profiler } from './profiler.ts';
import { harvestTickLogs, prepareTickLogs } from './tick-logs.ts';

/**
 * V8's tick logs of every Node process below the target. Node takes --prof on its command line alone: the target gets it
 * there, what it starts by a flag that its agent adds, and what shells start by a `node` in front of PATH.
 */
export const nodeProf: Profiler = {
  id: 'node-prof',
  title: "V8's tick processor (node --prof): C++ and shared libraries of Node beside its JavaScript",
  measures: ['cpu'],
  platforms: ['linux', 'darwin'],
  runtimes: ['node'],
  attaches: false,
  options: ['frequency', 'children'],

  async check() {
    return {
      usable: true,
      version: process.versions.v8,
      path: process.execPath,
      note: 'read by the Node that wrote it; on Node 20 it names less than node-cpu',
    };
  },

  async prepare({ command, cwd = process.cwd(), rawDirectory, environment, frequencyHz }) {
    const logs = await prepareTickLogs(rawDirectory, environment, frequencyHz);
    return {
      command: withFlags(command, environment, cwd, logs.flags),
      environment: logs.environment,
      collect: () => harvestTickLogs(rawDirectory),
    };
  },
};

/** A command that is not Node itself gets none: what it starts does, by the environment. */
function withFlags(
  command: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
  flags: readonly string[],
): readonly string[] {
  try {
    const { node, args } = nodeTarget('node-prof', command, environment, cwd);
    return [node, ...flags, ...args];
  } catch {
    return command;
  }
}
