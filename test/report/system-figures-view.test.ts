import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { analyzeSystemFigures } from '../../analyzers/system-figures.ts';
import type { SystemFiguresResult } from '../../analyzers/system-figures-result.ts';
import { fileSource } from '../../collectors/file-source.ts';
import { figureText } from '../../flame/figure-text.ts';
import { sparklineText } from '../../flame/sparkline-text.ts';
import { readProbeLog } from '../../src/formats/probe-log.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { systemFiguresView } from '../../src/report/system-figures-view.ts';
import { renderTerminal } from '../../src/report/terminal.ts';
import { series, source } from '../analyzers/series-drawing.ts';
import { assertWellFormed } from '../flame/well-formed.ts';

async function drawn(): Promise<SystemFiguresResult> {
  const { source: postgres } = await readProbeLog(
    await fileSource(join(import.meta.dirname, '../fixtures/probes/postgres/orders.jsonl')),
  );
  const labels = { pid: '1', startTime: '1' };
  const cpu = { kind: 'counter', unit: 'nanoseconds', labels, scale: 1e9 } as const;
  const readings = [
    series('process.cpu', '0 0.9 1.8 2.7', cpu),
    series('process.run-queue', '0 0 0 0.1', cpu),
    series('process.rss', '10 20 30 40', { unit: 'bytes', labels, scale: 2 ** 20 }),
  ];
  const queue = series('queue.depth', '0 8 . 4', { labels: { queue: 'orders|<b>' } });
  const metric = series('http_requests_total', '1 1 5 9', { kind: 'counter', labels: { code: '200' } });
  return analyzeSystemFigures(
    [
      source('process', 4, readings),
      postgres,
      source('queue-depth', 4, [queue], { gaps: [{ fromNs: 2e9, toNs: 2e9, missed: 1, why: 'x' }] }),
      source('prometheus', 4, [metric]),
    ],
    { inputs: ['x'], epochNs: 0n, processes: [{ pid: 1, startTime: '1', name: 'worker' }], cpus: 2 },
  );
}

test('Markdown: on-CPU against waiting, lines of blocks, gaps, the database, statistics of tables', async () => {
  const text = renderMarkdown(systemFiguresView(await drawn()));
  assert.match(text, /## On-CPU against waiting/);
  assert.match(text, /\| worker \| on CPU \| 1 \| 3\.00 s \| 2\.70 s \| 100 ms \|.*\| 90\.0 % \|/);
  assert.match(text, /queue-depth 3 times \(1 more in vain\)/);
  assert.match(text, /\| queue \| orders\\\|\\<b\\> \| 0 \| 4 \| 8 \| ▁█·▅\s*·* \|/);
  assert.match(text, /\| http_requests_total \| code=200 \| 0\/s \| 4\/s \| 4\/s \|/);
  assert.match(text, /connections: 85 at most of 97: orchestration 75/);
  assert.match(text, /\| `SELECT \* FROM orders WHERE id = \$1` \| 300 \| 2\.00 ms \| 300 \| 600 ms \| 99\.2 % \|/);
  assert.match(text, /planner statistics: out of date for 1 of 1 tables that were used/);
  assert.match(text, /\| `public\.orders` \| out of date \| 1,900 \| 10 \| 900 \|/);
});

test('HTML: pictures that are well formed and say the same in words', async () => {
  const html = renderHtml(systemFiguresView(await drawn()), { title: 'x' });
  const pictures = [...html.matchAll(/<img alt="([^"]*)" src="data:image\/svg\+xml;base64,([^"]+)"/g)];
  assert.ok(pictures.length >= 6, `${pictures.length} pictures`);
  for (const [, alt, svg] of pictures) {
    assert.match(alt!, /median .*, lowest .*, highest /);
    assertWellFormed(Buffer.from(svg!, 'base64').toString('utf8'));
  }
  assert.doesNotMatch(html, /<b>/);
});

test('terminal: fits the width', async () => {
  const text = renderTerminal(systemFiguresView(await drawn()), { color: false, width: 100 });
  for (const line of text.split('\n')) assert.ok([...line].length <= 100, line);
});

test('what a profiler told of an event loop is drawn by process and worker', () => {
  const labels = { pid: '7', worker: '2' };
  const delay = series('nodejs.eventloop.delay', '0 5 80', { unit: 'nanoseconds', labels, scale: 1e6 });
  const result = analyzeSystemFigures([source('clinic-doctor', 3, [delay])], {
    inputs: [],
    epochNs: 0n,
    processes: [],
    cpus: 2,
  });
  const text = renderMarkdown(systemFiguresView(result));
  assert.match(text, /\| event loop delay \| process 7, worker 2 \| 0 ns \| 5\.00 ms \| 80\.0 ms \|/);
});

test('nothing recorded is nothing shown', () => {
  const nothing = analyzeSystemFigures([], { inputs: [], epochNs: 0n, processes: [], cpus: 2 });
  assert.deepEqual(systemFiguresView(nothing), []);
});

test('lines of blocks: from 0, peaks kept, dots where nothing is known, in line with others', () => {
  const times = [0, 1, 2, 3];
  assert.equal(sparklineText(times, [0, 7, null, 4]), '▁█·▅');
  assert.equal(sparklineText(times, [1, 1, 1, 1]), '████');
  assert.equal(sparklineText(times, [0, 0, 0, 0]), '▁▁▁▁');
  assert.equal(sparklineText([2, 3], [1, 2], { fromNs: 0, toNs: 4, width: 4 }), '··▅█');
  assert.equal(sparklineText([], []), '');
  const many = Float64Array.from({ length: 1000 }, (_, i) => (i === 555 ? 9 : 0));
  assert.equal(sparklineText(Float64Array.from(many.keys()), many, { width: 10 }), '▁▁▁▁▁█▁▁▁▁');
});

test('figures in words', () => {
  const told = [
    [1.5e9, 'nanoseconds'],
    [2048, 'bytes/s'],
    [0.5, 'share'],
    [12.345, 'count/s'],
    [1234, 'count'],
    [1.75e18, 'count'],
    [3, 'requests'],
  ] as const;
  assert.deepEqual(
    told.map(([value, unit]) => figureText(value, unit)),
    ['1.50 s', '2.00 KiB/s', '50.0 %', '12.3/s', '1,234', '1.75e+18', '3 requests'],
  );
});
