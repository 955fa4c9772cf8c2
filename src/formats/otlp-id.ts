/** An id of 2 or 4 words as it is read, and whether it is one. */
export class Id {
  readonly words: 2 | 4;
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  /** The record has the field, and it is not empty. */
  present = false;
  /** Of the right length. */
  whole = false;

  constructor(words: 2 | 4) {
    this.words = words;
  }

  clear(): void {
    this.w0 = 0;
    this.w1 = 0;
    this.w2 = 0;
    this.w3 = 0;
    this.present = false;
    this.whole = false;
  }

  get zero(): boolean {
    return this.whole && (this.w0 | this.w1 | this.w2 | this.w3) === 0;
  }

  get valid(): boolean {
    return this.whole && (this.w0 | this.w1 | this.w2 | this.w3) !== 0;
  }
}
