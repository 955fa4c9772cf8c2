import { Command, Option } from 'commander';
import type { CliContext } from '../context.ts';
import { withCommonOptions } from '../output.ts';
import { withOverheadOptions } from '../record/measure-overhead.ts';
import { withProbeOptions } from '../record/probe-options.ts';
import {
  collectEnvironment,
  parseDuration,
  parseFrequency,
  parseIds,
  parsePids,
  type RecordOptions,
} from '../record/record-options.ts';
import { recordRun } from '../record/record-run.ts';
import { withConsoleOptions } from '../record/tokio-consoles.ts';

/** `tprof record [options] -- COMMAND…` */
export function recordCommand(context: CliContext): Command {
  const command = new Command('record')
    .description('Run a program, or watch running ones: profile them, receive their spans, and leave a capture.')
    .argument('[command...]', 'the program and its arguments; `e2e SCENARIO` is the built-in workload, ./e2e a program')
    .passThroughOptions()
    .addOption(
      new Option('--profiler <ids>', 'comma-separated, tprof doctor lists them; none records spans alone')
        .default(['auto'], 'auto')
        .argParser(parseIds),
    )
    .option('--frequency <hz>', 'samples a second', parseFrequency)
    .option('--duration <time>', 'stop after that time: 30, 30s, 2m', parseDuration)
    .addOption(new Option('--call-graph <how>', 'how native stacks are walked').choices(['fp', 'dwarf']))
    .option('--event <name>', 'what to sample on, where the profiler knows events')
    .option('--children', 'also what the target starts')
    .option('--env <name=value>', 'for the target; may be given again', collectEnvironment, [] as string[])
    .option('--no-trace', 'receive no spans')
    .option('--forward <url>', 'pass every batch on to this collector, too')
    .option('--listen <address>', 'HOST:PORT or :PORT for the receiver (default: a free port of 127.0.0.1)')
    .option('--pid <pids>', 'watch these running processes, comma-separated', parsePids)
    .option('--name <pattern>', "watch running processes of that name, such as 'tasker-*'");
  return withCommonOptions(
    withOverheadOptions(withConsoleOptions(withProbeOptions(command))),
    'the capture folder (default: a new one below .tprof)',
  )
    .addHelpText(
      'after',
      `
The exit code is the target's; 128 + n if signal n ended it; 0 when attached, or when --duration ended it.
125: could not begin; 126: the target may not be executed; 127: the target was not found.
Ctrl-C stops the target and completes the capture; a second one gives up at once.
What the target leaves running is ended with it, except daemons in sessions of their own.

Examples:
  $ tprof record -- e2e linear
  $ tprof record -o out -- node server.js
  $ tprof record --no-trace --duration 30s -- npm test
  $ tprof record --profiler none -- ./my-service
  $ tprof record --profiler heaptrack -- ./my-service --once
  $ tprof record --name 'my-*' --duration 30s
  $ tprof record --postgres postgresql://localhost/app --metrics http://localhost:8080/metrics -- ./my-service
  $ tprof record --measure-overhead --rounds 10 -- ./bench
  $ tprof record --tokio-console :6669 -- ./my-service
  $ tprof record --tokio-console 127.0.0.1:6669 --pid 123 --duration 10s`,
    )
    .action((words: string[], options: RecordOptions) => recordRun(words, options, context));
}
