import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSource } from '../../collectors/file-source.ts';
import { clinicDoctor } from '../../collectors/profilers/clinic-doctor.ts';
import { writeDoctorFigures } from '../../collectors/profilers/doctor-figures.ts';
import { readProbeLog } from '../../src/formats/probe-log.ts';
import { double, framed, message, whole } from './clinic-bytes.ts';
import { clinicSkip, prepareAround } from './prepare-around.ts';

test('clinic doctor: each process gets a file of trace events of its own, in no folder of the user', clinicSkip, () =>
  prepareAround(clinicDoctor, ['node', 'app.js'], {}, run => {
    const { nodeOptions, work } = JSON.parse(run.environment.TPROF_WRAPPER ?? '');
    assert.ok(nodeOptions.includes('--trace-event-file-pattern='));
    assert.ok(nodeOptions.includes(['node_trace.$', '{pid}.$', '{rotation}.log'].join('')));
    assert.match(work, /[/\\]\.work$/);
  }),
);

test('clinic doctor: what its sampler wrote is read onto the monotonic clock, up to where a killed program cut it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tprof test '));
  try {
    const data = { name: '77.clinic-doctor', pid: 77, tid: 0 };
    const folder = join(directory, data.name);
    mkdirSync(folder);
    const stat = (ms: number): Buffer =>
      framed(
        double(1, 1_000_000 + ms),
        double(2, 1.5),
        double(3, 0.25),
        message(4, double(1, 5000), double(2, 400), double(3, 300), double(4, 20)),
        whole(5, 7),
        whole(6, 42),
      );
    const bytes = Buffer.concat([stat(10), stat(20), stat(30).subarray(0, 20)]);
    writeFileSync(join(folder, `${data.name}-processstat`), bytes);
    const clock = { hrtime: [5, 250], unixtime: 1_000_000 };
    writeFileSync(join(folder, `${data.name}-systeminfo`), JSON.stringify({ clock }));

    const probe = await writeDoctorFigures(directory, data);
    assert.equal(probe?.readings, 2);
    const { source } = await readProbeLog(await fileSource(join(directory, probe?.file ?? '')));
    assert.equal(source.originNs, 5_000_000_250n);
    assert.deepEqual([...source.timesNs], [10e6, 20e6]);
    const last = Object.fromEntries(source.series.map(({ name, values }) => [name, values.at(-1)]));
    assert.deepEqual(last, {
      'nodejs.eventloop.delay': 1.5e6,
      'nodejs.eventloop.utilization': 0.42,
      'nodejs.cpu.utilization': 0.25,
      'nodejs.memory.rss': 5000,
      'nodejs.memory.heap.used': 300,
      'nodejs.memory.heap.total': 400,
      'nodejs.memory.external': 20,
      'nodejs.handles': 7,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('clinic doctor: a process that left nothing has no figures', async () => {
  assert.equal(await writeDoctorFigures(tmpdir(), { name: 'none.clinic-doctor', pid: 1, tid: 0 }), undefined);
});
