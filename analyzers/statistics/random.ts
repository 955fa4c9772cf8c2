/**
 * Seeded uniform numbers in [0, 1) with 32 random bits: xoshiro128** (Blackman and Vigna 2018), its state filled from
 * the seed by a Weyl sequence. The same seed gives the same numbers on every machine.
 */
export function seededRandom(seed: number): () => number {
  let weyl = seed | 0;
  const fill = (): number => {
    weyl = (weyl + 0x9e3779b9) | 0;
    let x = weyl;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return x ^ (x >>> 16);
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result / 0x1_0000_0000;
  };
}
