// docs/probes.md: one JSON object a line, written as it is read, so that a recording that is killed keeps what came before.
import { readLines, type Source } from '../base/source.ts';
import { type Warning, Warnings } from '../base/warnings.ts';
import type { Series, SeriesDocument, SeriesGap, SeriesKind, SeriesSource } from '../model/series.ts';

/** First line of `raw/probes/<id>.jsonl`. */
export interface ProbeLogHead {
  readonly schema: 'tprof.probe/1';
  readonly probe: string;
  readonly intervalMs: number;
  /** CLOCK_MONOTONIC that every `atNs` counts from, as a decimal string. */
  readonly monotonicNs: string;
  readonly target: Readonly<Record<string, string | number>>;
}

/** One figure at one time. Series are told apart by name and labels; kind and unit are those of its first reading. */
export interface Reading {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly kind: SeriesKind;
  readonly unit: string;
  readonly value: number;
  /** A counter that was 0 at this time of the monotonic clock, after the recording had begun. */
  readonly bornNs?: bigint | undefined;
  /** What it is once it is no longer told: `zero` for counts of what there is, else the series has ended. */
  readonly absent?: 'zero';
}

interface Known {
  readonly index: number;
  readonly absentIsZero: boolean;
  value: number;
  seen: number;
}

/** Turns readings into lines. A series is described once; a line holds only the values that have changed. */
export class ProbeLogWriter {
  readonly #known = new Map<string, Known>();
  readonly #originNs: bigint;
  #next = 0;
  #turn = 0;

  /** Times are written as nanoseconds after `originNs` of the monotonic clock. */
  constructor(originNs: bigint) {
    this.#originNs = originNs;
  }

  head(head: Omit<ProbeLogHead, 'schema' | 'monotonicNs'>): string {
    return `${JSON.stringify({ schema: 'tprof.probe/1', ...head, monotonicNs: String(this.#originNs) })}\n`;
  }

