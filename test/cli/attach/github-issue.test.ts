import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gitHubIssue } from '../../../src/cli/attach/github-issue.ts';
import { ticketAddress } from '../../../src/cli/attach/ticket-address.ts';
import { type Posted, postOnce } from '../../../src/cli/attach/ticket-tracker.ts';
import { type Answer, quickWire, type ScriptedServer, type Seen, scriptedServer } from './scripted-server.ts';

const MARK = 'ab'.repeat(32);
const BODY = `Evidence | \`x\` ü\n\n<!-- tprof-evidence ${MARK} -->\n`;
const TOKEN = 'a-token-for-a-test';
const NONE: Answer = { status: 200, body: [] };
const CREATED: Answer = { status: 201, body: { html_url: 'https://github.com/acme/shop/issues/12#issuecomment-1' } };
const POSTED: Answer = {
  status: 200,
  body: [
    { body: 'other', html_url: 'https://github.com/acme/shop/issues/12#issuecomment-0' },
    { body: BODY, html_url: 'https://github.com/acme/shop/issues/12#issuecomment-1' },
  ],
};

type Wire = ReturnType<typeof quickWire>;

/** Posts to a server that answers in this order (the last one again and again), and gives what it was asked. */
async function post(
  answers: readonly Answer[] | ((request: Seen, nth: number) => Answer),
  wire: Wire = quickWire(),
): Promise<{ outcome: Posted | (Error & { code?: string; hint?: string }); seen: readonly Seen[]; wire: Wire }> {
  const answerTo = typeof answers === 'function' ? answers : (_: Seen, n: number) => answers[n] ?? answers.at(-1)!;
  const server: ScriptedServer = await scriptedServer(answerTo);
  try {
    const address = ticketAddress('github', 'acme/shop#12', { GITHUB_API_URL: `${server.url}/api/v3/` });
    assert.equal(address.tracker, 'github');
    const issue = gitHubIssue(address, { variable: 'GITHUB_TOKEN', value: TOKEN }, wire);
    const outcome = await postOnce(issue, MARK, async () => BODY, wire).catch((error: Error) => error);
    return { outcome, seen: server.seen, wire };
  } finally {
    await server.close();
  }
}

test('looks for the comment, then posts it: method, path, headers and body as documented', async () => {
  const { outcome, seen } = await post([NONE, CREATED]);
  assert.deepEqual(outcome, { url: 'https://github.com/acme/shop/issues/12#issuecomment-1', already: false });
  assert.deepEqual(
    seen.map(({ method, path }) => `${method} ${path}`),
    ['GET /api/v3/repos/acme/shop/issues/12/comments?per_page=100', 'POST /api/v3/repos/acme/shop/issues/12/comments'],
  );
  for (const { headers } of seen) {
    assert.equal(headers.accept, 'application/vnd.github+json');
    assert.equal(headers.authorization, `Bearer ${TOKEN}`);
    assert.equal(headers['x-github-api-version'], '2022-11-28');
    assert.match(headers['user-agent'] ?? '', /^tprof\/\d/);
  }
  assert.equal(seen[1]?.headers['content-type'], 'application/json');
  const sent = JSON.parse(Buffer.from(seen[1]!.body, 'latin1').toString('utf8')) as unknown;
  assert.deepEqual(sent, { body: BODY }, 'nothing but the body, as UTF-8');
});

test('what is on the ticket already is not posted again, on whatever page it stands', async () => {
  const { outcome, seen } = await post(({ path }) =>
    path.includes('page=2')
      ? POSTED
      : {
          status: 200,
          body: [{ body: 'other', html_url: 'x' }],
          headers: {
            link: '</api/v3/repos/acme/shop/issues/12/comments?per_page=100&page=2>; rel="next", <x>; rel="last"',
          },
        },
  );
  assert.deepEqual(outcome, { url: 'https://github.com/acme/shop/issues/12#issuecomment-1', already: true });
  assert.deepEqual(
    seen.map(({ method }) => method),
    ['GET', 'GET'],
  );
});

test('an attempt without an answer is looked for before it is made again', async () => {
  for (const silence of ['hang', 'drop', { status: 502, body: 'proxy' }] as const) {
    const taken = await post([NONE, silence, POSTED], quickWire(500));
    assert.deepEqual(taken.outcome, { url: 'https://github.com/acme/shop/issues/12#issuecomment-1', already: false });
    assert.deepEqual(
      taken.seen.map(({ method }) => method),
      ['GET', 'POST', 'GET'],
      'taken, although no answer came: not sent again',
    );
    const lost = await post([NONE, silence, NONE, CREATED], quickWire(500));
    assert.deepEqual(
      lost.seen.map(({ method }) => method),
      ['GET', 'POST', 'GET', 'POST'],
      'not taken: sent again',
    );
    const never = await post([NONE, silence, NONE, silence, NONE], quickWire(500));
    assert.match(String((never.outcome as Error).message), /the comment is not on the ticket/);
    assert.equal(never.seen.filter(({ method }) => method === 'POST').length, 2);
  }
});

test('where it cannot be found out whether the comment was taken, that is what is said', async () => {
  const { outcome, seen } = await post([NONE, { status: 500 }, { status: 500 }]);
  assert.match(String((outcome as Error).message), /whether the comment was posted could not be found out/);
  assert.equal(seen.filter(({ method }) => method === 'POST').length, 1);
});

