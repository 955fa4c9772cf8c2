/** Bytes that are gathered before they are handed on: few writes, little memory. */
const PIECE_BYTES = 1 << 18;
/** Room for the longest number. */
const MARGIN = 32;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];

/** Text as bytes in large pieces: numbers are written digit by digit, as a string for each costs several times that. */
export class TextBytes {
  #bytes = new Uint8Array(PIECE_BYTES + MARGIN);
  #length = 0;
  readonly #encoder = new TextEncoder();

  /** A piece is ready to be taken; it can be left to grow until the next look. */
  get full(): boolean {
    return this.#length >= PIECE_BYTES;
  }

  /** What was written since the last piece. */
  take(): Uint8Array {
    const piece = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return piece;
  }

  text(text: string): void {
    this.#room(text.length * 3);
    this.#length += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** One ASCII character. */
  byte(code: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = code;
  }

  /** As `String(value)` writes it. */
  number(value: number): void {
    if (!Number.isInteger(value) || value > 999_999_999 || value < 0) {
      this.text(String(value));
      return;
    }
    this.#room(MARGIN);
    this.#digits(value, 1);
  }

  /** As `String(Math.round(value * 1e6) / 1e6)` writes it: six digits behind the point at most. */
  decimal(value: number): void {
    const millionths = Math.round(value * 1e6);
    // Up to 15 digits a decimal and its nearest float64 name each other.
    if (!(millionths < 1e15 && millionths > -1e15)) {
      this.text(String(millionths / 1e6));
      return;
    }
    this.#room(MARGIN);
    const size = Math.abs(millionths);
    if (millionths < 0) this.#bytes[this.#length++] = MINUS;
    const whole = Math.floor(size / 1e6);
    let rest = size - whole * 1e6;
    this.#digits(whole, 1);
    if (rest === 0) return;
    let places = 6;
    while (rest % 10 === 0) {
      rest /= 10;
      places--;
    }
    this.#bytes[this.#length++] = DOT;
    this.#digits(rest, places);
  }

  /** Decimal digits of a whole number ≥ 0, with zeros in front up to `least` of them. */
  #digits(value: number, least: number): void {
    const bytes = this.#bytes;
    let large = value;
    let end = this.#length + least;
    for (let limit = POWERS[least]!; large >= limit; limit *= 10) end++;
    let at = end - 1;
    // Whole numbers beyond 32 bits cost a division of floats a digit.
    for (; large > 0x7fffffff; at--) {
      const tenth = Math.floor(large / 10);
      bytes[at] = ZERO + large - tenth * 10;
      large = tenth;
    }
    for (let rest = large | 0; at >= this.#length; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.#length = end;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
