import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentProduct, readAgentHarvest } from './agent-harvest.ts';
import {
  type ClinicData,
  type ClinicTool,
  clinicArguments,
  clinicPage,
  listClinicData,
  requireClinic,
} from './clinic-tool.ts';
import { withNodeOption } from './node-options.ts';
import type { NodeTool } from './node-tool.ts';
import type { ProfilerArtefact, ProfilerHarvest, ProfilerRequest } from './profiler.ts';
import { wrappedAgent } from './wrapped-agent.ts';
import { type WrappedRun, wrapNode } from './wrapped-node.ts';

/** For the tools of clinic that have V8 write trace events: one file a process, in a folder of their own. */
export interface TracedRun extends WrappedRun {
  readonly tool: NodeTool;
  readonly clinic: ClinicTool;
  readonly id: string;
}

export async function wrapForTraces(request: ProfilerRequest, id: string, clinic: ClinicTool): Promise<TracedRun> {
  const { rawDirectory } = request;
  const tool = requireClinic(request);
  const agent = wrappedAgent(rawDirectory, id);
  // Without it every process writes to the same file, in whatever folder it happens to run.
  const pattern = join(rawDirectory, '.work', ['node_trace.$', '{pid}.$', '{rotation}.log'].join(''));
  const run = await wrapNode(request, {
    id,
    tool,
    toolArguments: () => clinicArguments(clinic, rawDirectory),
    nodeOptions: withNodeOption(agent.nodeOptions, '--trace-event-file-pattern', pattern),
    targetEnvironment: agent.environment,
    talksOnStdout: true,
  });
  return { ...run, tool, clinic, id };
}

export interface TracedHarvest extends ProfilerHarvest {
  /** Folders of data, the target's own, its workers' and its children's. */
  readonly data: readonly ClinicData[];
}

/** What the tool left: a folder of data a process or thread, with the trace events of each process, and its page. */
export async function harvestTraces(run: TracedRun, rawDirectory: string, what: string): Promise<TracedHarvest> {
  const note = run.note();
  await placeTraces(run, rawDirectory);
  const page = await clinicPage(run, rawDirectory, note?.pid ?? 0);
  const product: AgentProduct = { prefix: 'Process', profile: what, samples: what, format: undefined };
  const journals = await readAgentHarvest(rawDirectory, product);
  const data = await listClinicData(run.clinic, rawDirectory);
  const seen = new Set(data.map(({ pid, tid }) => `${pid}.${tid}`));
  const losses = journals.losses.filter(loss => {
    const pid = /pid (\d+)/.exec(loss.what)?.[1] ?? '';
    const tid = /worker thread (\d+)/.exec(loss.what)?.[1] ?? '0';
    return !seen.has(`${pid}.${tid}`);
  });
  const artefacts: ProfilerArtefact[] = [...page.artefacts];
  for (const { name, pid, tid } of data) {
    for (const file of (await readdir(join(rawDirectory, name))).sort()) {
      artefacts.push({ file: `${name}/${file}`, format: undefined, pid, tid });
    }
  }
  await run.forget();
  return {
    ...journals,
    artefacts,
    losses: [...page.losses, ...losses],
    ...(note === undefined ? {} : { toolTree: { pid: note.toolPid, target: note.pid } }),
    data,
  };
}

/** Trace events go to the data of their process: the tool does that for its target alone, and not where a signal ended it. */
async function placeTraces(run: TracedRun, rawDirectory: string): Promise<void> {
  for (const folder of [run.work, join(rawDirectory, 'children')]) {
    if (!existsSync(folder)) continue;
    for (const name of (await readdir(folder)).sort()) {
      const match = /^node_trace\.(\d+)\.(\d+)\.log$/.exec(name);
      if (match === null) continue;
      const data = `${match[1]}.clinic-${run.clinic}`;
      await mkdir(join(rawDirectory, data), { recursive: true });
      const number = match[2] === '1' ? '' : `.${match[2]}`;
      await rename(join(folder, name), join(rawDirectory, data, `${data}-traceevent${number}`));
    }
  }
}
