// https://dwarfstd.org/doc/DWARF5.pdf (2.5)
import { ByteReader } from '../base/byte-reader.ts';

/** Longest run of operations: expressions can jump backwards. */
const MAX_STEPS = 1000;

/**
 * A DWARF expression as unwind tables use them (stubs of the linkage table, signal frames, realigned stacks). Values
 * are float64, exact for addresses. NaN where an operation is not known, or where it reads memory that was not kept.
 */
export function evaluateExpression(
  expression: Uint8Array,
  initial: number | undefined,
  register: (index: number) => number,
  memory: (address: number) => number,
): number {
  try {
    return evaluate(expression, initial, register, memory);
  } catch (error) {
    // It is cut off, or jumps out of itself.
    if (error instanceof RangeError) return Number.NaN;
    throw error;
  }
}

function evaluate(
  expression: Uint8Array,
  initial: number | undefined,
  register: (index: number) => number,
  memory: (address: number) => number,
): number {
  const stack: number[] = initial === undefined ? [] : [initial];
  const r = new ByteReader(expression);
  const pop = (): number => stack.pop() ?? Number.NaN;
  for (let steps = 0; r.left > 0; steps++) {
    if (steps > MAX_STEPS) return Number.NaN;
    const op = r.u8();
    if (op >= 0x30 && op <= 0x4f) stack.push(op - 0x30);
    else if (op >= 0x50 && op <= 0x6f) stack.push(register(op - 0x50));
    else if (op >= 0x70 && op <= 0x8f) stack.push(register(op - 0x70) + r.sleb());
    else if (op >= 0x1a && op <= 0x2e && op !== 0x1f && op !== 0x20 && op !== 0x23 && op !== 0x28) {
      const b = pop();
      stack.push(binary(op, pop(), b));
    } else {
      switch (op) {
        case 0x03:
        case 0x0e:
        case 0x0f:
          stack.push(r.i64());
          break;
        case 0x06:
          stack.push(memory(pop()));
          break;
        case 0x08:
          stack.push(r.u8());
          break;
        case 0x09:
          stack.push(r.i8());
          break;
        case 0x0a:
          stack.push(r.u16());
          break;
        case 0x0b:
          stack.push(r.i16());
          break;
        case 0x0c:
          stack.push(r.u32());
          break;
        case 0x0d:
          stack.push(r.i32());
          break;
        case 0x10:
          stack.push(r.uleb());
          break;
        case 0x11:
          stack.push(r.sleb());
          break;
        case 0x12:
          stack.push(stack.at(-1) ?? Number.NaN);
          break;
        case 0x13:
          pop();
          break;
        case 0x14:
          stack.push(stack.at(-2) ?? Number.NaN);
          break;
        case 0x15:
          stack.push(stack.at(-1 - r.u8()) ?? Number.NaN);
          break;
        case 0x16:
          stack.push(...[pop(), pop()]);
          break;
        case 0x19:
          stack.push(Math.abs(pop()));
          break;
        case 0x1f:
          stack.push(-pop());
          break;
        case 0x20:
          stack.push(-pop() - 1);
          break;
        case 0x23:
          stack.push(pop() + r.uleb());
          break;
        case 0x28: {
          const jump = r.i16();
          if (pop() !== 0) r.at += jump;
          break;
        }
        case 0x2f: {
          const jump = r.i16();
          r.at += jump;
          break;
        }
        case 0x92: {
          const index = r.uleb();
          stack.push(register(index) + r.sleb());
          break;
        }
        case 0x94: {
          const size = r.u8();
          const word = memory(pop());
          stack.push(size >= 8 ? word : Number(BigInt.asUintN(size * 8, BigInt(Number.isNaN(word) ? 0 : word))));
          break;
        }
        case 0x96:
          break;
        default:
          return Number.NaN;
      }
    }
  }
  return pop();
}

function binary(op: number, a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
  switch (op) {
    case 0x1a:
      return Number(BigInt(a) & BigInt(b));
    case 0x1b:
      return b === 0 ? Number.NaN : Math.trunc(a / b);
    case 0x1c:
      return a - b;
    case 0x1d:
      return b === 0 ? Number.NaN : a % b;
    case 0x1e:
      return a * b;
    case 0x21:
      return Number(BigInt(a) | BigInt(b));
    case 0x22:
      return a + b;
    case 0x24:
      return b < 0 || b > 63 ? Number.NaN : Number(BigInt.asIntN(64, BigInt(a) << BigInt(b)));
    case 0x25:
    case 0x26:
      return b < 0 || b > 63 ? Number.NaN : Number(BigInt(a) >> BigInt(b));
    case 0x27:
      return Number(BigInt(a) ^ BigInt(b));
    case 0x29:
      return a === b ? 1 : 0;
    case 0x2a:
      return a >= b ? 1 : 0;
    case 0x2b:
      return a > b ? 1 : 0;
    case 0x2c:
      return a <= b ? 1 : 0;
    case 0x2d:
      return a < b ? 1 : 0;
    case 0x2e:
      return a !== b ? 1 : 0;
    default:
      return Number.NaN;
  }
}
