/** What stands in the way of the workload; decides who is to mend it. */
export type WorkloadErrorKind =
  /** A package, a permission, space or PostgreSQL itself is missing. */
  | 'machine'
  /** An address or a template that is not there. */
  | 'missing'
  /** A process of the workload ended, or a task did not. */
  | 'run';

/** An expected failure of the workload: one sentence, and the command that mends it. */
export class WorkloadError extends Error {
  readonly kind: WorkloadErrorKind;
  readonly hint: string | undefined;

  constructor(kind: WorkloadErrorKind, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'WorkloadError';
    this.kind = kind;
    this.hint = options.hint;
  }
}
