import type { CodeModule } from '../symbols/code-location.ts';

/** A stretch of a process's memory that code was mapped to. */
export interface CodeMapping {
  readonly start: number;
  readonly end: number;
  readonly fileOffset: number;
  readonly module: CodeModule;
}

/** What is mapped in one process at one moment. A later mapping covers, and cuts, what was there. */
export class AddressSpace {
  /** Disjoint, in order of `start`. */
  #mappings: CodeMapping[];
  /**
   * Addresses resolved under one generation stay resolved: it changes when a mapping replaces another, so that
   * stacks of before and after are kept apart.
   */
  generation = 0;
  #last: CodeMapping | undefined;
  /** An address was asked for that nothing was mapped at. */
  #missed = false;

  constructor(mappings: readonly CodeMapping[] = []) {
    this.#mappings = [...mappings];
  }

  /** The view of a forked child: the same mappings, changing apart from now on. */
  fork(): AddressSpace {
    return new AddressSpace(this.#mappings);
  }

  add(mapping: CodeMapping): void {
    const list = this.#mappings;
    const from = this.#firstEndingAfter(mapping.start);
    let to = from;
    while (to < list.length && list[to]!.start < mapping.end) to++;
    const pieces: CodeMapping[] = [];
    let same = false;
    for (let i = from; i < to; i++) {
      const old = list[i]!;
      same ||= old.module === mapping.module && old.start - old.fileOffset === mapping.start - mapping.fileOffset;
      if (old.start < mapping.start) pieces.push({ ...old, end: mapping.start });
    }
    pieces.push(mapping);
    const lastOld = list[to - 1];
    if (to > from && lastOld!.end > mapping.end) {
      const cut = mapping.end - lastOld!.start;
      pieces.push({ ...lastOld!, start: mapping.end, fileOffset: lastOld!.fileOffset + cut });
    }
    list.splice(from, to - from, ...pieces);
    // Also where nothing was mapped before, once an address resolved to nothing: it must be asked again.
    if ((to > from && !(same && to - from === 1)) || this.#missed) this.generation++;
    this.#missed = false;
    this.#last = undefined;
  }

  find(address: number): CodeMapping | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.start && address < last.end) return last;
    const mapping = this.#mappings[this.#firstEndingAfter(address)];
    if (mapping === undefined || address < mapping.start) {
      this.#missed = true;
      return undefined;
    }
    this.#last = mapping;
    return mapping;
  }

  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#mappings.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#mappings[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
