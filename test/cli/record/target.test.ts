import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { telemetryEnvironment, withAssignments } from '../../../src/cli/record/child-environment.ts';
import { parseDuration, parseFrequency } from '../../../src/cli/record/record-options.ts';
import { resolveTarget } from '../../../src/cli/record/target.ts';
import { inFolder } from '../run-tprof.ts';

test('what a target is, is told by its name and its first line', () =>
  inFolder(async cwd => {
    const script = async (name: string, text: string): Promise<void> => {
      await writeFile(join(cwd, name), text);
      await chmod(join(cwd, name), 0o755);
    };
    await script('tool', '#!/usr/bin/env node\n');
    await script('e2e', '#!/bin/sh\n');
    await script('worker', '#!/usr/bin/env python3\n');
    await script('python3', '#!/usr/bin/env bash\n');
    await script('service', '\u007fELF');
    const env = { PATH: `${cwd}:${process.env.PATH}` };
    const runtime = (...words: string[]): string => resolveTarget(words, env, cwd).runtime;
    assert.equal(runtime(process.execPath, 'x.js'), 'node');
    assert.equal(runtime('./tool'), 'node');
    assert.equal(runtime('./worker'), 'python');
    assert.equal(runtime('python3', 'x.py'), 'python', 'a shim of a version manager');
    assert.equal(runtime('./service'), 'native');
    const program = resolveTarget(['./e2e', 'linear'], env, cwd);
    assert.deepEqual([program.builtIn, program.runtime], [false, 'script']);
    const builtIn = resolveTarget(['e2e', 'linear', '--tasks', '5'], env, cwd);
    assert.deepEqual([builtIn.builtIn, builtIn.name, builtIn.typed[0]], [true, 'e2e-linear', 'e2e']);
    assert.match(builtIn.command[1] ?? '', /bin\/tprof\.js$/);
    assert.equal(resolveTarget([process.execPath, 'src/server.mjs'], env, cwd).name, 'server');
  }));

test('durations and frequencies, as people type them', () => {
  assert.deepEqual(['30', '30s', '500ms', '2m', '1.5h'].map(parseDuration), [30_000, 30_000, 500, 120_000, 5_400_000]);
  for (const text of ['', '0', '-1', '30 s', 's', '1e99', '99999h']) assert.throws(() => parseDuration(text), text);
  assert.equal(parseFrequency('997'), 997);
  for (const text of ['', '0', '-5', '1000000', 'x']) assert.throws(() => parseFrequency(text), text);
});

test('telemetry variables are set unless they are set already', () => {
  const added = telemetryEnvironment('http://127.0.0.1:1', { OTEL_LOGS_ENABLED: 'false' });
  assert.equal(added.OTEL_EXPORTER_OTLP_ENDPOINT, 'http://127.0.0.1:1');
  assert.equal(added.OTEL_LOGS_ENABLED, undefined);
  assert.equal(added.OTEL_SPAN_EVENT_COUNT_LIMIT, '4096');
  assert.deepEqual(withAssignments({ A: '1', B: '2' }, ['A=x=y', 'C=']), { A: 'x=y', B: '2', C: '' });
});
