/**
 * The codes of expected failures. The prefix decides the exit code in one place (src/cli/main.ts):
 * `usage` → 2, `input-*` → 3, `machine-*` → 4, `run-*` → 125…127 as `record` uses them.
 */
export type TprofErrorCode =
  | 'usage'
  /** The file, folder or address is not there. */
  | 'input-missing'
  /** It is there, but is not what was asked for, or is damaged beyond use. */
  | 'input-invalid'
  /** A tool, permission, port, or space is missing. */
  | 'machine-lacks'
  /** `record` could not begin: a profiler asked for by name is missing, a port is taken. */
  | 'run-cannot-begin'
  | 'run-not-executable'
  | 'run-not-found';

/**
 * An expected failure: one sentence that says where, what was expected and what was found, and a hint that is the
 * exact command or flag that mends it. Everything else that is thrown is a bug and keeps its stack.
 */
export class TprofError extends Error {
  readonly code: TprofErrorCode;
  readonly hint: string | undefined;

  constructor(code: TprofErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'TprofError';
    this.code = code;
    this.hint = options.hint;
  }
}
