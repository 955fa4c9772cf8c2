import { Command, InvalidArgumentError } from 'commander';
import type { AsyncTasksResult } from '../../../analyzers/async-tasks.ts';
import { analyzeSystemFigures } from '../../../analyzers/system-figures.ts';
import { sampledWaits } from '../../../analyzers/system-figures-off-cpu.ts';
import type { SystemFiguresResult } from '../../../analyzers/system-figures-result.ts';
import { asyncTasksView } from '../../report/async-tasks-view.ts';
import type { Block } from '../../report/block.ts';
import { captureFacts } from '../../report/capture-facts-view.ts';
import { hotPathsView } from '../../report/hot-paths-view.ts';
import { systemFiguresView } from '../../report/system-figures-view.ts';
import { CaptureModels } from '../capture-models.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { hotPathsOfInputs } from '../hot-paths-of-inputs.ts';
import type { ProfileInputs } from '../inputs.ts';
import { emitReport, withCommonOptions } from '../output.ts';
import { openReportInputs } from '../report-inputs.ts';

interface ReportOptions extends CommonOptions {
  readonly event?: string;
  readonly weight?: string;
  readonly from?: string;
  readonly top: number;
}

/** `tprof report INPUT…` */
export function reportCommand(context: CliContext): Command {
  const command = new Command('report')
    .description(
      'Say what is hot: functions by self and total, heaviest paths, categories, lifecycle phases, findings.',
    )
    .argument(
      '<input...>',
      'capture folder, profile (.gz, .zst too), or - for standard input; traces, logs, tables and clock.json of the same run beside it',
    )
    .option('--event <name>', 'of a file with several events: the one to rank by')
    .option('--weight <name>', 'the weight to rank by (samples, cpu, wall, off-cpu, …)')
    .option('--top <n>', 'rows in each table', positiveInteger, 20)
    .option('--from <format>', 'read the input as this format instead of detecting it')
    .addHelpText(
      'after',
      `
Examples:
  $ tprof report .tprof/2026-11-21T03-15-00-linear     a capture, samples joined with its spans
  $ tprof report perf-script.txt traces.jsonl logs.jsonl clock.json    which phase burns CPU
  $ tprof report perf.data --weight off-cpu            where threads waited
  $ tprof report profile.json.gz -o report.md          for a ticket
  $ perf script | tprof report - --json                everything, for a program`,
    )
    .action(async (inputs: string[], options: ReportOptions) => {
      const opened = await openReportInputs(inputs, context, {
        ...(options.from === undefined ? {} : { from: options.from }),
        ...(options.event === undefined ? {} : { event: options.event }),
      });
      const figures = await figuresOfInputs(opened);
      const tasks = await tasksOfInputs(opened);
      if (opened.profiles.length === 0 && figures.length === 0 && tasks.length > 0) {
        await emitReport(context, options, {
          title: `Async tasks of ${inputs.join(' ')}`,
          result: tasks.length === 1 ? tasks[0]! : tasks,
          blocks: (): Block[] => [
            { kind: 'heading', level: 1, text: `Async tasks of ${inputs.join(' ')}` },
            ...opened.captures.flatMap(({ manifest }) => captureFacts(manifest)),
            ...tasks.flatMap(one => asyncTasksView(one, { top: options.top })),
          ],
        });
        return;
      }
      if (opened.profiles.length === 0 && figures.length > 0) {
        await emitReport(context, options, {
          title: `System figures of ${inputs.join(' ')}`,
          // Of one capture its figures as they are; of several, a list.
          result: figures.length === 1 ? figures[0]! : figures,
          blocks: (): Block[] => [
            { kind: 'heading', level: 1, text: `System figures of ${inputs.join(' ')}` },
            ...opened.captures.flatMap(({ manifest }) => captureFacts(manifest)),
            ...figures.flatMap(one => systemFiguresView(one, { top: options.top })),
            ...tasks.flatMap(one => asyncTasksView(one, { top: options.top })),
          ],
        });
        return;
      }
      const { phases, warnings } = opened;
      const joined = hotPathsOfInputs(opened, { weight: options.weight ?? undefined, phases }).result;
      const result = { ...joined, warnings: [...joined.warnings, ...warnings] };
      await emitReport(context, options, {
        title: `Hot paths of ${inputs.join(' ')}`,
        result,
        blocks: (): Block[] => [
          { kind: 'heading', level: 1, text: `Hot paths of ${inputs.join(' ')}` },
          ...opened.captures.flatMap(({ manifest }) => captureFacts(manifest)),
          ...hotPathsView(result, { top: options.top }),
          ...figures.flatMap(one => systemFiguresView(one, { top: options.top })),
          ...tasks.flatMap(one => asyncTasksView(one, { top: options.top })),
        ],
      });
    });
  return withCommonOptions(command);
}

/** What the probes of each capture read; of bare profiles, the waits that they hold. */
async function figuresOfInputs({ captures, profiles, names }: ProfileInputs): Promise<SystemFiguresResult[]> {
  const figures: SystemFiguresResult[] = [];
  for (const { directory, manifest } of captures) {
    const found = await new CaptureModels(directory, manifest).systemFigures();
    if (found !== undefined) figures.push(found);
  }
  if (captures.length > 0) return figures;
  const sampled = profiles.flatMap(profile => sampledWaits(profile) ?? []);
  if (sampled.length === 0) return [];
  return [analyzeSystemFigures([], { inputs: names, epochNs: 0n, processes: [], cpus: 0, sampled })];
}

/** Tasks of the async runtimes that each capture listened to. */
async function tasksOfInputs({ captures }: ProfileInputs): Promise<AsyncTasksResult[]> {
  const tasks: AsyncTasksResult[] = [];
  for (const { directory, manifest } of captures) {
    const found = await new CaptureModels(directory, manifest).asyncTasks();
    if (found !== undefined) tasks.push(found);
  }
  return tasks;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
