import type { Warnings } from '../base/warnings.ts';
import { AddressCache } from './address-cache.ts';
import { CallFrameInfo } from './call-frame-info.ts';
import { RuleKind, type UnwindRow } from './call-frame-program.ts';
import type { CodeModule } from './code-location.ts';
import { evaluateExpression } from './dwarf-expression.ts';
import { type Elf, Machine } from './elf.ts';
import type { ImageLoader } from './image-loader.ts';

/** What is mapped in a process: the part that unwinding needs. */
export interface MemoryMap {
  /** Changes when an address may be something else than it was. */
  readonly generation: number;
  find(
    address: number,
  ): { readonly start: number; readonly fileOffset: number; readonly module: CodeModule } | undefined;
}

/** The user registers and the copy of the stack in one sample; offsets into `view`. */
export interface UserStack {
  readonly regsAt: number;
  readonly stackAt: number;
  readonly stackSize: number;
}

/** Deeper stacks than this are cut: a copy of 64 KiB holds no more frames. */
const MAX_FRAMES = 8192;

/** DWARF's number of each x86-64 register that perf copies, in perf's order. */
const DWARF_OF_PERF = [0, 3, 2, 1, 4, 5, 6, 7, 16, -1, -1, -1, -1, -1, -1, -1, 8, 9, 10, 11, 12, 13, 14, 15];
const RBP = 6;
const RSP = 7;
const RIP = 16;

/** Which step leads to the caller; the common one is known by a few numbers. */
interface UnwindStep {
  /** The address is mapped to something. */
  readonly known: boolean;
  /** Undefined: by frame pointer. */
  readonly row: UnwindRow | undefined;
  /** All that the row says is at fixed places above its CFA: pairs of register and offset, the return address last. */
  readonly saved: Int32Array | undefined;
}

interface UnwindModule {
  readonly elf: Elf;
  readonly info: CallFrameInfo | undefined;
  readonly isVdso: boolean;
}

/** A stack from the innermost frame outwards; the arrays are reused by the next. */
export interface UnwoundFrames {
  count: number;
  readonly low: Uint32Array;
  readonly high: Int32Array;
  /** 1 = the address is one that a call returns to. */
  readonly returns: Uint8Array;
  /** The outer end is missing: the copy of the stack ended, or nothing told how to go on. */
  truncated: boolean;
}

/**
 * Unwinds x86-64 user stacks by call frame information, and by frame pointers where there is none (code that a runtime
 * generated, files that are not here). Tables are opened when they are first needed.
 */
export class UserUnwinder {
  readonly frames: UnwoundFrames = {
    count: 0,
    low: new Uint32Array(MAX_FRAMES),
    high: new Int32Array(MAX_FRAMES),
    returns: new Uint8Array(MAX_FRAMES),
    truncated: false,
  };
  readonly #loader: ImageLoader | undefined;
  readonly #warnings: Warnings;
  readonly #modules = new Map<number, UnwindModule | undefined>();
  readonly #steps = new WeakMap<MemoryMap, { generation: number; steps: AddressCache<UnwindStep> }>();
  readonly #registers = new Float64Array(17);
  readonly #callerRegisters = new Float64Array(17);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #stackAt = 0;
  #stackStart = 0;
  #stackEnd = 0;

  constructor(loader: ImageLoader | undefined, warnings: Warnings) {
    this.#loader = loader;
    this.#warnings = warnings;
  }

  isReturn(frame: number): boolean {
    return this.frames.returns[frame] === 1;
  }

