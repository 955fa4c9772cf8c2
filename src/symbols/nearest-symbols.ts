/**
 * For each wanted address the symbol that begins nearest below it. Symbols are offered in any order: each costs one
 * search among the wanted addresses, which are few, where a sorted table of all symbols would be built to be asked once.
 */
export class NearestSymbols<Name> {
  readonly #wanted: Float64Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #ranks: Uint8Array;
  readonly #names: (Name | undefined)[];
  readonly #better: (a: Name, b: Name) => boolean;
  #finished = false;

  /** `wanted` ascending. `better(a, b)`: of two symbols of one address and rank, `a` names it better. */
  constructor(wanted: Float64Array, better: (a: Name, b: Name) => boolean) {
    this.#wanted = wanted;
    this.#starts = new Float64Array(wanted.length).fill(Number.NEGATIVE_INFINITY);
    this.#ends = new Float64Array(wanted.length);
    this.#ranks = new Uint8Array(wanted.length);
    this.#names = new Array(wanted.length);
    this.#better = better;
  }

  /**
   * Whether a symbol at `start` can be the nearest one of any address: asked before its name is looked at. Kept are the
   * symbols that are nearest to the first address behind them.
   */
  slot(start: number, rank: number): number {
    const wanted = this.#wanted;
    let low = 0;
    let high = wanted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (wanted[middle]! < start) low = middle + 1;
      else high = middle;
    }
    if (low === wanted.length || this.#starts[low]! > start) return -1;
    if (this.#starts[low] === start && this.#ranks[low]! > rank) return -1;
    return low;
  }

  /** `end` exclusive. */
  offer(slot: number, start: number, end: number, rank: number, name: Name): void {
    if (this.#starts[slot] === start && this.#ranks[slot] === rank && !this.#better(name, this.#names[slot]!)) return;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
    this.#ranks[slot] = rank;
    this.#names[slot] = name;
  }

  /** The symbol of the wanted address at `index`; undefined where the nearest one ends before it. */
  at(index: number): { readonly name: Name; readonly start: number } | undefined {
    if (!this.#finished) this.#spread();
    const name = this.#names[index];
    if (name === undefined || this.#wanted[index]! >= this.#ends[index]!) return undefined;
    return { name, start: this.#starts[index]! };
  }

  /** A symbol that is nearest to one address is so for the next ones, unless a later one begins between. */
  #spread(): void {
    for (let i = 1; i < this.#wanted.length; i++) {
      if (this.#starts[i]! >= this.#starts[i - 1]!) continue;
      this.#starts[i] = this.#starts[i - 1]!;
      this.#ends[i] = this.#ends[i - 1]!;
      this.#names[i] = this.#names[i - 1];
    }
    this.#finished = true;
  }
}
