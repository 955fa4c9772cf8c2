import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { v8Log } from '../../src/formats/v8-log.ts';
import { behind, fixture, formatContract } from './contract.ts';

formatContract(v8Log, {
  fixtures: ['node24.v8log.json'],
  header: bytes => behind(bytes, '"ticks": ['),
  firstRecordEnd: bytes => behind(bytes, '"ticks": [') + 1500,
  mutations: 200,
});

test('v8-log: names are bare, tiers are decoration, garbage collection stands on top', async () => {
  const profile = await v8Log.read!(memorySource('x', fixture('v8-log', 'node24.v8log.json')), {});
  const { frames: f, strings, samples } = profile;
  const row = f.name.indexOf(strings.indexOf('f'));
  assert.equal(strings[f.decoration[row]!], 'JS:*% [eval]:1:11');
  assert.equal(strings[f.category[row]!], 'JavaScript');
  assert.ok(strings.includes('(garbage collector)'));
  assert.equal(samples.length, 60);
  assert.equal(profile.defaultValue, 0);
});

test('v8-log: blanks in names and in paths are told apart', async () => {
  const scripts = [
    'six /a b/c.js:1:2',
    'get x file:///a b/c.mjs:3:4',
    ' /a b/c.js:5:6',
    'get y [eval]:7:8',
    'f node:fs:9:1',
  ];
  const log = {
    code: scripts.map((name, func) => ({ name, type: 'JS', kind: 'Opt', func })),
    functions: scripts.map(name => ({ name, codes: [] })),
    ticks: scripts.map((_, i) => ({ tm: i, vm: 0, s: [i, 0] })),
  };
  const profile = await v8Log.read!(memorySource('x', new TextEncoder().encode(JSON.stringify(log))), {});
  const { frames: f, strings } = profile;
  const found = [...f.name.keys()].map(i => [strings[f.name[i]!], strings[f.file[i]!], f.line[i], f.column[i]]);
  assert.deepEqual(found, [
    ['six', '/a b/c.js', 1, 2],
    ['get x', '/a b/c.mjs', 3, 4],
    ['(anonymous)', '/a b/c.js', 5, 6],
    ['get y', '[eval]', 7, 8],
    ['f', 'node:fs', 9, 1],
  ]);
});
