import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memorySource } from '../../src/base/source.ts';
import { kernelSymbolNames } from '../../src/symbols/kernel-symbols.ts';
import { NearestSymbols } from '../../src/symbols/nearest-symbols.ts';

const symbol = fc.record({
  start: fc.nat(60),
  size: fc.integer({ min: 1, max: 30 }),
  rank: fc.nat(3),
  name: fc.stringMatching(/^[a-d]{1,2}$/),
});

test('nearest symbols: in any order, what a search through all of them finds', () => {
  fc.assert(
    fc.property(
      fc.array(symbol, { maxLength: 30 }),
      fc.uniqueArray(fc.nat(80), { maxLength: 20 }),
      (all, addresses) => {
        const wanted = Float64Array.from(addresses).sort();
        const nearest = new NearestSymbols<string>(wanted, (a, b) => a < b);
        for (const { start, size, rank, name } of all) {
          const slot = nearest.slot(start, rank);
          if (slot >= 0) nearest.offer(slot, start, start + size, rank, name);
        }
        wanted.forEach((address, i) => {
          const below = all.filter(s => s.start <= address);
          const start = Math.max(...below.map(s => s.start));
          const best = below
            .filter(s => s.start === start)
            .sort((a, b) => b.rank - a.rank || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))[0];
          const found = nearest.at(i);
          if (best === undefined) assert.equal(found, undefined);
          // Of symbols alike in place, rank and name, the first decides the size.
          else if (found === undefined)
            assert.ok(all.some(s => s.start === start && s.name === best.name && start + s.size <= address));
          else assert.equal(found.name, best.name);
        });
      },
    ),
  );
});

const KALLSYMS = `ffffffff81000000 T _text
ffffffff81000000 T _stext
ffffffff81000100 t helper
ffffffff81000200 T do_syscall_64
ffffffff81000200 t __alias
ffffffff82000000 D some_data
ffffffffc0001000 t module_function\t[module]
`;

test('kernel symbols: addresses near 2^64, data left out, the global name of two', async () => {
  const wanted = Float64Array.from([-0x7f000000 + 0x150, -0x7f000000 + 0x210, -0x3fffeff0]);
  const result = await kernelSymbolNames(memorySource('kallsyms', KALLSYMS), wanted, undefined);
  assert.deepEqual(result, { names: ['helper', 'do_syscall_64', 'module_function'], shift: 0 });
});

test('kernel symbols: of another boot, by distance from where the kernel begins', async () => {
  const moved = 0x2000000;
  const wanted = Float64Array.from([-0x7f000000 + 0x150 - moved]);
  const reference = { symbol: '_text', address: -0x7f000000 - moved };
  const result = await kernelSymbolNames(memorySource('kallsyms', KALLSYMS), wanted, reference);
  assert.deepEqual(result, { names: ['helper'], shift: moved });
});

test('kernel symbols: hidden addresses are no symbols', async () => {
  const hidden = KALLSYMS.replace(/^[0-9a-f]{16}/gm, '0000000000000000');
  assert.equal(
    await kernelSymbolNames(memorySource('kallsyms', hidden), Float64Array.from([-5]), undefined),
    undefined,
  );
});
