import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processName } from '../../collectors/process-name.ts';

const CASES: readonly (readonly [string, string])[] = [
  ['/usr/bin/node --enable-source-maps /app/server.js --port 80', 'server'],
  ['node -r ./tracing.js /app/dist/main.mjs', 'main'],
  ['node --require ./tracing.js bin/www', 'www'],
  ['node -e process.exit()', 'node'],
  ['python3 -m http.server', 'python3'],
  ['python3.11 /srv/worker.py', 'worker'],
  ['bash -c true', 'bash'],
  ['/usr/lib/postgresql/18/bin/postgres -D /data', 'postgres'],
  ['./tasker-server --config x', 'tasker-server'],
  ['node', 'node'],
];

test('a process is named by its script, or by its program', () => {
  for (const [line, name] of CASES) assert.equal(processName(line.split(' '), undefined, '?'), name, line);
});

test('a title of its own comes first, but for postgres, whose title is what it does right now', () => {
  assert.equal(processName(['node', 'x.js'], 'tasker-lite worker', '?'), 'tasker-lite worker');
  assert.equal(processName(['postgres: walwriter'], undefined, '?'), 'postgres');
  assert.equal(processName(['postgres', '-D', 'x'], 'postgres: me db [local] idle', '?'), 'postgres');
});

test('without a command line, the kernel’s short name has to do', () => {
  assert.equal(processName([], undefined, 'kworker'), 'kworker');
});
