import { TprofError } from '../src/base/errors.ts';

/** Turns what a file system refuses for reasons a user can mend into one sentence; anything else stays what it is. */
export function diskFailure(path: string, cause: unknown): unknown {
  switch ((cause as NodeJS.ErrnoException | null)?.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new TprofError('machine-lacks', `${path}: the disk is full`, {
        hint: 'free some space (tprof prune --keep 3 removes old captures), or record elsewhere with -o DIR',
        cause,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new TprofError('machine-lacks', `${path}: not allowed to write there`, {
        hint: 'record into a folder of your own with -o DIR',
        cause,
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new TprofError('usage', `${path}: expected a folder, found a file in the way`, {
        hint: 'name another folder with -o DIR',
        cause,
      });
    default:
      return cause;
  }
}

/** Whether an error says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  let at: unknown = error;
  for (let depth = 0; depth < 4 && at instanceof Error; depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return true;
    at = at.cause;
  }
  return false;
}
