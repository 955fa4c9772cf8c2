import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { run } from '../../src/cli/main.ts';
import { assertWellFormed } from '../flame/well-formed.ts';

let folder = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tprof-flame-'));
  writeFileSync(join(folder, 'a.folded'), 'main;serve;parse 30\nmain;serve;query 20\nmain;fib;fib;fib 10\n');
  writeFileSync(join(folder, 'b.folded'), 'main;serve;parse 60\nmain;serve;new 20\n');
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function flame(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const sink = (): { stream: Writable; text: () => string } => {
    const parts: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        parts.push(String(chunk));
        done();
      },
    });
    return { stream, text: () => parts.join('') };
  };
  const [stdout, stderr] = [sink(), sink()];
  const context = {
    stdin: Readable.from([]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: {},
    cwd: folder,
    exitCode: 0,
  };
  await run(['node', 'tprof', 'flame', ...args], context);
  return { code: context.exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

test('to standard output, to an SVG, to a page', async () => {
  const piped = await flame('a.folded');
  assert.equal(piped.code, 0);
  assertWellFormed(piped.stdout);
  assert.match(piped.stdout, /samples 60/);
  const svg = await flame('a.folded', '-o', 'out/a.svg', '--title', 'a title');
  assert.equal(svg.code, 0, svg.stderr);
  assert.match(svg.stderr, /out\/a\.svg: \d+/);
  assert.match(readFileSync(join(folder, 'out/a.svg'), 'utf8'), /<title id="flame-title">a title</);
  const html = await flame('a.folded', '-o', 'a.html', '--json');
  assert.match(readFileSync(join(folder, 'a.html'), 'utf8'), /^<!doctype html>/);
  const result = JSON.parse(html.stdout) as Record<string, unknown>;
  assert.equal(result.schema, 'tprof.flame/1');
  assert.deepEqual(result.weight, { name: 'samples', unit: 'count' });
});

test('views and filters by option', async () => {
  const data = (svg: string): { state: Record<string, unknown>; labels: string[] } =>
    JSON.parse(/id="flame-data">([^<]*)</.exec(svg)![1]!);
  const turned = data((await flame('a.folded', '--reverse', '--icicle', '--collapse-recursion')).stdout);
  assert.equal(turned.state.reversed, true);
  assert.equal(turned.state.direction, 'icicle');
  assert.equal(turned.state.recursion, 'all');
  const focused = data((await flame('a.folded', '--focus', 'query', '--hide', 'serve', '--color', 'hash')).stdout);
  assert.deepEqual(focused.labels, ['all', 'main', 'query']);
  assert.equal(focused.state.palette, 'name');
  const sandwich = data((await flame('a.folded', '--sandwich', 'serve')).stdout);
  assert.equal(sandwich.labels[Number(sandwich.state.sandwich)], 'serve');
});

test('two profiles compared', async () => {
  const { code, stdout } = await flame('b.folded', '--before', 'a.folded');
  assert.equal(code, 0);
  assertWellFormed(stdout);
  assert.match(stdout, /before: samples 60 · after: samples 80/);
  assert.match(stdout, />\+ new</);
  assert.match(stdout, />× query</);
});

test('what is wrong is said in a sentence, and nothing is written', async () => {
  const cases: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [['a.folded', '-o', 'x.png'], 2, /the name does not say which picture/],
    [['a.folded', '--json'], 2, /cannot both go to standard output/],
    [['a.folded', '-o', 'x.svg', '--focus', '('], 2, /--focus takes a regular expression/],
    [['a.folded', '-o', 'x.svg', '--sandwich', 'serv'], 2, /no function named 'serv'[\s\S]*'serve'/],
    [['a.folded', '-o', 'x.svg', '--time-order'], 2, /needs the time of each sample/],
    [['a.folded', '-o', 'x.svg', '--weight', 'bytes'], 2, /no weight 'bytes'[\s\S]*samples/],
    [['a.folded', '-o', 'x.svg', '--thread', 'nobody'], 2, /no thread matches 'nobody'/],
    [['a.folded', '-o', 'x.svg', '--width', 'wide'], 2, /whole number from 300/],
    [['absent.folded', '-o', 'x.svg'], 3, /absent\.folded/],
    [['a.folded', '-o', 'x.svg', '--colour'], 2, /unknown option/],
  ];
  for (const [args, code, says] of cases) {
    const outcome = await flame(...args);
    assert.equal(outcome.code, code, `${args.join(' ')}: ${outcome.stderr}`);
    assert.match(outcome.stderr, says);
    assert.ok(!existsSync(join(folder, 'x.svg')) && !existsSync(join(folder, 'x.png')));
  }
});
