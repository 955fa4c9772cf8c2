import type { OperationLatency } from '../../analyzers/latency.ts';
import { formatCount, formatDuration } from '../base/format-units.ts';
import type { Block, Table } from './block.ts';

/** How long spans took, by service and name: percentiles with their 95 % intervals, errors, time without children. */
export function latencyView(operations: readonly OperationLatency[], options: { readonly top?: number } = {}): Block[] {
  const top = options.top ?? 20;
  if (operations.length === 0) return [];
  const anyErrors = operations.some(operation => operation.errors > 0);
  const table: Table = {
    kind: 'table',
    caption: 'How long each took, by time in all (±: half the 95 % interval; none where the spans are too few for one)',
    columns: [
      { title: 'service', align: 'left' },
      { title: 'operation', align: 'left', code: true },
      { title: 'spans', align: 'right' },
      ...(anyErrors ? [{ title: 'errors', align: 'right' } as const] : []),
      { title: 'self', align: 'right' },
      { title: 'total', align: 'right' },
      { title: 'P50', align: 'right' },
      { title: '±', align: 'right' },
      { title: 'P95', align: 'right' },
      { title: '±', align: 'right' },
      { title: 'P99', align: 'right' },
    ],
    rows: operations
      .slice(0, top)
      .map(o => [
        o.service,
        o.name,
        formatCount(o.count),
        ...(anyErrors ? [o.errors === 0 ? '' : formatCount(o.errors)] : []),
        formatDuration(o.selfNs),
        formatDuration(o.totalNs),
        formatDuration(o.p50Ns),
        margin(o.p50Ns, o.p50IntervalNs),
        formatDuration(o.p95Ns),
        margin(o.p95Ns, o.p95IntervalNs),
        formatDuration(o.p99Ns),
      ]),
    omitted: { rows: Math.max(0, operations.length - top), how: '--top N, or --json for all' },
  };
  return [table];
}

/** Half the interval's width, as a share of the value: what fits a column. The bounds themselves are in --json. */
function margin(value: number, interval: readonly [low: number, high: number] | null): string {
  if (interval === null || value === 0) return '';
  return `±${(((interval[1] - interval[0]) / 2 / value) * 100).toFixed(0)} %`;
}
