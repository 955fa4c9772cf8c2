import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { memorySource } from '../../src/base/source.ts';
import { cpuprofile } from '../../src/formats/cpuprofile.ts';
import { speedscope } from '../../src/formats/speedscope.ts';
import type { Profile } from '../../src/model/profile.ts';
import { behind, fixture, formatContract, writtenText } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(speedscope, {
  fixtures: ['evented.speedscope.json', 'sampled.speedscope.json'],
  header: bytes => behind(bytes, '"name"') - 60,
  firstRecordEnd: bytes => behind(bytes, '"at": 160}'),
});

test('speedscope: evented profiles give each stretch to the stack that was open; empty time is left out', async () => {
  const profile = await speedscope.read!(memorySource('x', fixture('speedscope', 'evented.speedscope.json')), {});
  assert.deepEqual(profile.threads, [
    { pid: 10, tid: 11, processName: 'web', threadName: 'worker' },
    { pid: 0, tid: 0, processName: '', threadName: 'db' },
  ]);
  assert.deepEqual(stackTexts(profile), [
    'main 10000',
    'main;step 10000',
    'main;step;query 30000',
    'main;step 10000',
    'main 10000',
    'größer "than" 20000',
    'main;query 1000000',
    'main;query 500000',
    'main 1000000',
    ' 500000',
  ]);
  assert.deepEqual([...profile.samples.timeNs!].slice(0, 3), [100_000, 110_000, 120_000]);
});

test('speedscope: what is written is valid against the schema that speedscope ships', async () => {
  const schema: unknown = JSON.parse(
    readFileSync(
      new URL('../../node_modules/speedscope/dist/release/file-format-schema.json', import.meta.url),
      'utf8',
    ),
  );
  const validate = new Ajv().compile(schema as object);
  const profile = await cpuprofile.read!(memorySource('x', fixture('cpuprofile', 'node24.cpuprofile')), {});
  for (const value of [0, 1, 2]) {
    const text = await writtenText(speedscope, profile, { value });
    assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors));
  }
});

test('speedscope: events that are unordered or unbalanced are taken as well as can be, and counted', async () => {
  const file = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    shared: { frames: [{ name: 'a' }, { name: 'b' }] },
    profiles: [
      {
        type: 'evented',
        name: 't',
        unit: 'none',
        startValue: 0,
        endValue: 9,
        events: [
          { type: 'O', frame: 0, at: 0 },
          { type: 'O', frame: 1, at: 2 },
          { type: 'C', frame: 0, at: 1 },
          { type: 'C', frame: 1, at: 4 },
        ],
      },
    ],
  };
  const profile = await speedscope.read!(memorySource('x', JSON.stringify(file)), {});
  assert.deepEqual(stackTexts(profile), ['a 2']);
  assert.deepEqual(
    profile.warnings.map(w => [w.code, w.count]),
    [
      ['events-unbalanced', 2],
      ['events-unordered', 1],
    ],
  );
});

test('speedscope: py-spy stands processes on its stacks as frames; they are threads here', async () => {
  const file = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    profiles: [
      {
        type: 'sampled',
        name: 'Process 41 Thread 41 "MainThread"',
        unit: 'seconds',
        startValue: 0,
        endValue: 0.01,
        samples: [[0, 2, 3], [0]],
        weights: [0.005, 0.005],
      },
      {
        type: 'sampled',
        name: 'Process 42 Thread 0x7F12AB34CD40 "worker"',
        unit: 'seconds',
        startValue: 0,
        endValue: 0.005,
        samples: [[0, 1, 2]],
        weights: [0.005],
      },
    ],
    shared: {
      frames: [
        { name: 'process 41:"python3 app.py"', file: '', line: 0, col: null },
        { name: 'process 42:"python3 app.py"', file: '', line: 0, col: null },
        { name: '<module>', file: 'app.py', line: 9, col: null },
        { name: 'process 41:"quoted"', file: 'app.py', line: 2, col: null },
      ],
    },
    activeProfileIndex: null,
    exporter: 'py-spy@0.4.1',
    name: 'py-spy profile',
  };
  const read = (value: object): Promise<Profile> => speedscope.read!(memorySource('x', JSON.stringify(value)), {});
  const profile = await read(file);
  assert.deepEqual(stackTexts(profile, 0), ['<module>;process 41:"quoted" 5000000', ' 5000000', '<module> 5000000']);
  assert.deepEqual(profile.threads, [
    { pid: 41, tid: 41, processName: '', threadName: 'MainThread' },
    { pid: 42, tid: 0, processName: '', threadName: 'worker' },
  ]);
  const foreign = await read({ ...file, exporter: 'something else' });
  assert.equal(stackTexts(foreign, 0)[1], 'process 41:"python3 app.py" 5000000');
});
