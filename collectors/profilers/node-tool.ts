import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveCommand } from '../resolve-command.ts';
import type { ProfilerStatus } from './profiler.ts';

/** A command-line tool of npm: its program, which is run by tprof's own Node. */
export interface NodeTool {
  readonly script: string;
  readonly version: string;
}

/**
 * Looks for `name` in the node_modules of the working directory and above it, in those of tprof, and in PATH. What PATH
 * has must be the package's own program: a shell script in front of it cannot be watched from within.
 */
export function findNodeTool(
  name: string,
  cwd: string = process.cwd(),
  path: string | undefined = process.env.PATH,
): NodeTool | undefined {
  const own = dirname(fileURLToPath(import.meta.url));
  for (const start of [cwd, own]) {
    for (let folder = resolve(start); ; folder = dirname(folder)) {
      const found = toolOf(join(folder, 'node_modules', name), name);
      if (found !== undefined) return found;
      if (folder === dirname(folder)) break;
    }
  }
  try {
    let folder = dirname(realpathSync(resolveCommand(name, { PATH: path }, cwd)));
    for (; folder !== dirname(folder); folder = dirname(folder)) {
      const found = toolOf(folder, name);
      if (found !== undefined) return found;
    }
  } catch {
    // Not in PATH.
  }
  return undefined;
}

/** Whether it is there, and what it says of its version: `args` ask for that. */
export async function checkNodeTool(name: string, args: readonly string[], note: string): Promise<ProfilerStatus> {
  const tool = findNodeTool(name);
  const hint = `npm install --save-dev ${name}`;
  if (tool === undefined) return { usable: false, reason: `${name} is in no node_modules and not in PATH`, hint };
  const { code, stdout, stderr } = await runNodeTool(tool.script, args, { timeoutMs: 20_000 });
  const version = /\d+\.\d+[\w.+-]*/.exec(stdout)?.[0];
  if (code !== 0 || version === undefined) {
    const said = (stderr || stdout).trim().split('\n')[0] ?? '';
    return { usable: false, reason: `${tool.script} ${args.join(' ')} failed: ${said}`, hint };
  }
  return { usable: true, version, path: tool.script, note };
}

/** Runs one of its short commands to the end: asks it, or has it draw. */
export function runNodeTool(
  script: string,
  args: readonly string[],
  { cwd = process.cwd(), timeoutMs }: { readonly cwd?: string; readonly timeoutMs: number },
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  // What the user has for Node programs is not meant for the tool.
  const { NODE_OPTIONS: _, ...environment } = process.env;
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [script, ...args],
      { cwd, timeout: timeoutMs, env: { ...environment, ...QUIET }, maxBuffer: 2 ** 24 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr: stderr || (error?.message ?? '') });
      },
    );
  });
}

/** Without the first, and without a terminal, clinic asks a question that nobody sees, ends with 0, and has run nothing. */
export const QUIET: Readonly<Record<string, string>> = { NO_INSIGHT: '1', NO_UPDATE_NOTIFIER: '1' };

function toolOf(folder: string, name: string): NodeTool | undefined {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  try {
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly name?: string;
      readonly version?: string;
      readonly bin?: string | Readonly<Record<string, string>>;
    };
    const bin = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin?.[name];
    if (manifest.name !== name || bin === undefined) return undefined;
    return { script: join(folder, bin), version: manifest.version ?? '' };
  } catch {
    return undefined;
  }
}
