import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { CAPTURES_FOLDER } from '../../../collectors/capture-folder.ts';
import { type ListedCapture, listCaptures, removeCapture } from '../../../collectors/list-captures.ts';
import { TprofError } from '../../base/errors.ts';
import { formatBytes } from '../../base/format-units.ts';
import { type CliContext, say } from '../context.ts';

interface PruneOptions {
  readonly keep?: number;
  readonly olderThan?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `tprof prune` */
export function pruneCommand(context: CliContext): Command {
  return new Command('prune')
    .description('Remove old captures below .tprof; nothing that is not a capture, and none that is being recorded.')
    .option('--keep <n>', 'keep the newest N', wholeNumber)
    .option('--older-than <age>', 'remove what is older: 7d, 12h, 30m', age)
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .option('--json', 'the whole result as JSON on standard output, nothing else')
    .option('-q, --quiet', 'say nothing on standard error but failures')
    .addHelpText(
      'after',
      `
With both options, a capture goes if it is older and not among the newest N.

Examples:
  $ tprof prune --keep 5
  $ tprof prune --older-than 7d --dry-run`,
    )
    .action(async (options: PruneOptions) => {
      if (options.keep === undefined && options.olderThan === undefined) {
        throw new TprofError('usage', 'prune needs to know what may go', {
          hint: 'tprof prune --keep 5; tprof prune --older-than 7d',
        });
      }
      const captures = await listCaptures(join(context.cwd, CAPTURES_FOLDER));
      const going = doomed(captures, options, Date.now());
      const removed: ListedCapture[] = [];
      for (const capture of going) {
        if (options.dryRun === true || (await removeCapture(capture.directory))) removed.push(capture);
      }
      const bytes = removed.reduce((sum, capture) => sum + capture.bytes, 0);
      if (options.json === true) {
        const result = {
          schema: 'tprof.prune/1',
          epochNs: '0',
          inputs: [CAPTURES_FOLDER],
          warnings: [],
          dryRun: options.dryRun === true,
          removed: removed.map(capture => ({ name: capture.name, bytes: capture.bytes })),
          kept: captures.length - removed.length,
        };
        context.stdout.write(`${JSON.stringify(result)}\n`);
        return;
      }
      for (const { name } of removed) context.stdout.write(`${name}\n`);
      const did = options.dryRun === true ? 'would remove' : 'removed';
      say(context, options, `${did} ${removed.length} of ${captures.length} captures, ${formatBytes(bytes)}`);
    });
}

/** `captures` come newest first; one that is being recorded counts as kept. */
export function doomed(
  captures: readonly ListedCapture[],
  { keep, olderThan }: { readonly keep?: number; readonly olderThan?: number },
  nowMs: number,
): ListedCapture[] {
  return captures.filter(({ manifest, recording }, i) => {
    if (recording) return false;
    if (keep !== undefined && i < keep) return false;
    return olderThan === undefined || nowMs - Date.parse(manifest.startedAt) > olderThan;
  });
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a number of captures.');
  return Number(text);
}

function age(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(m|h|d|w)$/.exec(text);
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw new InvalidArgumentError('expected an age such as 7d, 12h or 30m.');
  return Number(match[1]) * unit;
}
