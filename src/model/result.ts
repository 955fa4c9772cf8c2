import type { Warning } from '../base/warnings.ts';

/** What every analyzer's result begins with. All times in it are nanoseconds in numbers, counted from `epochNs`. */
export interface ResultHeader<Name extends string> {
  readonly schema: `tprof.${Name}/1`;
  /** Decimal string of Unix nanoseconds; '0' where the inputs have no wall clock. */
  readonly epochNs: string;
  readonly inputs: readonly string[];
  readonly warnings: readonly Warning[];
}
