import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CaptureManifest } from '../../../src/model/capture.ts';
import { eventually, inFolder, runInProcess, runTprof, startTprof, theCapture } from '../run-tprof.ts';

const QUICK = ['--no-trace', '--no-probes', '--profiler', 'none'];

test('record --measure-overhead: the recorded run shows its output once; the cost is in the manifest, file, report and summary', async () => {
  await inFolder(async cwd => {
    // Each run leaves a line, and what it was told of collectors.
    writeFileSync(
      join(cwd, 'work.cjs'),
      `require('fs').appendFileSync('runs', (process.env.OTEL_EXPORTER_OTLP_ENDPOINT ? 'watched' : 'unwatched') + '\\n'); console.log('hello');`,
    );
    const command = ['--', process.execPath, 'work.cjs'];
    const options = ['record', '--profiler', 'none', '--no-probes', '--json', '--measure-overhead', '--rounds', '2'];
    const run = await runTprof([...options, ...command], { cwd });
    assert.equal(run.code, 0, run.stderr);
    const { directory, manifest } = theCapture(cwd);
    const { overhead } = manifest;
    assert.ok(overhead !== undefined);
    assert.deepEqual([overhead.rounds, overhead.failedRuns, overhead.interrupted], [2, 0, false]);
    assert.deepEqual(overhead.watchedBy, ['the OTLP receiver']);
    assert.notEqual(overhead.order[0], overhead.order[1], 'which comes first turns from round to round');
    const order = overhead.order.flatMap(first =>
      first === 'watched' ? ['watched', 'unwatched'] : ['unwatched', 'watched'],
    );
    assert.deepEqual(readFileSync(join(cwd, 'runs'), 'utf8').trim().split('\n'), ['watched', ...order]);
    assert.equal(
      run.stderr.match(/hello/g)?.length,
      1,
      '--json sends the output of the recorded run to standard error',
    );
    assert.deepEqual(JSON.parse(run.stdout), manifest);
    const wall = overhead.measures.find(({ id }) => id === 'wall');
    assert.ok(wall?.unwatched.every(ns => ns > 0) && wall.watched.length === 2);
    assert.equal(
      (JSON.parse(readFileSync(join(directory, 'overhead.json'), 'utf8')) as { schema: string }).schema,
      'tprof.overhead/1',
    );
    assert.match(readFileSync(join(directory, 'report.md'), 'utf8'), /## What watching costs/);
    assert.match(run.stderr, /cost of watching, wall: /);
    assert.ok(!existsSync(join(directory, 'raw/overhead-run')), 'what the extra runs recorded is thrown away');
  });
});

test('record --measure-overhead: runs that end otherwise do not count, and the exit code is the recorded run’s', async () => {
  await inFolder(async cwd => {
    writeFileSync(
      join(cwd, 'once.cjs'),
      `const fs = require('fs'); const again = fs.existsSync('ran'); fs.writeFileSync('ran', ''); process.exit(again ? 7 : 3);`,
    );
    const run = await runTprof(['record', ...QUICK, '--measure-overhead', '--', process.execPath, 'once.cjs'], { cwd });
    assert.equal(run.code, 3, run.stderr);
    const { overhead } = theCapture(cwd).manifest;
    assert.deepEqual([overhead?.rounds, overhead?.interrupted, overhead?.measures], [0, false, []]);
    assert.ok((overhead?.failedRuns ?? 0) >= 3, 'what fails every time is given up');
    assert.match(run.stderr, /was not measured: no round counts/);
  });
});

test('record --measure-overhead: a run that cannot begin any more costs the cost, and nothing of the capture', async () => {
  await inFolder(async cwd => {
    // It takes itself away after the recorded run.
    writeFileSync(join(cwd, 'once.sh'), '#!/bin/sh\nrm -f once.sh\nexit 4\n', { mode: 0o755 });
    const run = await runTprof(['record', ...QUICK, '--measure-overhead', '--', './once.sh'], { cwd });
    assert.equal(run.code, 4, run.stderr);
    assert.match(run.stderr, /a run could not begin: /);
    const { manifest } = theCapture(cwd);
    assert.deepEqual([manifest.complete, manifest.overhead?.rounds], [true, 0]);
  });
});

test('record --measure-overhead: Ctrl-C in the middle leaves a complete capture with what was measured', async () => {
  await inFolder(async cwd => {
    writeFileSync(join(cwd, 'work.cjs'), `require('fs').appendFileSync('runs', 'x');`);
    const tprof = startTprof(
      ['record', ...QUICK, '--measure-overhead', '--rounds', '1000', '--', process.execPath, 'work.cjs'],
      { cwd },
    );
    const runs = (): number => (existsSync(join(cwd, 'runs')) ? readFileSync(join(cwd, 'runs')).length : 0);
    await eventually('two rounds', () => runs() > 5, 180_000);
    process.kill(-tprof.pid, 'SIGINT');
    const ended = await tprof.ended;
    assert.equal(ended.code, 0, ended.stderr);
    const { manifest } = theCapture(cwd) as { manifest: CaptureManifest };
    assert.equal(manifest.complete, true);
    const { overhead } = manifest;
    assert.equal(overhead?.interrupted, true);
    assert.ok((overhead?.rounds ?? 0) >= 2 && (overhead?.rounds ?? 0) < 1000, `${overhead?.rounds}`);
    assert.equal(overhead?.measures[0]?.watched.length, overhead?.rounds);
  });
});

test('record --measure-overhead: what cannot be measured is refused before anything runs', async () => {
  await inFolder(async cwd => {
    const refused = async (words: readonly string[], why: RegExp): Promise<void> => {
      const run = await runInProcess(['record', ...words], cwd);
      assert.equal(run.code, 2, run.stderr);
      assert.match(run.stderr, why);
      assert.ok(!existsSync(join(cwd, '.tprof')));
    };
    await refused(['--measure-overhead', '--pid', String(process.pid)], /cannot be run again/);
    await refused(['--measure-overhead', '--duration', '1s', '--', 'true'], /--duration ends it/);
    await refused(['--rounds', '3', '--', 'true'], /goes with --measure-overhead/);
    await refused(['--measure-overhead', '--rounds', '0', '--', 'true'], /whole number/);
  });
});
