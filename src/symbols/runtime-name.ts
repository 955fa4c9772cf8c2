/** A function name without what a runtime wrote around it. */
export interface RuntimeName {
  readonly name: string;
  /** What stood around it, with `%` for the name; '' = nothing. */
  readonly decoration: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `JavaScript`, `Python`, …; '' = not known. */
  readonly category: string;
}

const V8_KINDS = 'JS|LazyCompile|Function|Script|Eval|Builtin|BytecodeHandler|Handler|Stub|RegExp|Bytecode';

/** The mark of the compiler, and since V8 13 a second one for code that is good for one context alone: `+'`. */
const V8_NAME = new RegExp(`^(${V8_KINDS}):([~*+^]?'?)(.*)$`, 's');

/** Names as V8, CPython and other runtimes write them into perf maps and jitdumps. */
export function runtimeName(text: string): RuntimeName {
  const v8 = V8_NAME.exec(text);
  if (v8 !== null) {
    const [, kind = '', tier = '', rest = ''] = v8;
    const isScript =
      kind === 'JS' || kind === 'LazyCompile' || kind === 'Function' || kind === 'Script' || kind === 'Eval';
    const place = isScript
      ? /^(.*?) ?((?:file:\/\/|node:|\/|[a-z]:\\|[\w.-]+\.[cm]?[jt]s).*?)?:(\d+):(\d+)$/s.exec(rest)
      : null;
    const name = place === null ? rest : (place[1] ?? '');
    return {
      name: name.trim() === '' ? (isScript ? '(anonymous)' : kind) : name.trim(),
      decoration: `${kind}:${tier}%`,
      file: fromFileUrl(place?.[2] ?? ''),
      line: place === null ? 0 : Number(place[3]),
      column: place === null ? 0 : Number(place[4]),
      category: isScript ? 'JavaScript' : '',
    };
  }
  const python = /^py::(.*):(.*)$/s.exec(text);
  if (python !== null) {
    return { name: python[1]!, decoration: 'py::%', file: python[2]!, line: 0, column: 0, category: 'Python' };
  }
  return { name: text, decoration: '', file: '', line: 0, column: 0, category: '' };
}

function fromFileUrl(url: string): string {
  if (!url.startsWith('file://')) return url;
  try {
    return decodeURIComponent(url.slice('file://'.length));
  } catch {
    return url.slice('file://'.length);
  }
}
