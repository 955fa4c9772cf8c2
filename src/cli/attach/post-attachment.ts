import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TprofError } from '../../base/errors.ts';
import { formatBytes, formatCount } from '../../base/format-units.ts';
import type { CliContext } from '../context.ts';
import type { Attachment } from './build-attachment.ts';
import { type CommentToPost, type EvidenceArchive, gitHubComment, linearComment } from './comment-to-post.ts';
import type { Wire } from './exchange.ts';
import { GITHUB_HEADERS, gitHubCommentsUrl, gitHubIssue } from './github-issue.ts';
import { LINEAR_HEADERS, LINEAR_QUERIES, linearIssue } from './linear-issue.ts';
import { type TicketAddress, type Tracker, ticketAddress } from './ticket-address.ts';
import { type Posted, postOnce } from './ticket-tracker.ts';

/** Where tokens are looked for, the first that is set: never in an argument, which every process can read. */
const TOKEN_VARIABLES: Readonly<Record<Tracker, readonly string[]>> = {
  github: ['GH_TOKEN', 'GITHUB_TOKEN'],
  linear: ['LINEAR_API_KEY'],
};

/** Files that go up one by one beside the archive, where the tracker takes files. */
const SHOWN_ALONE = /^capture(-\d+)?\/(flame\.(svg|html)|profile\.speedscope\.json|report\.html)$/;

export interface PostTarget {
  readonly address: TicketAddress;
  /** The variable that holds the token; its value is undefined in a dry run without one. */
  readonly token: { readonly variable: string; readonly value: string | undefined };
  readonly upload: boolean;
}

/** What `--post` did, or would do: `post` of `tprof attach --json`. */
export interface PostResult {
  readonly tracker: Tracker;
  readonly ticket: string;
  readonly dryRun: boolean;
  readonly alreadyPosted: boolean;
  /** Of the comment; null in a dry run. */
  readonly url: string | null;
  readonly characters: number;
  /** Characters that did not fit into a comment. */
  readonly cutCharacters: number;
  readonly uploads: readonly { readonly path: string; readonly bytes: number; readonly contentType: string }[];
  readonly requests: readonly {
    readonly method: string;
    readonly url: string;
    readonly headers: object;
    readonly body: unknown;
  }[];
}

/** Everything that can be known to be wrong before anything is built: the ticket, the token. */
export function postTarget(
  tracker: Tracker,
  ticket: string,
  env: CliContext['env'],
  options: { readonly dryRun: boolean; readonly upload: boolean },
): PostTarget {
  const address = ticketAddress(tracker, ticket, env);
  const names = TOKEN_VARIABLES[tracker];
  const variable = names.find(name => (env[name] ?? '').trim() !== '');
  if (variable === undefined && !options.dryRun) {
    throw new TprofError(
      'machine-lacks',
      `posting to ${ticket} needs a token, and ${names.join(' and ')} are not set`.replace(
        ' are ',
        names.length === 1 ? ' is ' : ' are ',
      ),
      {
        hint: `export ${names.at(-1)}=…, or see with --dry-run what would be sent`,
      },
    );
  }
  const value = variable === undefined ? undefined : env[variable]?.trim();
  return { address, token: { variable: variable ?? names.at(-1)!, value }, upload: options.upload };
}

/** A comment that is ready to go, and how to send it. */
export interface Post {
  readonly result: PostResult;
  /** The comment as it will stand on the ticket; addresses of uploads are not known before. */
  readonly preview: string;
  readonly send: (wire: Wire) => Promise<PostResult>;
}

