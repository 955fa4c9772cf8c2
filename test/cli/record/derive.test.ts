import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TprofError } from '../../../src/base/errors.ts';
import { CaptureModels } from '../../../src/cli/capture-models.ts';
import { type DeriveContext, type DeriveStep, derive } from '../../../src/cli/record/derive.ts';
import { exitCodeOfRun } from '../../../src/cli/record/exit-code.ts';
import { beginManifest, mergeProcesses } from '../../../src/cli/record/manifest-draft.ts';
import { unprofiled } from '../../../src/cli/record/unprofiled.ts';
import type { CaptureProcess } from '../../../src/model/capture.ts';
import { inFolder } from '../run-tprof.ts';

const process_ = (pid: number, name: string, command: readonly string[], startTime = String(pid)): CaptureProcess => ({
  pid,
  parentPid: 1,
  name,
  command,
  startTime,
});

test('a step that fails costs its file and no other, and leaves nothing half-written', () =>
  inFolder(async directory => {
    const manifest = beginManifest('x', ['x'], new Date());
    const context: DeriveContext = { models: new CaptureModels(directory, manifest) };
    const step = (file: string, write: (path: string) => Promise<void>, applies = true): DeriveStep => ({
      file,
      applies: () => applies,
      write: () => write(join(directory, file)),
    });
    const outcome = await derive(context, [
      step('a', path => writeFile(path, 'a')),
      step('b', async path => {
        await writeFile(path, 'half');
        throw new TprofError('machine-lacks', 'the disk is full');
      }),
      step('c', async () => assert.fail('does not apply'), false),
      step('d', path => writeFile(path, 'd')),
    ]);
    assert.deepEqual(outcome.written, ['a', 'd']);
    assert.deepEqual(outcome.failures, ['b was not written: the disk is full']);
    assert.equal(existsSync(join(directory, 'b')), false);
  }));

test('a target that --duration ended did what it was asked', () => {
  const observed = { gaveUp: false, processes: [], stoppedBy: undefined };
  assert.equal(exitCodeOfRun({ ...observed, exit: { code: null, signal: 'SIGINT' }, stoppedBy: 'duration' }), 0);
  assert.equal(exitCodeOfRun({ ...observed, exit: { code: 130, signal: null }, stoppedBy: 'duration' }), 0);
  assert.equal(exitCodeOfRun({ ...observed, exit: { code: 1, signal: null }, stoppedBy: 'duration' }), 1);
  assert.equal(exitCodeOfRun({ ...observed, exit: { code: null, signal: 'SIGSEGV' } }), 139);
  assert.equal(exitCodeOfRun({ ...observed, exit: undefined }), 0);
});

test('a process that two observers saw is one; a pid that was used again is two', () => {
  const tracked = [process_(5, 'app', ['node', 'app.js'], '100')];
  const reported = [
    { pid: 5, parentPid: 1, command: ['node', 'app.js'], startTime: '100' },
    { pid: 5, parentPid: 1, command: ['node', 'later.js'], startTime: '900' },
    { pid: 6, parentPid: 5, command: ['node', 'short.js'], startTime: '200' },
  ];
  const merged = mergeProcesses(tracked, reported, command => command[1] ?? '');
  assert.deepEqual(
    merged.map(p => [p.pid, p.name, p.startTime]),
    [
      [5, 'app', '100'],
      [6, 'short.js', '200'],
      [5, 'later.js', '900'],
    ],
  );
});

test('processes without a profile are named: Node by name, others together', () => {
  const processes = [
    process_(1, 'app', ['node', 'app.js']),
    process_(2, 'lost', ['/usr/bin/node', 'lost.js']),
    process_(3, 'postgres', ['postgres']),
    process_(4, 'postgres', ['postgres: writer']),
  ];
  const losses = unprofiled(processes, [{ pid: 1 }], false);
  assert.deepEqual(
    losses.map(({ what, count }) => [what, count]),
    [
      ['CPU profile of lost (pid 2)', 1],
      ['CPU profiles of programs that are not Node: postgres × 2', 2],
    ],
  );
  assert.equal(unprofiled(processes, [{ pid: 1 }, { pid: 2 }], true).length, 0);
});
