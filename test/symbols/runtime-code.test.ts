import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memorySource } from '../../src/base/source.ts';
import { Warnings } from '../../src/base/warnings.ts';
import { JitCode } from '../../src/symbols/jit-code.ts';
import { readJitDump } from '../../src/symbols/jitdump.ts';
import { latestSymbols, readPerfMap } from '../../src/symbols/perf-map.ts';
import { runtimeName } from '../../src/symbols/runtime-name.ts';

test('perf map: names with spaces, 0x or not, a bad line counted', async () => {
  const warnings = new Warnings();
  const table = await readPerfMap(memorySource('perf-1.map', '10 10 a b c\n0x20 0x8 second\nnonsense\n'), warnings);
  assert.equal(table.find(0x1f)?.name, 'a b c');
  assert.equal(table.find(0x27)?.name, 'second');
  assert.equal(table.find(0x28), undefined);
  assert.deepEqual(
    warnings.list().map(w => [w.code, w.count]),
    [['damaged-input', 1]],
  );
});

const stretch = fc.record({ start: fc.nat(40), size: fc.integer({ min: 1, max: 20 }) });

test('perf map: where lines overlap no address is named by an older line than one that begins with it', () => {
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 20 }), stretches => {
      const starts = stretches.map(s => s.start);
      const ends = stretches.map(s => s.start + s.size);
      const table = latestSymbols(
        starts,
        ends,
        stretches.map((_, i) => String(i)),
      );
      for (let address = 0; address < 64; address++) {
        const found = table.find(address)?.name;
        const covering = stretches.map((_, i) => i).filter(i => starts[i]! <= address && address < ends[i]!);
        if (found === undefined) continue;
        assert.ok(covering.includes(Number(found)), `${address} is named by a line that does not cover it`);
      }
      const last = stretches.length - 1;
      if (last >= 0) assert.equal(table.find(starts[last]!)?.name, String(last), 'the last line holds where it begins');
    }),
  );
});

test('runtime names: V8 and CPython, with what stands around the name', () => {
  assert.deepEqual(runtimeName('JS:*render file:///app/a%20b.js:12:7'), {
    name: 'render',
    decoration: 'JS:*%',
    file: '/app/a b.js',
    line: 12,
    column: 7,
    category: 'JavaScript',
  });
  assert.equal(runtimeName('JS:~ /app/x.js:1:1').name, '(anonymous)');
  for (const mark of ['', '~', '^', '+', '*', "+'", "*'"]) {
    const { name, decoration } = runtimeName(`JS:${mark}hotLoop /app/x.js:1:1`);
    assert.deepEqual([name, decoration], ['hotLoop', `JS:${mark}%`]);
  }
  assert.equal(runtimeName('LazyCompile:*next node:internal/timers:512:5').file, 'node:internal/timers');
  assert.equal(runtimeName('py::run:/srv/job.py').category, 'Python');
  assert.equal(runtimeName('Interpreter').name, 'Interpreter');
});

test('jitdump: loads and moves; cut off, what came before', async () => {
  const bytes = jitDump();
  const table = (await readJitDump(memorySource('jit-1.dump', bytes), new Warnings()))!;
  assert.equal(table.find(0x1008)?.name, 'made');
  assert.equal(table.find(0x5008)?.name, 'made');
  const warnings = new Warnings();
  const cut = (await readJitDump(memorySource('jit-1.dump', bytes.subarray(0, bytes.length - 4)), warnings))!;
  assert.equal(cut.find(0x1008)?.name, 'made');
  assert.equal(cut.find(0x5008), undefined);
  assert.ok(warnings.has('damaged-input'));
  assert.equal(
    await readJitDump(memorySource('x', 'no jitdump at all, but some text of its length'), new Warnings()),
    undefined,
  );
});

test('jitdump: an address is named by the code that was there at that time', () => {
  const code = new JitCode([
    { start: 0x1000, end: 0x1100, timeNs: 100, name: 'first' },
    { start: 0x1040, end: 0x1050, timeNs: 200, name: 'second' },
    { start: 0x0f00, end: 0x1048, timeNs: 300, name: 'third' },
  ]);
  const at = (address: number, timeNs?: number): string | undefined => code.find(address, timeNs)?.name;
  assert.deepEqual([at(0x1044, 150), at(0x1044, 250), at(0x1044, 350)], ['first', 'second', 'third']);
  assert.equal(at(0x104c), 'second');
  assert.equal(at(0x10f0, 400), 'first');
  assert.equal(at(0x1044, 50), 'first', 'before all of it: the first that came');
  assert.equal(at(0x1100), undefined);
  assert.equal(at(0xe00), undefined);
});

/** A header, one JIT_CODE_LOAD of `made` at 0x1000 (16 bytes), one JIT_CODE_MOVE of it to 0x5000. */
function jitDump(): Uint8Array {
  const view = new DataView(new ArrayBuffer(40 + 16 + 40 + 5 + 16 + 16 + 48));
  const word = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  view.setUint32(0, 0x4a695444, true);
  view.setUint32(4, 1, true);
  view.setUint32(8, 40, true);
  let at = 40;
  view.setUint32(at, 0, true);
  view.setUint32(at + 4, 16 + 40 + 5 + 16, true);
  word(at + 24, 0x1000);
  word(at + 32, 0x1000);
  word(at + 40, 16);
  word(at + 48, 7);
  new Uint8Array(view.buffer).set(new TextEncoder().encode('made\0'), at + 56);
  at += 16 + 40 + 5 + 16;
  view.setUint32(at, 1, true);
  view.setUint32(at + 4, 16 + 48, true);
  word(at + 24, 0x5000);
  word(at + 32, 0x1000);
  word(at + 40, 0x5000);
  word(at + 48, 16);
  word(at + 56, 7);
  return new Uint8Array(view.buffer);
}