  sample(atNs: number, readings: readonly Reading[]): string {
    const turn = ++this.#turn;
    let lines = '';
    let values = '';
    for (const reading of readings) {
      if (!Number.isFinite(reading.value)) continue;
      const key = seriesKey(reading);
      let known = this.#known.get(key);
      if (known === undefined) {
        known = { index: this.#next++, absentIsZero: reading.absent === 'zero', value: Number.NaN, seen: 0 };
        this.#known.set(key, known);
        const { name, labels = {}, kind, unit, bornNs } = reading;
        const born = bornNs === undefined ? {} : { bornNs: Number(bornNs - this.#originNs) };
        lines += `${JSON.stringify({ series: known.index, name, kind, unit, labels, ...born })}\n`;
      }
      known.seen = turn;
      if (known.value === reading.value) continue;
      known.value = reading.value;
      values += `${values === '' ? '' : ','}"${known.index}":${reading.value}`;
    }
    const end: number[] = [];
    for (const [key, known] of this.#known) {
      if (known.seen === turn) continue;
      if (!known.absentIsZero) {
        end.push(known.index);
        this.#known.delete(key);
      } else if (known.value !== 0) {
        known.value = 0;
        values += `${values === '' ? '' : ','}"${known.index}":0`;
      }
    }
    const ended = end.length === 0 ? '' : `,"end":${JSON.stringify(end)}`;
    return `${lines}{"atNs":${Math.round(atNs)},"values":{${values}}${ended}}\n`;
  }

  missed(atNs: number, why: string): string {
    return `${JSON.stringify({ atNs: Math.round(atNs), missed: why })}\n`;
  }

  document(atNs: number, name: string, value: unknown): string {
    return `${JSON.stringify({ atNs: Math.round(atNs), document: name, value })}\n`;
  }
}

function seriesKey({ name, labels }: Reading): string {
  if (labels === undefined) return name;
  let key = name;
  for (const label in labels) key += `\0${label}\0${labels[label]}`;
  return key;
}

interface Growing {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly kind: SeriesKind;
  readonly unit: string;
  readonly bornNs: number | undefined;
  first: number;
  value: number;
  values: Float64Array;
  length: number;
}

/** Reads a log; a line that is no JSON (a recording that was cut) is counted, and the rest is used. */
export async function readProbeLog(source: Source): Promise<{ source: SeriesSource; warnings: readonly Warning[] }> {
  const warnings = new Warnings();
  let head: ProbeLogHead | undefined;
  const series = new Map<number, Growing>();
  const live = new Set<Growing>();
  const times: number[] = [];
  const gaps: SeriesGap[] = [];
  const documents: SeriesDocument[] = [];
  let inGap: { -readonly [K in keyof SeriesGap]: SeriesGap[K] } | undefined;
  let line = 0;
  for await (const text of readLines(source)) {
    line++;
    const record = parse(text);
    if (record === undefined) {
      if (text.trim() === '') continue;
      warnings.add('damaged-input', 'Lines of a probe log could not be read.', { example: `${source.name}:${line}` });
      continue;
    }
    if (record.schema === 'tprof.probe/1') {
      head ??= record as unknown as ProbeLogHead;
    } else if (typeof record.series === 'number') {
      const growing: Growing = {
        name: String(record.name),
        labels: (record.labels ?? {}) as Record<string, string>,
        kind: record.kind as SeriesKind,
        unit: String(record.unit),
        first: -1,
        value: Number.NaN,
        values: new Float64Array(16),
        length: 0,
        bornNs: typeof record.bornNs === 'number' ? record.bornNs : undefined,
      };
      series.set(record.series, growing);
      live.add(growing);
    } else if (typeof record.atNs === 'number' && typeof record.document === 'string') {
      documents.push({ atNs: record.atNs, name: record.document, value: record.value });
    } else if (typeof record.atNs === 'number' && typeof record.missed === 'string') {
      if (inGap !== undefined && inGap.why === record.missed) {
        inGap.toNs = record.atNs;
        inGap.missed++;
      } else {
        inGap = { fromNs: record.atNs, toNs: record.atNs, missed: 1, why: record.missed };
        gaps.push(inGap);
      }
      times.push(record.atNs);
      for (const one of live) if (one.first >= 0) push(one, Number.NaN);
    } else if (typeof record.atNs === 'number' && typeof record.values === 'object' && record.values !== null) {
      inGap = undefined;
      for (const index of Array.isArray(record.end) ? (record.end as number[]) : []) {
        const one = series.get(index);
        if (one !== undefined) live.delete(one);
      }
      for (const [index, value] of Object.entries(record.values as Record<string, number>)) {
        const one = series.get(Number(index));
        if (one === undefined) warnings.add('damaged-input', 'Lines of a probe log could not be read.');
        else one.value = value;
      }
      times.push(record.atNs);
      for (const one of live) {
        if (one.first < 0) {
          if (Number.isNaN(one.value)) continue;
          one.first = times.length - 1;
        }
        push(one, one.value);
      }
    }
  }
  if (head === undefined) {
    warnings.add('damaged-input', 'A probe log without its first line could not be used.', { example: source.name });
  }
  const found: Series[] = [];
  for (const { name, labels, kind, unit, bornNs, first, values, length } of series.values()) {
    if (first < 0) continue;
    const born = bornNs === undefined ? {} : { bornNs };
    found.push({ name, labels, kind, unit, first, values: values.slice(0, length), ...born });
  }
  return {
    source: {
      probe: head?.probe ?? '',
      target: head?.target ?? {},
      intervalMs: head?.intervalMs ?? 0,
      originNs: BigInt(head?.monotonicNs ?? 0),
      timesNs: Float64Array.from(times),
      series: head === undefined ? [] : found,
      gaps,
      documents,
    },
    warnings: warnings.list(),
  };
}

function push(series: Growing, value: number): void {
  if (series.length === series.values.length) {
    const larger = new Float64Array(series.length * 2);
    larger.set(series.values);
    series.values = larger;
  }
  series.values[series.length++] = value;
}

function parse(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
