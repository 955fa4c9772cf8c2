import type { Finding } from '../../analyzers/hot-path-findings.ts';
import { formatShare } from '../base/format-units.ts';
import type { Block } from './block.ts';

/** A finding as a note: what was seen, what to do, where to look, how it was measured, how sure that is. */
export function findingBlock({ severity, title, detail, look, evidence, confidence }: Finding): Block {
  const where = look === undefined || look === '' ? '' : ` Look at: ${look}.`;
  return {
    kind: 'note',
    severity,
    text: `${title}. ${detail}${where} Measured: ${evidence}. Confidence: ${formatShare(confidence)}.`,
  };
}
