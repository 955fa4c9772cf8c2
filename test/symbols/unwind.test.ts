import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { memorySource } from '../../src/base/source.ts';
import { Warnings } from '../../src/base/warnings.ts';
import { CodeLocations } from '../../src/symbols/code-location.ts';
import { evaluateExpression } from '../../src/symbols/dwarf-expression.ts';
import { Elf } from '../../src/symbols/elf.ts';
import { elfSymbolNames } from '../../src/symbols/elf-symbols.ts';
import { ImageLoader } from '../../src/symbols/image-loader.ts';
import type { ObjectFiles } from '../../src/symbols/object-files.ts';
import { symbolize } from '../../src/symbols/symbolize.ts';
import { type MemoryMap, UserUnwinder } from '../../src/symbols/unwind.ts';
import { mutate, seededRandom } from '../fuzz/mutate.ts';

const KNOWN = readFileSync(new URL('../fixtures/perf-data/known', import.meta.url));
const BASE = 0x555500000000;

function objects(bytes: Uint8Array): ObjectFiles {
  return { candidates: w => (w.kind === 'image' ? ['known'] : []), open: async place => memorySource(place, bytes) };
}

/** Address of a function of the fixture. */
async function addressOf(elf: Elf, name: string): Promise<number> {
  const text = elf.section('.text')!;
  const every = Float64Array.from({ length: text.size }, (_, i) => text.address + i);
  const names = await elfSymbolNames(elf, [], every);
  return every[names.indexOf(name)]!;
}

/** A sample as the kernel lays it out: bp, sp, ip by mask, then a copy of the stack. */
function sample(rbp: number, rsp: number, rip: number, stack: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(24 + stack.length * 8));
  [rbp, rsp, rip, ...stack].forEach((word, i) => {
    view.setBigInt64(i * 8, BigInt(word), true);
  });
  return view;
}

const MASK = { regsUserLow: (1 << 6) | (1 << 7) | (1 << 8), regsUserCount: 3 };

async function unwind(bytes: Uint8Array, view: DataView): Promise<{ addresses: number[]; truncated: boolean }> {
  const locations = new CodeLocations();
  const module = locations.module('file', '/app/known', '', 0);
  const anonymous = locations.module('jit', '[anon]', '', 1);
  const map: MemoryMap = {
    generation: 0,
    find: address =>
      address >= BASE && address < BASE + 0x10000
        ? { start: BASE, fileOffset: 0, module }
        : address >= 0x7000 && address < 0x8000
          ? { start: 0x7000, fileOffset: 0, module: anonymous }
          : undefined,
  };
  const unwinder = new UserUnwinder(new ImageLoader(objects(bytes), new Warnings()), new Warnings());
  const stack = { regsAt: 0, stackAt: 24, stackSize: view.byteLength - 24 };
  for (let pending = unwinder.begin(map, view, stack, MASK, true); pending !== undefined; ) {
    await pending;
    pending = unwinder.begin(map, view, stack, MASK, true);
  }
  const { count, low, high, truncated } = unwinder.frames;
  return { addresses: Array.from({ length: count }, (_, i) => high[i]! * 2 ** 32 + low[i]!), truncated };
}

test('unwinding: from the first instruction of a function its caller is on top of the stack', async () => {
  const elf = (await Elf.open(memorySource('known', KNOWN)))!;
  const at = BASE + (await addressOf(elf, 'burn_ten'));
  const caller = BASE + (await addressOf(elf, 'work')) + 9;
  const { addresses } = await unwind(KNOWN, sample(0, 0x1000, at, [caller, 0, 0, 0]));
  assert.deepEqual(addresses.slice(0, 2), [at, caller]);
});

test('unwinding: code without tables by its frame pointer; a copy that ends is marked', async () => {
  const rsp = 0x9000;
  // frame 1 at rsp+8: saved rbp → frame 2 at rsp+24, return to 0x7200; frame 2 points outside of the copy.
  const stack = [0, rsp + 24, 0x7200, 0xa000, 0x7300];
  const { addresses, truncated } = await unwind(KNOWN, sample(rsp + 8, rsp, 0x7100, stack));
  assert.deepEqual(addresses, [0x7100, 0x7200, 0x7300]);
  assert.equal(truncated, true);
});

