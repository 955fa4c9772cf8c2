/** One function as a runtime put it into memory at some moment. */
export interface JitLoad {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly timeNs: number;
  readonly name: string;
}

/** What was where, and when: a runtime puts new code where old code was, so that an address alone names nothing. */
export class JitCode {
  readonly #loads: readonly (JitLoad & { readonly number: number })[];
  /** The largest end of the loads up to each: behind it none of them reaches. */
  readonly #reach: Float64Array;

  /** In the order of the file, which decides where times are the same. */
  constructor(loads: readonly JitLoad[]) {
    this.#loads = loads.map((load, number) => ({ ...load, number })).sort((a, b) => a.start - b.start);
    this.#reach = new Float64Array(loads.length);
    let reach = 0;
    this.#loads.forEach((load, i) => {
      reach = Math.max(reach, load.end);
      this.#reach[i] = reach;
    });
  }

  /**
   * The code at `address` at the time `atNs` of the runtime's clock: the last that was put there before. Where clocks
   * differ by so much that there is none, the first that came after.
   */
  find(address: number, atNs: number = Number.POSITIVE_INFINITY): { readonly name: string } | undefined {
    const loads = this.#loads;
    let low = 0;
    let high = loads.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (loads[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    let before: (typeof loads)[number] | undefined;
    let after: (typeof loads)[number] | undefined;
    for (let i = low - 1; i >= 0 && this.#reach[i]! > address; i--) {
      const load = loads[i]!;
      if (load.end <= address) continue;
      if (load.timeNs <= atNs) {
        if (before === undefined || isLater(load, before)) before = load;
      } else if (after === undefined || isLater(after, load)) after = load;
    }
    return before ?? after;
  }
}

function isLater(a: { timeNs: number; number: number }, b: { timeNs: number; number: number }): boolean {
  return a.timeNs === b.timeNs ? a.number > b.number : a.timeNs > b.timeNs;
}
