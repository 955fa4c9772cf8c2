import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LinearIssue, linearIssue } from '../../../src/cli/attach/linear-issue.ts';
import { ticketAddress } from '../../../src/cli/attach/ticket-address.ts';
import { type Posted, postOnce } from '../../../src/cli/attach/ticket-tracker.ts';
import { type Answer, quickWire, type Seen, scriptedServer } from './scripted-server.ts';

const MARK = 'cd'.repeat(32);
const BODY = `Evidence\n\nSHA-256 \`${MARK}\`\n`;
const KEY = 'a-key-for-a-test';
const PAGE = 'https://linear.app/acme/issue/TAS-162#comment-1';

interface Sent {
  readonly query: string;
  readonly variables: { readonly input?: Record<string, unknown>; readonly [name: string]: unknown };
}

/** A workspace with one issue, whose comments are kept; `fail` may answer in its place. */
async function workspace(
  work: (issue: LinearIssue, wire: ReturnType<typeof quickWire>) => Promise<unknown>,
  fail: (sent: Sent | undefined, nth: number, take: () => void) => Answer | undefined = () => undefined,
): Promise<{ outcome: unknown; seen: readonly Seen[]; comments: { id: unknown; body: string }[] }> {
  const comments: { id: unknown; body: string }[] = [];
  let base = '';
  const server = await scriptedServer((request, nth): Answer => {
    const sent = request.path === '/graphql' ? (JSON.parse(request.body) as Sent) : undefined;
    const take = (): void => {
      comments.push({ id: sent?.variables.input?.id, body: String(sent?.variables.input?.body) });
    };
    const failure = fail(sent, nth, take);
    if (failure !== undefined) return failure;
    if (sent === undefined) return { status: 200 };
    if (sent.query.includes('fileUpload(')) {
      const headers = [{ key: 'x-goog-content-length-range', value: `${sent.variables.size},${sent.variables.size}` }];
      const uploadFile = {
        uploadUrl: `${base}/put/${sent.variables.filename}`,
        assetUrl: 'https://uploads.linear.app/1',
        headers,
      };
      return { status: 200, body: { data: { fileUpload: { success: true, uploadFile } } } };
    }
    if (sent.query.includes('commentCreate(')) {
      if (comments.some(comment => comment.id === sent.variables.input?.id)) {
        return { status: 400, body: { errors: [{ message: 'conflict', extensions: { type: 'invalid input' } }] } };
      }
      take();
      return { status: 200, body: { data: { commentCreate: { success: true, comment: { url: PAGE } } } } };
    }
    const first = { url: 'x', body: 'an older comment' };
    const isFirstPage = sent.variables.after === null;
    const nodes = isFirstPage ? [first] : comments.map(({ body }) => ({ url: PAGE, body }));
    const pageInfo = { hasNextPage: isFirstPage, endCursor: 'cursor-1' };
    return { status: 200, body: { data: { issue: { id: 'uuid', comments: { nodes, pageInfo } } } } };
  });
  base = server.url;
  try {
    const address = ticketAddress('linear', 'tas-162', { LINEAR_API_URL: `${server.url}/graphql` });
    assert.equal(address.tracker, 'linear');
    const wire = quickWire(500);
    const issue = linearIssue(address, { variable: 'LINEAR_API_KEY', value: KEY }, wire);
    const outcome = await work(issue, wire).catch((error: Error) => error);
    return { outcome, seen: server.seen, comments };
  } finally {
    await server.close();
  }
}

const posting = (issue: LinearIssue, wire: ReturnType<typeof quickWire>): Promise<Posted> =>
  postOnce(issue, MARK, async () => BODY, wire);

