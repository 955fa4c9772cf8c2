import type { Trace } from '../src/model/trace.ts';

/** What spans are grouped by: who, and what they called it. */
export interface SpanOperation {
  readonly service: string;
  readonly name: string;
}

/** Names the (service, span name) of spans by small integers; resources of one service name are one service. */
export class SpanOperations {
  readonly list: SpanOperation[] = [];
  readonly #trace: Trace;
  readonly #serviceOfBatch: Uint32Array;
  readonly #services: string[] = [];
  readonly #indexOf = new Map<number, number>();

  constructor(trace: Trace) {
    this.#trace = trace;
    const known = new Map<string, number>();
    const serviceOfResource = trace.resources.map(({ serviceName }) => {
      let index = known.get(serviceName);
      if (index === undefined) {
        index = this.#services.push(serviceName) - 1;
        known.set(serviceName, index);
      }
      return index;
    });
    this.#serviceOfBatch = Uint32Array.from(trace.batches, ({ resource }) => serviceOfResource[resource]!);
  }

  serviceOf(span: number): string {
    return this.#services[this.#serviceOfBatch[this.#trace.spans.batch[span]!]!]!;
  }

  nameOf(span: number): string {
    return this.#trace.strings[this.#trace.spans.name[span]!]!;
  }

  /**
   * Index into `list`. `variant` (0…3; 0 is the span itself) sets apart what is told of a span besides its own work,
   * under a name made from the span's.
   */
  indexOf(span: number, variant = 0, rename: (name: string) => string = name => name): number {
    const { batch, name: names } = this.#trace.spans;
    const service = this.#serviceOfBatch[batch[span]!]!;
    const key = (names[span]! * this.#services.length + service) * 4 + variant;
    let index = this.#indexOf.get(key);
    if (index === undefined) {
      index = this.list.push({ service: this.#services[service]!, name: rename(this.nameOf(span)) }) - 1;
      this.#indexOf.set(key, index);
    }
    return index;
  }
}
