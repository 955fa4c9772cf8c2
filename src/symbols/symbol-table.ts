/** Symbols by address. `ends[i]` is exclusive; names are decoded when asked for. */
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

  get length(): number {
    return this.#starts.length;
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

/** Candidates in any order, of which `better(a, b)` says whether `a` names an address better than `b`. */
export function buildSymbolTable(
  starts: Float64Array,
  sizes: Float64Array,
  better: (a: number, b: number) => boolean,
  nameOf: (index: number) => string,
  sectionEndOf: (address: number) => number,
): SymbolTable {
  // A plain array: its sort is linear on what is sorted already, as lists of kernels and linkers mostly are.
  const order: number[] = [];
  for (let i = 0; i < starts.length; i++) order.push(i);
  order.sort((a, b) => starts[a]! - starts[b]!);
  const kept: number[] = [];
  for (const i of order) {
    const last = kept.at(-1);
    if (last !== undefined && starts[last] === starts[i]) {
      if (better(i, last)) kept[kept.length - 1] = i;
    } else kept.push(i);
  }
  const keptStarts = new Float64Array(kept.length);
  const keptEnds = new Float64Array(kept.length);
  for (let k = 0; k < kept.length; k++) {
    const i = kept[k]!;
    keptStarts[k] = starts[i]!;
    const next = k + 1 < kept.length ? starts[kept[k + 1]!]! : Number.POSITIVE_INFINITY;
    // Hand-written assembly often has no size: such a symbol reaches to the next one.
    const end = sizes[i]! > 0 ? starts[i]! + sizes[i]! : Math.min(next, sectionEndOf(starts[i]!));
    keptEnds[k] = Math.min(end, next);
  }
  return new SymbolTable(keptStarts, keptEnds, k => nameOf(kept[k]!));
}
