import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import type { CliContext } from '../../../src/cli/context.ts';
import { run } from '../../../src/cli/main.ts';
import { inFolder } from '../run-tprof.ts';
import { type ScriptedServer, scriptedServer } from './scripted-server.ts';

const TOKEN = ['ghp', 'notARealTokenJustOneForThisTest00000'].join('_');
const SECRET = ['AKIA', 'IOSFODNN7EXAMPLE'].join('');

async function attach(
  args: readonly string[],
  cwd: string,
  env: CliContext['env'],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        text[name] += chunk;
        done();
      },
    });
  const [stdout, stderr] = [sink('stdout'), sink('stderr')];
  const context: CliContext = { stdin: Readable.from([]), stdout, stderr, env, cwd, exitCode: 0 };
  await run(['node', 'tprof', 'attach', ...args], context);
  return { code: context.exitCode, ...text };
}

/** An issue that keeps its comments. */
async function withIssue(
  work: (cwd: string, server: ScriptedServer, comments: { body: string }[]) => Promise<void>,
): Promise<void> {
  const comments: { body: string; html_url: string }[] = [];
  const server = await scriptedServer(({ method, body }) => {
    if (method === 'GET') return { status: 200, body: comments };
    const { body: text } = JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as { body: string };
    comments.push({ body: text, html_url: `https://github.com/acme/shop/issues/12#issuecomment-${comments.length}` });
    return { status: 201, body: comments.at(-1) };
  });
  try {
    await inFolder(async cwd => {
      await writeFile(join(cwd, `run-${SECRET}.folded`), `main;work (${SECRET}) 30\nmain;parse|json\`x\` 12\n`);
      await work(cwd, server, comments);
    });
  } finally {
    await server.close();
  }
}

test('without --post, and with --dry-run, nothing leaves', async () => {
  await withIssue(async (cwd, server) => {
    const input = `run-${SECRET}.folded`;
    const env = { GITHUB_API_URL: server.url, GITHUB_TOKEN: TOKEN };
    assert.equal((await attach(['acme/shop#12', input], cwd, env)).code, 0);
    const dry = await attach(['acme/shop#12', input, '--post', 'github', '--dry-run'], cwd, env);
    assert.equal(dry.code, 0);
    assert.match(dry.stdout, /POST http:\/\/127\.0\.0\.1:\d+\/repos\/acme\/shop\/issues\/12\/comments/);
    assert.match(dry.stdout, /authorization: Bearer \(GITHUB_TOKEN\)/);
    assert.match(dry.stdout, /## Evidence for acme\/shop#12/);
    assert.match(dry.stderr, /would post to acme\/shop#12/);
    assert.ok(!dry.stdout.includes(TOKEN) && !dry.stdout.includes(SECRET));
    const withoutToken = await attach(['acme/shop#12', input, '--post', 'github', '--dry-run'], cwd, {});
    assert.match(withoutToken.stdout, /POST https:\/\/api\.github\.com\/repos/);
    assert.deepEqual(server.seen, []);
  });
});

test('--post github posts what was shown, redacted, and once', async () => {
  await withIssue(async (cwd, server, comments) => {
    const input = `run-${SECRET}.folded`;
    const args = ['acme/shop#12', input, '--post', 'github'];
    const env = { GITHUB_API_URL: server.url, GH_TOKEN: TOKEN };
    const first = await attach(args, cwd, env);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /posting to acme\/shop#12 as the owner of GH_TOKEN: a comment of [\d,]+ characters/);
    assert.match(first.stderr, /acme-shop-12\.tar\.gz stays here: the API of GitHub takes no files/);
    assert.match(first.stdout, /\nhttps:\/\/github\.com\/acme\/shop\/issues\/12#issuecomment-0\n$/);
    assert.equal(comments.length, 1);
    assert.match(comments[0]!.body, /## Evidence for acme\/shop#12/);
    assert.match(comments[0]!.body, /`acme-shop-12\.tar\.gz`/);
    assert.ok(!comments[0]!.body.includes(SECRET) && !comments[0]!.body.includes(TOKEN));
    assert.equal(server.seen[0]?.headers.authorization, `Bearer ${TOKEN}`);
    const second = await attach([...args, '--json'], cwd, env);
    assert.match(second.stderr, /already posted/);
    const { post, schema } = JSON.parse(second.stdout) as {
      schema: string;
      post: { alreadyPosted: boolean; dryRun: boolean; url: string };
    };
    assert.equal(schema, 'tprof.attachment/1');
    assert.deepEqual([post.alreadyPosted, post.dryRun], [true, false]);
    assert.match(post.url, /issuecomment-0$/);
    assert.equal(comments.length, 1);
  });
});

test('what is wrong with the ticket, the token or the options is said before anything is made', async () => {
  await withIssue(async (cwd, server) => {
    const input = `run-${SECRET}.folded`;
    const env = { GITHUB_API_URL: server.url, GITHUB_TOKEN: TOKEN };
    const cases: readonly (readonly [readonly string[], CliContext['env'], number, RegExp])[] = [
      [['TAS-1', input, '--post', 'github'], env, 2, /expected an issue or pull request of GitHub/],
      [['acme/shop#12', input, '--post', 'github'], {}, 4, /GH_TOKEN and GITHUB_TOKEN are not set/],
      [['TAS-1', input, '--post', 'linear'], {}, 4, /LINEAR_API_KEY is not set/],
      [['acme/shop#12', input, '--post', 'github', '--keep', 'email'], env, 2, /--post-kept/],
      [['acme/shop#12', input, '--dry-run'], env, 2, /--dry-run is of use with --post alone/],
      [['acme/shop#12', input, '--post', 'jira'], env, 2, /Allowed choices are github, linear/],
    ];
    for (const [args, environment, code, message] of cases) {
      const { code: got, stderr } = await attach(args, cwd, environment);
      assert.equal(got, code, stderr);
      assert.match(stderr, message);
    }
    assert.ok(!existsSync(join(cwd, '.tprof')));
    assert.deepEqual(server.seen, []);
    const kept = ['acme/shop#12', input, '--post', 'github', '--keep', 'email', '--post-kept'];
    assert.equal((await attach(kept, cwd, env)).code, 0);
  });
});

test('a refusal leaves the evidence where it was made', async () => {
  const server = await scriptedServer(() => ({ status: 404, body: { message: 'Not Found' } }));
  try {
    await inFolder(async cwd => {
      await writeFile(join(cwd, 'a.folded'), 'main;work 30\n');
      const env = { GITHUB_API_URL: server.url, GITHUB_TOKEN: TOKEN };
      const { code, stderr } = await attach(['acme/shop#12', 'a.folded', '--post', 'github'], cwd, env);
      assert.equal(code, 3);
      assert.match(
        stderr,
        /acme\/shop#12 is not there, or the token in GITHUB_TOKEN may not see it \(404\): Not Found; nothing was posted\n {2}GitHub hides/,
      );
      assert.ok(existsSync(join(cwd, '.tprof/attach/acme-shop-12/comment.md')));
    });
  } finally {
    await server.close();
  }
});
