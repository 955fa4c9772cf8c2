import { quantile, sortedCopy } from '../../analyzers/statistics.ts';
import { formatDuration } from '../base/format-units.ts';
import type { Block } from '../report/block.ts';
import { type E2eResult, TASKS_FOR } from './e2e-result.ts';

/** What a person wants to know after a run: did they all end, how long did one take. */
export function e2eView(result: E2eResult): Block[] {
  const { scenario, latency, tasks, requested, concurrency } = result;
  const blocks: Block[] = [
    {
      kind: 'paragraph',
      text: `${scenario.id} (${scenario.namespace}/${scenario.name}): ${latency.count} of ${requested} ${plural(requested, 'task')} complete in ${formatDuration(result.wallNs)}, ${
        concurrency === 1 ? 'one at a time' : `up to ${concurrency} at once`
      }, ${result.throughputPerS.toFixed(1)} a second${result.target.messaging === 'rabbitmq' ? ', messages through RabbitMQ' : ''}.`,
    },
  ];
  if (result.aborted) {
    blocks.push({
      kind: 'note',
      severity: 'warning',
      text: 'The run was ended early; only tasks that had ended are counted.',
    });
  }
  const inTurn = (slowed: boolean): number[] =>
    tasks.filter(task => task.slowed === slowed && task.status === 'complete').map(task => task.latencyNs);
  const [slow, quick] = [inTurn(true), inTurn(false)];
  if (slow.length > 0 && quick.length > 0) {
    const median = (values: number[]): string => formatDuration(quantile(sortedCopy(values), 0.5));
    blocks.push({
      kind: 'paragraph',
      text: `Median of the slow rounds ${median(slow)} (${slow.length} tasks), of the others ${median(quick)} (${quick.length}).`,
    });
  }
  if (latency.count > 0) {
    const few = (needed: number): string => (latency.count < needed ? ` (needs ${needed} tasks)` : '');
    const row = (name: string, ns: number | null, interval: { low: number; high: number } | null): string[] => [
      name,
      ns === null ? '–' : formatDuration(ns),
      interval === null ? '–' : `${formatDuration(interval.low)} … ${formatDuration(interval.high)}`,
    ];
    blocks.push({
      kind: 'table',
      columns: [
        { title: 'latency of a task', align: 'left' },
        { title: 'time', align: 'right' },
        { title: '95 % interval', align: 'right' },
      ],
      rows: [
        row('fastest', latency.minNs, null),
        row('median', latency.p50Ns, latency.intervals.p50),
        row(`p95${few(TASKS_FOR.p95)}`, latency.p95Ns, latency.intervals.p95),
        row(`p99${few(TASKS_FOR.p99)}`, latency.p99Ns, latency.intervals.p99),
        row('slowest', latency.maxNs, null),
        row('mean', latency.meanNs, null),
      ],
    });
  }
  const failed = tasks.filter(task => task.status !== 'complete');
  if (failed.length > 0) {
    blocks.push({
      kind: 'note',
      severity: 'warning',
      text: `${failed.length} ${plural(failed.length, 'task')} did not complete: ${failed
        .slice(0, 5)
        .map(task => `${task.taskUuid} (${task.status})`)
        .join(', ')}${failed.length > 5 ? ', …' : ''}`,
    });
  }
  for (const warning of result.warnings) blocks.push({ kind: 'note', severity: 'info', text: `${warning.message}.` });
  return blocks;
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
