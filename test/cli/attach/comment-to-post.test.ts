import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GITHUB_BODY_LIMIT, gitHubComment, linearComment } from '../../../src/cli/attach/comment-to-post.ts';

const ARCHIVE = { name: 'TAS-1.tar.gz', bytes: 2048, sha256: 'ef'.repeat(32) };

test('a comment that fits is posted whole, with its mark and what stays behind', () => {
  const { body, cut } = gitHubComment('## Evidence\n\ntext\n', ARCHIVE);
  assert.equal(cut, 0);
  assert.ok(body.startsWith('## Evidence\n\ntext\n'));
  assert.match(body, /takes no files.*`TAS-1\.tar\.gz`.*2\.00 KiB/);
  assert.ok(body.includes(`<!-- tprof-evidence ${ARCHIVE.sha256} -->`));
});

test('a comment that is too long is cut between rows, closed, and says so', () => {
  const row = `| ${'x'.repeat(98)} |\n`;
  const inTable = gitHubComment(`| a |\n| --- |\n${row.repeat(1000)}`, ARCHIVE);
  const inCode = gitHubComment(`\`\`\`\`text\n${`${'y'.repeat(99)}\n`.repeat(1000)}`, ARCHIVE);
  for (const { body, cut } of [inTable, inCode]) {
    assert.ok(body.length <= GITHUB_BODY_LIMIT && body.length > GITHUB_BODY_LIMIT - 300, `${body.length} characters`);
    assert.ok(cut > 30_000);
    assert.match(body, /\*\*Cut here:\*\* [\d,]+ more characters/);
    assert.ok(body.includes(ARCHIVE.sha256));
  }
  const rows = inTable.body.split('\n').filter(line => line.startsWith('| x'));
  assert.ok(
    rows.every(line => line === row.trimEnd()),
    'no row is cut in two',
  );
  assert.equal(inCode.body.match(/^````/gm)?.length, 2, 'the block of code is closed');
});

const PICTURED = 'text\n\n![Flame graph](capture/flame.svg)\n\nmore\n';

test('Linear: pictures by their addresses, files as links, and the checksum is there to be found', () => {
  const { body } = linearComment(PICTURED, ARCHIVE, [
    { name: 'TAS-1.tar.gz', bytes: 2048, url: 'https://u/1', isPicture: false },
    { name: 'capture/flame.svg', bytes: 10, url: 'https://u/2', isPicture: true },
  ]);
  assert.match(body, /text\n\n!\[Flame graph\]\(https:\/\/u\/2\)\n\nmore\n/);
  assert.match(body, /- \[TAS-1\.tar\.gz\]\(https:\/\/u\/1\) \(2\.00 KiB\)/);
  assert.ok(body.includes(ARCHIVE.sha256));
  const alone = linearComment(PICTURED, ARCHIVE, []).body;
  assert.match(alone, /text\n\nmore\n/);
  assert.match(alone, /Not uploaded: `TAS-1\.tar\.gz`/);
});

test('a picture that stays behind is not shown as a broken one', () => {
  assert.match(gitHubComment(PICTURED, ARCHIVE).body, /^text\n\nmore\n/);
});
