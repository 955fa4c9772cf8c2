/** Typed arrays that columns of a table are made of. */
type Plain = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

const FIRST_ROWS = 64;

/**
 * Columns of one table that grow together: `at.name[row] = value` for each column of a new row, which the engine
 * compiles to one store each. (`Column.push` is one function for all element types, and costs ten times that.)
 *
 *     const spans = new ColumnTable(rows => ({ name: new Uint32Array(rows), startNs: new Float64Array(rows) }));
 *     const row = spans.add();
 *     spans.at.name[row] = name;
 */
export class ColumnTable<C extends { [K in keyof C]: Plain }> {
  /** The columns; other arrays after `add()`, so ask for them anew. */
  at: C;
  length = 0;
  #capacity = FIRST_ROWS;

  /** `make` gives the columns, all of `rows` elements. */
  constructor(make: (rows: number) => C) {
    this.at = make(FIRST_ROWS);
  }

  /** Makes room for one row more and returns its index; its values are 0. */
  add(): number {
    if (this.length === this.#capacity) this.#grow(this.length + 1);
    return this.length++;
  }

  /** Makes room for `count` rows more and returns the index of the first. */
  addMany(count: number): number {
    const first = this.length;
    if (first + count > this.#capacity) this.#grow(first + count);
    this.length = first + count;
    return first;
  }

  #grow(rows: number): void {
    while (this.#capacity < rows) this.#capacity *= 2;
    for (const name of Object.keys(this.at) as (keyof C)[]) this.at[name] = grown(this.at[name], this.#capacity);
  }

  /** The columns at their exact length, without copying. Nothing can be added afterwards. */
  finish(): C {
    for (const name of Object.keys(this.at) as (keyof C)[]) {
      this.at[name] = this.at[name].subarray(0, this.length) as C[keyof C];
    }
    this.#capacity = this.length;
    return this.at;
  }
}

/**
 * The same elements in an array of `length`. New memory is resident only where it is written, so that room to grow
 * costs nothing; the old memory is given back at once, not at the next garbage collection.
 */
export function grown<A extends Plain>(from: A, length: number): A {
  const to = new (from.constructor as new (length: number) => A)(length);
  to.set(from);
  (from.buffer as ArrayBuffer).transfer(0);
  return to;
}
