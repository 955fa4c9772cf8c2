import { analyzeCriticalPath, findCriticalPaths } from '../../analyzers/critical-path.ts';
import { selfTimeNs } from '../../analyzers/self-time.ts';
import { buildSpanForest } from '../../analyzers/span-forest.ts';
import { seededRandom } from '../../analyzers/statistics.ts';
import type { Trace } from '../../src/model/trace.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';
import { median } from './interleave.ts';
import { asJaegerTraces, jaegerUiCriticalPath } from './jaeger-ui-peer.ts';

const SPANS = 1_000_000;
const SPANS_PER_TRACE = 51;
const ROUNDS = 5;

/**
 * Spans a second of this thread's CPU time, from spans in memory, without reading any file. With `TPROF_JAEGER_UI` (a
 * checkout of jaegertracing/jaeger-ui) its own code runs in turn on the same traces: its tree is given to it for
 * nothing, ours is built each time.
 */
export async function bench(): Promise<void> {
  const trace = manyTraces();
  const forest = buildSpanForest(trace);
  const ours = 'trees and critical paths';
  const rows: [name: string, work: () => unknown][] = [
    ['trees (sorted, checked)', () => buildSpanForest(trace)],
    ['critical paths, from trees', () => findCriticalPaths(trace, forest)],
    [ours, () => findCriticalPaths(trace, buildSpanForest(trace))],
    ['the whole result of tprof critical-path', () => analyzeCriticalPath(trace)],
    ['self time, from trees', () => selfTimeNs(forest)],
  ];
  const peer = 'Jaeger UI: critical paths, from trees';
  const checkout = process.env.TPROF_JAEGER_UI ?? '';
  if (checkout !== '') {
    const criticalPath = await jaegerUiCriticalPath(checkout);
    const traces = asJaegerTraces(trace);
    rows.push([peer, () => traces.reduce((sections, one) => sections + criticalPath(one).length, 0)]);
  }
  const seconds = new Map<string, number[]>(rows.map(([name]) => [name, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, work] of rows) {
      const began = process.threadCpuUsage();
      work();
      const { user, system } = process.threadCpuUsage(began);
      if (round >= 0) seconds.get(name)!.push((user + system) / 1e6);
    }
  }
  for (const [name, list] of seconds) row(name, `${(SPANS / median(list) / 1e6).toFixed(2)} M spans/s`);
  if (checkout === '') row(peer, 'not measured (TPROF_JAEGER_UI: a checkout of jaeger-ui)');
  else {
    const theirs = seconds.get(peer)!;
    const ratio = median(seconds.get(ours)!.map((s, round) => theirs[round]! / s));
    row('our trees and paths against its paths', `${ratio.toFixed(1)} × as fast`);
  }
  row('CRISP', 'not measured: its package is on no registry that could be reached');
}

function row(name: string, figure: string): void {
  process.stdout.write(`${name.padEnd(42)} ${figure}\n`);
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
