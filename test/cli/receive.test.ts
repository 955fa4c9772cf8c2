import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CaptureManifest } from '../../src/model/capture.ts';
import { spanIdsOf, spansMessage } from '../collectors/receivers/otlp-client.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

interface Receiving {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Where it listens; '' where it ended before it did. */
  readonly endpoint: string;
  readonly stderr: () => string;
}

async function receive(t: TestContext, ...args: string[]): Promise<Receiving> {
  const root = mkdtempSync(join(tmpdir(), 'tprof-receive-'));
  const folder = join(root, 'out');
  const child = spawn(process.execPath, [CLI, 'receive', '-o', folder, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });
  let stderr = '';
  const endpoint = await new Promise<string>(resolve => {
    child.stderr?.on('data', chunk => {
      stderr += String(chunk);
      const found = /receiving .* (http:\/\/[\d.]+:\d+)/.exec(stderr)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.on('exit', () => resolve(''));
  });
  return { child, folder, endpoint, stderr: () => stderr };
}

const post = (endpoint: string): Promise<Response> =>
  fetch(`${endpoint}/v1/traces`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf', Connection: 'close' },
    body: Buffer.from(spansMessage(0, 3)),
  });

const manifestOf = (folder: string): CaptureManifest =>
  JSON.parse(readFileSync(join(folder, 'capture.json'), 'utf8')) as CaptureManifest;

test('receive: Ctrl-C ends it with a complete capture', { timeout: 60_000 }, async t => {
  const { child, folder, endpoint, stderr } = await receive(t, '--listen', ':0');
  assert.notEqual(endpoint, '', stderr());
  assert.equal(manifestOf(folder).complete, false);
  assert.equal((await post(endpoint)).status, 200);
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0, stderr());
  const manifest = manifestOf(folder);
  assert.deepEqual([manifest.complete, manifest.spans.accepted, manifest.spans.requests], [true, 3, 1]);
  assert.equal(manifest.clocks.length, 2);
  assert.equal(spanIdsOf(join(folder, 'raw/otlp')).length, 3);
  if (existsSync('/proc/net/tcp')) assert.ok(manifest.processes.some(({ pid }) => pid === process.pid));
});

test('receive: --duration ends it, --json prints the manifest and nothing else', { timeout: 60_000 }, async t => {
  const { child, folder, stderr } = await receive(t, '--listen', ':0', '--duration', '200ms', '--json');
  let stdout = '';
  child.stdout?.on('data', chunk => {
    stdout += String(chunk);
  });
  if (child.exitCode === null) await once(child, 'close');
  assert.equal(child.exitCode, 0, stderr());
  assert.deepEqual(JSON.parse(stdout), manifestOf(folder));
});

test('receive: a port that is taken is exit 4 and leaves no folder', { timeout: 60_000 }, async t => {
  const first = await receive(t, '--listen', ':0');
  const second = await receive(t, '--listen', first.endpoint.replace('http://', ''));
  if (second.child.exitCode === null) await once(second.child, 'exit');
  assert.equal(second.child.exitCode, 4);
  assert.match(second.stderr(), /another process listens there/);
  assert.equal(existsSync(second.folder), false);
});
