import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memorySource } from '../../src/base/source.ts';
import { ProbeLogWriter, type Reading, readProbeLog } from '../../src/formats/probe-log.ts';
import { seriesValueAt } from '../../src/model/series.ts';

const ORIGIN = 5_000_000_000n;

function gauge(name: string, value: number, absent?: 'zero'): Reading {
  return { name, kind: 'gauge', unit: 'count', value, ...(absent === undefined ? {} : { absent }) };
}

function begun(): { writer: ProbeLogWriter; head: string } {
  const writer = new ProbeLogWriter(ORIGIN);
  return { writer, head: writer.head({ probe: 'queue-depth', intervalMs: 1000, target: { 'server.port': 1 } }) };
}

test('what was read comes back: gaps, series that come and go, counters born on the way', async () => {
  const { writer, head } = begun();
  const born: Reading = {
    name: 'c',
    kind: 'counter',
    unit: 'bytes',
    value: 7,
    bornNs: ORIGIN + 500n,
    labels: { a: 'b' },
  };
  const text =
    head +
    writer.sample(0, [gauge('a', 1), gauge('z', 4, 'zero')]) +
    writer.document(1, 'server', { version: '18' }) +
    writer.sample(1000, [gauge('a', 1), born]) +
    writer.missed(2000, 'connection refused') +
    writer.missed(3000, 'connection refused') +
    writer.missed(3500, 'no answer in time') +
    writer.sample(4000, [{ ...born, value: 9 }, gauge('a', Number.NaN)]);
  const { source, warnings } = await readProbeLog(memorySource('log', text));
  assert.deepEqual(warnings, []);
  assert.equal(source.probe, 'queue-depth');
  assert.equal(source.originNs, ORIGIN);
  assert.deepEqual([...source.timesNs], [0, 1000, 2000, 3000, 3500, 4000]);
  const [a, z, c] = source.series;
  assert.deepEqual([...a!.values], [1, 1, Number.NaN, Number.NaN, Number.NaN]);
  assert.deepEqual([...z!.values], [4, 0, Number.NaN, Number.NaN, Number.NaN, 0]);
  assert.deepEqual([c!.first, c!.bornNs, [...c!.values]], [1, 500, [7, Number.NaN, Number.NaN, Number.NaN, 9]]);
  assert.deepEqual([seriesValueAt(c!, 0), seriesValueAt(c!, 1), seriesValueAt(c!, 9)], [Number.NaN, 7, Number.NaN]);
  assert.deepEqual(source.gaps, [
    { fromNs: 2000, toNs: 3000, missed: 2, why: 'connection refused' },
    { fromNs: 3500, toNs: 3500, missed: 1, why: 'no answer in time' },
  ]);
  assert.deepEqual(source.documents, [{ atNs: 1, name: 'server', value: { version: '18' } }]);
});

test('a value that stays is not written again', () => {
  const { writer } = begun();
  writer.sample(0, [gauge('a', 1)]);
  assert.equal(writer.sample(1, [gauge('a', 1)]), '{"atNs":1,"values":{}}\n');
});

test('any readings come back at their times', async () => {
  const turn = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 3 }));
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 20 }), async turns => {
      const { writer, head } = begun();
      const lines = turns.map((readings, t) =>
        writer.sample(
          t,
          Object.entries(readings).map(([name, value]) => gauge(name, value)),
        ),
      );
      const { source } = await readProbeLog(memorySource('log', head + lines.join('')));
      for (const [t, readings] of turns.entries()) {
        for (const name of ['a', 'b', 'c']) {
          const told = source.series
            .filter(series => series.name === name)
            .map(series => seriesValueAt(series, t))
            .filter(value => !Number.isNaN(value));
          assert.deepEqual(told, readings[name] === undefined ? [] : [readings[name]]);
        }
      }
    }),
  );
});

test('a log that was cut gives what came before; one without a head gives nothing, and says so', async () => {
  const { writer, head } = begun();
  const text = head + writer.sample(0, [gauge('a', 1)]) + writer.sample(1, [gauge('a', 2)]);
  const cut = await readProbeLog(memorySource('log', text.slice(0, -8)));
  assert.deepEqual([...cut.source.series[0]!.values], [1]);
  assert.equal(cut.warnings[0]?.code, 'damaged-input');
  const beheaded = await readProbeLog(memorySource('log', text.slice(head.length)));
  assert.deepEqual(beheaded.source.series, []);
  assert.equal(beheaded.warnings[0]?.code, 'damaged-input');
});
