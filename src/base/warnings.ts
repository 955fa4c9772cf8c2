/** One kind of doubt about a result: how often it occurred, and the first few places. Part of every result. */
export interface Warning {
  readonly code: string;
  /** One sentence that a user understands; says what is missing, not which function noticed. */
  readonly message: string;
  readonly count: number;
  readonly examples: readonly string[];
}

/** How many examples are kept per code. The count goes on. */
const EXAMPLES_KEPT = 5;

/** Collects doubts while something is read or analysed; nothing that is skipped goes without a count. */
export class Warnings {
  readonly #byCode = new Map<string, { message: string; count: number; examples: string[] }>();

  /** Counts `count` more occurrences of `code`; the first message of a code is the one that is kept. */
  add(code: string, message: string, options: { example?: string; count?: number } = {}): void {
    let entry = this.#byCode.get(code);
    if (entry === undefined) {
      entry = { message, count: 0, examples: [] };
      this.#byCode.set(code, entry);
    }
    entry.count += options.count ?? 1;
    if (options.example !== undefined && entry.examples.length < EXAMPLES_KEPT) entry.examples.push(options.example);
  }

  /** Takes over what another reader noticed: counts add up, examples are kept up to the limit. */
  merge(others: readonly Warning[]): void {
    for (const { code, message, count, examples } of others) {
      this.add(code, message, { count });
      const entry = this.#byCode.get(code)!;
      for (const example of examples) {
        if (entry.examples.length < EXAMPLES_KEPT && !entry.examples.includes(example)) entry.examples.push(example);
      }
    }
  }

  has(code: string): boolean {
    return this.#byCode.has(code);
  }

  /** The doubts in order of code, so that the same input gives the same list. */
  list(): Warning[] {
    return [...this.#byCode]
      .map(([code, { message, count, examples }]) => ({ code, message, count, examples }))
      .sort((a, b) => (a.code < b.code ? -1 : 1));
  }
}