test('short waits that the server asks for are waited, long ones are said', async () => {
  const short = await post([NONE, { status: 429, headers: { 'retry-after': '7' } }, CREATED]);
  assert.deepEqual(short.wire.waits, [7000]);
  assert.deepEqual(short.wire.said, ['GitHub asks to wait 7 s (429)']);
  assert.equal((short.outcome as Posted).already, false);
  const secondary = await post([
    NONE,
    { status: 403, headers: { 'retry-after': '30' }, body: { message: 'You have exceeded a secondary rate limit.' } },
    CREATED,
  ]);
  assert.deepEqual(secondary.wire.waits, [30_000]);
  const long = await post([{ status: 429, headers: { 'retry-after': '600' } }]);
  const error = long.outcome as Error & { code?: string; hint?: string };
  assert.equal(error.code, 'machine-lacks');
  assert.equal(error.message, 'GitHub takes no more requests for now (429); nothing was posted');
  assert.equal(error.hint, 'run the same command again in 10 minutes');
  assert.equal(long.seen.length, 1);
  const reset = Math.ceil(Date.now() / 1000) + 3000;
  const primary = await post([
    { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) } },
  ]);
  assert.match(String((primary.outcome as { hint?: string }).hint), /again in (50|51) minutes/);
  const unspoken = await post([{ status: 403, body: { message: 'API rate limit exceeded' } }]);
  assert.deepEqual(unspoken.wire.waits, [60_000, 60_000], 'a minute where nothing is said, and not for ever');
  assert.equal(unspoken.seen.length, 3);
});

test('each refusal is one sentence with the way out, and leaves nothing posted', async () => {
  const cases: readonly (readonly [Answer, string, RegExp, RegExp])[] = [
    [
      { status: 401, body: { message: `Bad credentials ${TOKEN}` } },
      'machine-lacks',
      /^GitHub does not accept the token in GITHUB_TOKEN \(401\): Bad credentials …; nothing was posted$/,
      /Issues, read and write/,
    ],
    [
      {
        status: 403,
        body: { message: 'Resource not accessible by personal access token' },
        headers: { 'x-accepted-github-permissions': 'issues=write; pull_requests=write' },
      },
      'machine-lacks',
      /^the token in GITHUB_TOKEN may not comment on acme\/shop#12 \(403\): Resource not accessible/,
      /issues=write; pull_requests=write/,
    ],
    [{ status: 404, body: { message: 'Not Found' } }, 'input-missing', /^acme\/shop#12 is not there, or/, /private/],
    [
      { status: 413, body: 'too large' },
      'input-invalid',
      /does not take this comment on acme\/shop#12 \(413\);/,
      /by hand/,
    ],
    [
      { status: 422, body: { message: 'Validation Failed', errors: [{ message: 'Body is too long' }] } },
      'input-invalid',
      /\(422\): Validation Failed: Body is too long;/,
      /by hand/,
    ],
    [
      { status: 301, headers: { location: 'http://other.example/x' } },
      'input-missing',
      /moved to another server/,
      /other/,
    ],
  ];
  for (const [answer, code, message, hint] of cases) {
    const { outcome, seen } = await post([NONE, answer]);
    const error = outcome as Error & { code?: string; hint?: string };
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n') && !error.message.includes(TOKEN), error.message);
    assert.match(error.hint ?? '', hint);
    assert.equal(seen.length, 2, 'not tried again');
  }
});

test('a renamed repository is followed, with the same method, and only on the same server', async () => {
  const { outcome, seen } = await post(({ method, path }) =>
    path.startsWith('/api/v3/repos/acme')
      ? { status: 307, headers: { location: '/api/v3/repositories/7/issues/12/comments' } }
      : method === 'GET'
        ? NONE
        : CREATED,
  );
  assert.equal((outcome as Posted).already, false);
  assert.deepEqual(
    seen.map(({ method, path }) => `${method} ${path.split('?')[0]}`),
    [
      'GET /api/v3/repos/acme/shop/issues/12/comments',
      'GET /api/v3/repositories/7/issues/12/comments',
      'POST /api/v3/repos/acme/shop/issues/12/comments',
      'POST /api/v3/repositories/7/issues/12/comments',
    ],
  );
  assert.ok(seen.at(-1)!.body.includes(MARK));
});

test('a page that is no API answer is not read as a ticket without comments', async () => {
  for (const body of ['<html>sign in</html>', { message: 'hello' }]) {
    const { outcome, seen } = await post([{ status: 200, body }]);
    assert.match(String((outcome as Error).message), /expected an answer of the API of GitHub/);
    assert.equal(seen.length, 1);
  }
});

test('a server that is not there is one sentence, and is not asked three times', async () => {
  const server = await scriptedServer(() => NONE);
  await server.close();
  const wire = quickWire();
  const address = ticketAddress('github', 'acme/shop#12', { GITHUB_API_URL: server.url });
  assert.equal(address.tracker, 'github');
  const issue = gitHubIssue(address, { variable: 'GITHUB_TOKEN', value: TOKEN }, wire);
  await assert.rejects(
    postOnce(issue, MARK, async () => BODY, wire),
    { code: 'machine-lacks', message: /refused the connection; nothing was posted/ },
  );
  assert.deepEqual(wire.waits, []);
});
