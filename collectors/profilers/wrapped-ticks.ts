import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ProfilerHarvest, ProfilerRequest } from './profiler.ts';
import { harvestTickLogs, prepareTickLogs, TICK_LOGS } from './tick-logs.ts';
import { wrappedAgent } from './wrapped-agent.ts';
import { type WrappedRun, type Wrapping, wrapNode } from './wrapped-node.ts';

/** For tools that run their target with --prof: their own log of the main thread, and ours of all else. */
export async function wrapForTicks(
  request: ProfilerRequest,
  wrapping: Omit<Wrapping, 'targetEnvironment' | 'nodeOptions' | 'keep' | 'nodeFlags'>,
): Promise<WrappedRun> {
  const { rawDirectory, environment, frequencyHz } = request;
  const logs = await prepareTickLogs(rawDirectory, { PATH: environment.PATH }, frequencyHz);
  const agent = wrappedAgent(rawDirectory, wrapping.id);
  const { NODE_OPTIONS: tickOptions = '', ...tickEnvironment } = logs.environment;
  return wrapNode(request, {
    ...wrapping,
    nodeFlags: logs.flags.filter(flag => flag.startsWith('--prof-')),
    nodeOptions: `${tickOptions} ${agent.nodeOptions}`,
    targetEnvironment: { ...tickEnvironment, ...agent.environment },
    keep: join(rawDirectory, TICK_LOGS),
  });
}

/** The tick logs as profiles, the tool's own files beside them. */
export async function harvestWrappedTicks(
  run: WrappedRun,
  rawDirectory: string,
  own: readonly { readonly file: string; readonly what: string; readonly said: string }[],
): Promise<ProfilerHarvest> {
  const harvest = await harvestTickLogs(rawDirectory);
  const losses = [...harvest.losses];
  const artefacts = [...harvest.artefacts];
  for (const { file, what, said } of own) {
    if (existsSync(join(rawDirectory, file))) artefacts.push({ file, format: undefined, pid: 0, tid: 0 });
    else
      losses.push({
        what,
        count: 1,
        why: `the tool did not write it${said === '' ? '' : `: ${said.trim().split('\n')[0]}`}`,
      });
  }
  const note = run.note();
  await run.forget();
  return {
    ...harvest,
    artefacts,
    losses,
    ...(note === undefined ? {} : { toolTree: { pid: note.toolPid, target: note.pid } }),
  };
}
