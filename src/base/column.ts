/** The typed arrays that columns are made of. */
export type NumericArray = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array | BigInt64Array;

type Plain = Exclude<NumericArray, BigInt64Array>;

const GROWS_SLOWLY = 1 << 20;

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
    // Large columns grow by an eighth: half-empty ones would be the largest part of a large model's memory. `transfer`
    // gives the old memory back at once, not at the next garbage collection.
    const { length, BYTES_PER_ELEMENT } = this.#data;
    const larger = length < GROWS_SLOWLY ? length * 2 : Math.ceil(length * 1.125);
    this.#data = this.#make((this.#data.buffer as ArrayBuffer).transfer(larger * BYTES_PER_ELEMENT));
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