export async function preparePost(attachment: Attachment, target: PostTarget): Promise<Post> {
  const { directory } = attachment;
  const comment = await readFile(join(directory, 'comment.md'), 'utf8');
  const archive = await archiveOf(attachment);
  const { address } = target;
  if (address.tracker === 'github') {
    const made = gitHubComment(comment, archive);
    const request = {
      method: 'POST',
      url: gitHubCommentsUrl(address),
      headers: { ...GITHUB_HEADERS, authorization: `Bearer (${target.token.variable})` },
      body: { body: made.body },
    };
    const result = planned(target, made, [], [request]);
    return {
      result,
      preview: made.body,
      send: async wire => {
        const tracker = gitHubIssue(address, tokenOf(target), wire);
        return done(result, await postOnce(tracker, archive.sha256, async () => made.body, wire));
      },
    };
  }
  const uploads = target.upload
    ? [
        { path: archive.name, bytes: archive.bytes, contentType: 'application/gzip' },
        ...attachment.files
          .filter(file => SHOWN_ALONE.test(file.path))
          .map(({ path, bytes }) => ({ path, bytes, contentType: contentTypeOf(path) })),
      ]
    : [];
  const withUrls = (urlOf: (index: number) => string): CommentToPost =>
    linearComment(
      comment,
      archive,
      uploads.map(({ path, bytes }, i) => ({ name: path, bytes, url: urlOf(i), isPicture: path.endsWith('.svg') })),
    );
  const made = withUrls(() => '(address of the upload)');
  const headers = { ...LINEAR_HEADERS, authorization: `(${target.token.variable})` };
  const request = (query: string, variables: object): PostResult['requests'][number] => ({
    method: 'POST',
    url: address.api,
    headers,
    body: { query, variables },
  });
  const result = planned(target, made, uploads, [
    ...uploads.map(({ path, bytes, contentType }) =>
      request(LINEAR_QUERIES.upload, { contentType, filename: flatName(path), size: bytes }),
    ),
    request(LINEAR_QUERIES.comment, { input: { issueId: address.identifier, body: made.body } }),
  ]);
  return {
    result,
    preview: made.body,
    send: async wire => {
      const tracker = linearIssue(address, tokenOf(target), wire);
      const makeBody = async (): Promise<string> => {
        const urls: string[] = [];
        for (const { path, bytes, contentType } of uploads) {
          wire.say(`uploading ${path} (${formatBytes(bytes)})`);
          urls.push(await tracker.upload(join(directory, path), flatName(path), contentType));
        }
        return withUrls(i => urls[i]!).body;
      };
      return done(result, await postOnce(tracker, archive.sha256, makeBody, wire));
    },
  };
}

/** What leaves, in a few lines: said before it does. */
export function announce({ result }: Post, { token }: PostTarget, archive: string): string[] {
  const { ticket, characters, cutCharacters, uploads, tracker } = result;
  return [
    `${result.dryRun ? 'would post' : 'posting'} to ${ticket} as the owner of ${token.variable}: a comment of ${formatCount(characters)} characters${cutCharacters > 0 ? ` (${formatCount(cutCharacters)} more do not fit)` : ''}`,
    ...uploads.map(({ path, bytes }) => `  and the file ${path} (${formatBytes(bytes)})`),
    ...(uploads.length > 0
      ? []
      : [`  ${archive} stays here${tracker === 'github' ? ': the API of GitHub takes no files with a comment' : ''}`]),
  ];
}

function planned(
  { address }: PostTarget,
  made: CommentToPost,
  uploads: PostResult['uploads'],
  requests: PostResult['requests'],
): PostResult {
  return {
    tracker: address.tracker,
    ticket: address.tracker === 'github' ? `${address.owner}/${address.repo}#${address.number}` : address.identifier,
    dryRun: true,
    alreadyPosted: false,
    url: null,
    characters: made.body.length,
    cutCharacters: made.cut,
    uploads,
    requests,
  };
}

function done(result: PostResult, { url, already }: Posted): PostResult {
  return { ...result, dryRun: false, alreadyPosted: already, url, requests: [] };
}

function tokenOf({ token: { variable, value } }: PostTarget): { variable: string; value: string } {
  if (value === undefined) throw new TprofError('machine-lacks', `${variable} is not set`);
  return { variable, value };
}

async function archiveOf({ directory, archive }: Attachment): Promise<EvidenceArchive> {
  const path = join(directory, archive);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { name: archive, bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

function contentTypeOf(path: string): string {
  if (path.endsWith('.svg')) return 'image/svg+xml';
  return path.endsWith('.html') ? 'text/html' : 'application/json';
}

/** `capture/flame.svg` → `capture-flame.svg`: storage has no folders. */
function flatName(path: string): string {
  return path.replaceAll('/', '-');
}
