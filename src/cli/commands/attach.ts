import { join, relative, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { TprofError } from '../../base/errors.ts';
import { formatBytes, formatCount } from '../../base/format-units.ts';
import { REDACTION_CLASSES, type RedactionClass } from '../../redaction/secret-patterns.ts';
import { type Attachment, buildAttachment, safeName } from '../attach/build-attachment.ts';
import type { Wire } from '../attach/exchange.ts';
import { announce, type PostResult, type PostTarget, postTarget, preparePost } from '../attach/post-attachment.ts';
import { TRACKERS, type Tracker, ticketName } from '../attach/ticket-address.ts';
import { type CliContext, type CommonOptions, say } from '../context.ts';
import { writeStdout } from '../output.ts';

interface AttachCommandOptions extends CommonOptions {
  readonly keep: readonly RedactionClass[];
  readonly post?: Tracker;
  readonly dryRun?: boolean;
  readonly postKept?: boolean;
  readonly upload: boolean;
}

/** `tprof attach TICKET INPUT…` */
export function attachCommand(context: CliContext): Command {
  return new Command('attach')
    .description(
      'Put the evidence for a ticket together: comment, pictures, profile, spans, breakdown; nothing secret in it.',
    )
    .argument('<ticket>', 'name of the ticket: TAS-162, owner/repo#12, or its address')
    .argument('<input...>', 'capture folders; or traces, profiles and tables of one run (.gz, .zst too)')
    .option('-o, --output <dir>', 'folder to write (default: .tprof/attach/TICKET)')
    .option(
      '--keep <class>',
      `leave a class of values in (repeatable): ${REDACTION_CLASSES.join(', ')}`,
      redactionClass,
      [],
    )
    .addOption(
      new Option('--post <where>', 'post the comment, with a token from the environment').choices([...TRACKERS]),
    )
    .option('--dry-run', 'with --post: print what would be sent, and send nothing')
    .option('--no-upload', 'with --post linear: the comment alone, without files')
    .option('--post-kept', 'with --post: also post what --keep left in')
    .option('--json', 'print the manifest as JSON')
    .option('-q, --quiet', 'say nothing on standard error but failures')
    .addHelpText(
      'after',
      `
Leaves a folder and the same as one .tar.gz: comment.md for the ticket, the capture without its secrets, manifest.json
with checksums and what was replaced. What cannot be gone through for secrets (binary recordings) stays behind, and the
comment says so. Without --post, nothing leaves the machine.

--post github takes a token from GH_TOKEN or GITHUB_TOKEN, and posts the comment; the API takes no files, so the comment
names the archive. GITHUB_API_URL names the API of a GitHub Enterprise. --post linear takes the key from LINEAR_API_KEY,
uploads the archive and the pictures, and posts a comment that links them. The same evidence is posted once: running the
command again says where it is.

Examples:
  $ tprof attach TAS-162 .tprof/2026-11-21T03-15-00-linear
  $ tprof attach TAS-162 traces.jsonl.gz logs.jsonl.gz rows.json.gz
  $ tprof attach TAS-162 perf.data --keep build-path
  $ tprof attach acme/shop#12 capture/ --post github --dry-run      see what would be sent
  $ tprof attach TAS-162 capture/ --post linear`,
    )
    .action(async (ticket: string, inputs: string[], options: AttachCommandOptions) => {
      await attach(ticket, inputs, options, context);
    });
}

async function attach(
  ticket: string,
  inputs: string[],
  options: AttachCommandOptions,
  context: CliContext,
): Promise<void> {
  const target = targetOf(ticket, options, context);
  const name = ticketName(ticket);
  const directory = resolve(context.cwd, options.output ?? join('.tprof', 'attach', safeName(name)));
  const attachment = await buildAttachment({ ticket: name, inputs, directory, keep: options.keep }, context);
  const shown = relative(context.cwd, directory) || '.';
  if (options.json !== true) {
    await writeStdout(context, `${join(shown, 'comment.md')}\n${join(shown, attachment.archive)}\n`);
    tellWhatWasMade(attachment, shown, options, context);
  }
  const post = target === undefined ? undefined : await postOrShow(attachment, target, shown, options, context);
  if (options.json === true) {
    await writeStdout(context, `${JSON.stringify(post === undefined ? attachment : { ...attachment, post })}\n`);
  }
}

/** Where to post, with everything refused that can be before work is done. */
function targetOf(ticket: string, options: AttachCommandOptions, context: CliContext): PostTarget | undefined {
  const { post, dryRun = false, keep, upload } = options;
  if (post === undefined) {
    const alone = dryRun ? '--dry-run' : options.postKept === true ? '--post-kept' : upload ? undefined : '--no-upload';
    if (alone === undefined) return undefined;
    throw new TprofError('usage', `${alone} is of use with --post alone: without it, nothing is sent`, {
      hint: `name where to post: --post ${TRACKERS.join(' or --post ')}`,
    });
  }
  if (keep.length > 0 && options.postKept !== true && !dryRun) {
    throw new TprofError(
      'usage',
      `--keep ${keep.join(' --keep ')} leaves values in that would be posted for others to read`,
      {
        hint: 'leave --keep out, or say that you want this with --post-kept',
      },
    );
  }
  return postTarget(post, ticket, context.env, { dryRun, upload });
}

function tellWhatWasMade(
  attachment: Attachment,
  shown: string,
  options: AttachCommandOptions,
  context: CliContext,
): void {
  const bytes = attachment.files.reduce((sum, file) => sum + file.bytes, 0);
  const advice = options.post === undefined ? `; read ${join(shown, 'comment.md')} before you post it` : '';
  say(context, options, `${formatCount(attachment.files.length)} files, ${formatBytes(bytes)}${advice}`);
  for (const { class: kind, times, distinct } of attachment.redacted) {
    say(context, options, `  redacted: ${kind}: ${formatCount(times)} × (${formatCount(distinct)} different)`);
  }
  for (const { file, why } of attachment.leftOut) say(context, options, `  left out: ${file}: ${why}`);
}

async function postOrShow(
  attachment: Attachment,
  target: PostTarget,
  shown: string,
  options: AttachCommandOptions,
  context: CliContext,
): Promise<PostResult> {
  const prepared = await preparePost(attachment, target);
  const post = options.dryRun === true ? prepared : { ...prepared, result: { ...prepared.result, dryRun: false } };
  for (const line of announce(post, target, join(shown, attachment.archive))) say(context, options, line);
  if (options.dryRun === true) {
    if (options.json !== true) await writeStdout(context, `\n${showRequests(post.result)}\n${post.preview}`);
    return post.result;
  }
  const wire: Wire = {
    timeoutMs: 30_000,
    wait: ms => new Promise(done => setTimeout(done, ms)),
    say: line => say(context, options, line),
  };
  const result = await post.send(wire);
  say(context, options, result.alreadyPosted ? 'already posted, so nothing was sent:' : 'posted:');
  if (options.json !== true) await writeStdout(context, `${result.url}\n`);
  return result;
}

/** Method, address and headers of each request that would be made; the comment itself is printed after them. */
function showRequests({ requests }: PostResult): string {
  return requests
    .map(({ method, url, headers }) =>
      [`${method} ${url}`, ...Object.entries(headers).map(([key, value]) => `${key}: ${value}`), ''].join('\n'),
    )
    .join('\n');
}

function redactionClass(text: string, previous: readonly RedactionClass[]): readonly RedactionClass[] {
  const found = REDACTION_CLASSES.find(kind => kind === text);
  if (found === undefined) throw new InvalidArgumentError(`there is: ${REDACTION_CLASSES.join(', ')}`);
  return [...previous, found];
}
