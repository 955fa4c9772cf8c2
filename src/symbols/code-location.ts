/**
 * Where code comes from. `address` of a location in it is
 *   file, vdso: an offset in the file;   kernel, jit, unknown: the address itself (kernels below zero).
 */
export interface CodeModule {
  readonly index: number;
  readonly kind: 'file' | 'vdso' | 'kernel' | 'jit' | 'unknown';
  readonly path: string;
  /** Lower-case hex; '' = unknown. */
  readonly buildId: string;
  /** Process whose view of the file system has the file, or whose memory the code is in; 0 = none in particular. */
  readonly pid: number;
}

const FIRST_LOCATIONS = 1 << 10;

/** Distinct places of code, whatever process or time they were seen in. */
export class CodeLocations {
  readonly modules: CodeModule[] = [];
  readonly #moduleOf = new Map<string, CodeModule>();
  #modules = new Int32Array(FIRST_LOCATIONS);
  #addresses = new Float64Array(FIRST_LOCATIONS);
  #length = 0;
  /** Location + 1 in each used slot; at most half full. */
  #slots = new Int32Array(FIRST_LOCATIONS * 2);

  get length(): number {
    return this.#length;
  }

  /** Files of one build are one module in all processes; run-time code belongs to its process. */
  module(kind: CodeModule['kind'], path: string, buildId: string, pid: number): CodeModule {
    const key = kind === 'jit' || kind === 'unknown' ? `${kind}\0${path}\0${pid}` : `${kind}\0${path}\0${buildId}`;
    let module = this.#moduleOf.get(key);
    if (module === undefined) {
      module = { index: this.modules.length, kind, path, buildId, pid };
      this.modules.push(module);
      this.#moduleOf.set(key, module);
    }
    return module;
  }

  location(module: CodeModule, address: number): number {
    const slot = findSlot(this.#slots, this.#modules, this.#addresses, module.index, address);
    const known = this.#slots[slot]!;
    if (known !== 0) return known - 1;
    const location = this.#length++;
    this.#modules[location] = module.index;
    this.#addresses[location] = address;
    this.#slots[slot] = location + 1;
    if (this.#length === this.#modules.length) this.#grow();
    return location;
  }

  moduleOf(location: number): CodeModule {
    return this.modules[this.#modules[location]!]!;
  }

  addressOf(location: number): number {
    return this.#addresses[location]!;
  }

  /** Locations of each module, by its index, in order of address. */
  byModule(): readonly Uint32Array[] {
    const counts = new Uint32Array(this.modules.length);
    for (let location = 0; location < this.#length; location++) counts[this.#modules[location]!]!++;
    const found = Array.from(counts, count => new Float64Array(count));
    counts.fill(0);
    for (let location = 0; location < this.#length; location++) {
      const module = this.#modules[location]!;
      found[module]![counts[module]!++] = this.#addresses[location]!;
    }
    // Sorting numbers alone is many times faster than sorting locations by a comparison of their addresses.
    return found.map((addresses, index) =>
      Uint32Array.from(addresses.sort(), address => this.location(this.modules[index]!, address)),
    );
  }

  #grow(): void {
    const modules = new Int32Array(this.#modules.length * 2);
    modules.set(this.#modules);
    const addresses = new Float64Array(this.#modules.length * 2);
    addresses.set(this.#addresses);
    const slots = new Int32Array(this.#slots.length * 2);
    for (let location = 0; location < this.#length; location++) {
      slots[findSlot(slots, modules, addresses, modules[location]!, addresses[location]!)] = location + 1;
    }
    this.#modules = modules;
    this.#addresses = addresses;
    this.#slots = slots;
  }
}

/** The slot that holds a location, or the free one where it belongs. */
function findSlot(
  slots: Int32Array,
  modules: Int32Array,
  addresses: Float64Array,
  module: number,
  address: number,
): number {
  const mask = slots.length - 1;
  let hash = Math.imul(address | 0, 0x9e3779b1) ^ Math.imul((address / 4294967296) | 0, 0x85ebca6b) ^ module;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  for (let slot = (hash ^ (hash >>> 13)) & mask; ; slot = (slot + 1) & mask) {
    const location = slots[slot]! - 1;
    if (location < 0 || (addresses[location] === address && modules[location] === module)) return slot;
  }
}
