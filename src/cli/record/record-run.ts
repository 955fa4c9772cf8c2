import { join, relative } from 'node:path';
import { type CaptureFolder, createCaptureFolder } from '../../../collectors/capture-folder.ts';
import { writeManifest } from '../../../collectors/capture-manifest.ts';
import { processName } from '../../../collectors/process-name.ts';
import type { ProfilerRun } from '../../../collectors/profilers/profiler.ts';
import { type RunResult, runCommand } from '../../../collectors/run-command.ts';
import { watchProcesses } from '../../../collectors/watch-processes.ts';
import { TprofError } from '../../base/errors.ts';
import { CaptureFile } from '../../model/capture.ts';
import { commandLog } from '../command-log.ts';
import { type CliContext, say } from '../context.ts';
import { addOverhead } from './add-overhead.ts';
import { findProcesses } from './attach-targets.ts';
import { telemetryEnvironment, withAssignments } from './child-environment.ts';
import { type ChosenProfiler, chooseProfilers, distortedTimes, withoutProfilers } from './choose-profilers.ts';
import { exitCodeOfRun } from './exit-code.ts';
import { finishCapture, type Observed } from './finish-capture.ts';
import { beginManifest, type ManifestDraft, mergeProcesses, ownCost } from './manifest-draft.ts';
import { requireMeasurable, type TimedRun } from './measure-overhead.ts';
import { startProgress } from './progress.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import type { RecordOptions } from './record-options.ts';
import { type RecordProbes, startProbes } from './record-probes.ts';
import { resolveTarget, type Target } from './target.ts';
import { consoleEnvironment, type RecordConsoles, startConsoles } from './tokio-consoles.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that was set up before the target starts. */
interface Prepared {
  readonly folder: CaptureFolder;
  readonly draft: ManifestDraft;
  readonly receiver: Receiver | undefined;
  readonly probes: RecordProbes;
  readonly consoles: RecordConsoles;
  readonly runs: readonly { readonly id: string; readonly run: ProfilerRun }[];
  readonly command: readonly string[];
  readonly environment: Environment;
}

/**
 * `tprof record`: sets up the receiver and the profilers, runs the target or watches running processes, and finishes the
 * capture. Until the target starts, a failure leaves nothing behind; from then on, every failure leaves a capture that
 * says what it lacks, and the exit code is the target's.
 */
export async function recordRun(words: readonly string[], options: RecordOptions, context: CliContext): Promise<void> {
  const named = options.pid !== undefined || options.name !== undefined;
  const attaching = named || (words.length === 0 && options.tokioConsole !== undefined);
  requireOneTarget(words, attaching);
  requireMeasurable(options, { attaches: attaching, durationMs: options.duration });
  // A terminal that was closed takes no more words; recording ends in good order all the same.
  context.stderr.on('error', () => {});
  const environment = withAssignments(context.env, options.env);
  const target = attaching ? undefined : resolveTarget(words, environment, context.cwd);
  const pids = attaching ? findProcesses(options.pid ?? [], options.name, options.children) : [];
  const choice =
    attaching && !named ? withoutProfilers(options.profiler) : await chooseProfilers(options, target, pids);
  if (choice.line !== undefined) say(context, options, choice.line);
  const preparation = { target, pids, chosen: choice.chosen, environment, options, context };
  const prepared = await prepare(preparation);
  const { draft, receiver, runs, probes, consoles } = prepared;
  commandLog(context, options).debug(
    { profilers: draft.tools.map(tool => tool.id), receiver: receiver?.endpoint, command: prepared.command, pids },
    'recording',
  );

  const progress = startProgress(context, options, () => receiver?.counts().spans);
  const began = process.hrtime.bigint();
  const before = ownCost();
  let observed: Observed;
  try {
    observed =
      target === undefined
        ? await watchRunning(prepared, pids, options)
        : await runTarget(prepared, target, options, context);
  } catch (error) {
    progress.end();
    // A tool that has begun beside the one that could not must not go on.
    for (const { run } of runs) await run.stop?.().catch(() => {});
    await receiver?.stop();
    await probes.stop();
    await consoles.stop();
    await prepared.folder.discard();
    throw error;
  }
  draft.durationNs = Number(process.hrtime.bigint() - began);
  const probed = await probes.stop();
  draft.probes = probed.probes;
  const { asyncTasks, losses, processes } = await consoles.stop();
  if (asyncTasks.length > 0) draft.asyncTasks = asyncTasks;
  draft.losses = [...draft.losses, ...probed.losses, ...losses];
  observed = { ...observed, processes: mergeProcesses(observed.processes, processes, nameOfCommand) };
  draft.self = ownCost(before);
  progress.end();
  // Some tools exit with 0 whatever became of the target that they started.
  const exit = runs.map(({ run }) => run.targetExit?.()).find(e => e !== undefined) ?? observed.exit;
  observed = { ...observed, exit };
  context.exitCode = exitCodeOfRun(observed);
  if (options.measureOverhead !== true || target === undefined) {
    await finishCapture({ ...prepared, runs, observed, options, context });
    return;
  }
  // The manifest is printed when it has the last of it.
  await finishCapture({ ...prepared, runs, observed, options: { ...options, json: false }, context });
  const { directory } = prepared.folder;
  await addOverhead({
    directory,
    target,
    environment,
    observed,
    watchedBy: watchersOf(prepared, options),
    options,
    context,
    watched: command => watchedRun({ ...preparation, target: { ...target, command } }, directory),
  });
}

