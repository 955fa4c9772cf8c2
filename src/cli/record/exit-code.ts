import { constants } from 'node:os';
import type { Observed } from './finish-capture.ts';

/**
 * The target's own code; 128 + n where signal n ended it; 0 when attached. A target that ended because `--duration` was
 * over did what it was asked: 0, also where it turns our signal into such a code by itself.
 */
export function exitCodeOfRun({ exit, stoppedBy }: Observed): number {
  if (exit === undefined) return 0;
  const code = exit.code ?? 128 + (exit.signal === null ? 0 : constants.signals[exit.signal]);
  return stoppedBy === 'duration' && code > 128 ? 0 : code;
}
