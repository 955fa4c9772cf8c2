/** A histogram of `[value, count]` pairs as HdrHistogram's V2 encoding has it, for values from 1 on with `digits` digits. */
export function encodeHdrHistogram(pairs: readonly (readonly [number, number])[], digits: number): Uint8Array {
  const half = 2 ** (Math.max(1, Math.ceil(Math.log2(2 * 10 ** digits))) - 1);
  const counts = new Map<number, number>();
  for (const [value, count] of pairs) {
    // Each bucket has twice the range of the one before, and as many parts.
    let bucket = 0;
    while (Math.floor(value / 2 ** bucket) >= 2 * half) bucket++;
    const part = Math.floor(value / 2 ** bucket);
    const index = bucket === 0 ? part : (bucket + 1) * half + (part - half);
    counts.set(index, (counts.get(index) ?? 0) + count);
  }
  const payload: number[] = [];
  const put = (value: number): void => {
    let rest = value >= 0 ? value * 2 : -value * 2 - 1;
    for (; rest >= 128; rest = Math.floor(rest / 128)) payload.push((rest % 128) | 128);
    payload.push(rest);
  };
  let next = 0;
  for (const [index, count] of [...counts].sort((a, b) => a[0] - b[0])) {
    if (index > next) put(-(index - next));
    put(count);
    next = index + 1;
  }
  const bytes = Buffer.alloc(40 + payload.length);
  bytes.writeUInt32BE(0x1c849313, 0);
  bytes.writeUInt32BE(payload.length, 4);
  bytes.writeInt32BE(digits, 12);
  bytes.writeBigInt64BE(1n, 16);
  bytes.writeBigInt64BE(1_000_000_000n, 24);
  bytes.writeDoubleBE(1, 32);
  bytes.set(payload, 40);
  return bytes;
}
