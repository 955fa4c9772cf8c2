import { Command } from 'commander';
import type { Format } from '../../formats/format.ts';
import { FORMATS } from '../../formats/list.ts';
import type { Block } from '../../report/block.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { emitReport, withCommonOptions } from '../output.ts';

export function formatsCommand(context: CliContext): Command {
  const command = new Command('formats').description(
    'List the formats: what is read, what is written, how it is told.',
  );
  return withCommonOptions(command)
    .addHelpText('after', '\nExamples:\n  tprof formats\n  tprof formats --json | jq -r ".formats[].id"')
    .action(async (options: CommonOptions) => {
      const result = { schema: 'tprof.formats/1', epochNs: '0', inputs: [], warnings: [], formats: FORMATS.map(row) };
      await emitReport(context, options, { title: 'Formats', result, blocks });
    });
}

function row(format: Format): object {
  const { id, kind, title, recognisedBy, extensions } = format;
  return { id, kind, read: format.read !== undefined, write: canWrite(format), title, recognisedBy, extensions };
}

function canWrite(format: Format): boolean {
  return format.kind === 'profile' && format.write !== undefined;
}

function blocks(): Block[] {
  const rows = FORMATS.map(format => [
    format.id,
    format.read === undefined ? '' : 'read',
    canWrite(format) ? 'write' : '',
    format.kind,
    format.title,
    format.recognisedBy,
  ]);
  const titles = ['format', 'read', 'write', 'holds', 'what it is', 'recognised by'];
  return [
    {
      kind: 'table',
      columns: titles.map((title, i) => ({ title, align: 'left', code: i === 0 })),
      rows,
    },
  ];
}
