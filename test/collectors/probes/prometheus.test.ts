import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { ProbeFailure } from '../../../collectors/probes/probe.ts';
import { prometheusProbe } from '../../../collectors/probes/prometheus.ts';
import { parsePrometheus } from '../../../collectors/probes/prometheus-text.ts';
import { TprofError } from '../../../src/base/errors.ts';
import type { Reading } from '../../../src/formats/probe-log.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/probes/prometheus');

function fixture(name: string): ReturnType<typeof parsePrometheus> {
  return parsePrometheus(readFileSync(join(FIXTURES, name), 'utf8'));
}

function named(readings: readonly Reading[], name: string): Reading[] {
  return readings.filter(reading => reading.name === name);
}

test('text format: counters, gauges, histograms, summaries; labels with escapes; bad lines are counted', () => {
  const { readings, badLines, firstBadLine } = fixture('text.prom');
  const [first, second] = named(readings, 'tasker_tasks_total');
  assert.deepEqual(first, {
    name: 'tasker_tasks_total',
    labels: { namespace: 'orders', kind: 'a"b\\c\nd' },
    kind: 'counter',
    unit: 'count',
    value: 1027,
  });
  assert.equal(second?.value, 3);
  assert.equal(named(readings, 'queue_depth')[0]?.kind, 'gauge');
  assert.deepEqual(
    named(readings, 'process_resident_memory_bytes').map(({ unit, value }) => [unit, value]),
    [['bytes', 123_400_000]],
  );
  assert.deepEqual(
    named(readings, 'step_duration_seconds_bucket').map(({ kind, unit, value, labels }) => [
      kind,
      unit,
      value,
      labels?.le,
    ]),
    [
      ['histogram', 'count', 10, '0.005'],
      ['histogram', 'count', 90, '0.05'],
      ['histogram', 'count', 100, '+Inf'],
    ],
  );
  assert.deepEqual(
    named(readings, 'step_duration_seconds_sum').map(({ unit, value }) => [unit, value]),
    [['nanoseconds', 2.5e9]],
  );
  // The quantile that is no number has no reading.
  assert.deepEqual(
    named(readings, 'rpc_seconds').map(({ kind, value }) => [kind, value]),
    [['gauge', 0.25e9]],
  );
  assert.equal(named(readings, 'rpc_seconds_count')[0]?.kind, 'counter');
  assert.equal(named(readings, 'untyped_thing')[0]?.kind, 'gauge');
  assert.equal(named(readings, 'something_total')[0]?.kind, 'counter');
  assert.deepEqual([badLines, firstBadLine], [2, 25]);
});

test('OpenMetrics: counters by the family name, exemplars, units, quoted names; nothing behind # EOF', () => {
  const { readings, badLines } = fixture('open.metrics');
  assert.equal(badLines, 0);
  assert.deepEqual(named(readings, 'requests_total'), [
    { name: 'requests_total', labels: { path: '/a' }, kind: 'counter', unit: 'requests', value: 5 },
  ]);
  assert.deepEqual(named(readings, 'requests_created'), []);
  assert.deepEqual(
    named(readings, 'latency_seconds_bucket').map(({ value, kind }) => [value, kind]),
    [
      [8, 'histogram'],
      [9, 'histogram'],
    ],
  );
  assert.equal(named(readings, 'latency_seconds_sum')[0]?.value, 0.9e9);
  assert.deepEqual(named(readings, 'quoted.name')[0]?.labels, { pod: 'x' });
  assert.deepEqual(named(readings, 'behind_the_end'), []);
});

async function serve(listener: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server: Server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
}

const request = { intervalMs: 1000, processes: () => [] };

test('an endpoint is scraped where everybody has it, with the credentials of its address, which stay out of the capture', async () => {
  const asked: (string | undefined)[] = [];
  const listener: RequestListener = (req, res) => {
    asked.push(req.url, req.headers.authorization);
    res.end('a_total 1\nwhat?\n');
  };
  await serve(listener, async host => {
    const run = prometheusProbe.open({ ...request, target: `http://u:p%40ss@${host}` });
    assert.doesNotMatch(JSON.stringify(run.target), /p%40ss|p@ss|"u"/);
    const { readings } = await run.sample();
    assert.equal(readings[0]?.value, 1);
    assert.deepEqual(asked, ['/metrics', `Basic ${Buffer.from('u:p@ss').toString('base64')}`]);
    const { losses } = await run.close();
    assert.deepEqual(losses, [
      { what: '1 line of metrics', count: 1, why: 'they are not in the text exposition format; the first was line 2' },
    ]);
  });
});

test('one bad scrape is a failure in words, and the next one is tried anew', async () => {
  let turn = 0;
  const listener: RequestListener = (_, res) => {
    turn++;
    if (turn === 1) res.writeHead(503).end();
    else if (turn === 2) res.destroy();
    else if (turn === 3) res.end('<html>\n');
    else res.end('a 1\n');
  };
  await serve(listener, async host => {
    const run = prometheusProbe.open({ ...request, target: `http://${host}/metrics` });
    const why = (): Promise<string> =>
      run.sample().then(
        () => 'none',
        (error: unknown) => (error instanceof ProbeFailure ? error.why : String(error)),
      );
    assert.deepEqual(
      [await why(), await why(), await why(), await why()],
      ['the server answers 503', 'the connection was closed by the other side', 'the answer holds no metrics', 'none'],
    );
  });
});

test('nobody there: words without the address; a wrong address is wrong use', async () => {
  const run = prometheusProbe.open({ ...request, target: 'http://127.0.0.1:1/metrics' });
  await assert.rejects(run.sample(), (error: unknown) => error instanceof ProbeFailure && !/127|:1/.test(error.why));
  for (const target of ['secret-word', 'ftp://x/', 'postgresql://u:secret-word@h/d']) {
    assert.throws(
      () => prometheusProbe.open({ ...request, target }),
      (error: unknown) =>
        error instanceof TprofError &&
        error.code === 'usage' &&
        !`${error.message}${error.hint}`.includes('secret-word'),
    );
  }
});