  /** Fills `frames`. Returns a promise where a file must be opened first: then it is to be called again. */
  begin(
    map: MemoryMap,
    view: DataView,
    stack: UserStack,
    attr: { readonly regsUserLow: number; readonly regsUserCount: number },
    littleEndian: boolean,
  ): Promise<void> | undefined {
    this.#readRegisters(view, stack, attr.regsUserLow, littleEndian);
    this.#view = view;
    this.#stackAt = stack.stackAt;
    this.#stackStart = this.#registers[RSP]!;
    this.#stackEnd = this.#stackStart + stack.stackSize;
    const { frames } = this;
    frames.count = 0;
    frames.truncated = false;
    const steps = this.#stepsOf(map);
    let isReturn = false;
    for (;;) {
      const pc = this.#registers[RIP]!;
      if (frames.count === MAX_FRAMES) {
        frames.truncated = true;
        return undefined;
      }
      const at = frames.count++;
      const high = Math.floor(pc / 4294967296);
      frames.high[at] = high;
      frames.low[at] = pc - high * 4294967296;
      frames.returns[at] = isReturn ? 1 : 0;

      let step = steps.get(pc, isReturn);
      if (step === undefined) {
        const found = this.#stepAt(map, isReturn ? pc - 1 : pc);
        if (found instanceof Promise) return found;
        steps.set(pc, isReturn, found);
        step = found;
      }
      const before = this.#registers[RSP]!;
      const { row } = step;
      const next =
        row === undefined
          ? this.#byFramePointer(step.known)
          : step.saved === undefined
            ? this.#byRow(row)
            : this.#bySaved(row, step.saved);
      if (next === 'end') return undefined;
      const signal = row?.signal ?? false;
      // A frame that does not lie above the one before is no frame; it would go on for ever.
      if (next === 'lost' || (this.#registers[RSP]! <= before && !signal)) {
        frames.truncated = true;
        return undefined;
      }
      isReturn = !signal;
    }
  }

  #stepsOf(map: MemoryMap): AddressCache<UnwindStep> {
    let known = this.#steps.get(map);
    if (known === undefined || known.generation !== map.generation) {
      known = { generation: map.generation, steps: new AddressCache() };
      this.#steps.set(map, known);
    }
    return known.steps;
  }

  /** A promise where a file must be opened first. */
  #stepAt(map: MemoryMap, lookup: number): UnwindStep | Promise<void> {
    const mapping = map.find(lookup);
    let row: UnwindRow | undefined;
    if (mapping !== undefined && (mapping.module.kind === 'file' || mapping.module.kind === 'vdso')) {
      if (!this.#modules.has(mapping.module.index)) return this.#open(mapping.module);
      const module = this.#modules.get(mapping.module.index);
      if (module?.info !== undefined) {
        const offset = lookup - mapping.start + mapping.fileOffset;
        const address = module.isVdso ? offset : module.elf.addressOfOffset(offset);
        if (address !== undefined) row = module.info.row(address);
      }
    }
    return { known: mapping !== undefined, row, saved: row === undefined ? undefined : savedRegisters(row) };
  }

