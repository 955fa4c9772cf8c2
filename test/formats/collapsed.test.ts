import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memorySource } from '../../src/base/source.ts';
import { collapsed } from '../../src/formats/collapsed.ts';
import { FrameFlag, NO_STACK, type Profile } from '../../src/model/profile.ts';
import { ProfileBuilder } from '../../src/model/profile-builder.ts';
import { fixture, formatContract, writtenText } from './contract.ts';
import { stackTexts } from './stack-texts.ts';

formatContract(collapsed, {
  fixtures: ['annotated.folded', 'inferno.folded', 'diff.folded'],
  header: () => 0,
  firstRecordEnd: bytes => bytes.indexOf(10) + 1,
  // Between two lines, or within the count.
  cutUnseen: (bytes, at) => /[\d\n]/.test(String.fromCharCode(bytes[at - 1]!)),
  identity: true,
});

const read = (text: string | Uint8Array): Promise<Profile> => collapsed.read!(memorySource('x', text), {});

test('collapsed: two counts are a diff, the older first', async () => {
  const profile = await read(fixture('collapsed', 'diff.folded'));
  assert.deepEqual(
    profile.valueTypes.map(type => type.name),
    ['before', 'after'],
  );
  assert.deepEqual(stackTexts(profile, 0), ['main;a 5', 'main;a;b 2', 'main;c 0']);
  assert.deepEqual(stackTexts(profile), ['main;a 7', 'main;a;b 0', 'main;c 9']);
});

test('collapsed: annotations are flags, and names are bare', async () => {
  const profile = await read('a;LazyCompile:*work /srv/w.js:12:3;c_[k];d_[i] 5\n');
  assert.deepEqual(stackTexts(profile), ['a;work;c;d 5']);
  assert.deepEqual([...profile.frames.flags], [0, FrameFlag.jit, FrameFlag.kernel, FrameFlag.inlined]);
});

test('collapsed: CRLF, comments, empty lines, fractions; lines without a count are counted', async () => {
  const profile = await read('# a comment\r\na;b 1.5\r\n\r\nno count here\r\na;b 2\r\na; c 3 4\n');
  assert.deepEqual(stackTexts(profile), ['a;b 3.5', 'a; c 3 4']);
  assert.deepEqual(
    profile.warnings.map(w => [w.code, w.count, w.examples]),
    [['lines-skipped', 1, ['no count here']]],
  );
});

test('collapsed: recognised with comments, a spoilt line, and in UTF-16 of both orders', () => {
  const text = '# made by a tool\n// and a note\nmain;a;b 1\nmain;a;c 4\nmain;a 5\nmain;d 2\na line that was spoilt\n';
  assert.ok(collapsed.detect(new TextEncoder().encode(text)) > 0);
  const plain = 'main;a 1\nmain;b 2\n';
  const units = Array.from(plain, letter => letter.charCodeAt(0));
  assert.ok(collapsed.detect(Uint8Array.of(0xff, 0xfe, ...units.flatMap(unit => [unit, 0]))) > 0);
  assert.ok(collapsed.detect(Uint8Array.of(0xfe, 0xff, ...units.flatMap(unit => [0, unit]))) > 0);
  assert.equal(collapsed.detect(new TextEncoder().encode('just 12\nsome words\nof a letter; yours\n')), 0);
});

test('collapsed: stacks that print alike are one line, in the order of bytes', async () => {
  const builder = new ProfileBuilder('x', [{ name: 'samples', unit: 'count' }]);
  const thread = builder.thread({ pid: 7, tid: 8, processName: 'p', threadName: 'my thread' });
  const frames = [{ name: 'a', line: 1 }, { name: 'a', line: 2 }, { name: 'a b' }, { name: 'x;y' }];
  for (const input of frames) {
    const stack = builder.stack(NO_STACK, builder.frame(input));
    builder.sample({ thread, stack, values: [1] });
    builder.sample({ thread, stack: builder.stack(stack, builder.frame({ name: 'leaf' })), values: [1] });
  }
  builder.sample({ thread, stack: NO_STACK, values: [1] });
  const profile = builder.finish();
  assert.equal(
    await writtenText(collapsed, profile),
    'my_thread;a 2\nmy_thread;a b 1\nmy_thread;a b;leaf 1\nmy_thread;a;leaf 2\nmy_thread;x:y 1\nmy_thread;x:y;leaf 1\n',
  );
  assert.match(
    await writtenText(collapsed, profile, { flags: new Set(['tid', 'context']) }),
    /^my_thread-7\/8;a::1 1$/m,
  );
  assert.deepEqual(collapsed.losses!(profile, {}), ['samples without a stack are left out: 1']);
});

test('collapsed: a 20,000-deep stack', async () => {
  const text = `${Array.from({ length: 20_000 }, (_, i) => `f${i}`).join(';')} 1\n`;
  assert.equal(await writtenText(collapsed, await read(text)), text);
});

test('collapsed: any stacks come back as they were', async () => {
  const name = fc.stringMatching(/^[^\s;\p{C}\p{Z}]{1,6}$/u).filter(text => !/^[#\d]/.test(text));
  const stack = fc.array(name, { minLength: 1, maxLength: 6 }).map(names => names.join(';'));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(stack, fc.integer({ min: 1, max: 2 ** 40 }), { minKeys: 1 }), async counts => {
      const lines = Object.entries(counts).map(([text, count]) => `${text} ${count}`);
      const text = await writtenText(collapsed, await read(`${lines.join('\n')}\n`));
      assert.deepEqual(text.trimEnd().split('\n').sort(), lines.sort());
    }),
    { numRuns: 40 },
  );
});
