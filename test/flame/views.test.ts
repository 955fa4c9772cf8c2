import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareProfiles } from '../../flame/compare-profiles.ts';
import { mergeProfile } from '../../flame/merge.ts';
import { drawnProfile } from './drawn-profile.ts';
import { drawnView } from './drawn-view.ts';
import { assertGolden } from './golden.ts';

const PROFILE = drawnProfile(
  `
  web 1    | main;serve;parse          | 30
  web 1    | main;serve;query;wait!waiting | 20
  worker 2 | main;serve;parse;parse    | 10
  web 1    | main;serve;parse          | 5
  worker 2 | main;a;b;a;b;c            | 25
  worker 2 | main;a;a;c                | 15
  worker 2 |                           | 5
  `,
);
const MODEL = mergeProfile(PROFILE, { threads: true, timeOrder: true });

test('views of a small profile', () => {
  const views = {
    'left-heavy': {},
    'by name': { order: 'name' },
    'in order of time': { order: 'time' },
    'in order of time, one process': { order: 'time', only: 'p1' },
    reversed: { reversed: true },
    'by process': { grouping: 'process' },
    'one thread': { only: 't0' },
    'direct recursion collapsed': { recursion: 'direct' },
    'all recursion collapsed': { recursion: 'all' },
    'sandwich of a': { sandwichOf: 'a' },
    'sandwich of parse': { sandwichOf: 'parse' },
  } as const;
  const text = Object.entries(views).map(([name, options]) => `== ${name}\n${drawnView(MODEL, options)}\n`);
  assertGolden('views.txt', text.join('\n'));
});

test('filters keep, leave out, and hide by name, file and module', () => {
  const text = [
    ['focus query', { focus: /query/ }],
    ['ignore ^parse$', { ignore: /^parse$/ }],
    ['hide serve|b', { hide: /^(serve|b)$/g }],
  ] as const;
  const views = text.map(([name, options]) => {
    const model = mergeProfile(PROFILE, options);
    return `== ${name}\n${model.facts.join('\n')}\n${drawnView(model, {})}\n`;
  });
  assertGolden('filters.txt', views.join('\n'));
});

test('a comparison shows what grew, what shrank, what is new and what is gone', () => {
  const before = drawnProfile('t 1 | main;a | 60\nt 1 | main;b | 30\nt 1 | main;old | 10');
  const after = drawnProfile('t 1 | main;a | 20\nt 1 | main;b;c | 50\nt 1 | main;new | 30');
  const profile = compareProfiles(before, after, 'before → after');
  const model = mergeProfile(profile, { diff: { before: 0, after: 1 } });
  const widths = (['both', 'before', 'after'] as const).map(
    diffWidth => `== width: ${diffWidth}\n${drawnView(model, { diffWidth })}\n`,
  );
  assertGolden('diff.txt', `${model.facts.join('\n')}\n\n${widths.join('\n')}`);
});

test('boxes are functions: other lines and addresses are the same box, other files and modules are not', () => {
  const model = mergeProfile(drawnProfile('t 1 | f@a.so | 1\nt 1 | f@b.so | 2\nt 1 | f@a.so | 4'));
  assert.equal(drawnView(model, {}), 'all  7 (0) @0\n  f  5 (5) @0\n  f  2 (2) @5');
});

test('a time order needs times, a sandwich needs the function', () => {
  const model = mergeProfile(PROFILE);
  assert.throws(() => drawnView(model, { order: 'time' }), { code: 'usage', message: /needs the time of each sample/ });
  assert.throws(() => drawnView(model, { sandwichOf: 'pars' }), { code: 'usage', hint: /'parse'/ });
});

test('negative weights are left out, and said', () => {
  const model = mergeProfile(drawnProfile('t 1 | a | 5\nt 1 | b | -3\nt 1 | c | -4'));
  assert.match(model.facts.join('\n'), /rows with a negative weight, not drawn: 2/);
  assert.equal(drawnView(model, {}), 'all  5 (0) @0\n  a  5 (5) @0');
});
