import { Command, InvalidArgumentError } from 'commander';
import { analyzeCriticalPath } from '../../../analyzers/critical-path.ts';
import { exporterNoise } from '../../../analyzers/exporter-noise.ts';
import { analyzeLatency } from '../../../analyzers/latency.ts';
import { TprofError } from '../../base/errors.ts';
import { formatCount } from '../../base/format-units.ts';
import type { Trace } from '../../model/trace.ts';
import type { Block } from '../../report/block.ts';
import { criticalPathView } from '../../report/critical-path-view.ts';
import { latencyView } from '../../report/latency-view.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { openTraceInputs } from '../inputs.ts';
import { emitReport, withCommonOptions } from '../output.ts';

interface CriticalPathCommandOptions extends CommonOptions {
  readonly from?: string;
  readonly top: number;
  readonly trace?: string;
  /** False with `--no-follow`. */
  readonly follow: boolean;
  readonly noise?: boolean;
}

/** `tprof critical-path INPUT…` */
export function criticalPathCommand(context: CliContext): Command {
  const command = new Command('critical-path')
    .description('Say what held each root span up, from its end back to its start: of any OpenTelemetry trace.')
    .argument('<input...>', 'capture folder, trace (.gz, .zst too; several are joined), or - for standard input')
    .option('--trace <id>', 'only this trace: its id, or the beginning of it')
    .option('--no-follow', 'end each path where its root ends, not where the messages it sent were done with')
    .option('--noise', "keep the telemetry exporter's own spans")
    .option('--top <n>', 'rows in each table', positiveInteger, 20)
    .option('--from <format>', 'read the input as this format instead of detecting it')
    .addHelpText(
      'after',
      `
Examples:
  $ tprof critical-path traces.jsonl.gz                 as the collector's file exporter writes them
  $ tprof critical-path capture/ --trace 4bf92f35       one trace of a recording
  $ tprof critical-path a.json b.json --json            several files as one, everything, for a program
  $ curl -s tempo/api/traces/ID | tprof critical-path -`,
    )
    .action(async (inputs: string[], options: CriticalPathCommandOptions) => {
      const { trace } = await openTraceInputs(inputs, context, {
        needs: 'a trace',
        ...(options.from === undefined ? {} : { from: options.from }),
      });
      const named = inputs.join(' ');
      expectSpans(trace, named);
      const choice = {
        exclude: options.noise === true ? undefined : exporterNoise(trace),
        traces: chosenTraces(trace, options.trace, named),
      };
      const paths = analyzeCriticalPath(trace, { inputs, followMessages: options.follow, ...choice });
      const result = { ...paths, latencies: analyzeLatency(trace, choice).operations };
      await emitReport(context, options, {
        title: `Critical paths of ${named}`,
        result,
        blocks: (): Block[] => [
          { kind: 'heading', level: 1, text: `Critical paths of ${named}` },
          ...criticalPathView(result, { top: options.top }),
          ...latencyView(result.latencies, { top: options.top }),
        ],
      });
    });
  return withCommonOptions(command);
}

function expectSpans(trace: Trace, named: string): void {
  if (trace.spans.length > 0) return;
  const found = trace.logs.length > 0 ? `only log records (${formatCount(trace.logs.length)})` : 'nothing';
  throw new TprofError('input-invalid', `${named}: expected spans, found ${found}`, {
    hint: 'give the file that holds the traces as well, or record with OTEL_TRACES_EXPORTER=otlp',
  });
}

/** The traces whose id begins with what was asked for; undefined = all. */
function chosenTraces(trace: Trace, id: string | undefined, named: string): ReadonlySet<number> | undefined {
  if (id === undefined) return undefined;
  const chosen = new Set<number>();
  for (let index = 0; index < trace.traceIds.length; index++) {
    if (trace.traceIds.hex(index).startsWith(id.toLowerCase())) chosen.add(index);
  }
  if (chosen.size > 0) return chosen;
  throw new TprofError('input-invalid', `${named}: expected a trace ${id}, found none of that id`, {
    hint: `tprof critical-path ${named} --top 50 lists the longest`,
  });
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