/** One more run with everything around it that the recording had; what it records is thrown away. */
async function watchedRun(
  preparation: Preparation & { readonly target: Target },
  directory: string,
): Promise<TimedRun & { readonly selfCpuNs: number }> {
  const { target, context } = preparation;
  const output = join(directory, CaptureFile.raw, 'overhead-run');
  const options = { ...preparation.options, output, quiet: true };
  const prepared = await prepare({ ...preparation, options });
  const { runs, receiver, probes, consoles, folder } = prepared;
  const before = ownCost();
  try {
    const result = await runTarget(prepared, target, options, context, 'nowhere');
    const { cpuUserNs, cpuSystemNs } = ownCost(before);
    const exit = runs.map(({ run }) => run.targetExit?.()).find(e => e !== undefined) ?? result.exit;
    return { result: { ...result, exit }, measures: {}, selfCpuNs: cpuUserNs + cpuSystemNs };
  } finally {
    for (const { run } of runs) await run.stop?.().catch(() => {});
    await probes.stop();
    await consoles.stop();
    await receiver?.stop();
    await folder.discard();
  }
}

function watchersOf({ runs, receiver }: Prepared, options: RecordOptions): string[] {
  return [
    ...runs.map(({ id }) => id),
    ...(receiver === undefined ? [] : ['the OTLP receiver']),
    ...(options.probes === false ? [] : ['probes']),
    ...((options.tokioConsole ?? []).length === 0 ? [] : ['tokio-console']),
  ];
}

const nameOfCommand = (command: readonly string[]): string => processName(command, undefined, '');

function requireOneTarget(words: readonly string[], attaching: boolean): void {
  if (attaching && words.length > 0) {
    throw new TprofError('usage', 'record takes a command, or --pid and --name, not both', {
      hint: 'tprof record --pid 123 --duration 30s',
    });
  }
  if (!attaching && words.length === 0) {
    throw new TprofError('usage', 'record needs a command to run, or --pid or --name of what runs already', {
      hint: 'tprof record -- node app.js; tprof record -- e2e linear',
    });
  }
}

interface Preparation {
  readonly target: Target | undefined;
  readonly pids: readonly number[];
  readonly chosen: readonly ChosenProfiler[];
  readonly environment: Environment;
  readonly options: RecordOptions;
  readonly context: CliContext;
}

