import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TextBytes } from '../../src/formats/text-bytes.ts';

function written(write: (out: TextBytes) => void): string {
  const out = new TextBytes();
  write(out);
  return new TextDecoder().decode(out.take());
}

test('text as bytes: numbers as JavaScript writes them', () => {
  const numbers = fc.oneof(
    fc.integer(),
    fc.nat(),
    fc.double(),
    fc.constantFrom(0, -0, 999_999_999, 1e9, 2 ** 53, 1e21),
  );
  fc.assert(
    fc.property(numbers, value =>
      assert.equal(
        written(out => out.number(value)),
        String(value),
      ),
    ),
  );
});

test('text as bytes: decimals to the millionth as JavaScript writes them', () => {
  const decimals = fc.oneof(
    fc.double({ min: -1e10, max: 1e10, noNaN: true }),
    fc.double({ noNaN: true }),
    fc.integer({ min: -1e9, max: 1e9 }).map(n => n / 1000),
    fc.constantFrom(0, 1e-6, -1e-6, 1e-7, 0.1, 999_999_999.999999, 1e9, 4294967296.5, 1e300),
  );
  fc.assert(
    fc.property(decimals, value => {
      const rounded = Math.round(value * 1e6) / 1e6;
      assert.equal(
        written(out => out.decimal(value)),
        Object.is(rounded, -0) ? '0' : String(rounded),
      );
    }),
  );
});

test('text as bytes: text of any length and alphabet between numbers', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 })), texts => {
      const whole = written(out => {
        for (const text of texts) {
          out.text(text.repeat(50));
          out.byte(0x2c);
        }
      });
      assert.equal(whole, texts.map(text => `${text.repeat(50).toWellFormed()},`).join(''));
    }),
  );
});
