import { join, relative } from 'node:path';
import { Command } from 'commander';
import { CAPTURES_FOLDER } from '../../../collectors/capture-folder.ts';
import { type ListedCapture, listCaptures } from '../../../collectors/list-captures.ts';
import { formatBytes, formatCount, formatDuration } from '../../base/format-units.ts';
import type { Block, Cell } from '../../report/block.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { emitReport, withCommonOptions } from '../output.ts';

/** `tprof list` */
export function listCommand(context: CliContext): Command {
  const command = new Command('list').description('List the captures below .tprof, newest first.');
  return withCommonOptions(command)
    .addHelpText('after', '\nExamples:\n  $ tprof list\n  $ tprof list --json | jq -r ".captures[0].directory"')
    .action(async (options: CommonOptions) => {
      const captures = await listCaptures(join(context.cwd, CAPTURES_FOLDER));
      const result = {
        schema: 'tprof.list/1',
        epochNs: '0',
        inputs: [CAPTURES_FOLDER],
        warnings: [],
        captures: captures.map(capture => row(capture, context.cwd)),
      };
      await emitReport(context, options, { title: 'Captures', result, blocks: () => blocks(captures) });
    });
}

function row({ directory, name, manifest, bytes, recording }: ListedCapture, cwd: string): object {
  return {
    directory: relative(cwd, directory),
    name,
    startedAt: manifest.startedAt,
    durationNs: manifest.durationNs ?? null,
    complete: manifest.complete,
    recording,
    command: manifest.command,
    exit: manifest.exit ?? null,
    bytes,
    processes: manifest.processes.length,
    profiles: manifest.profiles.length,
    spans: manifest.spans.accepted,
    losses: manifest.losses.length,
  };
}

function blocks(captures: readonly ListedCapture[]): Block[] {
  if (captures.length === 0) {
    return [{ kind: 'paragraph', text: 'No captures below .tprof. Make one with: tprof record -- e2e linear' }];
  }
  const left = (title: string): { title: string; align: 'left' } => ({ title, align: 'left' });
  const right = (title: string): { title: string; align: 'right' } => ({ title, align: 'right' });
  return [
    {
      kind: 'table',
      columns: [
        left('capture'),
        left('state'),
        right('took'),
        right('size'),
        right('profiles'),
        right('spans'),
        left('command'),
      ],
      rows: captures.map(({ name, manifest, bytes, recording }): Cell[] => [
        name,
        stateOf(manifest, recording),
        manifest.durationNs === undefined ? '' : formatDuration(manifest.durationNs),
        formatBytes(bytes),
        formatCount(manifest.profiles.length),
        formatCount(manifest.spans.accepted),
        manifest.command.length === 0 ? '(attached)' : manifest.command.join(' '),
      ]),
    },
  ];
}

function stateOf({ complete, exit }: ListedCapture['manifest'], recording: boolean): string {
  if (recording) return 'recording';
  const how = exit === undefined ? '' : exit.signal !== null ? exit.signal : exit.code === 0 ? '' : `exit ${exit.code}`;
  if (!complete) return how === '' ? 'incomplete' : `incomplete, ${how}`;
  return how === '' ? 'complete' : how;
}