test('looks through the comments, then posts: method, headers, document and variables as documented', async () => {
  const { outcome, seen, comments } = await workspace(posting);
  assert.deepEqual(outcome, { url: PAGE, already: false });
  assert.equal(seen.length, 3, 'two pages of comments, one comment');
  for (const { method, path, headers } of seen) {
    assert.equal(`${method} ${path}`, 'POST /graphql');
    assert.equal(headers.authorization, KEY, 'a personal key goes without Bearer');
    assert.equal(headers['content-type'], 'application/json');
  }
  const { query, variables } = JSON.parse(seen[2]!.body) as Sent;
  assert.match(query, /mutation \w+\(\$input: CommentCreateInput!\) \{\s+commentCreate\(input: \$input\)/);
  assert.equal(variables.input?.issueId, 'TAS-162');
  assert.equal(variables.input?.body, BODY);
  assert.match(String(variables.input?.id), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/, 'an id in UUID v4 format');
  assert.equal(comments.length, 1);
});

test('the same evidence is posted once', async () => {
  const { outcome, comments } = await workspace(async (issue, wire) => [
    await posting(issue, wire),
    await posting(issue, wire),
  ]);
  assert.deepEqual(outcome, [
    { url: PAGE, already: false },
    { url: PAGE, already: true },
  ]);
  assert.equal(comments.length, 1);
});

test('a comment that was taken without an answer is found, also when its id is refused the second time', async () => {
  let creations = 0;
  const found = await workspace(posting, (sent, _, take) => {
    if (!sent?.query.includes('commentCreate(') || creations++ > 0) return undefined;
    take();
    return 'hang';
  });
  assert.deepEqual(found.outcome, { url: PAGE, already: false });
  assert.equal(found.comments.length, 1);
  // Taken late: after the look, before the second attempt.
  creations = 0;
  const late = await workspace(posting, (sent, _, take) => {
    if (!sent?.query.includes('commentCreate(')) return undefined;
    if (creations++ === 0) return 'drop';
    if (creations === 2) take();
    return undefined;
  });
  assert.deepEqual(late.outcome, { url: PAGE, already: false });
  assert.equal(late.comments.length, 1);
});

test('a file goes to the signed address with the headers that came with it, and without the key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tprof-linear-'));
  try {
    await writeFile(join(folder, 'x.tar.gz'), 'archive');
    const { outcome, seen } = await workspace(issue =>
      issue.upload(join(folder, 'x.tar.gz'), 'x.tar.gz', 'application/gzip'),
    );
    assert.equal(outcome, 'https://uploads.linear.app/1');
    assert.deepEqual((JSON.parse(seen[0]!.body) as Sent).variables, {
      contentType: 'application/gzip',
      filename: 'x.tar.gz',
      size: 7,
    });
    const { method, path, headers, body } = seen[1]!;
    assert.equal(`${method} ${path} ${body}`, 'PUT /put/x.tar.gz archive');
    assert.equal(headers['content-type'], 'application/gzip');
    assert.equal(headers['content-length'], '7');
    assert.equal(headers['cache-control'], 'public, max-age=31536000');
    assert.equal(headers['x-goog-content-length-range'], '7,7');
    assert.equal(headers.authorization, undefined);
    const refused = await workspace(
      issue => issue.upload(join(folder, 'x.tar.gz'), 'x.tar.gz', 'application/gzip'),
      sent => (sent === undefined ? { status: 413 } : undefined),
    );
    assert.equal((refused.outcome as Error).message, 'the storage of Linear did not take x.tar.gz (413)');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('refusals, by status and by the errors of GraphQL, are one sentence each', async () => {
  const graphql = (message: string, type: string): unknown => ({ errors: [{ message, extensions: { type } }] });
  const cases: readonly (readonly [Answer, string, RegExp])[] = [
    [{ status: 401, body: {} }, 'machine-lacks', /does not accept the key in LINEAR_API_KEY \(401\)/],
    [
      { status: 400, body: graphql(`Authentication required ${KEY}`, 'authentication error') },
      'machine-lacks',
      /does not accept the key in LINEAR_API_KEY \(401\): Authentication required …/,
    ],
    [{ status: 200, body: graphql('no access', 'forbidden') }, 'machine-lacks', /may not comment on TAS-162 \(403\)/],
    [
      { status: 200, body: graphql('Entity not found: Issue', 'invalid input') },
      'input-missing',
      /^TAS-162 is not there, or the key in LINEAR_API_KEY may not see it \(404\)/,
    ],
    [{ status: 200, body: { data: { issue: null } } }, 'input-missing', /^TAS-162 is not there/],
    [{ status: 413, body: '' }, 'input-invalid', /too long for Linear \(413\)/],
    [{ status: 200, body: '<html>' }, 'machine-lacks', /expected an answer of the API of Linear/],
  ];
  for (const [answer, code, message] of cases) {
    const { outcome, seen, comments } = await workspace(posting, () => answer);
    const error = outcome as Error & { code?: string };
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(error.message, /; nothing was posted$/);
    assert.ok(!error.message.includes(KEY));
    assert.equal(seen.length, 1);
    assert.equal(comments.length, 0);
  }
});

test('a rate limit is told by its code, and its end by the millisecond', async () => {
  const at = Date.now() + 20_000;
  const { outcome, seen } = await workspace(
    async (issue, wire) => [await posting(issue, wire), wire.waits],
    (_, nth) =>
      nth === 0
        ? {
            status: 400,
            headers: { 'x-ratelimit-requests-remaining': '0', 'x-ratelimit-requests-reset': String(at) },
            body: { errors: [{ message: 'Rate limit exceeded', extensions: { code: 'RATELIMITED' } }] },
          }
        : undefined,
  );
  const [posted, [wait]] = outcome as [Posted, number[]];
  assert.equal(posted.already, false);
  assert.ok(wait! > 1000 && wait! <= 20_000, `${wait} ms`);
  assert.equal(seen.length, 4);
});
