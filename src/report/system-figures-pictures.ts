import type { SeriesFigures, SystemFiguresResult } from '../../analyzers/system-figures-result.ts';
import { figureText } from '../../flame/figure-text.ts';
import { renderSparklineSvg } from '../../flame/sparkline.ts';
import { sparklineText } from '../../flame/sparkline-text.ts';
import type { Block } from './block.ts';

/** One picture: a series, what people call it, and what it is of. */
interface Picture {
  readonly what: string;
  readonly of: string;
  readonly series: SeriesFigures;
}

const MOST_PROGRAMS = 5;
const MOST_QUEUES = 8;
const MOST_METRICS = 12;
/** Characters of a line in a table. */
const MOST_COLUMNS = 20;
/** Of the CPU of all: what took less needs no picture. */
const LEAST_SHARE = 0.01;

/** The series worth a look, as small pictures; in a terminal and in Markdown as rows of a table. */
export function systemPictures(result: SystemFiguresResult): Block[] {
  const pictures = choose(result);
  if (pictures.length === 0) return [];
  const known = result.sources.flatMap(({ timesNs }) => (timesNs.length === 0 ? [] : [timesNs[0]!, timesNs.at(-1)!]));
  const range = { fromNs: Math.min(...known), toNs: Math.max(...known) };
  const readings = Math.max(...result.sources.map(source => source.timesNs.length));
  const width = Math.min(MOST_COLUMNS, Math.max(4, readings));
  const shown = pictures.map(({ what, of, series }) => {
    const times = result.sources[series.source]!.timesNs.slice(series.first, series.first + series.values.length);
    const title = of === '' ? what : `${what}: ${of}`;
    const values = series.values.map(value => value ?? Number.NaN);
    const text = (value: number): string => figureText(value, series.unit);
    return {
      svg: renderSparklineSvg({ title, unit: series.unit, timesNs: times, values, ...range }),
      caption: `${title}: median ${text(series.median)}, lowest ${text(series.min)}, highest ${text(series.max)}`,
      row: [
        what,
        of,
        text(series.min),
        text(series.median),
        text(series.max),
        sparklineText(times, series.values, { ...range, width }),
      ],
    };
  });
  return [
    {
      kind: 'gallery',
      pictures: shown.map(({ svg, caption }) => ({ svg, caption })),
      table: {
        kind: 'table',
        caption: 'Figures over time',
        columns: [
          { title: 'figure', align: 'left' },
          { title: 'of', align: 'left' },
          { title: 'lowest', align: 'right' },
          { title: 'median', align: 'right' },
          { title: 'highest', align: 'right' },
          { title: 'from beginning to end', align: 'left' },
        ],
        rows: shown.map(({ row }) => row),
      },
    },
  ];
}

function choose({ series, programs, processes, sources }: SystemFiguresResult): Picture[] {
  const named = (name: string): SeriesFigures[] => series.filter(one => one.name === name && one.values.length > 1);
  const all = (
    name: string,
    what: string,
    of: (one: SeriesFigures) => string,
    keep: (one: SeriesFigures) => boolean,
  ): Picture[] =>
    named(name)
      .filter(keep)
      .map(one => ({ what, of: of(one), series: one }));
  const cpuNs = programs.reduce((sum, one) => sum + one.cpuNs, 0);
  const busy = programs.filter(one => one.cpuNs >= LEAST_SHARE * cpuNs);
  const program = (name: string, what: string): Picture[] =>
    busy.slice(0, MOST_PROGRAMS).flatMap(({ name: wanted }) =>
      named(name)
        .filter(one => one.labels.program === wanted)
        .map(one => ({ what, of: wanted, series: one })),
    );
  const nameOf = new Map(processes.map(({ pid, name }) => [String(pid), name]));
  /** What a profiler told of the inside of Node processes and their worker threads. */
  const loop = (name: string, what: string): Picture[] =>
    all(
      name,
      what,
      ({ labels: { pid = '', worker } }) =>
        `${nameOf.get(pid) ?? `process ${pid}`}${worker === undefined ? '' : `, worker ${worker}`}`,
      moves,
    )
      .sort((a, b) => b.series.max - a.series.max || (a.of < b.of ? -1 : 1))
      .slice(0, MOST_PROGRAMS);
  const moves = (one: SeriesFigures): boolean => one.max > 0;
  const several = sources.filter(source => source.probe === 'postgres').length > 1;
  const server = (one: SeriesFigures): string =>
    several ? String(sources[one.source]?.target['db.namespace'] ?? one.source) : '';
  return [
    ...all('host.cpu', 'CPU of the machine', () => '', moves),
    ...program('program.cpu', 'CPU'),
    ...program('program.rss', 'memory'),
    ...loop('nodejs.eventloop.delay', 'event loop delay'),
    ...loop('nodejs.eventloop.utilization', 'event loop busy'),
    ...loop('nodejs.memory.heap.used', 'JavaScript heap'),
    ...all('postgres.commits', 'database commits', server, moves),
    ...all('postgres.connections', 'database connections', server, moves),
    ...all('postgres.locks-waited-for', 'sessions that wait for locks', server, moves),
    ...all('postgres.oldest-transaction', 'oldest transaction', server, one => one.max > 1e9),
    ...all('queue.depth', 'queue', one => one.labels.queue ?? '', moves)
      .sort((a, b) => b.series.max - a.series.max || (a.of < b.of ? -1 : 1))
      .slice(0, MOST_QUEUES),
    ...metrics(series, sources),
  ];
}

/** Of a program's own metrics, those that moved most; how many there are is said below the pictures. */
function metrics(series: readonly SeriesFigures[], sources: SystemFiguresResult['sources']): Picture[] {
  const moved = (one: SeriesFigures): number =>
    (one.max - one.min) / Math.max(Math.abs(one.max), Math.abs(one.min), 1e-9);
  return series
    .filter(one => sources[one.source]?.probe === 'prometheus' && one.kind !== 'histogram')
    .filter(one => one.values.length > 1 && one.max > one.min)
    .sort((a, b) => moved(b) - moved(a) || (a.name < b.name ? -1 : 1))
    .slice(0, MOST_METRICS)
    .map(one => ({ what: one.name, of: labelText(one.labels), series: one }));
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
