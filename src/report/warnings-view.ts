import { formatCount } from '../base/format-units.ts';
import type { Warning } from '../base/warnings.ts';
import type { Block } from './block.ts';

/** Doubts about a result, one note each, in every report. */
export function warningBlocks(warnings: readonly Warning[]): Block[] {
  return warnings.map(({ message, count, examples, code }) => ({
    kind: 'note',
    severity: INFORMATIVE.has(code) ? 'info' : 'warning',
    text: `${message}${count > 1 ? ` (${formatCount(count)} ×)` : ''}${examples.length > 0 ? `: ${examples.join('; ')}` : ''} [${code}]`,
  }));
}

/** Codes that say how the data is, and take nothing away from the result. */
const INFORMATIVE: ReadonlySet<string> = new Set(['exporter-noise', 'logs-missing']);
