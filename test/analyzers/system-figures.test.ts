import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { incomparable } from '../../analyzers/diff/comparability.ts';
import { analyzeSystemFigures } from '../../analyzers/system-figures.ts';
import { sampledWaits } from '../../analyzers/system-figures-off-cpu.ts';
import { plannerStatisticsOf } from '../../analyzers/system-figures-postgres.ts';
import type { SystemFiguresResult } from '../../analyzers/system-figures-result.ts';
import { fileSource } from '../../collectors/file-source.ts';
import { readProbeLog } from '../../src/formats/probe-log.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import type { Series, SeriesSource } from '../../src/model/series.ts';
import { series, source } from './series-drawing.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/probes');

function analyze(
  sources: readonly SeriesSource[],
  processes: { pid: number; name: string }[] = [],
): SystemFiguresResult {
  return analyzeSystemFigures(sources, {
    inputs: ['drawn'],
    epochNs: 0n,
    processes: processes.map(process => ({ ...process, startTime: '1' })),
    cpus: 2,
  });
}

/** The counters of a process, in seconds and switches. */
function processSeries(
  pid: number,
  cpu: string,
  more: { queue?: string; born?: number; observer?: true } = {},
): Series[] {
  const labels = { pid: String(pid), startTime: '1', ...(more.observer === true ? { observer: 'tprof' } : {}) };
  const born = more.born === undefined ? {} : { bornNs: more.born };
  const ns = { kind: 'counter', unit: 'nanoseconds', labels, scale: 1e9, ...born } as const;
  return [
    series('process.cpu', cpu, ns),
    ...(more.queue === undefined ? [] : [series('process.run-queue', more.queue, ns)]),
    series('process.rss', cpu.replace(/\d+(\.\d+)?/g, '10'), { unit: 'bytes', labels, scale: 1e6 }),
  ];
}

test('counters become rates; one that falls began anew; one that was born on the way counts from 0', () => {
  const rate = (drawing: string, more: Parameters<typeof series>[2] = {}) =>
    analyze([source('prometheus', 6, [series('c', drawing, { kind: 'counter', ...more })])]).series[0];
  const plain = rate('10 12 16 16 20 20');
  assert.deepEqual(plain?.values, [null, 2, 4, 0, 4, 0]);
  assert.deepEqual(
    [plain?.unit, plain?.total, plain?.min, plain?.median, plain?.max, plain?.last],
    ['count/s', 10, 0, 2, 4, 0],
  );
  assert.deepEqual(rate('10 12 3 4')?.values, [null, 2, 3, 1]);
  assert.equal(rate('10 12 3 4')?.total, 6);
  // Over a failed reading the rise belongs to both seconds.
  assert.deepEqual(rate('10 . 14 15')?.values, [null, null, 2, 1]);
  const born = rate('- - 4 6', { bornNs: 1e9 });
  assert.deepEqual([born?.first, born?.values, born?.total], [2, [4, 2], 6]);
  assert.equal(rate('7', {}), undefined, 'one reading has no rate');
  const cpu = rate('0 0.5 2', { unit: 'nanoseconds', scale: 1e9 });
  assert.deepEqual([cpu?.unit, cpu?.values], ['share', [null, 0.5, 1.5]]);
});

test('on CPU, short of CPU, waiting: by process and by program, heaviest first', () => {
  const readings = [
    ...processSeries(1, '0 1 2 3 4', { queue: '0 0 0 0 0.1' }),
    ...processSeries(2, '5 5.5 6 6.5 7', { queue: '1 1.5 2 2.5 3' }),
    ...processSeries(3, '- 0.1 0.1 0.1 0.1', { queue: '- 0 0 0 0', born: 0.5e9 }),
    ...processSeries(4, '- 0.1 0.2 - -', { queue: '- 0 0 - -', born: 0.5e9 }),
    ...processSeries(9, '1 1.1 1.2 1.3 1.4', { observer: true }),
    ...processSeries(8, '0 0.1 0.2 0.3 0.4', {}),
    series('host.cpu', '100 102 104 106 108', { kind: 'counter', unit: 'nanoseconds', scale: 1e9 }),
  ];
  const result = analyze(
    [source('process', 5, readings)],
    [
      { pid: 1, name: 'loop' },
      { pid: 2, name: 'crowded' },
      { pid: 3, name: 'worker' },
      { pid: 4, name: 'worker' },
    ],
  );
  assert.deepEqual(
    result.processes.map(({ pid, cpuNs, runQueueNs, wallNs }) => [
      pid,
      cpuNs / 1e9,
      (runQueueNs ?? 0) / 1e9,
      wallNs / 1e9,
    ]),
    [
      [1, 4, 0.1, 4],
      [2, 2, 2, 4],
      [4, 0.2, 0, 1.5],
      [3, 0.1, 0, 3.5],
    ],
  );
  assert.deepEqual(
    result.programs.map(({ name, processes, verdict }) => [name, processes, verdict]),
    [
      ['loop', 1, 'on-cpu'],
      ['crowded', 1, 'short-of-cpu'],
      ['worker', 2, 'waiting'],
    ],
  );
  assert.equal(Math.round((result.observer?.cpuNs ?? 0) / 1e8), 4);
  // Started by tprof to watch: not in the recording's list.
  assert.deepEqual(
    result.tools.map(({ pid }) => pid),
    [8],
  );
  assert.ok(!result.series.some(one => one.labels.program === 'process 8'));
  const worker = result.series.find(one => one.name === 'program.rss' && one.labels.program === 'worker');
  assert.deepEqual([worker?.first, worker?.values], [1, [20e6, 20e6, 10e6, 10e6]]);
  assert.equal(result.programs[2]?.peakRssBytes, 20e6);
  const { host } = result;
  assert.ok(host !== undefined && Math.abs(host.busyShare - 1) < 1e-9);
  assert.ok(Math.abs(host.recordedShare - 6.3 / 8) < 1e-9 && Math.abs(host.othersShare - 0.9 / 8) < 1e-9);
  assert.deepEqual(
    result.findings.map(({ id, severity }) => [id, severity]),
    [
      ['short-of-cpu', 'info'],
      ['busy-machine', 'info'],
      ['observer', 'info'],
    ],
  );
});

