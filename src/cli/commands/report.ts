import { Command, InvalidArgumentError } from 'commander';
import type { Block } from '../../report/block.ts';
import { captureFacts } from '../../report/capture-facts-view.ts';
import { hotPathsView } from '../../report/hot-paths-view.ts';
import { capturePhases } from '../capture-phases.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { hotPathsOfInputs } from '../hot-paths-of-inputs.ts';
import { openProfileInputs } from '../inputs.ts';
import { emitReport, withCommonOptions } from '../output.ts';

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
    .argument('<input...>', 'capture folder, profile (.gz, .zst too), or - for standard input')
    .option('--event <name>', 'of a file with several events: the one to rank by')
    .option('--weight <name>', 'the weight to rank by (samples, cpu, wall, off-cpu, …)')
    .option('--top <n>', 'rows in each table', positiveInteger, 20)
    .option('--from <format>', 'read the input as this format instead of detecting it')
    .addHelpText(
      'after',
      `
Examples:
  $ tprof report .tprof/2026-11-21T03-15-00-linear     a capture, samples joined with its spans
  $ tprof report perf.data --weight off-cpu            where threads waited
  $ tprof report profile.json.gz -o report.md          for a ticket
  $ perf script | tprof report - --json                everything, for a program`,
    )
    .action(async (inputs: string[], options: ReportOptions) => {
      const opened = await openProfileInputs(inputs, context, {
        ...(options.from === undefined ? {} : { from: options.from }),
        ...(options.event === undefined ? {} : { event: options.event }),
      });
      const phases = await capturePhases(opened.captures);
      const { result } = hotPathsOfInputs(opened, { weight: options.weight ?? undefined, phases });
      await emitReport(context, options, {
        title: `Hot paths of ${inputs.join(' ')}`,
        result,
        blocks: (): Block[] => [
          { kind: 'heading', level: 1, text: `Hot paths of ${inputs.join(' ')}` },
          ...opened.captures.flatMap(({ manifest }) => captureFacts(manifest)),
          ...hotPathsView(result, { top: options.top }),
        ],
      });
    });
  return withCommonOptions(command);
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
