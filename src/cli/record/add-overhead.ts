import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { median, sortedCopy } from '../../../analyzers/statistics.ts';
import { readManifest, writeManifest } from '../../../collectors/capture-manifest.ts';
import { readChildrenCpuNs } from '../../../collectors/children-cpu.ts';
import { type RunResult, runCommand } from '../../../collectors/run-command.ts';
import { asArray, asNumber, asObject } from '../../base/narrow.ts';
import { CaptureFile } from '../../model/capture.ts';
import { overheadLines } from '../../report/overhead-view.ts';
import { CaptureModels } from '../capture-models.ts';
import { type CliContext, say } from '../context.ts';
import { writeFileWhole, writeStdout } from '../output.ts';
import { derive } from './derive.ts';
import { DERIVE_STEPS } from './derive-steps.ts';
import type { Observed } from './finish-capture.ts';
import { measureOverhead, type TimedRun } from './measure-overhead.ts';
import type { RecordOptions } from './record-options.ts';
import type { Target } from './target.ts';

export interface AddOverhead {
  /** Of the capture, which is complete. */
  readonly directory: string;
  readonly target: Target;
  /** Of the target where nobody watches. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly observed: Observed;
  readonly watchedBy: readonly string[];
  readonly options: RecordOptions;
  readonly context: CliContext;
  /** Runs `command` as the recording did, into a folder of its own that is thrown away. */
  readonly watched: (command: readonly string[]) => Promise<TimedRun & { readonly selfCpuNs: number }>;
}

const WALL = {
  id: 'wall',
  what: 'wall time of the command, from its start (through its profiler, where that starts it) to its exit',
};
const CPU = {
  id: 'cpu',
  what: 'CPU time of the command and of all that it started and waited for; watched, with that of the profilers and of tprof itself',
};
const TASK_LATENCY = {
  id: 'task-latency',
  what: 'median time of a task of the workload, from the request to the news of its end, over the tasks of a run',
};

/** Measures what watching costs and writes it into a capture that is complete already: a kill in between costs nothing else. */
export async function addOverhead(a: AddOverhead): Promise<void> {
  const { directory, target, options, context, observed } = a;
  const scratch = await mkdtemp(join(tmpdir(), 'tprof-overhead-'));
  try {
    const times = join(scratch, 'e2e.json');
    // The built-in workload tells its tasks' times; of several `-o` the last counts.
    const command = target.builtIn ? [...target.command, '--format', 'json', '-o', times] : target.command;
    const measures = async (): Promise<TimedRun['measures']> => (target.builtIn ? taskLatency(times) : {});
    const exit = observed.exit ?? { code: 0, signal: null };
    const overhead = await measureOverhead({
      options,
      context,
      exit,
      // A recording that was stopped says how nothing ends.
      stopped: observed.stoppedBy !== undefined || observed.gaveUp,
      watchedBy: a.watchedBy,
      measures: [WALL, CPU, ...(target.builtIn ? [TASK_LATENCY] : [])],
      run: async how => {
        await rm(times, { force: true });
        const before = readChildrenCpuNs();
        const cpu = (selfNs: number): Record<string, number> => {
          const after = readChildrenCpuNs();
          return before === undefined || after === undefined ? {} : { [CPU.id]: after - before + selfNs };
        };
        if (how === 'watched') {
          const run = await a.watched(command);
          return { ...run, measures: { ...cpu(run.selfCpuNs), ...(await measures()) } };
        }
        const result: RunResult = await runCommand({
          command,
          cwd: context.cwd,
          environment: a.environment,
          endDaemons: target.builtIn,
          stdout: 'nowhere',
          follows: false,
        });
        return { result, measures: { ...cpu(0), ...(await measures()) } };
      },
    });
    const manifest = await readManifest(directory);
    if (manifest === undefined) return;
    const final = { ...manifest, overhead };
    await writeManifest(directory, final);
    const result = { schema: 'tprof.overhead/1', epochNs: '0', inputs: [manifest.name], warnings: [], ...overhead };
    await writeFileWhole(join(directory, CaptureFile.overhead), `${JSON.stringify(result)}\n`);
    const reports: ReadonlySet<string> = new Set([CaptureFile.reportMarkdown, CaptureFile.reportHtml]);
    const steps = DERIVE_STEPS.filter(({ file }) => reports.has(file));
    const { failures } = await derive({ models: new CaptureModels(directory, final) }, steps);
    for (const failure of failures) context.stderr.write(`tprof: ${failure}\n`);
    for (const line of [`tprof: ${relative(context.cwd, directory)}:`, ...overheadLines(overhead)])
      say(context, options, line);
    if (options.json === true) await writeStdout(context, `${JSON.stringify(final)}\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Median latency of the tasks of a run, as `e2e` wrote them; nothing where it broke off before. */
async function taskLatency(file: string): Promise<Record<string, number>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return {};
  }
  const latencies = asArray(asObject(parsed).tasks)
    .map(task => asNumber(asObject(task).latencyNs, Number.NaN))
    .filter(ns => ns > 0);
  return latencies.length === 0 ? {} : { [TASK_LATENCY.id]: median(sortedCopy(latencies)) };
}
