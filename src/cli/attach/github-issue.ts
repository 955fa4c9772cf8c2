// https://docs.github.com/rest/issues/comments
import { TprofError } from '../../base/errors.ts';
import { asObject } from '../../base/narrow.ts';
import { TPROF_VERSION } from '../version.ts';
import type { ApiAnswer, ApiRequest, Wire } from './exchange.ts';
import type { TicketAddress } from './ticket-address.ts';
import { send, type TicketTracker } from './ticket-tracker.ts';

/** Version of the REST API that requests are written for. */
const API_VERSION = '2022-11-28';

export type GitHubAddress = Extract<TicketAddress, { tracker: 'github' }>;

/** The headers of every request but the token. */
export const GITHUB_HEADERS: Readonly<Record<string, string>> = {
  accept: 'application/vnd.github+json',
  'x-github-api-version': API_VERSION,
  'user-agent': `tprof/${TPROF_VERSION}`,
};

export function gitHubCommentsUrl({ api, owner, repo, number }: GitHubAddress): string {
  return `${api}/repos/${owner}/${repo}/issues/${number}/comments`;
}

/** An issue or pull request of GitHub: both take issue comments. */
export function gitHubIssue(
  address: GitHubAddress,
  token: { readonly variable: string; readonly value: string },
  wire: Wire,
): TicketTracker {
  const headers = { ...GITHUB_HEADERS, authorization: `Bearer ${token.value}` };
  const ticket = `${address.owner}/${address.repo}#${address.number}`;
  const ask = async (request: ApiRequest, expected: number): Promise<ApiAnswer> => {
    const answer = await send('GitHub', request, wire, request.method === 'GET');
    if (answer.status !== expected) throw refusal(answer, ticket, token);
    return answer;
  };
  return {
    vendor: 'GitHub',
    async find(mark) {
      let url: string | undefined = `${gitHubCommentsUrl(address)}?per_page=100`;
      while (url !== undefined) {
        const { text, headers: answered } = await ask({ method: 'GET', url, headers }, 200);
        const comments = parse(text, ticket);
        // Anything else would read as "not posted yet".
        if (!Array.isArray(comments)) throw notTheApi(ticket);
        for (const entry of comments as unknown[]) {
          const { body, html_url: page } = asObject(entry);
          if (typeof body === 'string' && body.includes(mark)) return String(page);
        }
        url = nextPage(answered.get('link'), url);
      }
      return undefined;
    },
    async create(body) {
      const request: ApiRequest = {
        method: 'POST',
        url: gitHubCommentsUrl(address),
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ body }),
      };
      const { text } = await ask(request, 201);
      return String(asObject(parse(text, ticket)).html_url);
    },
  };
}

/** The next page by the Link header (RFC 8288); never one of another server, where the token does not belong. */
function nextPage(link: string | null, from: string): string | undefined {
  const next = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(link ?? '')?.[1];
  if (next === undefined) return undefined;
  const url = new URL(next, from);
  return url.origin === new URL(from).origin ? url.href : undefined;
}

function parse(text: string, ticket: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notTheApi(ticket, cause);
  }
}

function notTheApi(ticket: string, cause?: unknown): TprofError {
  return new TprofError('machine-lacks', `${ticket}: expected an answer of the API of GitHub, found something else`, {
    hint: 'GITHUB_API_URL must name the API, not the web server: https://HOST/api/v3 on GitHub Enterprise Server',
    cause,
  });
}

function refusal(
  { status, text, headers }: ApiAnswer,
  ticket: string,
  token: { readonly variable: string; readonly value: string },
): TprofError {
  const said = saidBy(text, token.value);
  const why = said === '' ? '' : `: ${said}`;
  switch (status) {
    case 401:
      return new TprofError('machine-lacks', `GitHub does not accept the token in ${token.variable} (401)${why}`, {
        hint: 'make a token that may write issues (fine-grained: Issues, read and write; classic: repo) and export it',
      });
    case 403:
      return new TprofError(
        'machine-lacks',
        `the token in ${token.variable} may not comment on ${ticket} (403)${why}`,
        {
          hint: `it needs: ${headers.get('x-accepted-github-permissions') ?? 'issues=write'}; the ticket may also be locked`,
        },
      );
    case 404:
      return new TprofError(
        'input-missing',
        `${ticket} is not there, or the token in ${token.variable} may not see it (404)${why}`,
        {
          hint: 'GitHub hides private repositories from tokens without access to them',
        },
      );
    case 410:
      return new TprofError('input-missing', `${ticket} was deleted, or its repository has no issues (410)${why}`);
    case 413:
    case 422:
      return new TprofError('input-invalid', `GitHub does not take this comment on ${ticket} (${status})${why}`, {
        hint: 'post comment.md by hand, shortened, and attach the archive in the browser',
      });
    default:
      if (status >= 300 && status < 400) {
        return new TprofError('input-missing', `${ticket} has moved to another server (${status})`, {
          hint: `it is now at ${headers.get('location') ?? 'an address that was not told'}`,
        });
      }
      return new TprofError('machine-lacks', `GitHub refused a comment on ${ticket} (${status})${why}`);
  }
}

/** What the server says of a failure, in one line and without the token. */
function saidBy(text: string, token: string): string {
  let message = '';
  try {
    const { message: whole, errors } = asObject(JSON.parse(text));
    const details = Array.isArray(errors)
      ? errors.flatMap(entry => {
          const detail = typeof entry === 'string' ? entry : asObject(entry).message;
          return typeof detail === 'string' ? [detail] : [];
        })
      : [];
    message = [whole, ...details].filter(part => typeof part === 'string').join(': ');
  } catch {
    // A proxy's page says nothing that fits in a sentence.
  }
  return message
    .replaceAll(token, '…')
    .replace(/\s+/g, ' ')
    .replace(/[.\s]+$/, '')
    .slice(0, 200);
}
