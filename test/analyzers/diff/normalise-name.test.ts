import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normaliseName, normalisePlace } from '../../../analyzers/diff/normalise-name.ts';

test('what a build adds to a name is taken away', () => {
  for (const [raw, expected] of [
    ['core::ptr::drop_in_place::h0123456789abcdef', 'core::ptr::drop_in_place'],
    ['serde[1a2b3c4d]::de::visit', 'serde::de::visit'],
    ['com.x.Job$$Lambda$733/0x00007f.run', 'com.x.Job$$Lambda.run'],
    ['work.constprop.0', 'work'],
    ['parse.llvm.1234567', 'parse'],
    ['main::{closure#3}', 'main::{closure}'],
    ['0x7f3a12', '0x…'],
    ['md5_0x', 'md5_0x'],
    ['operator<<', 'operator<<'],
    ['step_2', 'step_2'],
  ] as const) {
    assert.equal(normaliseName(raw), expected);
    assert.equal(normaliseName(normaliseName(raw)), expected, 'normalising twice changes nothing');
  }
});

test('places keep what names the code, not the machine or the version', () => {
  assert.equal(normalisePlace('/home/u/.cargo/registry/src/index-1a2b3c/serde-1.0.219/src/de.rs'), 'serde/src/de.rs');
  assert.equal(normalisePlace('file:///a/b/node_modules/pg/lib/client.js'), 'pg/lib/client.js');
  assert.equal(normalisePlace('/usr/lib/x86_64-linux-gnu/libc.so.6'), 'lib/x86_64-linux-gnu/libc.so.6');
});
