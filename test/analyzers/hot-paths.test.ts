import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyzeHotPaths } from '../../analyzers/hot-paths.ts';
import { NO_STACK } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { hotPathsView } from '../../src/report/hot-paths-view.ts';
import { renderTerminal } from '../../src/report/terminal.ts';
import { drawProfile } from './profile-drawing.ts';

test('functions rank by self, then total, then name', () => {
  const result = analyzeHotPaths(
    drawProfile(`
      main > parse > scan   30
      main > parse          10
      main > write          30
      main                  20
    `),
  );
  assert.deepEqual(
    result.functions.map(f => [f.name, f.self, f.total]),
    [
      ['scan', 30, 30],
      ['write', 30, 30],
      ['main', 20, 90],
      ['parse', 10, 40],
    ],
  );
  assert.equal(result.weight.total, 90);
  assert.equal(result.functions[0]!.selfShare, 30 / 90);
});

test('a recursive function counts a sample once, directly or through another', () => {
  const result = analyzeHotPaths(
    drawProfile(`
      walk > walk > walk        10
      walk > visit > walk        5
      other                      1
    `),
  );
  const totals = Object.fromEntries(result.functions.map(f => [f.name, f.total]));
  assert.deepEqual(totals, { walk: 15, visit: 5, other: 1 });
});

test('waiting is left out of the total and said beside it', () => {
  const result = analyzeHotPaths(
    drawProfile(`
      (idle)   900
      main      80
      (garbage collector)  20
    `),
  );
  assert.equal(result.weight.total, 100);
  assert.equal(result.waiting, 900);
  assert.deepEqual(
    result.categories.map(c => [c.id, c.self]),
    [
      ['application', 80],
      ['gc', 20],
    ],
  );
});

test('runtime code belongs to the library that called it, not to the application', () => {
  const frames = {
    send: { file: '/app/node_modules/pg/lib/client.js' },
    writev: { file: 'node:net' },
    handler: { file: '/app/src/handler.ts' },
    readFile: { file: 'node:fs' },
  };
  const result = analyzeHotPaths(
    drawProfile('handler > send > writev  7\nhandler > readFile  3\nhandler  1', { frames }),
  );
  assert.deepEqual(Object.fromEntries(result.categories.map(c => [c.id, c.self])), {
    'database-client': 7,
    runtime: 3,
    application: 1,
  });
});

test('phases are joined by process and time; what overlaps goes to the one that began last', () => {
  const profile = drawProfile(
    `
      main  1  @5    1/1
      main  1  @15   1/1
      main  1  @25   1/1
      main  1  @15   2/2
      main  1  @95   1/1
    `,
    { epochNs: 1_000n },
  );
  const result = analyzeHotPaths(profile, {
    phases: {
      epochNs: 990n,
      intervals: [
        { pid: 1, startNs: 10, endNs: 40, phase: 'result-processing' },
        { pid: 1, startNs: 20, endNs: 30, phase: 'discovery' },
      ],
    },
  });
  assert.deepEqual(Object.fromEntries(result.phases.map(p => [p.id, p.self])), {
    'result-processing': 2,
    discovery: 1,
    'outside-steps': 2,
  });
});

test('few samples turn findings into notes', () => {
  const result = analyzeHotPaths(drawProfile('main > hot  9\nmain  1'));
  assert.equal(result.warnings[0]?.code, 'low-samples');
  assert.deepEqual([...new Set(result.findings.map(f => f.severity))], ['info']);
});

test('a stack of 20,000 frames is analysed without recursion', () => {
  const builder = new ProfileBuilder('deep', [{ name: 'samples', unit: 'count' }]);
  let stack = NO_STACK;
  for (let i = 0; i < 20_000; i++) stack = builder.stack(stack, builder.frame({ name: `f${i % 3}` }));
  builder.sample({ thread: builder.thread({ pid: 1, tid: 1, processName: '', threadName: '' }), stack, values: [1] });
  const result = analyzeHotPaths(builder.finish());
  assert.equal(result.functions.length, 3);
  assert.equal(result.paths[0]!.frames.length, 20_000);
});

test('parts add up to the whole: functions, paths, categories, threads, phases', () => {
  const sample = fc.record({
    path: fc.array(fc.constantFrom('a', 'b', 'c', '(idle)', 'd'), { maxLength: 6 }),
    weight: fc.nat(1000),
    time: fc.nat(100),
    pid: fc.constantFrom(1, 2),
  });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 40 }), samples => {
      const text = samples.map(s => `${s.path.join(' > ')} ${s.weight} @${s.time} ${s.pid}/${s.pid}`).join('\n');
      const profile = drawProfile(text, { epochNs: 0n });
      const result = analyzeHotPaths(profile, {
        phases: { epochNs: 0n, intervals: [{ pid: 1, startNs: 10, endNs: 60, phase: 'discovery' }] },
      });
      const total = result.weight.total;
      const sum = (parts: readonly { self?: number; total?: number }[], key: 'self' | 'total'): number =>
        parts.reduce((all, part) => all + (part[key] ?? 0), 0);
      assert.equal(sum(result.paths, 'total'), total);
      assert.equal(sum(result.categories, 'self'), total);
      assert.equal(sum(result.threads, 'self'), total);
      if (profile.samples.length > 0) assert.equal(sum(result.phases, 'self'), total);
      for (const f of result.functions) assert.ok(f.self <= f.total && f.total <= total);
      assert.equal(
        total + result.waiting,
        samples.filter((_, i) => i < profile.samples.length).reduce((all, s) => all + s.weight, 0),
      );
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('the view names its weight and never hides the rows that it leaves out', () => {
  const text = renderTerminal(hotPathsView(analyzeHotPaths(drawProfile('a 1\nb 2\nc 3')), { top: 2 }), {
    color: false,
    width: 100,
  });
  assert.match(text, /Ranked by cpu: 6 ns in 3 samples, none lost\./);
  assert.match(text, /… and 1 more/);
});
