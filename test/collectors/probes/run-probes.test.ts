import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../../collectors/file-source.ts';
import { type Probe, ProbeFailure, type ProbeRun } from '../../../collectors/probes/probe.ts';
import { prometheusProbe } from '../../../collectors/probes/prometheus.ts';
import { runProbes } from '../../../collectors/probes/run-probes.ts';
import { readProbeLog } from '../../../src/formats/probe-log.ts';
import type { SeriesSource } from '../../../src/model/series.ts';

async function inFolder(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'tprof-probes-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Answers turn by turn with what `script` says, and with its last word from then on. */
function scripted(script: readonly (number | string)[]): { readonly probe: Probe; turns(): number } {
  let turn = 0;
  const run: ProbeRun = {
    target: {},
    async sample() {
      const now = script[Math.min(turn++, script.length - 1)]!;
      if (typeof now === 'string') throw new ProbeFailure(now, { hint: 'mend it' });
      return { readings: [{ name: 'a', kind: 'gauge', unit: 'count', value: now }] };
    },
    close: async () => ({ documents: [{ name: 'last', value: 'words' }], losses: [] }),
  };
  const probe: Probe = {
    id: 'scripted',
    title: '',
    flag: '--scripted',
    check: async () => ({ usable: true, version: '', usableFor: '' }),
    open: () => run,
  };
  return { probe, turns: () => turn };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

async function logOf(directory: string, file = 'scripted.jsonl'): Promise<SeriesSource> {
  const { source, warnings } = await readProbeLog(await fileSource(join(directory, file)));
  assert.deepEqual(warnings, []);
  return source;
}

test('what fails is written down, told once, and tried again; nothing is thrown', () =>
  inFolder(async directory => {
    const told: string[] = [];
    const probes = runProbes({
      directory,
      intervalMs: 10,
      processes: () => [],
      onFailure: (id, f) => told.push(`${id}: ${f.why}`),
    });
    const { probe, turns } = scripted([1, 'gone', 'gone', 2, 'slow', 3]);
    probes.add({ probe, target: '' });
    await until('six turns', () => turns() >= 6);
    const end = await probes.stop();
    assert.equal(await probes.stop(), end);
    assert.deepEqual(told, ['scripted: gone', 'scripted: slow']);
    assert.equal(end.probes[0]?.missed, 3);
    assert.match(end.losses[0]!.what, /^2 readings of scripted figures$/);
    assert.match(end.losses[0]!.why, /^0\.\d to 0\.\d s after the beginning: gone$/);
    assert.match(end.losses[1]!.what, /^1 reading of scripted figures$/);
    const source = await logOf(directory);
    assert.deepEqual(
      source.gaps.map(({ missed, why }) => [missed, why]),
      [
        [2, 'gone'],
        [1, 'slow'],
      ],
    );
    assert.deepEqual([...source.series[0]!.values].slice(0, 6), [1, Number.NaN, Number.NaN, 2, Number.NaN, 3]);
    assert.equal(source.documents[0]?.value, 'words');
  }));

test('of what belongs to the workload, that it is not there yet or no longer is no loss; a gap between is', () =>
  inFolder(async directory => {
    const told: string[] = [];
    const probes = runProbes({ directory, intervalMs: 10, processes: () => [], onFailure: id => told.push(id) });
    const { probe, turns } = scripted(['not yet', 1, 'hiccup', 2, 'over']);
    probes.add({ probe, target: '', endsWithTarget: true });
    await until('six turns', () => turns() >= 6);
    const { losses } = await probes.stop();
    assert.deepEqual(told, []);
    assert.deepEqual(
      losses.map(({ why }) => why.replace(/^.*: /, '')),
      ['hiccup'],
    );
  }));

test('a reading that takes long is not overtaken, and one that never ends does not keep the recording', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  await inFolder(async directory => {
    let asked = 0;
    const { probe } = scripted([1]);
    const stuck: ProbeRun = {
      target: {},
      sample: () => {
        asked++;
        return new Promise(() => {});
      },
      close: async () => ({ documents: [], losses: [] }),
    };
    const probes = runProbes({ directory, intervalMs: 10, processes: () => [] });
    probes.add({ probe: { ...probe, open: () => stuck }, target: '' });
    t.mock.timers.tick(100);
    assert.equal(asked, 1);
    const { probes: summary } = await probes.stop();
    assert.equal(summary[0]?.readings, 0);
  });
});

test('a folder that is gone costs the figures and nothing else', () =>
  inFolder(async directory => {
    const probes = runProbes({ directory: join(directory, 'gone'), intervalMs: 10, processes: () => [] });
    const { probe, turns } = scripted([1]);
    probes.add({ probe, target: '' });
    await until('a turn', () => turns() >= 1);
    await new Promise(resolve => setTimeout(resolve, 50));
    const { losses } = await probes.stop();
    assert.match(losses.at(-1)!.why, /cannot be written/);
  }));

test('two endpoints have a file each; one that is closed meanwhile is a loss with its times', () =>
  inFolder(async directory => {
    const servers: Server[] = [];
    const asked: number[] = [];
    const serve = async (text: string): Promise<string> => {
      const number = asked.push(0) - 1;
      const server = createServer((_, res) => {
        asked[number] = asked[number]! + 1;
        res.end(text);
      });
      servers.push(server);
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const urls = [await serve('# TYPE c counter\nc_total 5\n'), await serve('g 7\n')];
    const failed: string[] = [];
    const probes = runProbes({
      directory,
      intervalMs: 50,
      processes: () => [],
      onFailure: (_, { why }) => failed.push(why),
    });
    try {
      for (const target of urls) probes.add({ probe: prometheusProbe, target });
      await until('both were asked twice', () => asked.every(times => times >= 2));
      servers[1]!.closeAllConnections();
      await new Promise(resolve => servers[1]!.close(resolve));
      await until('the loss is noticed', () => failed.length > 0);
      const end = await probes.stop();
      assert.deepEqual(
        end.probes.map(probe => probe.file),
        ['raw/probes/prometheus.jsonl', 'raw/probes/prometheus-2.jsonl'],
      );
      assert.ok(end.losses.length > 0 && end.losses.every(loss => !loss.why.includes('127.0.0.1')));
      assert.equal((await logOf(directory, 'prometheus.jsonl')).series[0]?.kind, 'counter');
      assert.equal((await logOf(directory, 'prometheus-2.jsonl')).series[0]?.values[0], 7);
    } finally {
      await probes.stop();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    }
  }));
