import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareProfiles } from '../../flame/compare-profiles.ts';
import { DATA_ID, flameProgram } from '../../flame/flame-program.ts';
import { renderFlameHtml } from '../../flame/html.ts';
import { renderFlameSvg } from '../../flame/svg.ts';
import { NO_STACK, type Profile, type StackIndex } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { drawnProfile } from './drawn-profile.ts';
import { assertGolden } from './golden.ts';
import { assertWellFormed } from './well-formed.ts';

const SMALL = `
  web 1    | main;serve;parse@json      | 300
  web 1    | main;serve;query;read!kernel | 200
  worker 2 | main;run;poll!waiting      | 450
  worker 2 | main;run;a::very::long::path::of_function | 50
`;

/** Everything but the program, which has tests of its own and would drown the rest. */
const withoutProgram = (text: string): string => text.replace(flameProgram().replaceAll(']]>', ']] >'), '(program)');

test('a small picture', () => {
  const svg = renderFlameSvg(drawnProfile(SMALL), { title: 'small', command: 'run it', width: 600 });
  assertWellFormed(svg);
  assertGolden('small.svg', withoutProgram(svg));
});

test('a comparison', () => {
  const after = drawnProfile('web 1 | main;serve;parse@json | 900\nweb 1 | main;new | 100');
  const profile = compareProfiles(drawnProfile(SMALL), after, 'small → after');
  const svg = renderFlameSvg(profile, { diff: { before: 0, after: 1 }, width: 600 });
  assertWellFormed(svg);
  assertGolden('diff.svg', withoutProgram(svg));
});

test('an empty profile says so', () => {
  for (const text of ['', 't 1 | a;b | 0']) {
    const svg = renderFlameSvg(drawnProfile(text));
    assertWellFormed(svg);
    assert.match(svg, /no samples with a weight/);
    assert.match(renderFlameHtml(drawnProfile(text)), /no samples with a weight/);
  }
});

test('no name can break the picture', () => {
  const nasty = [
    '</script>',
    '<![CDATA[',
    ']]>',
    '--></desc>',
    '&amp;"\'',
    '\0\x07\x1b[0m',
    '\ud800',
    '\uffff',
    '\u2028',
  ];
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...nasty)), { minLength: 1, maxLength: 8 }),
      names => {
        const builder = new ProfileBuilder(names[0]!, [{ name: names[0]!, unit: 'count' }]);
        const thread = builder.thread({ pid: 1, tid: 1, processName: names[0]!, threadName: names.at(-1)! });
        let stack = NO_STACK;
        for (const name of names) stack = builder.stack(stack, builder.frame({ name, module: name, category: name }));
        builder.aggregate({ thread, stack, values: [1] });
        const profile = builder.finish();
        const svg = renderFlameSvg(profile, { command: names[0]!, grouping: 'thread' });
        assertWellFormed(svg);
        const html = renderFlameHtml(profile, { title: names.at(-1)! });
        const data = new RegExp(`id="${DATA_ID}">([^<]*)</script>`);
        for (const text of [svg, html]) {
          const payload = JSON.parse(data.exec(text)![1]!) as { labels: string[] };
          for (const name of names) if (name !== '' && name !== '(anonymous)') assert.ok(payload.labels.includes(name));
          assert.equal([...text.matchAll(/<script/g)].length, 2 + [...flameProgram().matchAll(/<script/g)].length);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('pictures ask for nothing from elsewhere', () => {
  for (const text of [renderFlameSvg(drawnProfile(SMALL)), renderFlameHtml(drawnProfile(SMALL))]) {
    const addresses = [...text.matchAll(/https?:\/\/[^"'\s]+/g)].map(match => match[0]);
    assert.deepEqual(new Set(addresses), new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xhtml']));
    assert.doesNotMatch(text, /@import|url\(|\bsrc=|\bhref=|\beval\(|new Function|fetch\(|XMLHttpRequest| on\w+="/);
  }
});

test('the same profile gives the same bytes', () => {
  assert.equal(renderFlameSvg(drawnProfile(SMALL)), renderFlameSvg(drawnProfile(SMALL)));
  assert.equal(renderFlameHtml(drawnProfile(SMALL)), renderFlameHtml(drawnProfile(SMALL)));
});

/** A call tree of `count` boxes with names as long as real ones, some shared. */
function largeProfile(count: number): Profile {
  const builder = new ProfileBuilder('large', [{ name: 'cpu', unit: 'nanoseconds' }]);
  const thread = builder.thread({ pid: 1, tid: 1, processName: 'p', threadName: 't' });
  const frames = Array.from({ length: Math.ceil(count / 20) }, (_, i) =>
    builder.frame({
      name: `some_crate::module_${i % 97}::Type${i % 31}::function_number_${i}`,
      module: `lib${i % 40}.so`,
    }),
  );
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 48271) >>> 0) % 0x7fffffff;
    return state % below;
  };
  let made = 0;
  const roots: StackIndex[] = [NO_STACK];
  while (made < count) {
    let stack = roots[next(roots.length)]!;
    for (let depth = 1 + next(30); depth > 0 && made < count; depth--) {
      stack = builder.stack(stack, frames[next(frames.length)]!);
      made = Math.max(made, stack + 1);
      if (stack % 7 === 0) roots.push(stack);
    }
    builder.aggregate({ thread, stack, values: [10_101_010 * (1 + next(50))] });
  }
  return builder.finish();
}

test('a hundred thousand boxes take less than 60 bytes each, names included', () => {
  const profile = largeProfile(100_000);
  const svg = renderFlameSvg(profile);
  assert.ok(Buffer.byteLength(svg) < 60 * profile.stacks.length, `${Buffer.byteLength(svg) / profile.stacks.length}`);
  assert.match(svg, /some_crate::module_/);
});

test('20,000 calls deep', () => {
  const builder = new ProfileBuilder('deep', [{ name: 'samples', unit: 'count' }]);
  const thread = builder.thread({ pid: 1, tid: 1, processName: 'p', threadName: 't' });
  let stack = NO_STACK;
  for (let i = 0; i < 20_000; i++) {
    stack = builder.stack(stack, builder.frame({ name: `f${i % 5}` }));
    if (i % 1000 === 999) builder.sample({ thread, stack, timeNs: i, values: [1] });
  }
  const profile = builder.finish();
  for (const options of [
    {},
    { reversed: true },
    { order: 'time' },
    { recursion: 'direct' },
    { sandwichOf: 'f3' },
    { grouping: 'thread' },
  ] as const) {
    const svg = renderFlameSvg(profile, options);
    assertWellFormed(svg);
    assert.match(svg, /deeper rows|more rows than the still picture has/);
  }
  assert.doesNotMatch(renderFlameSvg(profile, { recursion: 'all' }), /more rows/);
});
