import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { type InspectedBinary, inspectBinary } from '../../../collectors/inspect-binary.ts';
import { resolveCommand } from '../../../collectors/resolve-command.ts';
import { TprofError } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { chooseProfilers } from '../record/choose-profilers.ts';
import { resolveTarget } from '../record/target.ts';
import { adviceOn, type BinaryAdvice, type FramePointerVerdict, framePointerVerdict } from './binary-advice.ts';

/** What `doctor -- COMMAND` found out about the command. */
export interface TargetReport {
  readonly command: readonly string[];
  readonly found: boolean;
  /** Why it cannot be run, and what mends it. */
  readonly problem?: { readonly reason: string; readonly hint: string | undefined };
  readonly path?: string;
  readonly runtime?: string;
  readonly because?: string;
  /** Of a runtime that runs the program. */
  readonly runtimeVersion?: string;
  readonly binary?: InspectedBinary;
  readonly framePointers?: FramePointerVerdict;
  /** What `record` would use, and in whose words. */
  readonly profilers: readonly string[];
  readonly choice?: string;
  readonly record?: string;
  readonly advice: readonly BinaryAdvice[];
}

/** Looks at a command as `record` would before it starts it; runs no more than `--version` of a known runtime. */
export async function inspectCommand(words: readonly string[], context: CliContext): Promise<TargetReport> {
  const { env, cwd } = context;
  let target: ReturnType<typeof resolveTarget>;
  try {
    target = resolveTarget(words, env, cwd);
  } catch (error) {
    if (!(error instanceof TprofError)) throw error;
    const problem = { reason: error.message, hint: error.hint };
    return { command: words, found: error.code !== 'run-not-found', problem, profilers: [], advice: [] };
  }
  const path = target.builtIn ? process.execPath : resolveCommand(words[0] ?? '', env, cwd);
  const version = await runtimeVersion(target.runtime, path);
  let choice: { profilers: readonly string[]; line: string };
  try {
    const { chosen, line } = await chooseProfilers({ profiler: ['auto'], env: [], trace: true }, target, []);
    choice = { profilers: chosen.map(({ profiler }) => profiler.id), line: line ?? '' };
  } catch (error) {
    if (!(error instanceof TprofError)) throw error;
    choice = { profilers: [], line: `${error.message}${error.hint === undefined ? '' : `: ${error.hint}`}` };
  }
  const binary = target.runtime === 'native' ? await inspectBinary(path) : undefined;
  const framePointers = binary === undefined ? undefined : framePointerVerdict(binary);
  const owner = binary === undefined ? undefined : await packageOf(binary.realPath);
  const profiler = choice.profilers[0];
  const walksStacks = profiler === 'perf' && framePointers !== undefined && framePointers.verdict !== 'yes';
  const options = [
    ...(profiler === undefined ? [] : [`--profiler ${profiler}`]),
    ...(walksStacks && binary?.unwindTables === true ? ['--call-graph dwarf'] : []),
    ...(binary?.hasConsoleSubscriber === true ? ['--tokio-console :6669'] : []),
  ];
  return {
    command: words,
    found: true,
    path,
    runtime: target.runtime,
    because: target.because,
    ...(version === undefined ? {} : { runtimeVersion: version }),
    ...(binary === undefined ? {} : { binary }),
    ...(framePointers === undefined ? {} : { framePointers }),
    profilers: choice.profilers,
    choice: choice.line,
    record: ['tprof record', ...options, '--', ...words.map(quoted)].join(' '),
    advice:
      binary === undefined || framePointers === undefined
        ? []
        : adviceOn(binary, framePointers, owner, words.map(quoted).join(' ')),
  };
}

async function runtimeVersion(runtime: string, path: string): Promise<string | undefined> {
  const program = basename(path);
  if (!(runtime === 'node' && /^node/.test(program)) && !(runtime === 'python' && /^(python|pypy)/.test(program))) {
    return undefined;
  }
  const text = await outputOf(path, ['--version']);
  return /\d+(?:\.\d+)+/.exec(text)?.[0];
}

/** The Debian package that a file came with; undefined where it came with none. */
async function packageOf(path: string): Promise<string | undefined> {
  // The package manager knows files by the folders before /bin became a link to /usr/bin.
  for (const known of [path, path.replace(/^\/usr(?=\/(?:s?bin|lib))/, '')]) {
    const line = (await outputOf('dpkg-query', ['--search', known]))
      .split('\n')
      .find(text => text.endsWith(`: ${known}`));
    if (line !== undefined) return line.split(':')[0];
  }
  return undefined;
}

/** Standard output and error; '' where the program is not there. */
function outputOf(file: string, args: readonly string[]): Promise<string> {
  return new Promise(resolve => {
    execFile(file, args, { timeout: 5000, encoding: 'utf8' }, (_, stdout, stderr) => resolve(`${stdout}${stderr}`));
  });
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
