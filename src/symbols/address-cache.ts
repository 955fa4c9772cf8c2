const FIRST_ENTRIES = 1 << 9;

/**
 * What is known of code addresses, for loops that ask for the same ones millions of times: an open-addressing table, as
 * a `Map` makes an object of each large number that it is asked for. Addresses that a call returns to are kept apart.
 */
export class AddressCache<Value> {
  #addresses = new Float64Array(FIRST_ENTRIES * 2);
  /** 0 = free, 1 = exact, 2 = returned to. */
  #kinds = new Uint8Array(FIRST_ENTRIES * 2);
  #values: (Value | undefined)[] = new Array(FIRST_ENTRIES * 2);
  #count = 0;

  get(address: number, isReturn: boolean): Value | undefined {
    return this.#values[this.#slot(address, isReturn ? 2 : 1)];
  }

  set(address: number, isReturn: boolean, value: Value): void {
    if (this.#count * 2 >= this.#kinds.length) this.#grow();
    const kind = isReturn ? 2 : 1;
    const slot = this.#slot(address, kind);
    if (this.#kinds[slot] === 0) this.#count++;
    this.#addresses[slot] = address;
    this.#kinds[slot] = kind;
    this.#values[slot] = value;
  }

  #slot(address: number, kind: number): number {
    const kinds = this.#kinds;
    const addresses = this.#addresses;
    const mask = kinds.length - 1;
    let hash = Math.imul(address | 0, 0x9e3779b1) ^ Math.imul((address / 4294967296) | 0, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    while (kinds[slot] !== 0 && (kinds[slot] !== kind || addresses[slot] !== address)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [addresses, kinds, values] = [this.#addresses, this.#kinds, this.#values];
    this.#addresses = new Float64Array(kinds.length * 2);
    this.#kinds = new Uint8Array(kinds.length * 2);
    this.#values = new Array(kinds.length * 2);
    this.#count = 0;
    for (let slot = 0; slot < kinds.length; slot++) {
      const value = values[slot];
      if (kinds[slot] !== 0 && value !== undefined) this.set(addresses[slot]!, kinds[slot] === 2, value);
    }
  }
}
