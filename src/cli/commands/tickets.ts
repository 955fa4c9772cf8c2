import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { analyzeTickets, type TicketsResult } from '../../../analyzers/tickets.ts';
import { TprofError } from '../../base/errors.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import { notRecommendedView, ticketsOverview, ticketsView, ticketView } from '../../report/tickets-view.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';
import { emitReport, withCommonOptions, writeFileWhole, writeStdout } from '../output.ts';
import { ticketEvidence } from '../ticket-evidence.ts';

interface TicketsCommandOptions extends CommonOptions {
  readonly from?: string;
  readonly weight?: string;
  readonly top: number;
}

/** `tprof tickets INPUT…` */
export function ticketsCommand(context: CliContext): Command {
  const command = new Command('tickets')
    .description('Draft one ticket for each optimisation target: evidence, expected impact, acceptance criteria.')
    .argument('<input...>', 'captures; or a trace, tables and profiles of one run (.gz, .zst too)')
    .option('--top <n>', 'drafts at most, the others are named', positiveInteger, 10)
    .option('--weight <name>', 'the weight of profiles to go by (samples, cpu, wall, off-cpu, …)')
    .option('--from <format>', 'read the inputs as this format instead of detecting it')
    .addHelpText(
      'after',
      `
Targets of a workflow's time are replayed: the recorded tasks are run again with the target taking half as long, and no
time at all. What that would bring decides, not the target's share. Profiles give targets of processor time, and say
nothing of latency. What was recorded too seldom for a ticket is a note; what is not worth one is listed with the reason.

Examples:
  $ tprof tickets capture/                                  all drafts as Markdown
  $ tprof tickets capture/ -o tickets/                      a file for each, to paste or to commit
  $ tprof tickets traces.jsonl.gz logs.jsonl.gz rows.json.gz
  $ tprof tickets profile.json.gz --format terminal         processor time alone
  $ tprof tickets capture/ --json | jq '.tickets[] | {title, impact}'`,
    )
    .action(async (inputs: string[], options: TicketsCommandOptions) => {
      const evidence = await ticketEvidence(inputs, context, { from: options.from, weight: options.weight });
      const result = analyzeTickets(evidence);
      const shown = topOf(result, options.top);
      const { output } = options;
      if (output !== undefined && !/\.(md|html?|json)$/i.test(output) && options.json !== true) {
        await writeFolder(output, shown, options, context);
        return;
      }
      await emitReport(
        context,
        // Drafts are there to be pasted: Markdown unless something else was asked for.
        output === undefined && options.format === undefined && options.json !== true
          ? { ...options, format: 'markdown' }
          : options,
        { title: `Tickets for ${inputs.join(' ')}`, result, blocks: () => ticketsView(shown) },
      );
    });
  return withCommonOptions(command, 'write one file each into this folder; or FILE.md, .html, .json with all');
}

/** The best of them as drafts; the rest by name, so that nothing is dropped in silence. */
function topOf(result: TicketsResult, top: number): TicketsResult {
  if (result.tickets.length <= top) return result;
  const rest = result.tickets
    .slice(top)
    .map(ticket => `${ticket.title} (draft it with --top ${result.tickets.length})`);
  return { ...result, tickets: result.tickets.slice(0, top), notes: [...result.notes, ...rest] };
}

/** `01-….md` and so on, and `README.md` with the list. Files of the same names are replaced, others are left alone. */
async function writeFolder(
  output: string,
  result: TicketsResult,
  options: TicketsCommandOptions,
  context: CliContext,
): Promise<void> {
  const folder = resolve(context.cwd, output);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new TprofError('usage', `${output}: expected a folder to write into, and it cannot be made`, {
      hint: 'name a new folder with -o, or FILE.md for all drafts in one',
      cause,
    });
  });
  await refuseForeign(folder, output);
  const digits = String(result.tickets.length).length;
  const files = result.tickets.map((ticket, i) => ({
    name: `${String(i + 1).padStart(Math.max(2, digits), '0')}-${ticket.id}.md`,
    text: renderMarkdown(ticketView(ticket, result.inputs)),
  }));
  files.push({
    name: 'README.md',
    text: renderMarkdown([
      { kind: 'heading', level: 1, text: `${MARK} ${result.inputs.join(' ')}` },
      ...ticketsOverview(result),
      ...notRecommendedView(result),
    ]),
  });
  for (const { name, text } of files) await writeFileWhole(join(folder, name), text);
  const shown = relative(context.cwd, folder) || '.';
  await writeStdout(context, files.map(({ name }) => `${join(shown, name)}\n`).join(''));
  say(context, options, `${result.tickets.length} drafts; read them before you file them`);
}

/** First words of our README.md: what tells a folder of ours from another's. */
const MARK = 'Optimisation targets in';

async function refuseForeign(folder: string, output: string): Promise<void> {
  const found = await readdir(folder);
  if (!found.includes('README.md')) return;
  const text = await readFile(join(folder, 'README.md'), 'utf8');
  if (text.startsWith(`# ${MARK}`)) return;
  throw new TprofError('usage', `${output}: its README.md is not of tprof tickets, and would be replaced`, {
    hint: 'name another folder with -o',
  });
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return value;
}
