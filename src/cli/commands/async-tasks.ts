import { Command, InvalidArgumentError } from 'commander';
import { analyzeAsyncTasks } from '../../../analyzers/async-tasks.ts';
import { TprofError } from '../../base/errors.ts';
import { readConsoleRecording } from '../../formats/tokio-console-recording.ts';
import type { AsyncRecording } from '../../model/async-tasks.ts';
import { mergeAsyncRecordings } from '../../model/merge-async-tasks.ts';
import { asyncTasksView } from '../../report/async-tasks-view.ts';
import type { Block } from '../../report/block.ts';
import { captureFacts } from '../../report/capture-facts-view.ts';
import { CaptureModels } from '../capture-models.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { openInput } from '../inputs.ts';
import { emitReport, withCommonOptions } from '../output.ts';

interface AsyncTasksOptions extends CommonOptions {
  readonly top: number;
}

/** `tprof async-tasks INPUT…` */
export function asyncTasksCommand(context: CliContext): Command {
  const command = new Command('async-tasks')
    .description(
      'Tasks of tokio programs: busy, scheduled and idle time, what they waited for, what tokio-console warns of.',
    )
    .argument('<input...>', 'capture folder of record --tokio-console, or a .console file of one')
    .option('--top <n>', 'rows in each table', positiveInteger, 20)
    .addHelpText(
      'after',
      `
Busy is time inside of polls, scheduled is ready and waiting for a worker (also before the first poll), idle is the rest.

Examples:
  $ tprof record --tokio-console :6669 -o out -- ./my-service
  $ tprof async-tasks out
  $ tprof async-tasks out --json > tasks.json
  $ tprof flame out/raw/tokio-console/127.0.0.1-6669.console --weight busy -o busy.svg`,
    )
    .action(async (inputs: string[], options: AsyncTasksOptions) => {
      const recordings: AsyncRecording[] = [];
      const facts: Block[] = [];
      for (const word of inputs) {
        const input = await openInput(word, context);
        if (input.kind === 'capture') {
          const recording = await new CaptureModels(input.directory, input.manifest).asyncRecording();
          if (recording === undefined) throw withoutTasks(word, 'a capture without tasks');
          recordings.push(recording);
          facts.push(...captureFacts(input.manifest));
        } else if (input.kind === 'profile' && input.format.id === 'tokio-console') {
          recordings.push(await readConsoleRecording(input.source));
        } else throw withoutTasks(word, input.kind === 'other' ? 'a table' : `a ${input.kind} (${input.format.id})`);
      }
      const name = inputs.join(' ');
      const result = analyzeAsyncTasks(mergeAsyncRecordings(recordings, name), { inputs });
      await emitReport(context, options, {
        title: `Async tasks of ${name}`,
        result,
        blocks: () => [
          { kind: 'heading', level: 1, text: `Async tasks of ${name}` },
          ...facts,
          ...asyncTasksView(result, { top: options.top }),
        ],
      });
    });
  return withCommonOptions(command);
}

function withoutTasks(word: string, found: string): TprofError {
  return new TprofError('input-invalid', `${word}: expected the tasks of a tokio program, found ${found}`, {
    hint: 'record them: tprof record --tokio-console :6669 -- ./my-service',
  });
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0.');
  return value;
}
