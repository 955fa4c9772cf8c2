import { FrameFlag } from '../model/profile.ts';
import { runtimeName } from '../symbols/runtime-name.ts';

/** What inferno-collapse-perf makes of a stack line of `perf script`, so that collapsed output is the same. */
export interface PrintedFrame {
  /** What is printed for the frame, before annotations. */
  readonly printed: string;
  /** The function's name where `printed` holds more than that; otherwise the same. */
  readonly name: string;
  /** Part of a name with inlined calls, `a->b`: annotated `_[i]`. */
  readonly inlinedPart: boolean;
}

export interface StackLine {
  readonly address: string;
  readonly module: string;
  readonly frames: readonly PrintedFrame[];
}

/** `addr symbol+0xoff (dso)`; undefined where the line is none. No frames: the symbol is a process name. */
export function parseStackLine(line: string, isJava: boolean, withAddresses: boolean): StackLine | undefined {
  const text = line.trimStart();
  const firstSpace = text.indexOf(' ');
  const lastSpace = text.lastIndexOf(' ');
  if (firstSpace === -1) return undefined;
  const address = text.slice(0, firstSpace);
  const wrapped = text.slice(lastSpace + 1);
  if (!wrapped.startsWith('(') || !wrapped.endsWith(')') || lastSpace < firstSpace) return undefined;
  if (lastSpace === firstSpace) return undefined;
  let module = wrapped.slice(1, -1);
  const raw = withoutOffset(text.slice(firstSpace + 1, lastSpace).trim() || ' ');
  if (raw.startsWith('(')) return { address, module, frames: [] };
  // A file that is gone: `(/lib/x.so (deleted))`. inferno takes the last word for the module and the rest for the name.
  const deleted = module === 'deleted)' ? / \(([^()]*)$/.exec(raw) : null;
  let bare: string | undefined;
  if (deleted !== null) {
    module = `${deleted[1]} (deleted)`;
    bare = withoutOffset(raw.slice(0, deleted.index));
  }
  const symbol = withoutRustEscapes(raw);
  const frames = symbol.split('->').map((part, i) => {
    const printed = tidy(withModule(part, wrapped.slice(1, -1), address, withAddresses), isJava);
    // Runtimes put files behind names, and the cut at `(` would make `(anonymous)` of V8 nothing.
    const whole = runtimeName(part).name === part ? printed : part;
    const name = bare === undefined ? whole : tidy(withModule(bare, module, address, withAddresses), isJava);
    return { printed, name, inlinedPart: i > 0 };
  });
  return { address, module, frames };
}

/** Kernel by module, or just-in-time compiled by it; 0 = neither. */
export function moduleFlags(module: string): number {
  if (module !== '[unknown]' && (module.startsWith('[') || module.endsWith('.ko') || isVmlinux(module))) {
    return FrameFlag.kernel;
  }
  const isPerfMap = module.startsWith('/tmp/perf-') && module.endsWith('.map');
  return isPerfMap || (module.includes('/jitted-') && module.endsWith('.so')) ? FrameFlag.jit : 0;
}

function isVmlinux(module: string): boolean {
  const at = module.lastIndexOf('vmlinux');
  return at !== -1 && /^[\w.-]*$/.test(module.slice(at));
}

function withoutOffset(symbol: string): string {
  const at = symbol.lastIndexOf('+0x');
  return at !== -1 && /^[0-9a-fA-F]*$/.test(symbol.slice(at + 3)) ? symbol.slice(0, at) : symbol;
}

function withModule(symbol: string, module: string, address: string, withAddresses: boolean): string {
  if (symbol !== '[unknown]' || (module === '[unknown]' && !withAddresses)) return symbol;
  const base = module === '[unknown]' ? 'unknown' : module.slice(module.lastIndexOf('/') + 1);
  return withAddresses ? `[${base} <${address}>]` : `[${base}]`;
}

/**
 * Cuts an argument list off: at the first `(` outside of brackets that neither begins a Go receiver (`.(*T)`) nor
 * C++'s `(anonymous namespace)`. Of Java's signatures the leading L goes.
 */
function tidy(symbol: string, isJava: boolean): string {
  const name = symbol.replaceAll(';', ':');
  let depth = 0;
  let end = name.length;
  scan: for (let i = 0; i < name.length; i++) {
    switch (name[i]) {
      case '<':
      case '{':
      case '[':
        depth++;
        break;
      case '>':
      case '}':
      case ']':
      case ')':
        depth--;
        break;
      case '(':
        if (depth === 0 && name[i - 1] !== '.' && !name.startsWith('(anonymous namespace)', i)) {
          end = i;
          break scan;
        }
        depth++;
        break;
    }
  }
  const cut = name.slice(0, end);
  return isJava && cut.startsWith('L') && cut.includes('/') ? cut.slice(1) : cut;
}

const RUST_ESCAPES: readonly (readonly [code: string, char: string])[] = [
  ['$SP$', '@'],
  ['$BP$', '*'],
  ['$RF$', '&'],
  ['$LT$', '<'],
  ['$GT$', '>'],
  ['$LP$', '('],
  ['$RP$', ')'],
  ['$C$', ','],
  ['$u7e$', '~'],
  ['$u20$', ' '],
  ['$u27$', "'"],
  ['$u3d$', '='],
  ['$u5b$', '['],
  ['$u5d$', ']'],
  ['$u7b$', '{'],
  ['$u7d$', '}'],
  ['$u3b$', ';'],
  ['$u2b$', '+'],
  ['$u21$', '!'],
  ['$u22$', '"'],
];

/** Older perf leaves `$LT$` and the hash in the names of legacy Rust symbols: `…::h0123456789abcdef`. */
function withoutRustEscapes(symbol: string): string {
  if (!/h[0-9a-fA-F]{16}$/.test(symbol)) return symbol;
  let rest = symbol.slice(0, -17);
  if (rest.endsWith('::')) rest = rest.slice(0, -2);
  if (rest.startsWith('_$')) rest = rest.slice(1);
  let plain = '';
  while (rest !== '') {
    if (rest.startsWith('..')) {
      plain += '::';
      rest = rest.slice(2);
    } else if (rest.startsWith('.')) {
      plain += '.';
      rest = rest.slice(1);
    } else if (rest.startsWith('$')) {
      const found = RUST_ESCAPES.find(([code]) => rest.startsWith(code));
      if (found === undefined) return plain + rest;
      plain += found[1];
      rest = rest.slice(found[0].length);
    } else {
      const length = rest.search(/[$.]/);
      plain += length === -1 ? rest : rest.slice(0, length);
      rest = length === -1 ? '' : rest.slice(length);
    }
  }
  return plain;
}
