import { join, relative, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { formatBytes, formatCount } from '../../base/format-units.ts';
import { REDACTION_CLASSES, type RedactionClass } from '../../redaction/secret-patterns.ts';
import { buildAttachment, safeName } from '../attach/build-attachment.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';
import { writeStdout } from '../output.ts';

interface AttachCommandOptions extends CommonOptions {
  readonly keep: readonly RedactionClass[];
}

/** `tprof attach TICKET INPUT…` */
export function attachCommand(context: CliContext): Command {
  return new Command('attach')
    .description(
      'Put the evidence for a ticket together: comment, pictures, profile, spans, breakdown; nothing secret in it.',
    )
    .argument('<ticket>', 'name of the ticket: TAS-162, owner/repo#12')
    .argument('<input...>', 'capture folders; or traces, profiles and tables of one run (.gz, .zst too)')
    .option('-o, --output <dir>', 'folder to write (default: .tprof/attach/TICKET)')
    .option(
      '--keep <class>',
      `leave a class of values in (repeatable): ${REDACTION_CLASSES.join(', ')}`,
      redactionClass,
      [],
    )
    .option('--json', 'print the manifest as JSON')
    .option('-q, --quiet', 'say nothing on standard error but failures')
    .addHelpText(
      'after',
      `
Leaves a folder and the same as one .tar.gz: comment.md for the ticket, the capture without its secrets, manifest.json
with checksums and what was replaced. Nothing leaves the machine. What cannot be gone through for secrets (binary
recordings) stays behind, and the comment says so.

Examples:
  $ tprof attach TAS-162 .tprof/2026-11-21T03-15-00-linear
  $ tprof attach TAS-162 traces.jsonl.gz logs.jsonl.gz rows.json.gz
  $ tprof attach TAS-162 perf.data --keep build-path`,
    )
    .action(async (ticket: string, inputs: string[], options: AttachCommandOptions) => {
      const directory = resolve(context.cwd, options.output ?? join('.tprof', 'attach', safeName(ticket)));
      const attachment = await buildAttachment({ ticket, inputs, directory, keep: options.keep }, context);
      if (options.json === true) {
        await writeStdout(context, `${JSON.stringify(attachment)}\n`);
        return;
      }
      const shown = relative(context.cwd, directory) || '.';
      const bytes = attachment.files.reduce((sum, file) => sum + file.bytes, 0);
      await writeStdout(context, `${join(shown, 'comment.md')}\n${join(shown, attachment.archive)}\n`);
      say(
        context,
        options,
        `${formatCount(attachment.files.length)} files, ${formatBytes(bytes)}; read ${join(shown, 'comment.md')} before you post it`,
      );
      for (const { class: kind, times, distinct } of attachment.redacted) {
        say(context, options, `  redacted: ${kind}: ${formatCount(times)} × (${formatCount(distinct)} different)`);
      }
      for (const { file, why } of attachment.leftOut) say(context, options, `  left out: ${file}: ${why}`);
    });
}

function redactionClass(text: string, previous: readonly RedactionClass[]): readonly RedactionClass[] {
  const found = REDACTION_CLASSES.find(kind => kind === text);
  if (found === undefined) throw new InvalidArgumentError(`there is: ${REDACTION_CLASSES.join(', ')}`);
  return [...previous, found];
}
