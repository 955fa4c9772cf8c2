import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATEGORY_PAINTS, CPU_PAINTS, DIFF_PAINTS, darkTone, NAME_PAINTS } from '../../flame/palette.ts';

/** How a colour in linear light looks without one kind of cone: Machado, Oliveira, Fernandes 2009, severity 1. */
const SIGHT = {
  all: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;

type Sight = keyof typeof SIGHT;

function linear(paint: string): number[] {
  return [1, 3, 5].map(at => {
    const part = Number.parseInt(paint.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
}

const luminance = ([r = 0, g = 0, b = 0]: number[]): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function lab(paint: string, sight: Sight): number[] {
  const m = SIGHT[sight];
  const light = linear(paint);
  const [r = 0, g = 0, b = 0] = [0, 3, 6].map(row =>
    Math.min(1, Math.max(0, m[row]! * light[0]! + m[row + 1]! * light[1]! + m[row + 2]! * light[2]!)),
  );
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function distance(a: string, b: string, sight: Sight): number {
  const [one, other] = [lab(a, sight), lab(b, sight)];
  return Math.hypot(...one.map((part, i) => part - other[i]!));
}

const SIGHTS = Object.keys(SIGHT) as Sight[];

test('category paints differ from each other for every kind of sight, light and dark', () => {
  for (const paints of [CATEGORY_PAINTS, CATEGORY_PAINTS.map(darkTone)]) {
    for (const sight of SIGHTS) {
      for (let a = 0; a < paints.length; a++) {
        for (let b = 0; b < a; b++) {
          const d = distance(paints[a]!, paints[b]!, sight);
          assert.ok(d >= 7, `${paints[a]} and ${paints[b]} are ${d.toFixed(1)} apart for ${sight}`);
        }
      }
    }
  }
});

test('the ends of the diff scale, and on and off the processor, cannot be confused', () => {
  for (const sight of SIGHTS) {
    for (const less of [0, 1, 2]) {
      for (const more of [4, 5, 6]) {
        assert.ok(distance(DIFF_PAINTS[less]!, DIFF_PAINTS[more]!, sight) >= 12, `${less} ${more} ${sight}`);
      }
    }
    assert.ok(distance(CPU_PAINTS[0]!, CPU_PAINTS[1]!, sight) >= 25, sight);
  }
});

test('black text has a contrast of 4.5 or more on every fill', () => {
  for (const paint of [CATEGORY_PAINTS, NAME_PAINTS, CPU_PAINTS, DIFF_PAINTS].flat()) {
    for (const tone of [paint, darkTone(paint)]) {
      const contrast = (luminance(linear(tone)) + 0.05) / 0.05;
      assert.ok(contrast >= 4.5, `${tone}: ${contrast.toFixed(2)}`);
    }
  }
});
