import type { Readable, Writable } from 'node:stream';

/** The machine as a command sees it; tests pass their own. */
export interface CliContext {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What the process will exit with; set by the command, read in `main.ts` alone. */
  exitCode: number;
}

/** Options that every command has; commander fills them in from the shared flags. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly format?: 'terminal' | 'markdown' | 'html' | 'json';
  readonly output?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
}

/** One line of talk on standard error, unless `-q`. */
export function say(context: CliContext, options: CommonOptions, line: string): void {
  if (options.quiet !== true) context.stderr.write(`${line}\n`);
}
