/** Segments of critical paths in columns. */
export interface PathSegments {
  readonly length: number;
  readonly span: Uint32Array;
  /** Row of the span that handed over to `span`: the segment is the wait between the two. -1 = `span` itself ran. */
  readonly waitFor: Int32Array;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  /** How much shorter the path would be without this segment: less than its length where siblings ran beside it. */
  readonly dragNs: Float64Array;
}

/**
 * Collects segments. Its arrays grow together and each has one place that writes it: with a growing column apiece,
 * which one method serves for all element types, a walk spent two thirds of its time appending.
 */
export class PathSegmentBuilder {
  #length = 0;
  #span = new Uint32Array(1024);
  #waitFor = new Int32Array(1024);
  #startNs = new Float64Array(1024);
  #durationNs = new Float64Array(1024);
  #dragNs = new Float64Array(1024);

  get length(): number {
    return this.#length;
  }

  push(span: number, waitFor: number, startNs: number, durationNs: number, dragNs: number): void {
    const at = this.#length;
    if (at === this.#span.length) this.#grow();
    this.#span[at] = span;
    this.#waitFor[at] = waitFor;
    this.#startNs[at] = startNs;
    this.#durationNs[at] = durationNs;
    this.#dragNs[at] = dragNs;
    this.#length = at + 1;
  }

  finish(): PathSegments {
    const length = this.#length;
    return {
      length,
      span: this.#span.subarray(0, length),
      waitFor: this.#waitFor.subarray(0, length),
      startNs: this.#startNs.subarray(0, length),
      durationNs: this.#durationNs.subarray(0, length),
      dragNs: this.#dragNs.subarray(0, length),
    };
  }

  #grow(): void {
    const { span, waitFor, startNs, durationNs, dragNs } = this.finish();
    const capacity = this.#length * 2;
    this.#span = new Uint32Array(capacity);
    this.#waitFor = new Int32Array(capacity);
    this.#startNs = new Float64Array(capacity);
    this.#durationNs = new Float64Array(capacity);
    this.#dragNs = new Float64Array(capacity);
    this.#span.set(span);
    this.#waitFor.set(waitFor);
    this.#startNs.set(startNs);
    this.#durationNs.set(durationNs);
    this.#dragNs.set(dragNs);
  }
}
