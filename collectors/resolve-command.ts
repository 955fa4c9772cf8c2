import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { TprofError } from '../src/base/errors.ts';

/** By which program a file without an executable bit is usually run: for the hint. */
const INTERPRETERS: Readonly<Record<string, string>> = {
  '.js': 'node',
  '.mjs': 'node',
  '.cjs': 'node',
  '.ts': 'node',
  '.py': 'python3',
  '.rb': 'ruby',
  '.sh': 'sh',
};

/**
 * The file that a command word names, as a shell finds it. Asked before anything is made: a command that is not there
 * leaves no capture. Throws `run-not-found` (127) or `run-not-executable` (126), as `env` and `timeout` tell them apart.
 */
export function resolveCommand(
  word: string,
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string {
  if (word.includes('/')) {
    const path = resolve(cwd, word);
    const problem = problemOf(path);
    if (problem === 'missing') {
      throw new TprofError('run-not-found', `${word}: there is no such file`, {
        hint: `look for it: ls ${dirOf(word)}`,
      });
    }
    if (problem === undefined) return path;
    throw notExecutable(word, problem);
  }
  let refused: { path: string; problem: 'folder' | 'mode' } | undefined;
  for (const folder of (environment.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter)) {
    const path = join(folder === '' ? cwd : resolve(cwd, folder), word);
    const problem = problemOf(path);
    if (problem === undefined) return path;
    if (problem === 'mode') refused ??= { path, problem };
  }
  if (refused !== undefined) throw notExecutable(refused.path, refused.problem);
  const beside = problemOf(join(cwd, word)) !== 'missing';
  throw new TprofError('run-not-found', `${word}: command not found in PATH`, {
    hint: beside ? `for the file in this folder: ${suggestion(`./${word}`)}` : `is it installed? which ${word}`,
  });
}

function problemOf(path: string): 'missing' | 'folder' | 'mode' | undefined {
  try {
    if (statSync(path).isDirectory()) return 'folder';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'mode' : 'missing';
  }
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return 'mode';
  }
}

function notExecutable(word: string, problem: 'folder' | 'mode'): TprofError {
  return problem === 'folder'
    ? new TprofError('run-not-executable', `${word}: expected a program, found a folder`)
    : new TprofError('run-not-executable', `${word}: the file is there and may not be executed`, {
        hint: suggestion(word),
      });
}

function suggestion(word: string): string {
  const interpreter = INTERPRETERS[/\.\w+$/.exec(word)?.[0] ?? ''];
  return interpreter === undefined ? `chmod +x ${word}` : `tprof record -- ${interpreter} ${word}`;
}

function dirOf(word: string): string {
  return word.slice(0, word.lastIndexOf('/')) || '/';
}
