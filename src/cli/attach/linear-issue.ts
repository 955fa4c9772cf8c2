// https://linear.app/developers/graphql · https://linear.app/developers/how-to-upload-a-file-to-linear
import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { TprofError } from '../../base/errors.ts';
import { asArray, asObject, asText, type JsonObject } from '../../base/narrow.ts';
import { TPROF_VERSION } from '../version.ts';
import { exchange, NoAnswer, type Wire } from './exchange.ts';
import type { TicketAddress } from './ticket-address.ts';
import { send, type TicketTracker, Unsure } from './ticket-tracker.ts';

export type LinearAddress = Extract<TicketAddress, { tracker: 'linear' }>;

/** Headers of every request but the key. */
export const LINEAR_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'user-agent': `tprof/${TPROF_VERSION}`,
};

/** The documents that are sent, as they are sent: `--dry-run` prints them. */
export const LINEAR_QUERIES = {
  comments: `query TprofComments($issue: String!, $after: String) {
  issue(id: $issue) { id comments(first: 100, after: $after) { nodes { url body } pageInfo { hasNextPage endCursor } } }
}`,
  upload: `mutation TprofUpload($contentType: String!, $filename: String!, $size: Int!) {
  fileUpload(contentType: $contentType, filename: $filename, size: $size) {
    success uploadFile { uploadUrl assetUrl headers { key value } }
  }
}`,
  comment: `mutation TprofComment($input: CommentCreateInput!) {
  commentCreate(input: $input) { success comment { url } }
}`,
} as const;

/** Longest that an upload may take: archives are large, and lines slow. */
const UPLOAD_MS = 600_000;

export interface LinearIssue extends TicketTracker {
  /** Puts a file into the workspace's storage, and gives the address that a comment can name. */
  upload(path: string, filename: string, contentType: string): Promise<string>;
}

/** An issue of Linear. */
export function linearIssue(
  { api, identifier }: LinearAddress,
  key: { readonly variable: string; readonly value: string },
  wire: Wire,
): LinearIssue {
  // Of one run: an attempt that is made twice makes one comment, since ids are unique.
  const commentId = randomUUID();
  const ask = async (query: string, variables: object, repeatable: boolean): Promise<JsonObject> => {
    const request = {
      method: 'POST',
      url: api,
      headers: { ...LINEAR_HEADERS, authorization: key.value },
      body: JSON.stringify({ query, variables }),
    } as const;
    const { status, text } = await send('Linear', request, wire, repeatable);
    return dataOf({ status, text, repeatable }, identifier, key);
  };
  return {
    vendor: 'Linear',
    async find(mark) {
      for (let after: string | null = null; ; ) {
        const { issue } = await ask(LINEAR_QUERIES.comments, { issue: identifier, after }, true);
        if (typeof issue !== 'object' || issue === null) throw notThere(identifier, key.variable);
        const { nodes, pageInfo } = asObject(asObject(issue).comments);
        if (!Array.isArray(nodes)) throw notTheApi(identifier);
        for (const node of nodes as unknown[]) {
          const { url, body } = asObject(node);
          if (asText(body).includes(mark)) return asText(url);
        }
        const { hasNextPage, endCursor } = asObject(pageInfo);
        if (hasNextPage !== true || typeof endCursor !== 'string') return undefined;
        after = endCursor;
      }
    },
    async create(body) {
      const input = { id: commentId, issueId: identifier, body };
      const { commentCreate } = await ask(LINEAR_QUERIES.comment, { input }, false);
      const { success, comment } = asObject(commentCreate);
      if (success !== true) throw new TprofError('machine-lacks', `Linear did not take the comment on ${identifier}`);
      return asText(asObject(comment).url);
    },
    async upload(path, filename, contentType) {
      const blob = await openAsBlob(path, { type: contentType });
      const { fileUpload } = await ask(LINEAR_QUERIES.upload, { contentType, filename, size: blob.size }, true);
      const { uploadUrl, assetUrl, headers } = asObject(asObject(fileUpload).uploadFile);
      if (typeof uploadUrl !== 'string' || typeof assetUrl !== 'string') {
        throw new TprofError('machine-lacks', `Linear gave no place for ${filename}`);
      }
      const given = asArray(headers).map(entry => [asText(asObject(entry).key), asText(asObject(entry).value)]);
      await put(
        uploadUrl,
        { ...UPLOAD_HEADERS, 'content-type': contentType, ...Object.fromEntries(given) },
        blob,
        filename,
      );
      return assetUrl;
    },
  };

  async function put(url: string, headers: Record<string, string>, body: Blob, filename: string): Promise<void> {
    try {
      // The key stays out: the address is signed, and may be of another company.
      const { status } = await exchange({ method: 'PUT', url, headers, body }, { ...wire, timeoutMs: UPLOAD_MS });
      if (status < 300) return;
      throw new TprofError(
        status === 413 ? 'input-invalid' : 'machine-lacks',
        `the storage of Linear did not take ${filename} (${status})`,
        status === 413
          ? { hint: 'it is too large: attach fewer captures, or leave the files here with --no-upload' }
          : { hint: 'run the same command again; --no-upload posts the comment alone' },
      );
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      throw new TprofError('machine-lacks', `${filename} could not be uploaded: ${error.message}`, {
        hint: 'run the same command again; --no-upload posts the comment alone',
        cause: error,
      });
    }
  }
}

