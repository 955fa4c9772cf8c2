// https://dwarfstd.org/doc/DWARF5.pdf (6.4.2)
import { ByteReader } from '../base/byte-reader.ts';

/** Where a register of the caller is found. */
export const RuleKind = {
  /** In memory at CFA + value. */
  offset: 0,
  /** It is CFA + value. */
  valueOffset: 1,
  /** In register `value`. */
  register: 2,
  /** In memory at what the expression computes. */
  expression: 3,
  /** It is what the expression computes. */
  valueExpression: 4,
  /** It is gone; for the return address: there is no caller. */
  undefined: 5,
} as const;

export interface RegisterRule {
  readonly register: number;
  readonly kind: number;
  readonly value: number;
  readonly expression: Uint8Array | undefined;
}

/** How to find the caller's frame from one place in the code. Registers without a rule keep their value. */
export interface UnwindRow {
  /** The canonical frame address is this register plus `cfaOffset`, unless there is an expression. */
  readonly cfaRegister: number;
  readonly cfaOffset: number;
  readonly cfaExpression: Uint8Array | undefined;
  readonly rules: readonly RegisterRule[];
  readonly returnRegister: number;
  /** The caller was interrupted, not left by a call: its address is exact. */
  readonly signal: boolean;
}

export interface Cie {
  readonly codeAlign: number;
  readonly dataAlign: number;
  readonly returnRegister: number;
  readonly pointerEncoding: number;
  readonly signal: boolean;
  /** Its FDEs have augmentation data. */
  readonly augmented: boolean;
  readonly program: Uint8Array;
}

interface State {
  cfaRegister: number;
  cfaOffset: number;
  cfaExpression: Uint8Array | undefined;
  rules: Map<number, RegisterRule>;
}

/** Runs the CIE's and then the FDE's instructions: one row for each stretch of code. */
export function executeCallFrame(
  cie: Cie,
  program: Uint8Array,
  start: number,
  littleEndian: boolean,
  setLocation: (r: ByteReader) => number,
): { readonly rowStarts: readonly number[]; readonly rows: readonly UnwindRow[] } {
  const machine = new CallFrameMachine(cie, start, littleEndian, setLocation);
  machine.run(cie.program);
  machine.keepInitial();
  machine.run(program);
  machine.closeRow();
  return machine;
}

class CallFrameMachine {
  readonly rowStarts: number[] = [];
  readonly rows: UnwindRow[] = [];
  readonly #cie: Cie;
  readonly #littleEndian: boolean;
  readonly #setLocation: (r: ByteReader) => number;
  #location: number;
  #state: State = { cfaRegister: 7, cfaOffset: 8, cfaExpression: undefined, rules: new Map() };
  #initial: Map<number, RegisterRule> = new Map();
  readonly #remembered: State[] = [];

  constructor(cie: Cie, start: number, littleEndian: boolean, setLocation: (r: ByteReader) => number) {
    this.#cie = cie;
    this.#location = start;
    this.#littleEndian = littleEndian;
    this.#setLocation = setLocation;
  }

  keepInitial(): void {
    this.#initial = new Map(this.#state.rules);
  }

  closeRow(): void {
    const { cfaRegister, cfaOffset, cfaExpression, rules } = this.#state;
    const { returnRegister, signal } = this.#cie;
    this.rowStarts.push(this.#location);
    this.rows.push({ cfaRegister, cfaOffset, cfaExpression, rules: [...rules.values()], returnRegister, signal });
  }

  #advance(delta: number): void {
    this.closeRow();
    this.#location += delta * this.#cie.codeAlign;
  }

  #set(register: number, kind: number, value: number, expression?: Uint8Array): void {
    this.#state.rules.set(register, { register, kind, value, expression });
  }

  #restore(register: number): void {
    const rule = this.#initial.get(register);
    if (rule === undefined) this.#state.rules.delete(register);
    else this.#state.rules.set(register, rule);
  }

  run(program: Uint8Array): void {
    const r = new ByteReader(program, this.#littleEndian);
    const { dataAlign } = this.#cie;
    while (r.left > 0) {
      const op = r.u8();
      const low = op & 0x3f;
      if (op >= 0xc0) this.#restore(low);
      else if (op >= 0x80) this.#set(low, RuleKind.offset, r.uleb() * dataAlign);
      else if (op >= 0x40) this.#advance(low);
      else if (!this.#extended(op, r)) return;
    }
  }

  /** False where the instruction is not known: what follows cannot be read. */
  #extended(op: number, r: ByteReader): boolean {
    const state = this.#state;
    const { dataAlign } = this.#cie;
    switch (op) {
      case 0x00:
        break;
      case 0x01:
        this.closeRow();
        this.#location = this.#setLocation(r);
        break;
      case 0x02:
        this.#advance(r.u8());
        break;
      case 0x03:
        this.#advance(r.u16());
        break;
      case 0x04:
        this.#advance(r.u32());
        break;
      case 0x05:
        this.#set(r.uleb(), RuleKind.offset, r.uleb() * dataAlign);
        break;
      case 0x06:
        this.#restore(r.uleb());
        break;
      case 0x07:
        this.#set(r.uleb(), RuleKind.undefined, 0);
        break;
      case 0x08:
        state.rules.delete(r.uleb());
        break;
      case 0x09:
        this.#set(r.uleb(), RuleKind.register, r.uleb());
        break;
      case 0x0a:
        this.#remembered.push({ ...state, rules: new Map(state.rules) });
        break;
      case 0x0b: {
        const back = this.#remembered.pop();
        if (back !== undefined) this.#state = back;
        break;
      }
      case 0x0c:
        state.cfaRegister = r.uleb();
        state.cfaOffset = r.uleb();
        state.cfaExpression = undefined;
        break;
      case 0x0d:
        state.cfaRegister = r.uleb();
        state.cfaExpression = undefined;
        break;
      case 0x0e:
        state.cfaOffset = r.uleb();
        break;
      case 0x0f:
        state.cfaExpression = r.take(r.uleb());
        break;
      case 0x10:
        this.#set(r.uleb(), RuleKind.expression, 0, r.take(r.uleb()));
        break;
      case 0x11:
        this.#set(r.uleb(), RuleKind.offset, r.sleb() * dataAlign);
        break;
      case 0x12:
        state.cfaRegister = r.uleb();
        state.cfaOffset = r.sleb() * dataAlign;
        state.cfaExpression = undefined;
        break;
      case 0x13:
        state.cfaOffset = r.sleb() * dataAlign;
        break;
      case 0x14:
        this.#set(r.uleb(), RuleKind.valueOffset, r.uleb() * dataAlign);
        break;
      case 0x15:
        this.#set(r.uleb(), RuleKind.valueOffset, r.sleb() * dataAlign);
        break;
      case 0x16:
        this.#set(r.uleb(), RuleKind.valueExpression, 0, r.take(r.uleb()));
        break;
      case 0x2e:
        r.uleb();
        break;
      case 0x2f:
        this.#set(r.uleb(), RuleKind.offset, -r.uleb() * dataAlign);
        break;
      default:
        return false;
    }
    return true;
  }
}
