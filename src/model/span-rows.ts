/** The columns of a span table that name a span; they are asked for anew, since a table that grows replaces them. */
interface SpanNames {
  readonly at: { readonly trace: Uint32Array; readonly idHigh: Uint32Array; readonly idLow: Uint32Array };
}

/**
 * Finds spans by trace and id, in the columns that hold them anyway: four to eight bytes a span more, where a table
 * of its own would take thirty.
 */
export class SpanRows {
  readonly #names: SpanNames;
  /** Row, or -1 for a free slot; open addressing, at most 70 % full. */
  #slots = new Int32Array(256).fill(-1);
  #count = 0;

  constructor(names: SpanNames) {
    this.#names = names;
  }

  /** The row of a span, or -1. Of several that share an id, the first. */
  find(trace: number, high: number, low: number): number {
    return this.#slots[this.#slot(trace, high, low)]!;
  }

  /** Takes up `row`, whose names stand in the columns and were not found before. */
  add(row: number): void {
    if (this.#count >= this.#slots.length * 0.7) this.#grow();
    const { trace, idHigh, idLow } = this.#names.at;
    this.#slots[this.#slot(trace[row]!, idHigh[row]!, idLow[row]!)] = row;
    this.#count++;
  }

  /** Where the span is, or the free slot where it would go. */
  #slot(trace: number, high: number, low: number): number {
    const { trace: traces, idHigh, idLow } = this.#names.at;
    const mask = this.#slots.length - 1;
    const hash = Math.imul(low ^ Math.imul(trace, 0x27d4eb2f), 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const row = this.#slots[slot]!;
      if (row === -1) return slot;
      if (idLow[row] === low && idHigh[row] === high && traces[row] === trace) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const rows = this.#slots;
    this.#slots = new Int32Array(rows.length * 2).fill(-1);
    const { trace, idHigh, idLow } = this.#names.at;
    for (const row of rows) {
      if (row !== -1) this.#slots[this.#slot(trace[row]!, idHigh[row]!, idLow[row]!)] = row;
    }
  }
}