/** As the guide to uploads sends it, beside the headers that come with the address. */
const UPLOAD_HEADERS = { 'cache-control': 'public, max-age=31536000' };

function dataOf(
  { status, text, repeatable }: { readonly status: number; readonly text: string; readonly repeatable: boolean },
  identifier: string,
  key: { readonly variable: string; readonly value: string },
): JsonObject {
  let answer: JsonObject;
  try {
    answer = asObject(JSON.parse(text));
  } catch {
    answer = {};
  }
  const [first] = asArray(answer.errors);
  if (status < 300 && first === undefined) {
    if (typeof answer.data !== 'object') throw notTheApi(identifier);
    return asObject(answer.data);
  }
  const { message, extensions } = asObject(first);
  const { type, code, userPresentableMessage } = asObject(extensions);
  const kind = `${asText(type)} ${asText(code)}`.toLowerCase().replaceAll('_', ' ');
  const said = (asText(userPresentableMessage) || asText(message)).replaceAll(key.value, '…').replace(/\s+/g, ' ');
  const why = said === '' ? '' : `: ${said.replace(/[.\s]+$/, '').slice(0, 200)}`;
  if (/internal error|network error|lock timeout/.test(kind)) {
    if (!repeatable) throw new Unsure(`Linear failed (${kind.trim()})`);
    throw new TprofError('machine-lacks', `Linear failed (${kind.trim()})${why}`, {
      hint: 'run the same command again later',
    });
  }
  if (status === 401 || kind.includes('authentication')) {
    return refuse('machine-lacks', `Linear does not accept the key in ${key.variable}`, '401', why, {
      hint: 'make a personal API key (Settings, Security & access) and export it',
    });
  }
  if (status === 403 || kind.includes('forbidden') || kind.includes('not accessible')) {
    return refuse('machine-lacks', `the key in ${key.variable} may not comment on ${identifier}`, '403', why, {
      hint: 'the key needs read and write access to the team of the issue',
    });
  }
  if (status === 404 || /entity not found|could not find/i.test(said)) throw notThere(identifier, key.variable);
  if (status === 413) {
    return refuse('input-invalid', `the comment on ${identifier} is too long for Linear`, '413', why, {
      hint: 'post comment.md by hand, shortened',
    });
  }
  return refuse('input-invalid', `Linear refused what was asked about ${identifier}`, String(status), why, {});
}

function refuse(
  code: TprofError['code'],
  what: string,
  status: string,
  why: string,
  options: { readonly hint?: string },
): never {
  throw new TprofError(code, `${what} (${status})${why}`, options);
}

function notThere(identifier: string, variable: string): TprofError {
  return new TprofError('input-missing', `${identifier} is not there, or the key in ${variable} may not see it (404)`, {
    hint: 'check the identifier, and that the key is of the workspace that has the issue',
  });
}

function notTheApi(identifier: string): TprofError {
  return new TprofError(
    'machine-lacks',
    `${identifier}: expected an answer of the API of Linear, found something else`,
    {
      hint: 'unset LINEAR_API_URL for https://api.linear.app/graphql',
    },
  );
}
