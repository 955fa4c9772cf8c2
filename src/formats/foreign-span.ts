import { asNumber, asText } from '../base/narrow.ts';
import type { TraceBuilder } from '../model/trace-builder.ts';

/** What formats from before OTLP have in common: short ids, times in microseconds, kinds and status in tags. */

export const SPAN_KINDS: ReadonlyMap<string, number> = new Map([
  ['internal', 1],
  ['server', 2],
  ['client', 3],
  ['producer', 4],
  ['consumer', 5],
]);

/** 1 to 32 hex digits as the words of a trace id, zeros put back in front; undefined where it is none. */
export function traceIdWords(text: unknown): readonly [number, number, number, number] | undefined {
  const id = asText(text);
  if (!/^[0-9a-fA-F]{1,32}$/.test(id) || /^0+$/.test(id)) return undefined;
  const full = id.padStart(32, '0');
  const word = (at: number): number => Number.parseInt(full.slice(at, at + 8), 16);
  return [word(0), word(8), word(16), word(24)];
}

/** 1 to 16 hex digits as the words of a span id. */
export function spanIdWords(text: unknown): readonly [number, number] | undefined {
  const id = asText(text);
  if (!/^[0-9a-fA-F]{1,16}$/.test(id) || /^0+$/.test(id)) return undefined;
  const full = id.padStart(16, '0');
  return [Number.parseInt(full.slice(0, 8), 16), Number.parseInt(full.slice(8), 16)];
}

/** Unix microseconds (fractions allowed) as Unix nanoseconds. */
export function unixNsOfMicros(value: unknown): bigint {
  const micros = Math.max(0, asNumber(value, 0));
  const whole = Math.floor(micros);
  return BigInt(whole) * 1000n + BigInt(Math.round((micros - whole) * 1000));
}

/** The instrumentation scope that OpenTelemetry's exporters put into tags. */
export function scopeOfTags(builder: TraceBuilder, tag: (key: string) => unknown): number {
  const name = asText(tag('otel.scope.name') ?? tag('otel.library.name'));
  return builder.scope(name, asText(tag('otel.scope.version') ?? tag('otel.library.version')));
}

/** OTLP's status from tags: `otel.status_code`, else `error` (present and not false). */
export function statusOfTags(tag: (key: string) => unknown): number {
  const code = asText(tag('otel.status_code')).toUpperCase();
  if (code === 'OK' || code === 'ERROR') return code === 'OK' ? 1 : 2;
  const error = tag('error');
  return error === undefined || error === false || error === 'false' ? 0 : 2;
}
