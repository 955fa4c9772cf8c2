import { type Logger, pino } from 'pino';
import type { CliContext, CommonOptions } from './context.ts';

/**
 * What `-v` says: JSON lines on standard error (time, level, what, figures), for whoever wants to know what tprof did
 * and how long each part took. Silent without it: talk for people is `say`.
 */
export function commandLog(context: CliContext, options: Pick<CommonOptions, 'verbose'>): Logger {
  return pino(
    { level: options.verbose === true ? 'debug' : 'silent', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: line => context.stderr.write(line) },
  );
}
