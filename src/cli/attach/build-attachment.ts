import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { TprofError } from '../../base/errors.ts';
import { Redactor } from '../../redaction/redactor.ts';
import type { RedactionClass } from '../../redaction/secret-patterns.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import { CaptureModels } from '../capture-models.ts';
import type { CliContext } from '../context.ts';
import { writeFileWhole } from '../output.ts';
import { derive } from '../record/derive.ts';
import { DERIVE_STEPS } from '../record/derive-steps.ts';
import { TPROF_VERSION } from '../version.ts';
import { type ArchivedFile, listFiles, writeArchive } from './archive.ts';
import { sortAttachInputs } from './attach-inputs.ts';
import { commentBlocks, openerOf } from './comment.ts';
import { redactBareInput } from './redact-bare-input.ts';
import { type LeftOut, redactCapture } from './redact-capture.ts';

export interface AttachOptions {
  readonly ticket: string;
  readonly inputs: readonly string[];
  /** Absolute; made anew, or replaced where an attachment of ours is there. */
  readonly directory: string;
  readonly keep: readonly RedactionClass[];
}

/** `tprof.attachment/1`: the archive's manifest, and what `tprof attach --json` prints. */
export interface Attachment {
  readonly schema: 'tprof.attachment/1';
  readonly tprof: string;
  readonly ticket: string;
  readonly directory: string;
  readonly archive: string;
  readonly files: readonly (ArchivedFile & { readonly open: string })[];
  readonly redacted: readonly { readonly class: RedactionClass; readonly times: number; readonly distinct: number }[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Builds the folder and the archive beside its final place and moves them there when they are whole. Everything derived
 * is made anew from what was redacted, so that a picture cannot hold what the data no longer does.
 */
export async function buildAttachment(options: AttachOptions, context: CliContext): Promise<Attachment> {
  const { ticket, directory } = options;
  await refuseForeign(directory);
  const building = join(dirname(directory), `.${basename(directory)}-${process.pid}.partial`);
  try {
    await mkdir(building, { recursive: true });
    const attachment = await build(options, building, context);
    await rm(directory, { recursive: true, force: true });
    await rename(building, directory);
    return attachment;
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new TprofError('machine-lacks', `${directory}: the disk is full, nothing was written for ${ticket}`, {
        hint: 'free some space, or write elsewhere with -o',
        cause: error,
      });
    }
    throw error;
  }
}

async function build(options: AttachOptions, building: string, context: CliContext): Promise<Attachment> {
  const { captures, bare } = await sortAttachInputs(options.inputs, context);
  const redactor = new Redactor({
    keep: options.keep,
    identities: identitiesOf(context),
    secretValues: secretsOf(context.env),
  });
  const leftOut: LeftOut[] = [];
  const parts: CaptureModels[] = [];
  const folderOf = (): string => join(building, parts.length === 0 ? 'capture' : `capture-${parts.length + 1}`);
  for (const { directory, manifest } of captures) {
    const target = folderOf();
    const redacted = await redactCapture(directory, manifest, target, redactor);
    leftOut.push(...redacted.leftOut);
    parts.push(new CaptureModels(target, redacted.manifest));
  }
  if (bare !== undefined) {
    const target = folderOf();
    parts.push(new CaptureModels(target, await redactBareInput(bare, target, redactor)));
  }
  for (const models of parts) {
    const { failures } = await derive({ models }, DERIVE_STEPS);
    leftOut.push(...failures.map(why => ({ file: basename(models.directory), why })));
  }
  const name = safeName(options.ticket);
  const archive = `${name}.tar.gz`;
  const redacted = redactor.replaced();
  // The comment lists the files and is one of them: its own size is not in its table.
  const before = await listFiles(building);
  const blocks = [];
  for (const models of parts) {
    blocks.push(
      ...commentBlocks({
        ticket: options.ticket,
        manifest: models.manifest,
        hotPaths: await models.hotPaths(),
        breakdown: await models.breakdown(),
        files: before.filter(file => file.path.startsWith(`${basename(models.directory)}/`)),
        leftOut,
        redacted,
        archive,
      }),
    );
  }
  await writeFileWhole(join(building, 'comment.md'), renderMarkdown(blocks));
  const files = (await listFiles(building)).map(file => ({ ...file, open: openerOf(file.path) }));
  const attachment: Attachment = {
    schema: 'tprof.attachment/1',
    tprof: TPROF_VERSION,
    ticket: options.ticket,
    directory: options.directory,
    archive,
    files,
    redacted,
    leftOut,
  };
  // The folder's own path names this machine: it is said on standard output, not in the archive.
  await writeFileWhole(
    join(building, 'manifest.json'),
    `${JSON.stringify({ ...attachment, directory: name }, undefined, 2)}\n`,
  );
  await writeArchive(building, name, await listFiles(building), join(building, archive));
  return attachment;
}

/** Only nothing, an empty folder, or an attachment of ours may be replaced. */
async function refuseForeign(directory: string): Promise<void> {
  let found: string[];
  try {
    found = await readdir(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new TprofError('usage', `${directory}: expected a folder to write, found a file`, {
      hint: 'name a new folder with -o',
      cause,
    });
  }
  if (found.length === 0) return;
  const manifest = await readFile(join(directory, 'manifest.json'), 'utf8').catch(() => '');
  if (manifest.includes('"tprof.attachment/1"')) return;
  throw new TprofError(
    'usage',
    `${directory}: expected a new folder, found one that holds ${found.slice(0, 3).join(', ')}`,
    {
      hint: 'name a new folder with -o',
    },
  );
}

/** A ticket's name as a file name: `owner/repo#12` → `owner-repo-12`. */
export function safeName(ticket: string): string {
  return ticket.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|-+$/g, '') || 'ticket';
}

function identitiesOf(context: CliContext): { userNames: string[]; hostNames: string[]; homeFolders: string[] } {
  const names = new Set<string>();
  try {
    names.add(userInfo().username);
  } catch {
    // A user without a name (a container's number) needs none taken out.
  }
  for (const variable of ['USER', 'LOGNAME', 'SUDO_USER', 'USERNAME']) {
    const value = context.env[variable];
    if (value !== undefined) names.add(value);
  }
  const host = hostname();
  return {
    userNames: [...names],
    hostNames: [host, ...(host.includes('.') ? [host.split('.')[0]!] : [])],
    homeFolders: [context.env.HOME, context.env.USERPROFILE].filter(
      (folder): folder is string => (folder ?? '').length > 1,
    ),
  };
}

/** Values of variables whose names say that they are secrets. Short ones stand in too many words to be told apart. */
function secretsOf(env: CliContext['env']): string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined &&
    value.length >= 8 &&
    /(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL)/i.test(name)
      ? [value]
      : [],
  );
}
