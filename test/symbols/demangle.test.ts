import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { demangle } from '../../src/symbols/demangle.ts';

const NAMES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'Rust, legacy': [
    ['_ZN4core3fmt9Formatter3pad17h0123456789abcdefE', 'core::fmt::Formatter::pad'],
    [
      '_ZN59_$LT$core..fmt..Arguments$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE',
      '<core::fmt::Arguments as core::fmt::Display>::fmt',
    ],
    [
      '_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE.llvm.123',
      'std::rt::lang_start::{{closure}}',
    ],
  ],
  'Rust, v0': [
    ['_RNvNtCs1234_7mycrate3foo3bar', 'mycrate::foo::bar'],
    ['_RNCNvCs1234_7mycrate4main0B3_', 'mycrate::main::{closure#0}'],
    ['_RINvNtC3std3mem8align_ofdE', 'std::mem::align_of::<f64>'],
    ['_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate', '<std::path::PathBuf>::new'],
    [
      '_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_3std',
      'alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>',
    ],
    ['_RNvC6_123foo3bar', '123foo::bar'],
    ['_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y', 'utf8_idents::საჭმელად_გემრიელი_სადილი'],
  ],
  'C++': [
    ['_Z3foov', 'foo'],
    ['_ZNKSt6vectorIiSaIiEE4sizeEv', 'std::vector<int, std::allocator<int> >::size'],
    ['_ZN12_GLOBAL__N_13fooEv', '(anonymous namespace)::foo'],
    ['_ZZN1A3fooIiEEvT_ENKUliE0_clEi', 'A::foo<int>(int)::{lambda(int)#2}::operator()'],
    ['_ZN1AcvT_IiEEv', 'A::operator int<int>'],
    ['_ZNSsC1Ev', 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string'],
    ['_ZN3BarIJiifEE1bEv', 'Bar<int, int, float>::b'],
    ['_ZThn16_N3Foo3barEv', 'non-virtual thunk to Foo::bar()'],
    ['_Z3fooIPFviEEvT_.part.0', 'foo<void (*)(int)>'],
    ['_ZN1aILb1ELj3ELm4EE1bEv', 'a<true, 3u, 4ul>::b'],
    ['_ZTV3Foo', 'vtable for Foo'],
    ['_ZGTtNKSt9exception4whatEv', 'transaction clone for std::exception::what() const'],
  ],
  'none of them': [
    ['main', 'main'],
    ['_start', '_start'],
    ['memcpy@plt', 'memcpy@plt'],
    ['__libc_start_main@@GLIBC_2.34', '__libc_start_main'],
    ['_Z', '_Z'],
    ['_R', '_R'],
    ['_ZN', '_ZN'],
  ],
};

for (const [scheme, names] of Object.entries(NAMES)) {
  test(`demangle: ${scheme}`, () => {
    for (const [symbol, name] of names) assert.equal(demangle(symbol), name);
  });
}

test('demangle: whatever the text, it comes back as some text', () => {
  const symbols = fc.string({ unit: fc.constantFrom(...'_ZRNSTIECKB0123_aisv.$X') });
  fc.assert(
    fc.property(fc.constantFrom('_Z', '_ZN', '_R', '_RNv', ''), symbols, (start, rest) => {
      assert.equal(typeof demangle(start + rest), 'string');
    }),
    { numRuns: 3000 },
  );
});

test('demangle: back references that unfold without end stay mangled', () => {
  // Each tuple holds the one before twice: 2^40 types.
  let symbol = '_RIC1ah';
  for (let i = 0, at = 4; i < 40; i++) symbol += `TB${at === 0 ? '_' : `${(at - 1).toString(36)}_`}B3_E`;
  assert.equal(typeof demangle(`${symbol}E`), 'string');
});

const symbols = functionsOfThisNode();

test('demangle: the C++ functions of Node itself, as c++filt -p names them', { skip: symbols.why }, () => {
  const { stdout } = spawnSync('c++filt', ['-p'], {
    input: symbols.names.join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const expected = stdout.split('\n');
  const different = symbols.names.filter((symbol, i) => demangle(symbol) !== expected[i]);
  // c++filt closes two brackets without a space after some empty packs, and knows the arguments of generic lambdas.
  assert.ok(
    different.length <= symbols.names.length * 0.005,
    `${different.length} of ${symbols.names.length} differ: ${different[0]}`,
  );
});

/** Every tenth mangled function of the running Node. */
function functionsOfThisNode(): { readonly names: readonly string[]; readonly why: string | false } {
  const nm = spawnSync('nm', ['--defined-only', process.execPath], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (nm.error !== undefined || spawnSync('c++filt', ['--version']).error !== undefined) {
    return { names: [], why: 'binutils (nm, c++filt) are not installed' };
  }
  const all = nm.stdout.match(/_Z\w+$/gm) ?? [];
  const names = all.filter((_, i) => i % 10 === 0);
  return { names, why: names.length < 1000 ? 'this Node is stripped of its symbols' : false };
}
