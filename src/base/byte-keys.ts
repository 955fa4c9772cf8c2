/** A fixed set of ASCII words, found by their bytes: which word (its number in the list) stands in `bytes[start, end)`. */
export class ByteKeys {
  readonly #words: readonly Uint8Array[];
  /** Word number, or -1; words that share a slot follow each other. */
  readonly #slots = new Int16Array(1024).fill(-1);

  constructor(words: readonly string[]) {
    this.#words = words.map(word => new TextEncoder().encode(word));
    for (const [number, word] of this.#words.entries()) {
      let slot = slotOf(word, 0, word.length);
      while (this.#slots[slot] !== -1) slot = (slot + 1) & 1023;
      this.#slots[slot] = number;
    }
  }

  /** The word's number, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (end === start) return -1;
    for (let slot = slotOf(bytes, start, end); ; slot = (slot + 1) & 1023) {
      const number = this.#slots[slot]!;
      if (number === -1) return -1;
      const word = this.#words[number]!;
      if (word.length !== end - start) continue;
      let i = 0;
      while (i < word.length && word[i] === bytes[start + i]) i++;
      if (i === word.length) return number;
    }
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  return (length * 37 + bytes[start]! * 5 + bytes[end - 1]! * 11 + bytes[start + (length >> 1)]!) & 1023;
}
