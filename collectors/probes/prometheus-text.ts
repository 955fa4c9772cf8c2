// https://prometheus.io/docs/instrumenting/exposition_formats/, https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
import type { Reading } from '../../src/formats/probe-log.ts';

export interface PrometheusScrape {
  readonly readings: readonly Reading[];
  /** Lines that are neither comment nor sample. */
  readonly badLines: number;
  /** Number of the first of them, counted from 1; 0 where there is none. */
  readonly firstBadLine: number;
}

/** What a family's samples are, by the `# TYPE` of the family and what their name adds to it. */
const COUNTER_SUFFIX = /_(total|sum|count|bucket|created)$/;

/**
 * One scrape in the text format or in OpenMetrics. Histograms stay what they are on the wire: `_bucket` by `le`, `_sum`,
 * `_count`, each a counter. Timestamps and exemplars are left out; `_created` is when a counter began, not a figure.
 */
export function parsePrometheus(text: string): PrometheusScrape {
  const types = new Map<string, string>();
  const units = new Map<string, string>();
  const readings: Reading[] = [];
  let badLines = 0;
  let firstBadLine = 0;
  let number = 0;
  for (let start = 0; start < text.length; ) {
    number++;
    let end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    const line = text.slice(start, end).trim();
    start = end + 1;
    if (line === '') continue;
    if (line.startsWith('#')) {
      const meta = /^#\s+(TYPE|UNIT)\s+(\S+)\s+(\S+)/.exec(line);
      if (meta !== null) (meta[1] === 'TYPE' ? types : units).set(meta[2]!, meta[3]!);
      if (line === '# EOF') break;
      continue;
    }
    const sample = parseSample(line);
    if (sample === undefined) {
      badLines++;
      if (firstBadLine === 0) firstBadLine = number;
      continue;
    }
    const { name, labels, value } = sample;
    // A family is called by the bare name in OpenMetrics, and with _total in the older format.
    const family = types.has(name) ? name : name.replace(COUNTER_SUFFIX, '');
    const type = types.get(family);
    if (name.endsWith('_created') && type !== 'gauge' && family !== name) continue;
    if (!Number.isFinite(value)) continue;
    readings.push({
      name,
      ...(labels === undefined ? {} : { labels }),
      kind: kindOf(name, family, type),
      unit: unitOf(name, units.get(family)),
      value: scaled(name, units.get(family), value),
    });
  }
  return { readings, badLines, firstBadLine };
}

function kindOf(name: string, family: string, type: string | undefined): Reading['kind'] {
  switch (type) {
    case 'counter':
      return 'counter';
    case 'histogram':
      return 'histogram';
    case 'summary':
      return name === family ? 'gauge' : 'counter';
    case 'gauge':
    case 'gaugehistogram':
    case 'info':
    case 'stateset':
      return 'gauge';
    default:
      return name.endsWith('_total') ? 'counter' : 'gauge';
  }
}

/** Seconds become nanoseconds, so that all times of a capture are of one unit. */
function isSeconds(name: string, unit: string | undefined): boolean {
  return unit === 'seconds' || /_seconds(_total|_sum)?$/.test(name);
}

function unitOf(name: string, unit: string | undefined): string {
  if (/_(bucket|count)$/.test(name)) return 'count';
  if (isSeconds(name, unit)) return 'nanoseconds';
  if (unit === 'bytes' || /_bytes(_total|_sum)?$/.test(name)) return 'bytes';
  if (unit === 'ratio' || /_ratio$/.test(name)) return 'share';
  return unit ?? 'count';
}

function scaled(name: string, unit: string | undefined, value: number): number {
  // Instants (`process_start_time_seconds`) stay exact enough as nanoseconds: a quarter of a microsecond.
  return unitOf(name, unit) === 'nanoseconds' ? value * 1e9 : value;
}

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string> | undefined;
  readonly value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;

/** `name{label="value",…} 1.5 timestamp # exemplar`; also the quoted names of Prometheus 3. */
function parseSample(line: string): Sample | undefined {
  let name = NAME.exec(line)?.[0] ?? '';
  let at = name.length;
  let labels: Record<string, string> | undefined;
  while (line[at] === ' ' || line[at] === '\t') at++;
  if (line[at] === '{') {
    at++;
    labels = {};
    for (;;) {
      while (line[at] === ' ' || line[at] === ',') at++;
      if (line[at] === '}') break;
      const quoted = line[at] === '"' ? readQuoted(line, at) : undefined;
      const label = quoted?.text ?? NAME.exec(line.slice(at))?.[0];
      if (label === undefined) return undefined;
      at = quoted?.end ?? at + label.length;
      while (line[at] === ' ') at++;
      if (line[at] !== '=') {
        // A name that is no identifier stands quoted inside the braces.
        if (quoted === undefined || name !== '') return undefined;
        name = quoted.text;
        continue;
      }
      at++;
      while (line[at] === ' ') at++;
      const value = readQuoted(line, at);
      if (value === undefined) return undefined;
      labels[label] = value.text;
      at = value.end;
    }
    at++;
  }
  if (name === '') return undefined;
  const word = /^\s*(\S+)/.exec(line.slice(at));
  const value = word === null ? undefined : parseValue(word[1]!);
  return value === undefined ? undefined : { name, labels, value };
}

function parseValue(word: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(word)) return Number(word);
  if (/^nan$/i.test(word)) return Number.NaN;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(word);
  if (infinite === null) return undefined;
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function readQuoted(line: string, at: number): { readonly text: string; readonly end: number } | undefined {
  if (line[at] !== '"') return undefined;
  let text = '';
  for (let i = at + 1; i < line.length; i++) {
    const c = line[i]!;
    if (c === '"') return { text, end: i + 1 };
    if (c !== '\\') text += c;
    else {
      const escaped = line[++i];
      if (escaped === undefined) return undefined;
      text += escaped === 'n' ? '\n' : escaped === '"' || escaped === '\\' ? escaped : `\\${escaped}`;
    }
  }
  return undefined;
}
