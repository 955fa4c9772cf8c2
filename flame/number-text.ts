/**
 * Whole numbers ≥ 0 as printable text: base 43, least digit first. A digit from the first half of the alphabet ends a
 * number, one from the second half has more digits after it; so a number below 43 takes one character, below 1,849 two.
 * The alphabet leaves out what XML, JSON, HTML and comments would want escaped. Both functions name it, since each must
 * stand alone: the reader is part of the program inside the pictures.
 */
export function writeNumbers(produce: (put: (value: number) => void) => void): string {
  const alphabet = '!#$%()*+,./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[^_`abcdefghijklmnopqrstuvwxyz{|}~';
  const base = alphabet.length / 2;
  const codes = Uint8Array.from(alphabet, character => character.charCodeAt(0));
  let bytes = new Uint8Array(4096);
  let length = 0;
  produce(value => {
    if (length + 16 > bytes.length) {
      const larger = new Uint8Array(bytes.length * 2);
      larger.set(bytes);
      bytes = larger;
    }
    let rest = value;
    while (rest >= base) {
      const last = rest % base;
      bytes[length++] = codes[base + last]!;
      rest = (rest - last) / base;
    }
    bytes[length++] = codes[rest]!;
  });
  return new TextDecoder('latin1').decode(bytes.subarray(0, length));
}

/** The numbers of a text, one by one; past its end, 0. */
export function numberReader(text: string): () => number {
  const alphabet = '!#$%()*+,./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[^_`abcdefghijklmnopqrstuvwxyz{|}~';
  const base = alphabet.length / 2;
  const digit = new Uint8Array(128);
  for (let i = 0; i < alphabet.length; i++) digit[alphabet.charCodeAt(i)] = i;
  let at = 0;
  return () => {
    let value = 0;
    let weight = 1;
    while (at < text.length) {
      const d = digit[text.charCodeAt(at++)]!;
      if (d < base) return value + d * weight;
      value += (d - base) * weight;
      weight *= base;
    }
    return value;
  };
}