  #readRegisters(view: DataView, stack: UserStack, mask: number, le: boolean): void {
    const registers = this.#registers;
    registers.fill(0);
    let at = stack.regsAt;
    for (let bit = 0; bit < 32; bit++) {
      if (((mask >>> bit) & 1) === 0) continue;
      const register = DWARF_OF_PERF[bit] ?? -1;
      if (register >= 0) registers[register] = readWord(view, at, le);
      at += 8;
    }
  }

  async #open(module: CodeModule): Promise<void> {
    const image = await this.#loader?.load(module);
    if (image === undefined) {
      this.#modules.set(module.index, undefined);
      return;
    }
    const { elf, debug } = image;
    if (elf.machine !== Machine.x86_64) {
      this.#warnings.add(
        'unwinding-unsupported',
        'stack copies of other machines than x86-64 are not unwound by tables',
        {
          example: module.path,
        },
      );
      this.#modules.set(module.index, undefined);
      return;
    }
    const info = await CallFrameInfo.open(elf, debug);
    this.#modules.set(module.index, { elf, info, isVdso: module.kind === 'vdso' });
  }

  /** A word of the copied stack; NaN outside of it. */
  #memory(address: number): number {
    if (!(address >= this.#stackStart && address + 8 <= this.#stackEnd)) return Number.NaN;
    return readWord(this.#view, this.#stackAt + (address - this.#stackStart), true);
  }

  /** The common step: registers at fixed places above the CFA. */
  #bySaved(row: UnwindRow, saved: Int32Array): 'end' | 'lost' | 'next' {
    const registers = this.#registers;
    const cfa = (registers[row.cfaRegister] ?? Number.NaN) + row.cfaOffset;
    const last = saved.length - 2;
    const pc = this.#memory(cfa + saved[last + 1]!);
    if (Number.isNaN(pc)) return 'lost';
    if (pc === 0) return 'end';
    for (let i = 0; i < last; i += 2) registers[saved[i]!] = this.#memory(cfa + saved[i + 1]!);
    registers[RSP] = cfa;
    registers[RIP] = pc;
    return 'next';
  }

  #byRow(row: UnwindRow): 'end' | 'lost' | 'next' {
    const registers = this.#registers;
    const register = (index: number): number => registers[index] ?? Number.NaN;
    const memory = (address: number): number => this.#memory(address);
    const cfa =
      row.cfaExpression === undefined
        ? (registers[row.cfaRegister] ?? Number.NaN) + row.cfaOffset
        : evaluateExpression(row.cfaExpression, undefined, register, memory);
    if (Number.isNaN(cfa)) return 'lost';
    const caller = this.#callerRegisters;
    caller.set(registers);
    caller[RSP] = cfa;
    let hasReturn = false;
    for (const rule of row.rules) {
      if (rule.register > RIP) continue;
      let value: number;
      switch (rule.kind) {
        case RuleKind.offset:
          value = this.#memory(cfa + rule.value);
          break;
        case RuleKind.valueOffset:
          value = cfa + rule.value;
          break;
        case RuleKind.register:
          value = register(rule.value);
          break;
        case RuleKind.expression:
          value = memory(evaluateExpression(rule.expression!, cfa, register, memory));
          break;
        case RuleKind.valueExpression:
          value = evaluateExpression(rule.expression!, cfa, register, memory);
          break;
        default:
          if (rule.register === row.returnRegister) return 'end';
          continue;
      }
      if (rule.register === RIP) {
        if (Number.isNaN(value)) return 'lost';
        if (value === 0) return 'end';
        hasReturn = true;
      }
      caller[rule.register] = value;
    }
    if (!hasReturn) return 'end';
    registers.set(caller);
    return 'next';
  }

  #byFramePointer(known: boolean): 'end' | 'lost' | 'next' {
    const registers = this.#registers;
    const frame = registers[RBP]!;
    // Without a mapping the address is no code: the frame before was read wrongly.
    if (!known) return 'lost';
    const pc = this.#memory(frame + 8);
    const callerFrame = this.#memory(frame);
    if (Number.isNaN(pc) || Number.isNaN(callerFrame)) return 'lost';
    if (pc === 0) return 'end';
    registers[RIP] = pc;
    registers[RSP] = frame + 16;
    registers[RBP] = callerFrame;
    return 'next';
  }
}

/** Undefined where the row is more than registers saved above a CFA that is a register and a distance. */
function savedRegisters(row: UnwindRow): Int32Array | undefined {
  if (row.cfaExpression !== undefined || row.returnRegister !== RIP) return undefined;
  const saved: number[] = [];
  let returnAt: number | undefined;
  for (const { register, kind, value } of row.rules) {
    if (register > RIP) continue;
    if (kind !== RuleKind.offset || register === RSP) return undefined;
    if (register === RIP) returnAt = value;
    else saved.push(register, value);
  }
  return returnAt === undefined ? undefined : Int32Array.of(...saved, RIP, returnAt);
}

function readWord(view: DataView, at: number, le: boolean): number {
  return view.getUint32(at + (le ? 0 : 4), le) + view.getInt32(at + (le ? 4 : 0), le) * 4294967296;
}
