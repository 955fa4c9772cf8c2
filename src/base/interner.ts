/** Strings stored once, named by a small integer. Index 0 is always the empty string. */
export class Interner {
  readonly #indexOf = new Map<string, number>([['', 0]]);
  readonly #strings: string[] = [''];

  intern(text: string): number {
    let index = this.#indexOf.get(text);
    if (index === undefined) {
      index = this.#strings.length;
      this.#strings.push(text);
      this.#indexOf.set(text, index);
    }
    return index;
  }

  /** The index of `text`, or -1 where it was never interned. */
  find(text: string): number {
    return this.#indexOf.get(text) ?? -1;
  }

  get strings(): readonly string[] {
    return this.#strings;
  }
}
