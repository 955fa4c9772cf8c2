import { analyzeCriticalPath, findCriticalPaths } from '../../analyzers/critical-path.ts';
import { selfTimeNs } from '../../analyzers/self-time.ts';
import { buildSpanForest } from '../../analyzers/span-forest.ts';
import { seededRandom } from '../../analyzers/statistics.ts';
import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { median } from './interleave.ts';

const SPANS = 1_000_000;
const SPANS_PER_TRACE = 51;
const ROUNDS = 5;

/**
 * Spans a second, from the trace model in memory: what Jaeger UI and CRISP were measured at (1.03 M and 84 k spans/s,
 * single process, on traces of a social network of 20 to 60 spans) is the same work, without reading any file.
 */
export async function bench(): Promise<void> {
  const trace = manyTraces();
  row('trees (sorted, checked)', () => buildSpanForest(trace));
  const forest = buildSpanForest(trace);
  row('critical paths, from trees', () => findCriticalPaths(trace, forest));
  row('trees and critical paths', () => findCriticalPaths(trace, buildSpanForest(trace)));
  row('the whole result of tprof critical-path', () => analyzeCriticalPath(trace));
  row('self time, from trees', () => selfTimeNs(forest));
}

function row(name: string, work: () => unknown): void {
  work();
  const seconds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    work();
    seconds.push((performance.now() - began) / 1000);
  }
  const rate = SPANS / median(seconds) / 1e6;
  process.stdout.write(`${name.padEnd(42)} ${rate.toFixed(2).padStart(7)} M spans/s\n`);
}

/** Traces of 51 spans: random trees in which children overlap, in the order in which an exporter would send them. */
function manyTraces(): Trace {
  const random = seededRandom(4);
  const builder = new TraceBuilder('bench');
  const scope = builder.scope('bench');
  const names = Array.from({ length: 40 }, (_, i) => builder.strings.intern(`operation-${i}`));
  const batches = Array.from({ length: 12 }, (_, i) => {
    const resource = builder.resource(new Map([['service.name', `service-${i}`]]));
    return builder.batch({ resource, process: 0, arrivalNs: undefined, request: i });
  });
  for (let made = 0; made < SPANS; made += SPANS_PER_TRACE) {
    const trace = builder.traceIds.intern(1, 2, 3, made);
    const spans = [{ id: 1, parent: 0, start: made * 1000, end: made * 1000 + 1_000_000, depth: 0 }];
    while (spans.length < SPANS_PER_TRACE && made + spans.length < SPANS) {
      const parent = spans[Math.floor(random() * spans.length)]!;
      const length = parent.end - parent.start;
      const start = parent.start + Math.floor(random() * length * 0.7);
      const end = Math.min(parent.end, start + Math.ceil(random() * length * 0.5));
      spans.push({ id: spans.length + 1, parent: parent.id, start, end, depth: parent.depth + 1 });
    }
    spans.sort((a, b) => a.end - b.end || b.depth - a.depth);
    for (const { id, parent, start, end } of spans) {
      builder.span({
        trace,
        idHigh: made,
        idLow: id,
        parentHigh: parent === 0 ? 0 : made,
        parentLow: parent,
        name: names[id % names.length]!,
        kind: 1,
        status: 0,
        startNs: start,
        endNs: end,
        scope,
        batch: batches[id % batches.length]!,
      });
    }
  }
  return builder.finish();
}
