import { CommanderError } from 'commander';
import { TprofError, type TprofErrorCode } from '../base/errors.ts';
import { unreachable } from '../base/unreachable.ts';
import type { CliContext } from './context.ts';
import { createProgram } from './program.ts';
import { TPROF_VERSION } from './version.ts';

/** Runs the command line. The one place that turns outcomes into exit codes (shared with scripts: see README). */
export async function main(argv: readonly string[]): Promise<void> {
  const context: CliContext = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    exitCode: 0,
  };
  // `tprof … | head` closes the pipe early; the rest of the output has no reader, and that is no failure.
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  });
  await run(argv, context);
  process.exitCode = context.exitCode;
}

/** Parses and runs; expected failures become one sentence on standard error and `context.exitCode`. */
export async function run(argv: readonly string[], context: CliContext): Promise<void> {
  try {
    const program = await createProgram(context, argv.slice(2));
    await program.parseAsync([...argv]);
  } catch (error) {
    context.exitCode = report(error, context);
  }
}

function report(error: unknown, context: CliContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof TprofError) {
    context.stderr.write(`tprof: ${error.message}\n`);
    if (error.hint !== undefined) context.stderr.write(`  ${error.hint}\n`);
    return exitCodeOf(error.code);
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  context.stderr.write(
    `tprof ${TPROF_VERSION} failed: this is a bug in tprof. Please report it with the command line and this stack.\n${stack}\n`,
  );
  return 5;
}

function exitCodeOf(code: TprofErrorCode): number {
  switch (code) {
    case 'usage':
      return 2;
    case 'input-missing':
    case 'input-invalid':
      return 3;
    case 'machine-lacks':
      return 4;
    case 'run-cannot-begin':
      return 125;
    case 'run-not-executable':
      return 126;
    case 'run-not-found':
      return 127;
    default:
      return unreachable(code);
  }
}
