import { formatCount, formatDuration } from '../../base/format-units.ts';
import type { CliContext, CommonOptions } from '../context.ts';

const EVERY_MS = 500;

/**
 * One line on the terminal that is written over while the recording runs. Only where the target's own output goes
 * elsewhere: two writers on one line make neither readable.
 */
export function startProgress(
  context: CliContext,
  options: CommonOptions,
  spans: () => number | undefined,
): { end(): void } {
  if (context.stderr.isTTY !== true || context.stdout.isTTY === true || options.quiet === true) return { end() {} };
  const began = Date.now();
  const timer = setInterval(() => {
    const count = spans();
    const words = [`recording ${formatDuration((Date.now() - began) * 1e6)}`];
    if (count !== undefined) words.push(`${formatCount(count)} spans`);
    context.stderr.write(`\r\u001b[K${words.join(' · ')}`);
  }, EVERY_MS);
  timer.unref();
  return {
    end() {
      clearInterval(timer);
      context.stderr.write('\r\u001b[K');
    },
  };
}
