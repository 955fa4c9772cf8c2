import { float64Column, uint32Column } from '../base/column.ts';

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

/** Distinct places of code, whatever process or time they were seen in. */
export class CodeLocations {
  readonly modules: CodeModule[] = [];
  readonly #moduleOf = new Map<string, CodeModule>();
  readonly #locationsOf: Map<number, number>[] = [];
  readonly #module = uint32Column();
  readonly #address = float64Column();

  get length(): number {
    return this.#module.length;
  }

  /** Files of one build are one module in all processes; run-time code belongs to its process. */
  module(kind: CodeModule['kind'], path: string, buildId: string, pid: number): CodeModule {
    const key = kind === 'jit' || kind === 'unknown' ? `${kind}\0${path}\0${pid}` : `${kind}\0${path}\0${buildId}`;
    let module = this.#moduleOf.get(key);
    if (module === undefined) {
      module = { index: this.modules.length, kind, path, buildId, pid };
      this.modules.push(module);
      this.#locationsOf.push(new Map());
      this.#moduleOf.set(key, module);
    }
    return module;
  }

  location(module: CodeModule, address: number): number {
    const known = this.#locationsOf[module.index]!;
    let location = known.get(address);
    if (location === undefined) {
      location = this.#module.push(module.index);
      this.#address.push(address);
      known.set(address, location);
    }
    return location;
  }

  moduleOf(location: number): CodeModule {
    return this.modules[this.#module.get(location)]!;
  }

  addressOf(location: number): number {
    return this.#address.get(location);
  }

  /** Locations of a module, in order of address. */
  inModule(module: CodeModule): number[] {
    return [...this.#locationsOf[module.index]!].sort((a, b) => a[0] - b[0]).map(([, location]) => location);
  }
}
