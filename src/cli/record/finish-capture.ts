import { relative } from 'node:path';
import type { CaptureFolder } from '../../../collectors/capture-folder.ts';
import { writeManifest } from '../../../collectors/capture-manifest.ts';
import { readClockAnchor } from '../../../collectors/clock-anchor.ts';
import { processName } from '../../../collectors/process-name.ts';
import type { ProfilerHarvest, ProfilerRun } from '../../../collectors/profilers/profiler.ts';
import type { RunResult } from '../../../collectors/run-command.ts';
import { TprofError } from '../../base/errors.ts';
import { CaptureFile, type CaptureManifest } from '../../model/capture.ts';
import { CaptureModels } from '../capture-models.ts';
import { commandLog } from '../command-log.ts';
import { type CliContext, say } from '../context.ts';
import { writeStdout } from '../output.ts';
import { derive } from './derive.ts';
import { DERIVE_STEPS } from './derive-steps.ts';
import { type ManifestDraft, mergeProcesses } from './manifest-draft.ts';
import { missingProcesses } from './missing-processes.ts';
import type { Receiver } from './receiver.ts';
import type { RecordOptions } from './record-options.ts';
import { type SummaryFindings, summaryLines } from './summary.ts';
import { type NodeProfiler, unprofiled } from './unprofiled.ts';

/** What the run showed of itself, started or attached to. */
export interface Observed {
  /** Undefined where nothing was started. */
  readonly exit: RunResult['exit'] | undefined;
  readonly stoppedBy: RunResult['stoppedBy'];
  readonly gaveUp: boolean;
  readonly processes: RunResult['processes'];
}

interface Finish {
  readonly folder: CaptureFolder;
  readonly draft: ManifestDraft;
  readonly receiver: Receiver | undefined;
  readonly runs: readonly { readonly id: string; readonly run: ProfilerRun }[];
  readonly observed: Observed;
  readonly options: RecordOptions;
  readonly context: CliContext;
}

