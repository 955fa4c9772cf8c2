import { AttributeType, type Trace } from '../src/model/trace.ts';
import type { SpanPredicate } from './span-forest.ts';

/**
 * The transport under Rust's OTLP exporter. With tracing at its most verbose the exporter's every frame becomes spans,
 * which are exported in turn: nine of ten spans can be telemetry that watches itself.
 */
const EXPORTER_TARGET = /^(h2|hyper|hyper_util|tonic|tower|opentelemetry(?:[-_]\w+)*)(?:::|$)/;
/** Where the Rust module of a span stands: `tracing` layers name it one way or another. */
const TARGET_KEYS = ['target', 'code.module.name', 'code.namespace'];

/** Recognises spans of the telemetry exporter's own work by the Rust module (target) that they come from. */
export function exporterNoise(trace: Trace): SpanPredicate {
  const keys = new Set(TARGET_KEYS.map(key => trace.strings.indexOf(key)).filter(key => key !== -1));
  if (keys.size === 0) return () => false;
  const { key, type, value } = trace.attributes;
  const { attrStart, attrCount } = trace.spans;
  const known = new Map<number, boolean>();
  return span => {
    const from = attrStart[span]!;
    for (let at = from; at < from + attrCount[span]!; at++) {
      if (!keys.has(key[at]!) || type[at] !== AttributeType.string) continue;
      const text = value[at]!;
      let noise = known.get(text);
      if (noise === undefined) {
        noise = EXPORTER_TARGET.test(trace.strings[text]!);
        known.set(text, noise);
      }
      return noise;
    }
    return false;
  };
}
