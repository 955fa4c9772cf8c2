import { CallFrameInfo } from './call-frame-info.ts';
import { type Elf, Machine } from './elf.ts';
import type { FunctionSample } from './function-sample.ts';

/** How many functions that make a frame keep a pointer to it, among those that were looked at. */
export interface FramePointerShare {
  /** Functions that make a stack frame: leaves without one say nothing. */
  readonly framed: number;
  readonly withPointer: number;
}

export interface FramePointerEstimate {
  readonly all: FramePointerShare;
  /** Without what came built with the compiler; undefined where the file does not name its functions. */
  readonly own: FramePointerShare | undefined;
}

/** Prologues are short; a frame that is made later is seen by the rows between. */
const PROLOGUE_BYTES = 64;

/**
 * Whether code keeps frame pointers, from its unwind tables: a function that does measures its frame from the frame
 * pointer (x86-64: rbp) after its prologue; one that does not, from the stack pointer throughout. On AArch64 the tables
 * stay with the stack pointer, and the prologue's instruction tells. Undefined where the file has no such tables, or is
 * of a machine whose convention is not known here. `debug`: its separate debug information, which may hold tables.
 */
export async function estimateFramePointers(
  elf: Elf,
  debug: Elf | undefined,
  sample: FunctionSample,
): Promise<FramePointerEstimate | undefined> {
  if (elf.machine !== Machine.x86_64 && elf.machine !== Machine.aarch64) return undefined;
  const text = elf.section('.text');
  const rows = await CallFrameInfo.open(elf, debug);
  if (text === undefined || rows === undefined || sample.functions.length === 0) return undefined;
  const all = { framed: 0, withPointer: 0 };
  const own = { framed: 0, withPointer: 0 };
  for (const { start, end, name, isStandardLibrary } of sample.functions) {
    const code =
      elf.machine === Machine.aarch64
        ? await elf.source.range(text.offset + start - text.address, PROLOGUE_BYTES)
        : NO_CODE;
    const how = frameOf(elf.machine, rows, start, Math.min(end, start + PROLOGUE_BYTES), code);
    if (how === 'none') continue;
    for (const share of name === '' || isStandardLibrary ? [all] : [all, own]) {
      share.framed++;
      if (how === 'pointer') share.withPointer++;
    }
  }
  return { all, own: sample.functions.some(f => f.name !== '') ? own : undefined };
}

const NO_CODE = new Uint8Array(0);

/** What a function's frame is measured from after its prologue. */
function frameOf(
  machine: number,
  rows: CallFrameInfo,
  start: number,
  end: number,
  code: Uint8Array,
): 'pointer' | 'stack' | 'none' {
  const isArm = machine === Machine.aarch64;
  const pointer = isArm ? 29 : 6;
  // A call has pushed its return address on x86-64, and nothing on AArch64.
  const entryOffset = isArm ? 0 : 8;
  let makesFrame = false;
  for (let at = start; at < end; at += isArm ? 4 : 1) {
    const row = rows.row(at);
    if (row === undefined) break;
    if (row.cfaRegister === pointer) return 'pointer';
    if (row.cfaOffset > entryOffset || row.cfaExpression !== undefined) makesFrame = true;
  }
  if (isArm && setsFramePointerArm(code)) return 'pointer';
  return makesFrame ? 'stack' : 'none';
}

/** `mov x29, sp` or `add x29, sp, #n` among the first instructions. */
function setsFramePointerArm(code: Uint8Array): boolean {
  for (let at = 0; at + 4 <= code.length; at += 4) {
    const word = (code[at]! | (code[at + 1]! << 8) | (code[at + 2]! << 16) | (code[at + 3]! << 24)) >>> 0;
    if ((word & 0xff8003ff) >>> 0 === 0x910003fd) return true;
  }
  return false;
}