/** After the target has ended: gathers what the tools wrote, derives the rest, and says so in the manifest, last. */
export async function finishCapture(f: Finish): Promise<void> {
  const { folder, draft, observed, context, options } = f;
  const losses = [...draft.losses];
  await gather(f, losses);
  draft.losses = losses;
  draft.clocks = [...draft.clocks, readClockAnchor()];
  if (observed.gaveUp) draft.incompleteWhy = 'given up by a second Ctrl-C: profilers could not write what they had';
  const final: CaptureManifest = { ...draft, complete: !observed.gaveUp };
  try {
    // What was recorded is safe from here on; if deriving is interrupted, the folder says that it is not complete.
    await writeManifest(folder.directory, { ...final, complete: false });
    const models = new CaptureModels(folder.directory, final);
    const outcome = observed.gaveUp
      ? { written: [], failures: [] }
      : await derive(
          { models: new CaptureModels(folder.directory, final), log: commandLog(context, options) },
          DERIVE_STEPS,
        );
    for (const failure of outcome.failures) context.stderr.write(`tprof: ${failure}\n`);
    await writeManifest(folder.directory, final);
    const findings = observed.gaveUp || options.quiet === true ? {} : await findingsOf(models);
    for (const line of summaryLines(final, relative(context.cwd, folder.directory), findings))
      say(context, options, line);
    if (options.json === true) await writeStdout(context, `${JSON.stringify(final)}\n`);
  } catch (error) {
    if (!(error instanceof TprofError)) throw error;
    // The target's own failure is the more telling one, and its code is what a script waits for.
    if (context.exitCode === 0) throw error;
    context.stderr.write(`tprof: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
  }
}

/** For the summary alone: what could not be derived was said already. */
async function findingsOf(models: CaptureModels): Promise<SummaryFindings> {
  try {
    return {
      breakdown: await models.breakdown(),
      hotPaths: await models.hotPaths(),
      asyncTasks: await models.asyncTasks(),
    };
  } catch {
    return {};
  }
}

/** Stops tools and receiver and fills the draft. What one of them cannot give is a loss by name, not the end. */
async function gather(
  { draft, runs, receiver, observed }: Finish,
  losses: CaptureManifest['losses'][number][],
): Promise<void> {
  const profiles: CaptureManifest['profiles'][number][] = [];
  const connected: CaptureManifest['processes'][number][] = [];
  const reported: NonNullable<ProfilerHarvest['processes']>[number][] = [];
  const nodeProfilers: (NodeProfiler & { readonly seen: readonly { readonly pid: number }[] })[] = [];
  const ownPids = new Set<number>();
  const toolTrees: NonNullable<ProfilerHarvest['toolTree']>[] = [];
  const partial: { readonly id: string; readonly profiled: NonNullable<ProfilerHarvest['profiled']> }[] = [];
  for (const { id, run } of runs) {
    try {
      await run.stop?.();
      const harvest = await run.collect();
      losses.push(...harvest.losses);
      reported.push(...(harvest.processes ?? []));
      if (harvest.nodeProfile !== undefined) {
        const seen = (harvest.processes ?? []).map(({ pid }) => ({ pid }));
        nodeProfilers.push({ id, profile: harvest.nodeProfile, seen });
      }
      for (const pid of harvest.ownPids ?? []) ownPids.add(pid);
      if (harvest.toolTree !== undefined) toolTrees.push(harvest.toolTree);
      const figures = (harvest.probes ?? []).map(probe => ({
        ...probe,
        file: `${CaptureFile.raw}/${id}/${probe.file}`,
      }));
      if (figures.length > 0) draft.probes = [...(draft.probes ?? []), ...figures];
      if (harvest.profiled !== undefined) partial.push({ id, profiled: harvest.profiled });
      for (const tool of harvest.tools ?? []) {
        const known = draft.tools.some(
          ({ id: other, version, path }) => other === tool.id && version === tool.version && path === tool.path,
        );
        if (!known) draft.tools = [...draft.tools, tool];
      }
      for (const { file, format, ...rest } of harvest.artefacts) {
        if (format !== undefined) profiles.push({ file: `${CaptureFile.raw}/${id}/${file}`, format, ...rest });
      }
    } catch (error) {
      losses.push({
        what: `everything that ${id} recorded`,
        count: 1,
        why: error instanceof Error ? error.message : String(error),
      });
    }
  }
  if (receiver !== undefined) {
    const { counts, losses: lost, processes } = await receiver.stop();
    draft.spans = counts;
    losses.push(...lost);
    connected.push(...processes);
  }
  const exit = runs.map(({ run }) => run.targetExit?.()).find(e => e !== undefined) ?? observed.exit;
  if (exit !== undefined) draft.exit = exit;
  for (const tree of toolTrees) for (const pid of pidsOfTool(observed.processes, tree)) ownPids.add(pid);
  const targets = observed.processes.filter(({ pid }) => !ownPids.has(pid));
  draft.processes = mergeProcesses(targets, [...reported, ...connected], command =>
    processName(command, undefined, ''),
  );
  draft.profiles = profiles;
  for (const { id, profiled } of partial) losses.push(...missingProcesses(draft.processes, id, profiled));
  for (const { seen, ...profiler } of nodeProfilers) {
    losses.push(...unprofiled(draft.processes, seen, runs.length > 1, profiler));
  }
}

/** A tool and all that it started, without the target and what that started. */
function pidsOfTool(
  processes: readonly { readonly pid: number; readonly parentPid: number }[],
  { pid: tool, target }: NonNullable<ProfilerHarvest['toolTree']>,
): ReadonlySet<number> {
  const own = new Set([tool]);
  for (let before = 0; before !== own.size; ) {
    before = own.size;
    for (const { pid, parentPid } of processes) if (pid !== target && own.has(parentPid)) own.add(pid);
  }
  return own;
}
