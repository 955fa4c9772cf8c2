import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processName } from '../../../collectors/process-name.ts';
import type { Runtime } from '../../../collectors/profilers/profiler.ts';
import { resolveCommand } from '../../../collectors/resolve-command.ts';

/** What will be started, and what kind of program it is: `auto` picks by that. */
export interface Target {
  readonly command: readonly string[];
  /** As the user typed it: what the manifest says. */
  readonly typed: readonly string[];
  /** Part of the capture's name. */
  readonly name: string;
  readonly runtime: Runtime | 'script';
  /** Why it is taken for that, for the line that names the profiler. */
  readonly because: string;
  /** The built-in workload. */
  readonly builtIn: boolean;
}

const NODE_PROGRAMS = /^(node|nodejs|npm|npx|yarn|pnpm|pnpx|tsx|ts-node|corepack)$/;
const PYTHON_PROGRAMS = /^(python[\d.]*|pypy[\d.]*|uv|poetry|gunicorn|celery|uvicorn)$/;

/** Finds the program (else 127 or 126, before anything is made) and says what it is, from its name and first bytes. */
export function resolveTarget(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Target {
  const [first, ...rest] = words as [string, ...string[]];
  if (first === 'e2e') {
    const name = ['e2e', ...rest.filter(word => !word.startsWith('-')).slice(0, 1)].join('-');
    return {
      command: [process.execPath, ownProgram(), 'e2e', ...rest],
      typed: words,
      name,
      runtime: 'node',
      because: 'the built-in workload runs on Node',
      builtIn: true,
    };
  }
  const path = resolveCommand(first, environment, cwd);
  const program = basename(path);
  const name = nameOf(program, words);
  const common = { command: words, typed: words, name, builtIn: false };
  const line = firstLine(path);
  if (NODE_PROGRAMS.test(program)) return { ...common, runtime: 'node', because: `${program} runs on Node` };
  // By name before by content: version managers put scripts of the same names in front.
  if (PYTHON_PROGRAMS.test(program)) return { ...common, runtime: 'python', because: `${program} runs Python` };
  if (line.startsWith('#!')) {
    if (/\bnode\b/.test(line)) return { ...common, runtime: 'node', because: `${program} is a Node script` };
    if (/\bpython/.test(line)) return { ...common, runtime: 'python', because: `${program} is a Python script` };
    return { ...common, runtime: 'script', because: `${program} is a script` };
  }
  if (/^(ba|da|z|k|fi)?sh$|^make$|^env$|^time$|^timeout$/.test(program)) {
    return { ...common, runtime: 'script', because: `${program} starts other programs` };
  }
  return { ...common, runtime: 'native', because: `${program} is a native program` };
}

/** `app` of `node app.js`, `npm-run-build` of `npm run build`, else the program. */
function nameOf(program: string, words: readonly string[]): string {
  if (/^(npm|npx|yarn|pnpm|pnpx|corepack)$/.test(program)) {
    return [program, ...words.slice(1, 3).filter(word => !word.startsWith('-'))].join('-');
  }
  return processName([program, ...words.slice(1)], undefined, program);
}

/** bin/tprof.js of this very tprof: above `src/` in a checkout, above `dist/src/` when installed. */
function ownProgram(): string {
  for (const up of ['../../..', '../../../..']) {
    const path = fileURLToPath(new URL(`${up}/bin/tprof.js`, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new Error('bin/tprof.js is not beside the code that looks for it');
}

function firstLine(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.alloc(160);
    const length = readSync(file, bytes);
    return bytes.subarray(0, length).toString('latin1').split('\n')[0] ?? '';
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
