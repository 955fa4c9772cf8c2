import { formatBytes, formatCount, formatDuration, formatShare, significant } from '../src/base/format-units.ts';

/** A figure of a probe in words: `nanoseconds`, `bytes`, `count`, `share`, each also `…/s`; other units as they are. */
export function figureText(value: number, unit: string): string {
  switch (unit) {
    case 'nanoseconds':
      return formatDuration(value);
    case 'bytes':
      return formatBytes(value);
    case 'bytes/s':
      return `${formatBytes(value)}/s`;
    case 'share':
      return formatShare(value);
    case 'count':
    case 'none':
    case '':
      return plain(value);
    case 'count/s':
      return `${plain(value)}/s`;
    default:
      return `${plain(value)} ${unit}`;
  }
}

function plain(value: number): string {
  if (Math.abs(value) >= 1e12) return value.toExponential(2);
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? formatCount(value) : significant(value);
}