test('the same over many readings is a warning; a machine that does nothing else is none', () => {
  const seconds = Array.from({ length: 12 }, (_, i) => i);
  const cpu = seconds.map(i => i / 2).join(' ');
  const crowded = [...processSeries(1, cpu, { queue: cpu })];
  assert.deepEqual(
    analyze([source('process', 12, crowded)]).findings.map(({ id, severity }) => [id, severity]),
    [['short-of-cpu', 'warning']],
  );
  const alone = [...processSeries(1, cpu, { queue: seconds.map(() => 0).join(' ') })];
  assert.deepEqual(analyze([source('process', 12, alone)]).findings, []);
});

test('a queue that grows is a finding; one that fills and drains is none', () => {
  const depth = (of: (i: number) => number) =>
    analyze([
      source('queue-depth', 30, [
        series('queue.depth', Array.from({ length: 30 }, (_, i) => of(i)).join(' '), { labels: { queue: 'orders' } }),
      ]),
    ]).findings.map(({ id }) => id);
  assert.deepEqual(
    depth(i => i * 20),
    ['queue-grows'],
  );
  assert.deepEqual(
    depth(i => 300 - Math.abs(i - 15) * 20),
    [],
  );
  assert.deepEqual(
    depth(i => i),
    [],
  );
});

test('histograms: what was observed during the recording, quantiles inside the buckets', () => {
  const part = (suffix: string, drawing: string, le?: string) =>
    series(`step_seconds${suffix}`, drawing, {
      kind: 'histogram',
      unit: suffix === '_sum' ? 'nanoseconds' : 'count',
      labels: { step: 'one', ...(le === undefined ? {} : { le }) },
      ...(suffix === '_sum' ? { scale: 1e9 } : {}),
    });
  const { histograms, series: told } = analyze([
    source('prometheus', 2, [
      part('_bucket', '1000 1050', '0.1'),
      part('_bucket', '1000 1090', '1'),
      part('_bucket', '1000 1100', '+Inf'),
      part('_sum', '10 60'),
      part('_count', '1000 1100'),
    ]),
  ]);
  assert.deepEqual(
    told.map(one => [one.name, one.last]),
    [
      ['step_seconds_sum', 50],
      ['step_seconds_count', 100],
    ],
  );
  assert.deepEqual(histograms, [
    {
      source: 0,
      name: 'step_seconds',
      labels: { step: 'one' },
      unit: 'nanoseconds',
      count: 100,
      sum: 50e9,
      mean: 0.5e9,
      p50: 0.1e9,
      p95: null,
      p99: null,
      buckets: [
        { le: 0.1e9, count: 50 },
        { le: 1e9, count: 40 },
        { le: null, count: 10 },
      ],
    },
  ]);
});

test('a metric that never changes is told once, without its values', () => {
  const told = analyze([
    source('prometheus', 3, [
      series('a', '7 7 7'),
      series('b', '7 . 7'),
      series('c_total', '7 7 7', { kind: 'counter' }),
    ]),
    source('postgres', 3, [series('postgres.connections', '9 9 9')]),
  ]).series;
  assert.deepEqual(
    told.map(({ name, constant, values, median }) => [name, constant, values, median]),
    [
      ['a', true, [], 7],
      ['b', undefined, [7, null, 7], 7],
      ['c_total', true, [], 0],
      ['postgres.connections', undefined, [9, 9, 9], 9],
    ],
  );
});