async function prepare(p: Preparation): Promise<Prepared> {
  const { target, chosen, options, context } = p;
  const startedAt = new Date();
  const name = target?.name ?? options.name ?? (p.pids.length === 0 ? 'tokio-console' : `pid-${p.pids.join('-')}`);
  let folder: CaptureFolder | undefined;
  let receiver: Receiver | undefined;
  let probes: RecordProbes | undefined;
  let consoles: RecordConsoles | undefined;
  try {
    folder = await createCaptureFolder({ cwd: context.cwd, output: options.output, name, startedAt });
    const draft = beginManifest(name, target?.typed ?? [], startedAt);
    draft.tools = chosen.map(({ profiler, status }) => ({
      id: profiler.id,
      version: status.version,
      path: status.path,
    }));
    draft.losses = distortedTimes(chosen);
    await writeManifest(folder.directory, draft);
    let environment = p.environment;
    if (options.trace) {
      receiver = await startReceiver(folder, options);
      environment = { ...environment, ...telemetryEnvironment(receiver.endpoint, environment) };
    }
    const workload = target?.builtIn === true && !target.command.includes('--cluster') ? { environment } : undefined;
    probes = await startProbes(folder, options, context, workload);
    consoles = await startConsoles(folder, options);
    environment = { ...environment, ...consoleEnvironment(options, environment) };
    let command = target?.command ?? [];
    let wrapper: string | undefined;
    const runs: { id: string; run: ProfilerRun }[] = [];
    for (const { profiler, pids } of chosen) {
      const run = await profiler.prepare({
        command,
        cwd: context.cwd,
        pids,
        rawDirectory: await folder.raw(profiler.id),
        environment,
        frequencyHz: options.frequency,
        callGraph: options.callGraph,
        event: options.event,
      });
      if (run.command.join('\0') !== command.join('\0')) {
        if (wrapper !== undefined) {
          throw new TprofError('usage', `${wrapper} and ${profiler.id} both start the target and cannot share a run`, {
            hint: `record twice: --profiler ${wrapper}, then --profiler ${profiler.id}`,
          });
        }
        wrapper = profiler.id;
      }
      command = run.command;
      environment = { ...environment, ...run.environment };
      runs.push({ id: profiler.id, run });
    }
    return { folder, draft, receiver, probes, consoles, runs, command, environment };
  } catch (error) {
    await consoles?.stop();
    await probes?.stop();
    await receiver?.stop();
    await folder?.discard();
    throw cannotBegin(error);
  }
}

/** What the machine lacks before anything ran is, for `record`, that it could not begin (125). */
function cannotBegin(error: unknown): unknown {
  if (!(error instanceof TprofError) || error.code !== 'machine-lacks') return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new TprofError('run-cannot-begin', error.message, { ...hint, cause: error });
}

async function runTarget(
  { command, environment, runs, folder, probes }: Prepared,
  target: Target,
  options: RecordOptions,
  context: CliContext,
  stdout: 'inherit' | 'nowhere' = 'inherit',
): Promise<RunResult> {
  const result = await runCommand({
    command,
    cwd: context.cwd,
    environment,
    endDaemons: target.builtIn,
    stdout: stdout === 'inherit' && options.json === true ? 'stderr' : stdout,
    ...(options.duration === undefined ? {} : { durationMs: options.duration }),
    onTracking: probes.follow,
    onStarted: async pid => {
      for (const { run } of runs) await run.started?.(pid);
    },
    stopTarget: () => runs.map(({ run }) => run.targetPid?.()).find(pid => pid !== undefined),
    targetEnded: () => runs.some(({ run }) => run.targetExit?.() !== undefined),
    onOverdue: async (pids, signal) => {
      for (const { run } of runs) {
        for (const line of (await run.overdue?.(pids, signal)) ?? []) say(context, options, `tprof: ${line}`);
      }
    },
    onStopping: why => {
      if (why === 'SIGINT')
        say(context, options, 'tprof: stopping; the capture will be complete (Ctrl-C again: give up at once)');
      else if (why === 'duration') say(context, options, 'tprof: the time is over; stopping');
    },
  });
  if (result.gaveUp)
    say(context, options, `tprof: gave up; what had been saved is in ${relative(context.cwd, folder.directory)}`);
  if (result.ended.length > 0) {
    say(context, options, `tprof: ended what the command had left running: ${namesOf(result.ended)}`);
  }
  if (result.left.length > 0) {
    const names = namesOf(result.left);
    say(context, options, `tprof: left daemons running, which are no longer recorded: ${names}`);
  }
  return result;
}

function namesOf(processes: Observed['processes']): string {
  return processes.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
}

async function watchRunning(
  { runs, probes, draft }: Prepared,
  pids: readonly number[],
  options: RecordOptions,
): Promise<Observed> {
  let refused = 0;
  probes.follow(() => pids.map(pid => ({ pid, startTime: '', command: [] })));
  const result = await watchProcesses(pids, {
    durationMs: options.duration,
    onStarted: async () => {
      for (const { id, run } of runs) {
        try {
          await run.started?.(pids[0] ?? 0);
        } catch (error) {
          // Where tprof chose the tools, what one of them refuses does not take the others' processes away.
          const isExpected = error instanceof TprofError && options.profiler.includes('auto');
          if (!isExpected || ++refused === runs.length) throw error;
          draft.losses = [...draft.losses, { what: `what ${id} would have recorded`, count: 1, why: error.message }];
        }
      }
    },
  });
  return { ...result, exit: undefined, gaveUp: false };
}
