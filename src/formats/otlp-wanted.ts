const SLOTS = 4096;

/** Which attributes are asked for: answered from a few bytes of the key where it is not, exactly by the whole key. */
export class WantedAttributes {
  readonly #names: ReadonlySet<string> | undefined;
  /** 1 where a key that is asked for has such bytes. */
  readonly #maybe = new Uint8Array(SLOTS);
  /** By the index of a key: 0 = not met yet, 1 = asked for, 2 = not. */
  #known = new Uint8Array(1024);

  /** `names`: undefined = all of them. */
  constructor(names: readonly string[] | undefined) {
    this.#names = names === undefined ? undefined : new Set(names);
    if (names === undefined) this.#maybe.fill(1);
    for (const name of names ?? []) {
      const bytes = new TextEncoder().encode(name);
      this.#maybe[slotOf(bytes, 0, bytes.length)] = 1;
    }
  }

  /** Whether the key in `bytes[start, end)` can be asked for; if not, nothing more of the attribute need be read. */
  maybe(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#maybe[slotOf(bytes, start, end)] === 1;
  }

  /** Whether the attribute is asked for: `key` is the index of its key among `strings`. */
  has(key: number, strings: readonly string[]): boolean {
    if (this.#names === undefined) return true;
    if (key >= this.#known.length) {
      const larger = new Uint8Array(key * 2);
      larger.set(this.#known);
      this.#known = larger;
    }
    const known = this.#known[key]!;
    if (known !== 0) return known === 1;
    const wanted = this.#names.has(strings[key]!);
    this.#known[key] = wanted ? 1 : 2;
    return wanted;
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  return (length * 131 + bytes[start]! * 5 + bytes[end - 1]! * 29 + bytes[start + (length >> 1)]! * 61) & (SLOTS - 1);
}
