import { asNumber, asObject, asText } from '../base/narrow.ts';
import type { Profile } from '../model/profile.ts';
import type { FrameInput } from '../model/profile-builder.ts';

/**
 * V8's `callFrame` of .cpuprofile, .heapprofile and Chrome traces: `url` is a script's, lines and columns are 0-based,
 * -1 or absent = unknown. A function without a name is `(anonymous)` in the model.
 */
export function frameOfCallFrame(value: unknown): FrameInput {
  const frame = asObject(value);
  const functionName = asText(frame.functionName);
  const line = asNumber(frame.lineNumber, -1);
  const column = asNumber(frame.columnNumber, -1);
  return {
    name: functionName === '' ? ANONYMOUS : functionName,
    ...scriptOfUrl(asText(frame.url)),
    line: fitting(line + 1),
    column: fitting(column + 1),
    category: categoryOf(functionName, asText(frame.url)),
  };
}

/** The same back, as text. Native frames carry their object file as `url`, since there is no other place for it. */
export function callFrameJson(profile: Profile, frame: number): string {
  const { frames, strings } = profile;
  const name = strings[frames.name[frame]!]!;
  const file = strings[frames.file[frame]!]!;
  const url = file === '' ? packagePath(strings[frames.module[frame]!]!) : urlOfFile(file);
  return `{"functionName":${JSON.stringify(name === ANONYMOUS ? '' : name)},"scriptId":"0","url":${JSON.stringify(url)},"lineNumber":${frames.line[frame]! - 1},"columnNumber":${frames.column[frame]! - 1}}`;
}

const ANONYMOUS = '(anonymous)';

/** V8's own names for what is no function. */
const SPECIAL: Readonly<Record<string, string>> = {
  '(idle)': 'Idle',
  '(program)': 'Program',
  '(garbage collector)': 'GC',
};

function categoryOf(functionName: string, url: string): string {
  const special = SPECIAL[functionName];
  if (special !== undefined) return special;
  if (url === '') return 'Native';
  return url.startsWith('wasm:') ? 'WebAssembly' : 'JavaScript';
}

/** Script URL → file as people open it, and the package that it belongs to. */
export function scriptOfUrl(url: string): { readonly file: string; readonly module: string } {
  const file = fileOfUrl(url);
  if (file.startsWith('node:')) return { file, module: 'node' };
  const at = file.lastIndexOf('/node_modules/');
  if (at === -1) return { file, module: '' };
  const [first = '', second = ''] = file.slice(at + '/node_modules/'.length).split('/', 2);
  return { file, module: first.startsWith('@') ? `${first}/${second}` : first };
}

function fileOfUrl(url: string): string {
  if (!url.startsWith('file://')) return url;
  try {
    const path = decodeURIComponent(url.slice('file://'.length));
    return /^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path;
  } catch {
    return url;
  }
}

function urlOfFile(file: string): string {
  if (file.startsWith('/')) return `file://${encodeURI(file).replace(/[?#]/g, encodeURIComponent)}`;
  if (/^[A-Za-z]:\//.test(file)) return `file:///${encodeURI(file).replace(/[?#]/g, encodeURIComponent)}`;
  return file;
}

/** An object file's path; a bare word is a package's name, and no URL. */
function packagePath(module: string): string {
  return module.includes('/') || module.startsWith('[') ? module : '';
}

function fitting(position: number): number {
  return Number.isInteger(position) && position > 0 && position <= 0xffffffff ? position : 0;
}
