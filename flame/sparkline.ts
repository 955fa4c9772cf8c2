import { formatCount, formatDuration } from '../src/base/format-units.ts';
import { figureText } from './figure-text.ts';
import { hashOf } from './paint-of.ts';
import { xmlText } from './xml-text.ts';

/** What a probe saw over time. */
export interface Sparkline {
  readonly title: string;
  /** Of the values, as `figureText` knows them; another word is printed as it is. */
  readonly unit: string;
  /** After the beginning of the recording, rising. */
  readonly timesNs: ArrayLike<number>;
  /** One a time; not-a-number where nothing could be read: the line is broken there. */
  readonly values: ArrayLike<number>;
  /** The time that the picture is of, so that pictures stand in line; else from the first reading to the last. */
  readonly fromNs?: number;
  readonly toNs?: number;
}

const MARGIN = 8;
const TITLE = 18;

/**
 * A small line over time with its lowest, highest and last value in words. Values start at 0, so that heights compare;
 * where several readings share a pixel, the line spans the lowest and the highest, so that no peak is lost.
 */
export function renderSparklineSvg(input: Sparkline, size: { width?: number; height?: number } = {}): string {
  const width = size.width ?? 320;
  const height = size.height ?? 72;
  const plot = { left: MARGIN, top: TITLE + 4, width: width - 2 * MARGIN, height: height - TITLE - 22 };
  const count = Math.min(input.timesNs.length, input.values.length);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let last = Number.NaN;
  let missing = 0;
  for (let i = 0; i < count; i++) {
    const value = input.values[i]!;
    if (!Number.isFinite(value)) {
      missing++;
      continue;
    }
    low = Math.min(low, value);
    high = Math.max(high, value);
    last = value;
  }
  const begin = input.fromNs ?? (count === 0 ? 0 : input.timesNs[0]!);
  const end = input.toNs ?? (count === 0 ? 0 : input.timesNs[count - 1]!);
  const words =
    count === missing
      ? 'no readings'
      : `lowest ${figureText(low, input.unit)}, highest ${figureText(high, input.unit)}, last ${figureText(last, input.unit)}`;
  const gaps = missing === 0 ? '' : `, ${formatCount(missing)} readings missing`;
  const span = count === 0 ? '' : ` in ${formatDuration(end - begin)}`;
  const text = `${words}${span}${gaps}`;
  const shortWords =
    missing === count
      ? words
      : `${figureText(low, input.unit)} … ${figureText(high, input.unit)}, last ${figureText(last, input.unit)}`;
  const most = Math.floor((width - 2 * MARGIN) / 6.2);
  const caption =
    text.length <= most ? text : shortWords.length <= most ? shortWords : `${shortWords.slice(0, most - 1)}…`;
  const id = `s${hashOf(`${input.title}${count}${last}`).toString(36)}`;
  const floor = Math.min(0, low === Number.POSITIVE_INFINITY ? 0 : low);
  const ceiling = Math.max(high === Number.NEGATIVE_INFINITY ? 1 : high, floor + Number.MIN_VALUE);
  const yOf = (value: number): number => plot.top + plot.height * (1 - (value - floor) / (ceiling - floor || 1));
  const xOf = (time: number): number => plot.left + (end > begin ? ((time - begin) / (end - begin)) * plot.width : 0);
  const { line, area } = trace(input, count, xOf, yOf, plot.top + plot.height);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d">`,
    `<title id="${id}-t">${xmlText(input.title)}</title><desc id="${id}-d">${xmlText(text)}</desc><style>${STYLE}</style>`,
    `<text class="st" x="${MARGIN}" y="14">${xmlText(shortTitle(input.title, width))}</text>`,
    area === '' ? '' : `<path class="sa" d="${area}"/>`,
    line === '' ? '' : `<path class="sl" d="${line}"/>`,
    `<path class="sb" d="M${plot.left} ${plot.top + plot.height + 0.5}h${plot.width}"/>`,
    `<text class="sw" x="${MARGIN}" y="${height - 5}">${xmlText(caption)}</text></svg>\n`,
  ].join('\n');
}

/** The path of the readings, one stretch a run without gaps, and the area below it. */
function trace(
  input: Sparkline,
  count: number,
  xOf: (time: number) => number,
  yOf: (value: number) => number,
  bottom: number,
): { line: string; area: string } {
  const line: string[] = [];
  const area: string[] = [];
  let i = 0;
  while (i < count) {
    if (!Number.isFinite(input.values[i]!)) {
      i++;
      continue;
    }
    const points: string[] = [];
    const first = xOf(input.timesNs[i]!);
    let at = first;
    while (i < count && Number.isFinite(input.values[i]!)) {
      at = xOf(input.timesNs[i]!);
      const column = Math.round(at * 2);
      let low = input.values[i]!;
      let high = low;
      let last = low;
      for (; i < count && Number.isFinite(input.values[i]!); i++) {
        if (Math.round(xOf(input.timesNs[i]!) * 2) !== column) break;
        last = input.values[i]!;
        low = Math.min(low, last);
        high = Math.max(high, last);
      }
      const heights = low === high ? [last] : [low, high, last];
      for (const value of heights) points.push(`${round(at)} ${round(yOf(value))}`);
    }
    // A single reading between gaps is a dot: a line of no length with a round end.
    line.push(`M${points.join('L')}${points.length === 1 ? 'h0' : ''}`);
    area.push(`M${round(first)} ${bottom}L${points.join('L')}L${round(at)} ${bottom}z`);
  }
  return { line: line.join(''), area: area.join('') };
}

/** A title that fits its picture: names differ at their beginning and their end, so the middle goes. */
function shortTitle(title: string, width: number): string {
  const most = Math.floor((width - 2 * MARGIN) / 7.2);
  const characters = [...title];
  if (characters.length <= most) return title;
  const end = Math.floor((most - 1) / 3);
  return `${characters.slice(0, most - 1 - end).join('')}…${characters.slice(-end).join('')}`;
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans','DejaVu Sans',sans-serif";
const STYLE = `
.st{font:600 12px ${FONT};fill:#15181d}.sw{font:11px ${FONT};fill:#444c56}.sb{stroke:#b6bec9}
.sl{fill:none;stroke:#1f5fa8;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}.sa{fill:#77aadd;fill-opacity:.35}
@media screen and (prefers-color-scheme:dark){.st{fill:#eef1f5}.sw{fill:#b6bec9}.sb{stroke:#57606a}.sl{stroke:#8ab9ec}.sa{fill:#5f88b1}}
`;
