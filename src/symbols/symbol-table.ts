/** Symbols by address, for tables that are asked again and again. `ends[i]` is exclusive. */
export class SymbolTable {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #nameOf: (index: number) => string;

  /** `starts` ascending, without two alike. */
  constructor(starts: Float64Array, ends: Float64Array, nameOf: (index: number) => string) {
    this.#starts = starts;
    this.#ends = ends;
    this.#nameOf = nameOf;
  }

  find(address: number): { readonly name: string; readonly start: number } | undefined {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    if (index < 0 || address >= this.#ends[index]!) return undefined;
    return { name: this.#nameOf(index), start: starts[index]! };
  }
}