test('PostgreSQL: pool pressure, locks, cache, statements, stale statistics of the tables that were used', async () => {
  const read = await readProbeLog(await fileSource(join(FIXTURES, 'postgres/orders.jsonl')));
  const result = analyze([read.source]);
  const [server] = result.postgres;
  assert.ok(server !== undefined);
  assert.deepEqual(server.connections, { most: 85, limit: 97 });
  assert.deepEqual(server.byApplication, [{ application: 'orchestration', most: 75 }]);
  assert.deepEqual(server.locks, [{ lock: 'relation AccessExclusiveLock orders', most: 2, readings: 1 }]);
  // The server was restarted: its counters began anew.
  assert.ok(server.cacheHitShare !== null && Math.abs(server.cacheHitShare - 50_010 / 60_010) < 1e-9);
  assert.deepEqual(
    server.statements.map(({ query, meanNs, cacheHitShare }) => [query.slice(0, 6), meanNs, cacheHitShare]),
    [
      ['SELECT', 2e6, 890 / 900],
      ['SET ap', 1e6 / 3, null],
    ],
  );
  assert.deepEqual(
    server.tables.map(({ table, used, stale }) => [table, used, stale]),
    [
      ['public.unused', false, true],
      ['public.orders', true, true],
    ],
  );
  assert.equal(server.plannerStatistics, 'stale');
  assert.deepEqual(
    result.findings.map(finding => finding.id),
    ['connections', 'planner-statistics', 'cache-hit', 'lock-waits'],
  );
  assert.equal(result.sources[0]?.missed, 2);
});

test('runs with fresh and with stale planner statistics are not compared; a close call is not held against them', async () => {
  const { source: stale } = await readProbeLog(await fileSource(join(FIXTURES, 'postgres/orders.jsonl')));
  const changed = (by: number): SeriesSource => ({
    ...stale,
    documents: stale.documents.map(document =>
      document.name !== 'tables' || document.atNs === 0
        ? document
        : {
            ...document,
            value: (document.value as { name: string }[]).map(row =>
              row.name === 'orders' ? { ...row, changed_since_analyze: by } : row,
            ),
          },
    ),
  });
  const fact = (by: number) => plannerStatisticsOf(analyze([changed(by)]).postgres);
  assert.deepEqual([fact(0), fact(150), fact(200), fact(301)], ['fresh', 'fresh', undefined, 'stale']);
  assert.equal(plannerStatisticsOf([]), undefined);
  const found = incomparable([
    { name: 'a', plannerStatistics: 'fresh' },
    { name: 'b', plannerStatistics: undefined },
    { name: 'c', plannerStatistics: 'stale' },
  ]);
  assert.deepEqual(found, [
    {
      severity: 'refuse',
      what: 'the state of planner statistics',
      message: 'the state of planner statistics differs: fresh in a, stale in c',
    },
  ]);
});

test("a profiler's waits stand beside the probe's figures, and alone where no probe ran", () => {
  const builder = new ProfileBuilder('perf.data', [
    { name: 'cpu-clock', unit: 'nanoseconds' },
    { name: 'off-cpu', unit: 'nanoseconds' },
  ]);
  const main = builder.thread({ pid: 1, tid: 1, processName: 'loop', threadName: '' });
  const other = builder.thread({ pid: 7, tid: 7, processName: 'sleeper', threadName: '' });
  const stack = builder.stackOf([builder.frame({ name: 'poll' })]);
  builder.sample({ thread: main, stack, values: [4e9, 0], timeNs: 1 });
  builder.sample({ thread: other, stack, values: [0, 9e9], timeNs: 2 });
  const sampled = sampledWaits(builder.finish());
  assert.deepEqual(sampled, [
    { pid: 1, name: 'loop', cpuNs: 4e9, offCpuNs: 0 },
    { pid: 7, name: 'sleeper', cpuNs: 0, offCpuNs: 9e9 },
  ]);
  const options = { inputs: [], epochNs: 0n, cpus: 2, processes: [], sampled };
  const alone = analyzeSystemFigures([], options);
  assert.deepEqual(
    alone.programs.map(({ name, offCpuNs, verdict }) => [name, offCpuNs, verdict]),
    [
      ['loop', 0, 'unknown'],
      ['sleeper', 9e9, 'unknown'],
    ],
  );
  const both = analyzeSystemFigures([source('process', 2, processSeries(7, '0 1'))], options);
  assert.deepEqual(
    both.processes.map(({ pid, cpuNs, offCpuNs }) => [pid, cpuNs, offCpuNs]),
    [[7, 1e9, 9e9]],
  );
});

test('nothing read is no figures and no findings', () => {
  const result = analyze([source('process', 0, [])]);
  assert.deepEqual([result.series, result.findings, result.durationNs], [[], [], 0]);
});
