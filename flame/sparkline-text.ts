const HEIGHTS = '▁▂▃▄▅▆▇█';

/**
 * Values over time as one line of block characters, for terminals and tables: from 0 to the highest, each character the
 * highest value of its stretch of time; a dot where nothing could be read.
 */
export function sparklineText(
  timesNs: ArrayLike<number>,
  values: ArrayLike<number | null>,
  options: { readonly width?: number; readonly fromNs?: number; readonly toNs?: number } = {},
): string {
  const count = Math.min(timesNs.length, values.length);
  if (count === 0) return '';
  const begin = options.fromNs ?? timesNs[0]!;
  const span = (options.toNs ?? timesNs[count - 1]!) - begin;
  const columns = options.width ?? Math.min(24, count);
  const highest: (number | undefined)[] = new Array(columns).fill(undefined);
  let top = 0;
  let bottom = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (value === null || value === undefined || Number.isNaN(value)) continue;
    const column = span <= 0 ? 0 : Math.min(columns - 1, Math.floor(((timesNs[i]! - begin) / span) * columns));
    highest[column] = Math.max(highest[column] ?? Number.NEGATIVE_INFINITY, value);
    top = Math.max(top, value);
    bottom = Math.min(bottom, value);
  }
  return highest
    .map(value => {
      if (value === undefined) return '·';
      const share = top === bottom ? 0 : (value - bottom) / (top - bottom);
      return HEIGHTS[Math.min(HEIGHTS.length - 1, Math.floor(share * HEIGHTS.length))];
    })
    .join('');
}
