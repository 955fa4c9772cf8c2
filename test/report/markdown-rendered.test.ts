import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { buildAttachment } from '../../src/cli/attach/build-attachment.ts';
import type { CliContext } from '../../src/cli/context.ts';
import type { Block } from '../../src/report/block.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { runInProcess } from '../cli/run-tprof.ts';
import { renderedMarkdown } from './rendered-markdown.ts';

/** What a renderer may do to text without changing it: white space runs together. */
const seen = (text: string): string => text.replace(/\s+/g, ' ').trim();

function tableOf(code: string, text: string): Block {
  return {
    kind: 'table',
    columns: [
      { title: 'function', align: 'left', code: true },
      { title: 'where', align: 'left' },
      { title: 'self', align: 'right' },
    ],
    rows: [[code, text, '1 %']],
  };
}

test('names survive a table: pipes, backticks, brackets, markup, HTML, addresses', () => {
  for (const name of [
    'operator|(a, `b`)',
    'a||b|',
    '|',
    '`',
    '``x`',
    '<lambda>::operator()<int, char const*>',
    'Array.map(<anonymous>)',
    '__init__',
    '*emphasis* _and_ **strong**',
    '[link](http://x) ![image](y)',
    'back\\slash \\| \\`',
    '&lt; &amp; &#39;',
    '~~struck~~ #12 @user',
    'https://example.com/a_b_c?x=1|2',
    'two\nlines',
    '  spaces  around  ',
    '1. list',
    '- item',
    '> quote',
    '<script>alert(1)</script>',
    '$`|` {{x}}',
  ]) {
    const [table] = renderedMarkdown(renderMarkdown([tableOf(name, name)])).tables;
    assert.deepEqual(
      table?.map(row => row.map(seen)),
      [
        ['function', 'where', 'self'],
        [seen(name), seen(name), '1 %'],
      ],
      name,
    );
  }
});

test('any text survives a table, a paragraph, a list, a heading and a note', () => {
  const characters = fc.array(fc.constantFrom(...'|`<>&*_[]()\\#~!-+.:/@ ab1'.split(''), 'http://'), { maxLength: 14 });
  fc.assert(
    fc.property(
      fc.oneof(
        characters.map(list => list.join('')),
        fc.string(),
      ),
      raw => {
        const text = raw.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/g, '');
        fc.pre(seen(text) !== '' && !/[^\u0020-\u007e\u00a1-\u024f]/.test(text));
        const { tables } = renderedMarkdown(renderMarkdown([tableOf(text, text)]));
        assert.deepEqual(tables[0]?.[1], [seen(text), seen(text), '1 %']);
        for (const block of [
          { kind: 'paragraph', text },
          { kind: 'list', items: [text] },
          { kind: 'note', severity: 'info', text },
        ] as const) {
          const { prose, html } = renderedMarkdown(renderMarkdown([block]));
          assert.equal(seen(prose).replace(/^Note: /, ''), seen(text), `${block.kind}: ${html}`);
        }
        assert.deepEqual(renderedMarkdown(renderMarkdown([{ kind: 'heading', level: 2, text }])).headings.map(seen), [
          seen(text),
        ]);
        const [code] = renderedMarkdown(renderMarkdown([{ kind: 'code', language: 'text', text }])).codeBlocks;
        assert.equal(code, text);
      },
    ),
    { numRuns: 400, seed: 3 },
  );
});

/** That a document is read as it was meant: every table whole, nothing of its syntax left over as text. */
function assertReadsWell(markdown: string, name: string): void {
  const { tables, prose, headings, html } = renderedMarkdown(markdown);
  assert.ok(headings.length > 0, name);
  assert.ok(tables.length > 0, name);
  for (const table of tables) {
    for (const row of table) assert.equal(row.length, table[0]!.length, `${name}: ${row.join(' / ')}`);
  }
  const source = markdown.split('\n').filter(line => /^\| (---|:?-+:)/.test(line)).length;
  assert.equal(tables.length, source, `${name}: each table is read as one`);
  assert.ok(!/^\s*\|/m.test(prose), `${name}: a row outside a table: ${/^\s*\|.*$/m.exec(prose)?.[0]}`);
  assert.ok(!/\*\*/.test(prose), `${name}: raw asterisks: ${/.*\*\*.*/.exec(prose)?.[0]}`);
  assert.ok(!/<(script|iframe|div)/i.test(html), name);
  for (const [, source] of html.matchAll(/<img[^>]* src="([^"]*)"/gi)) assert.equal(source, 'capture/flame.svg', name);
  assert.ok((html.match(/<img/gi)?.length ?? 0) <= (name === 'comment.md' ? 1 : 0), name);
}

test('tickets, a report and a comment made of awkward names read well', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tprof-markdown-'));
  try {
    await writeFile(
      join(folder, 'odd.folded'),
      'main;operator|(a, `b`) 400\nmain;<lambda(int)>::call;std::vector<a|b>::push_back 300\nmain;`anonymous`::x 200\nmain;*p_ptr_* 100\n',
    );
    for (const args of [
      ['report', 'odd.folded', '--format', 'markdown'],
      ['tickets', 'odd.folded'],
      ['diff', 'odd.folded', 'odd.folded', '--format', 'markdown'],
    ]) {
      const { stdout, stderr, code } = await runInProcess(args, folder);
      assert.equal(code, 0, stderr);
      assertReadsWell(stdout, args[0]!);
      const cells = renderedMarkdown(stdout).tables.flat(2);
      if (args[0] !== 'tickets') assert.ok(cells.includes('operator|(a, `b`)'), `${args[0]}: ${cells.join(' / ')}`);
    }
    const context: CliContext = {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: {},
      cwd: folder,
      exitCode: 0,
    };
    const directory = join(folder, 'out');
    await buildAttachment({ ticket: 'a/b#1', inputs: [join(folder, 'odd.folded')], directory, keep: [] }, context);
    for (const file of ['comment.md', 'capture/report.md']) {
      assertReadsWell(readFileSync(join(directory, file), 'utf8'), file);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

const recording = fileURLToPath(new URL('../../../shared/captures/', import.meta.url));
test('comment.md and report.md of a real recording read well', {
  skip: existsSync(recording) ? false : 'the recordings of a running Tasker are not beside this checkout',
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tprof-markdown-'));
  try {
    const context: CliContext = {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: {},
      cwd: folder,
      exitCode: 0,
    };
    const tasker = (name: string): string => join(recording, 'tasker/linear-pgmq-traces-only', name);
    const inputs = ['traces.jsonl.gz', 'rows.json.gz'].map(name => tasker(name));
    const directory = join(folder, 'out');
    await buildAttachment({ ticket: 'TAS-1', inputs, directory, keep: [] }, context);
    for (const file of ['comment.md', 'capture/report.md']) {
      const markdown = readFileSync(join(directory, file), 'utf8');
      assertReadsWell(markdown, file);
      assert.ok(renderedMarkdown(markdown).tables.flat(2).length > 50);
    }
    const rust = await runInProcess(
      ['report', join(recording, 'samply-rust-worker-macos.json.gz'), '--format', 'markdown', '--top', '600'],
      folder,
    );
    assertReadsWell(rust.stdout, 'report of a Rust profile');
    const names = renderedMarkdown(rust.stdout).tables.flat(2);
    assert.ok(
      names.some(name => /^<.* as .*>::\w+$/.test(name)),
      'a name of a trait method as it is',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
