import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SystemFiguresResult } from '../../analyzers/system-figures-result.ts';
import { findPostgresFolder, postgresPackage } from '../../examples/tasker-lite/postgres-binaries.ts';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { eventually, inFolder, runInProcess, runTprof, startTprof, theCapture } from './run-tprof.ts';

const linux = process.platform === 'linux' ? false : 'processes are followed on Linux';
const skip = findPostgresFolder() === undefined ? `${postgresPackage()} is not installed` : linux;

function readJson<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(...path), 'utf8')) as T;
}

test(
  'every recording has the figures of its processes; a metrics endpoint and a lost server are in it, without secrets',
  { skip: linux },
  () =>
    inFolder(async cwd => {
      let scrapes = 0;
      const server = createServer((_, res) => res.end(`# TYPE jobs counter\njobs_total ${++scrapes}\n`));
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        // Ends by itself once it was scraped five times, however slow the machine is.
        const code = `const get = () => fetch('http://${host}').then(r => r.text()).then(t => Number(t.split(' ').at(-1)) < 20 ? setTimeout(get, 100) : 0); get()`;
        const run = await runTprof(
          [
            'record',
            '--profiler',
            'none',
            '--sample-interval',
            '100ms',
            '--metrics',
            `http://zaphod:hunter2@${host}`,
            '--postgres',
            'postgresql://zaphod:hunter2@127.0.0.1:1/orders',
            '--',
            process.execPath,
            '-e',
            code,
          ],
          { cwd },
        );
        assert.equal(run.code, 0, run.stderr);
        assert.match(run.stderr, /no postgres figures for now: connection refused/);
        const { directory, manifest } = theCapture(cwd);
        assert.deepEqual(
          manifest.probes?.map(({ id, file, intervalMs }) => [id, file, intervalMs]),
          [
            ['process', 'raw/probes/process.jsonl', 100],
            ['postgres', 'raw/probes/postgres.jsonl', 100],
            ['prometheus', 'raw/probes/prometheus.jsonl', 100],
          ],
        );
        assert.ok(
          manifest.losses.some(
            loss => /readings? of postgres figures/.test(loss.what) && /connection refused/.test(loss.why),
          ),
        );
        const figures = readJson<SystemFiguresResult>(directory, 'system-figures.json');
        assert.equal(figures.schema, 'tprof.system-figures/1');
        const target = figures.processes.find(process => process.pid === manifest.processes[0]?.pid);
        assert.ok((target?.cpuNs ?? 0) > 0 && target?.name === manifest.processes[0]?.name);
        assert.ok((figures.observer?.cpuNs ?? 0) > 0, "tprof's own cost");
        const jobs = figures.series.find(series => series.name === 'jobs_total');
        assert.ok(jobs?.unit === 'count/s' && jobs.max > 0);
        // On the capture's clock: within the recording.
        const beganNs = Number(BigInt(figures.epochNs) - BigInt(Date.parse(manifest.startedAt)) * 1_000_000n);
        assert.ok(beganNs > -2e9 && beganNs < 20e9, `${beganNs} ns after the beginning`);
        const report = readFileSync(join(directory, 'report.md'), 'utf8');
        assert.match(report, /On-CPU against waiting/);
        assert.match(report, /jobs_total/);
        assert.match(readFileSync(join(directory, 'report.html'), 'utf8'), /class="gallery"/);
        for (const file of [
          'capture.json',
          'system-figures.json',
          'report.md',
          'raw/probes/prometheus.jsonl',
          'raw/probes/postgres.jsonl',
        ]) {
          assert.doesNotMatch(readFileSync(join(directory, file), 'utf8'), /zaphod|hunter2/, file);
        }
        assert.doesNotMatch(run.stderr, /hunter2/);
        const shown = await runInProcess(['report', directory, '--json'], cwd);
        assert.equal((JSON.parse(shown.stdout) as SystemFiguresResult).schema, 'tprof.system-figures/1');
      } finally {
        server.closeAllConnections();
        await new Promise(resolve => server.close(resolve));
      }
    }),
);

