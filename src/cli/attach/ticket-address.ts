import { TprofError } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';

/** Trackers that a comment can be posted to. */
export const TRACKERS = ['github', 'linear'] as const;
export type Tracker = (typeof TRACKERS)[number];

export type TicketAddress =
  | {
      readonly tracker: 'github';
      readonly owner: string;
      readonly repo: string;
      readonly number: number;
      /** Base of the REST API, without a slash at its end. */
      readonly api: string;
    }
  | {
      readonly tracker: 'linear';
      /** `TAS-162`. */
      readonly identifier: string;
      /** The GraphQL endpoint. */
      readonly api: string;
    };

const GITHUB_API = 'https://api.github.com';
const LINEAR_API = 'https://api.linear.app/graphql';

const GITHUB_SHORT = /^([\w-]+)\/([\w.-]+)#([1-9]\d{0,11})$/;
const GITHUB_PATH = /^\/([\w-]+)\/([\w.-]+)\/(?:issues|pull)\/([1-9]\d{0,11})\/?$/;
const LINEAR_SHORT = /^[A-Za-z][A-Za-z0-9]{0,9}-[1-9]\d{0,8}$/;
const LINEAR_PATH = /^\/[^/]+\/issue\/([A-Za-z][A-Za-z0-9]{0,9}-[1-9]\d{0,8})(?:\/[^/]*)?\/?$/;

/**
 * Where a ticket is. A token is only ever sent to the API that the environment names (or the vendor's own): an address
 * in an argument cannot lead it elsewhere.
 */
export function ticketAddress(tracker: Tracker, ticket: string, env: CliContext['env']): TicketAddress {
  return tracker === 'github' ? gitHubAddress(ticket, env) : linearAddress(ticket, env);
}

/** A ticket by its short name, whichever way it was written: what folders and headings are named after. */
export function ticketName(ticket: string): string {
  const url = asUrl(ticket);
  const gitHub = url === undefined ? null : GITHUB_PATH.exec(url.pathname);
  if (gitHub !== null) return `${gitHub[1]}/${gitHub[2]}#${gitHub[3]}`;
  return (url === undefined ? null : LINEAR_PATH.exec(url.pathname))?.[1]?.toUpperCase() ?? ticket;
}

function gitHubAddress(ticket: string, env: CliContext['env']): TicketAddress {
  const api = apiBase('GITHUB_API_URL', env.GITHUB_API_URL ?? '', GITHUB_API);
  const url = asUrl(ticket);
  const match = url === undefined ? GITHUB_SHORT.exec(ticket) : GITHUB_PATH.exec(url.pathname);
  const [, owner = '', repo = '', number = ''] = match ?? [];
  if (match === null || repo === '.' || repo === '..' || url?.username || url?.password) {
    throw new TprofError('usage', `${shown(ticket)}: expected an issue or pull request of GitHub`, {
      hint: 'write owner/repo#123, or the whole address of the issue',
    });
  }
  if (url !== undefined && url.host.replace(/^www\./, '') !== serverOf(api)) {
    throw new TprofError(
      'usage',
      `${shown(ticket)}: the issue is on ${url.host}, and the token would go to ${new URL(api).host}`,
      { hint: `set GITHUB_API_URL to the API of that server: https://${url.host}/api/v3 on GitHub Enterprise Server` },
    );
  }
  return { tracker: 'github', owner, repo, number: Number(number), api };
}

function linearAddress(ticket: string, env: CliContext['env']): TicketAddress {
  const api = apiBase('LINEAR_API_URL', env.LINEAR_API_URL ?? '', LINEAR_API);
  const url = asUrl(ticket);
  const identifier =
    url === undefined
      ? LINEAR_SHORT.exec(ticket)?.[0]
      : url.host === 'linear.app'
        ? LINEAR_PATH.exec(url.pathname)?.[1]
        : undefined;
  if (identifier === undefined) {
    throw new TprofError('usage', `${shown(ticket)}: expected an issue of Linear`, {
      hint: 'write its identifier, TAS-162, or the whole address of the issue',
    });
  }
  return { tracker: 'linear', identifier: identifier.toUpperCase(), api };
}

/** The base that the environment names, which must not be readable on the way. */
function apiBase(variable: string, value: string, otherwise: string): string {
  if (value === '') return otherwise;
  const url = asUrl(value);
  const isLoopback = url !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url === undefined || (url.protocol !== 'https:' && !isLoopback)) {
    throw new TprofError('usage', `${variable}: expected an https address, found ${shown(value)}`, {
      hint: `for example ${variable}=${otherwise}; unset it for that`,
    });
  }
  return value.replace(/\/+$/, '');
}

/** The web server that an API belongs to: `api.github.com` → `github.com`, `https://HOST/api/v3` → `HOST`. */
function serverOf(api: string): string {
  const { host } = new URL(api);
  return /^api\.(github\.com|[\w-]+\.ghe\.com)$/.exec(host)?.[1] ?? host;
}

function asUrl(text: string): URL | undefined {
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Never a password that was written into an address. */
function shown(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//…@');
}
