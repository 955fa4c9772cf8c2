/** The typed arrays that columns are made of. */
export type NumericArray = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array | BigInt64Array;

type Plain = Exclude<NumericArray, BigInt64Array>;

/**
 * A column that grows: amortised append into a typed array that grows. `finish()` gives the exact-length view.
 * One class for all element types, made by the factories below, so that builders read alike.
 */
export class Column<A extends Plain> {
  #data: A;
  #length = 0;
  readonly #make: (buffer: ArrayBuffer) => A;

  constructor(make: (buffer: ArrayBuffer) => A, capacity = 64) {
    this.#make = make;
    this.#data = make(new ArrayBuffer(capacity * 8));
  }

  get length(): number {
    return this.#length;
  }

  /** Appends and returns the index of the new element. */
  push(value: number): number {
    if (this.#length === this.#data.length) this.#grow();
    this.#data[this.#length] = value;
    return this.#length++;
  }

  #grow(): void {
    // New memory is resident only where it is written, so that room to grow costs nothing; `transfer` gives the old
    // memory back at once, not at the next garbage collection.
    const larger = this.#make(new ArrayBuffer(this.#data.length * 2 * this.#data.BYTES_PER_ELEMENT));
    larger.set(this.#data);
    (this.#data.buffer as ArrayBuffer).transfer(0);
    this.#data = larger;
  }

  get(index: number): number {
    return this.#data[index]!;
  }

  set(index: number, value: number): void {
    this.#data[index] = value;
  }

  /** The elements so far, without copying. The column must not be appended to afterwards. */
  finish(): A {
    return this.#data.subarray(0, this.#length) as A;
  }
}

export const float64Column = (): Column<Float64Array> => new Column(buffer => new Float64Array(buffer));
export const int32Column = (): Column<Int32Array> => new Column(buffer => new Int32Array(buffer));
export const uint32Column = (): Column<Uint32Array> => new Column(buffer => new Uint32Array(buffer));
export const uint16Column = (): Column<Uint16Array> => new Column(buffer => new Uint16Array(buffer));
export const uint8Column = (): Column<Uint8Array> => new Column(buffer => new Uint8Array(buffer));
