// https://github.com/HdrHistogram/HdrHistogram/blob/master/src/main/java/org/HdrHistogram/AbstractHistogram.java (V2 encoding)
import { ByteReader } from '../base/byte-reader.ts';

/** Counts by value, ascending; each value is the highest that its bucket stands for. */
export interface HdrHistogram {
  readonly values: readonly number[];
  readonly counts: readonly number[];
  readonly total: number;
}

const V2_COOKIE = 0x1c849303;
/** Far more than any histogram of times has. */
const MOST_BUCKETS = 1 << 22;

/** Reads a histogram in the V2 encoding, not compressed; undefined where the bytes are none. */
export function readHdrHistogram(bytes: Uint8Array): HdrHistogram | undefined {
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parse(bytes: Uint8Array): HdrHistogram | undefined {
  const r = new ByteReader(bytes, false);
  // The low four bits of the second byte tell the word size, which this encoding does not use.
  if ((r.u32() & ~0xf0) >>> 0 !== V2_COOKIE) return undefined;
  const length = r.u32();
  r.skip(4);
  const digits = r.i32();
  const lowest = r.u64();
  r.skip(16);
  if (digits < 0 || digits > 5 || lowest < 1 || length > r.left) return undefined;
  const unit = Math.floor(Math.log2(lowest));
  const halfMagnitude = Math.max(1, Math.ceil(Math.log2(2 * 10 ** digits))) - 1;
  const half = 2 ** halfMagnitude;
  const values: number[] = [];
  const counts: number[] = [];
  let total = 0;
  const end = r.at + length;
  for (let index = 0; r.at < end && index < MOST_BUCKETS; ) {
    const count = zigzag(r);
    if (count <= 0) {
      // A run of empty buckets.
      index += Math.max(1, -count);
      continue;
    }
    const bucket = Math.max(0, Math.floor(index / half) - 1);
    const inBucket = index < half ? index : (index % half) + half;
    const width = 2 ** (bucket + unit);
    values.push(inBucket * width + width - 1);
    counts.push(count);
    total += count;
    index++;
  }
  return { values, counts, total };
}

/** LEB128 of at most nine bytes, the ninth of them whole, zigzag; as float64. */
function zigzag(r: ByteReader): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 9; i++) {
    const byte = r.u8();
    value += (i === 8 ? byte : byte & 0x7f) * scale;
    if (byte < 0x80 || i === 8) break;
    scale *= 128;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** The smallest value that a share `q` of all is not above; NaN for an empty histogram. */
export function hdrQuantile({ values, counts, total }: HdrHistogram, q: number): number {
  const wanted = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (let i = 0; i < values.length; i++) {
    seen += counts[i]!;
    if (seen >= wanted) return values[i]!;
  }
  return values.at(-1) ?? Number.NaN;
}