test('unwinding: a frame that lies below the one before ends it', async () => {
  const rsp = 0x9000;
  const { addresses, truncated } = await unwind(KNOWN, sample(rsp, rsp, 0x7100, [rsp, 0x7100, 0, 0]));
  assert.deepEqual(addresses, [0x7100, 0x7100]);
  assert.equal(truncated, true);
});

test('DWARF expressions: the one of linkage stubs, arithmetic, a jump without end', () => {
  // rsp + 8 + ((rip & 15) >= 11) << 3
  const plt = Uint8Array.from([0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22]);
  const registers =
    (rip: number) =>
    (index: number): number =>
      index === 7 ? 0x1000 : rip;
  assert.equal(
    evaluateExpression(plt, undefined, registers(0x55550000100a), () => 0),
    0x1008,
  );
  assert.equal(
    evaluateExpression(plt, undefined, registers(0x55550000100b), () => 0),
    0x1010,
  );
  assert.equal(
    evaluateExpression(
      Uint8Array.from([0x06]),
      16,
      () => 0,
      address => address + 1,
    ),
    17,
  );
  assert.ok(
    Number.isNaN(
      evaluateExpression(
        Uint8Array.from([0x2f, 0xfd, 0xff]),
        1,
        () => 0,
        () => 0,
      ),
    ),
  );
  assert.ok(
    Number.isNaN(
      evaluateExpression(
        Uint8Array.from([0xe0]),
        1,
        () => 0,
        () => 0,
      ),
    ),
  );
});

test('ELF and DWARF: symbol, source line and inlined functions of each address of a function', async () => {
  const elf = (await Elf.open(memorySource('known', KNOWN)))!;
  assert.equal(elf.machine, 62);
  assert.match(elf.buildId, /^[0-9a-f]{40}$/);
  const start = await addressOf(elf, 'burn_sixty');
  const locations = new CodeLocations();
  const module = locations.module('file', '/app/known', elf.buildId, 0);
  const offsets = Array.from({ length: 60 }, (_, i) => start + i);
  const wanted = offsets.map(offset => locations.location(module, offset));
  const options = { kernelReference: undefined, jitDumps: new Map<number, string>() };
  const warnings = new Warnings();
  const frames = await symbolize(locations, new ImageLoader(objects(KNOWN), warnings), warnings, options);
  const chains = new Set(
    wanted.map(location => frames[location]?.map(f => `${f.name}${f.inlined ? '*' : ''}`).join(' > ')),
  );
  assert.ok(chains.has('burn_sixty'));
  assert.ok(chains.has('burn_sixty > spin*'));
  assert.ok(chains.has('burn_sixty > spin* > mix*'));
  const first = frames[wanted[0]!]![0]!;
  assert.match(first.file, /known\.c$/);
  assert.equal(first.line, 20);
});

test('ELF: another build than the recorded one is not used, and that is said', async () => {
  const warnings = new Warnings();
  const locations = new CodeLocations();
  const module = locations.module('file', '/app/known', 'f'.repeat(40), 0);
  assert.equal(await new ImageLoader(objects(KNOWN), warnings).load(module), undefined);
  assert.match(warnings.list()[0]!.examples[0]!, /another build is there now .*looked at known/);
});

test('ELF and DWARF: damaged files give fewer names, never a crash', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const bytes = mutate(KNOWN, seededRandom(seed));
    const warnings = new Warnings();
    const locations = new CodeLocations();
    const module = locations.module('file', '/app/known', '', 0);
    for (let offset = 0x1000; offset < 0x1400; offset += 3) locations.location(module, offset);
    await symbolize(locations, new ImageLoader(objects(bytes), warnings), warnings, {
      kernelReference: undefined,
      jitDumps: new Map(),
    });
    await unwind(bytes, sample(0x1008, 0x1000, BASE + 0x1150, [BASE + 0x1200, 0x1010, BASE + 0x1300, 0]));
  }
});
