import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Block } from '../../src/report/block.ts';
import { displayWidth, fitWidth, wrap } from '../../src/report/display-width.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderTerminal } from '../../src/report/terminal.ts';

const BLOCKS: readonly Block[] = [
  { kind: 'heading', level: 1, text: 'Hot paths of <server>' },
  { kind: 'note', severity: 'warning', text: '12 samples were lost' },
  {
    kind: 'table',
    caption: 'Functions by self time',
    columns: [
      { title: 'function', align: 'left', code: true },
      { title: 'self', align: 'right', bar: true },
    ],
    rows: [
      ['core::ops::function::FnOnce::call_once{{vtable.shim}}', { text: '61.2 %', share: 0.612 }],
      ['operator|(a, `b`)', { text: '0.5 %', share: 0.005, dim: true }],
    ],
    omitted: { rows: 7, how: '--json has all' },
  },
  { kind: 'list', items: ['one', 'two_with_underscore'] },
  { kind: 'code', language: 'sh', text: 'tprof report x' },
];

test('terminal: tables fit the width, numbers stay whole, no escape without colour', () => {
  const text = renderTerminal(BLOCKS, { color: false, width: 60 });
  assert.equal(
    text,
    `Hot paths of <server>

warning: 12 samples were lost

Functions by self time
function                                     self
core::ops::function:…_once{{vtable.shim}}  61.2 % ██████▏
operator|(a, \`b\`)                           0.5 % ▏
… and 7 more (--json has all)

• one
• two_with_underscore

  tprof report x
`,
  );
  for (const line of text.split('\n')) assert.ok(displayWidth(line) <= 60, line);
});

test('terminal: text from a file cannot move the cursor', () => {
  const text = renderTerminal([{ kind: 'paragraph', text: 'a\u001b[2Jb\u0007' }], { color: true, width: 80 });
  assert.equal(text, 'a\ufffd[2Jb\ufffd\n');
});

test('Markdown: pipes, backticks and angle brackets stay what they are', () => {
  const text = renderMarkdown(BLOCKS);
  assert.match(text, /^# Hot paths of \\<server\\>$/m);
  assert.match(text, /^\| `` operator\\\|\(a, `b`\) `` \| 0\.5 % \|$/m);
  assert.match(text, /^\| --- \| ---: \|$/m);
  assert.match(text, /^- two_with_underscore$/m);
});

test('HTML: everything is escaped', () => {
  const html = renderHtml([{ kind: 'paragraph', text: '<script>alert("1")</script>\u0001' }], { title: '</title><b>' });
  assert.ok(!html.includes('<script>') && !html.includes('</title><b>') && !html.includes('\u0001'));
});

test('widths: wide characters count twice, cuts keep both ends', () => {
  assert.equal(displayWidth('日本'), 4);
  assert.equal(fitWidth('abcdefghij', 5, 'left'), 'ab…ij');
  assert.equal(displayWidth(fitWidth('日本語の関数名', 8, 'left')), 8);
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
});
