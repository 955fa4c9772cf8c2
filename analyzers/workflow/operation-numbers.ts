/** What names an operation on a path. */
export interface OperationName {
  readonly kind: string;
  readonly phase: string;
  readonly id: string;
}

/** Numbers operations in the order in which they are met: one look-up a part, and no text is put together for it. */
export class OperationNumbers {
  readonly #byId = new Map<string, { readonly name: OperationName; readonly number: number }[]>();
  readonly names: OperationName[] = [];

  numberOf(name: OperationName): number {
    const found = this.find(name);
    if (found !== -1) return found;
    const entry = { name, number: this.names.length };
    this.names.push(name);
    const list = this.#byId.get(name.id);
    if (list === undefined) this.#byId.set(name.id, [entry]);
    else list.push(entry);
    return entry.number;
  }

  /** -1 = not met. */
  find({ kind, phase, id }: OperationName): number {
    for (const entry of this.#byId.get(id) ?? []) {
      if (entry.name.kind === kind && entry.name.phase === phase) return entry.number;
    }
    return -1;
  }
}