test(
  "the built-in workload's database and queue are found without being named, and their end is no loss",
  { skip },
  () =>
    inFolder(async cwd => {
      const args = [
        'record',
        '--profiler',
        'none',
        '--sample-interval',
        '100ms',
        '--',
        'e2e',
        'linear',
        '--tasks',
        '6',
      ];
      const run = await runTprof(args, { cwd });
      assert.equal(run.code, 0, run.stderr);
      const { directory, manifest } = theCapture(cwd);
      assert.deepEqual(
        manifest.probes?.map(({ id }) => id),
        ['process', 'postgres', 'queue-depth'],
      );
      for (const { id, readings } of manifest.probes ?? []) assert.ok(readings > 0, id);
      assert.deepEqual(
        manifest.losses.filter(loss => /figures/.test(loss.what)),
        [],
      );
      const figures = readJson<SystemFiguresResult>(directory, 'system-figures.json');
      assert.ok(figures.programs.some(program => program.name === 'postgres' && program.processes > 3));
      const [server] = figures.postgres;
      assert.ok((server?.commitsPerSecond ?? 0) > 0);
      assert.ok(server?.tables.some(table => table.table === 'tasker.workflow_steps' && table.used));
      assert.ok(server?.byApplication.some(({ application }) => application.startsWith('tasker-lite-worker')));
    }),
);

test('--no-probes reads nothing; what an address must look like is said before anything starts', () =>
  inFolder(async cwd => {
    const none = await runTprof(
      ['record', '--profiler', 'none', '--no-probes', '-o', 'out', '--', process.execPath, '-e', '0'],
      { cwd },
    );
    assert.equal(none.code, 0, none.stderr);
    assert.deepEqual(readJson<CaptureManifest>(cwd, 'out', 'capture.json').probes, []);
    assert.ok(!existsSync(join(cwd, 'out', 'system-figures.json')));
    for (const [flag, value] of [
      ['--postgres', 'mysql://x'],
      ['--queue-depth', 'amqp://h'],
      ['--metrics', 'x y'],
      ['--sample-interval', '1ms'],
    ] as const) {
      const wrong = await runInProcess(['record', '--profiler', 'none', flag, value, '-o', 'bad', '--', 'true'], cwd);
      assert.equal(wrong.code, 2, `${flag}: ${wrong.stderr}`);
      assert.match(wrong.stderr, new RegExp(flag));
      assert.ok(!existsSync(join(cwd, 'bad')));
    }
  }));

test('receive probes as record does', () =>
  inFolder(async cwd => {
    let scrapes = 0;
    const server = createServer((_, res) => res.end(`jobs_total ${++scrapes}\n`));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tprof = startTprof(
      ['receive', '--listen', ':0', '-o', 'out', '--metrics', url, '--sample-interval', '50ms'],
      { cwd },
    );
    try {
      await eventually('a few scrapes', () => scrapes >= 3);
      tprof.child.kill('SIGINT');
      const run = await tprof.ended;
      assert.equal(run.code, 0, run.stderr);
      const manifest = readJson<CaptureManifest>(cwd, 'out', 'capture.json');
      assert.deepEqual(
        manifest.probes?.map(({ id }) => id),
        ['process', 'prometheus'],
      );
      assert.ok((manifest.probes?.[1]?.readings ?? 0) >= 3);
    } finally {
      tprof.child.kill('SIGKILL');
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    }
  }));

test('doctor looks at the servers that it is given, and --need asks for them', async () => {
  const args = [
    'doctor',
    '--json',
    '--postgres',
    'postgresql://127.0.0.1:1/x',
    '--need',
    'process',
    '--need',
    'postgres',
  ];
  const run = await runInProcess(args, process.cwd());
  const { probes, receivers, unmet } = JSON.parse(run.stdout) as {
    probes: { id: string; usable: boolean; reason?: string; hint?: string }[];
    receivers: { id: string; usable: boolean }[];
    unmet: string[];
  };
  assert.deepEqual(
    probes.map(({ id, usable }) => [id, usable]),
    [
      ['process', true],
      ['postgres', false],
      ['queue-depth', true],
      ['prometheus', true],
    ],
  );
  assert.equal(probes[1]?.reason, 'connection refused');
  assert.ok(receivers.some(({ id, usable }) => id === 'otlp' && usable));
  assert.deepEqual([unmet, run.code], [['postgres'], 1]);
});
