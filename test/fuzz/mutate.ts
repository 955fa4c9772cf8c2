/** Numbers that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NUMBERS = [
  '0',
  '-1',
  '1e309',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
  'null',
  '""',
  '{}',
  '[]',
];

/** One to four changes such as disks, networks and other people's writers make. Result is at most twice as long. */
export function mutate(original: Uint8Array, random: () => number): Uint8Array {
  // Not original.slice(): of a Buffer that would share its memory.
  let bytes: Uint8Array = new Uint8Array(original);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let change = 1 + below(4); change > 0 && bytes.length > 0; change--) {
    const at = below(bytes.length);
    const length = Math.min(bytes.length - at, 1 + below(random() < 0.5 ? 8 : 256));
    switch (below(8)) {
      case 0:
        bytes[at] = below(256);
        break;
      case 1:
        bytes[at] = bytes[at]! ^ (1 << below(8));
        break;
      case 2:
        bytes = splice(bytes, at, length, new Uint8Array(0));
        break;
      case 3:
        if (bytes.length < original.length * 2) bytes = splice(bytes, at, 0, bytes.slice(at, at + length));
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5: {
        const from = below(bytes.length);
        bytes.copyWithin(at, from, from + length);
        break;
      }
      case 6:
        // Length fields of binary formats live on few bytes: all ones is the interesting value.
        bytes.fill(random() < 0.5 ? 0xff : 0, at, at + Math.min(length, 8));
        break;
      default:
        bytes = replaceNumber(bytes, at, NUMBERS[below(NUMBERS.length)]!);
    }
  }
  return bytes;
}

/** Puts `text` in the place of the first run of digits behind `at`. */
function replaceNumber(bytes: Uint8Array, at: number, text: string): Uint8Array {
  let start = at;
  while (start < bytes.length && !isDigit(bytes[start]!)) start++;
  let end = start;
  while (end < bytes.length && isDigit(bytes[end]!)) end++;
  return start === end ? bytes : splice(bytes, start, end - start, new TextEncoder().encode(text));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - remove + insert.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(at + remove), at + insert.length);
  return result;
}
