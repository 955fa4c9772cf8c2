import type { Reading } from '../../src/formats/probe-log.ts';

/** One queue at one time; what a system does not tell is undefined. */
export interface QueueState {
  readonly queue: string;
  /** What else tells it apart: a virtual host. */
  readonly labels?: Readonly<Record<string, string>>;
  /** All that lie in it, the taken ones included. */
  readonly messages: number;
  /** Those that a consumer could take now. */
  readonly ready?: number | undefined;
  readonly oldestS?: number | undefined;
  readonly consumers?: number | undefined;
  /** Ever sent and settled: counters. */
  readonly sent?: number | undefined;
  readonly settled?: number | undefined;
}

const MOST_QUEUES = 200;

/** Queues as figures; of many, the deepest one by one and the rest as `(others)`. */
export function queueReadings(system: string, states: readonly QueueState[]): Reading[] {
  const deepest = [...states].sort((a, b) => b.messages - a.messages || (a.queue < b.queue ? -1 : 1));
  const rest = deepest.splice(MOST_QUEUES);
  if (rest.length > 0) {
    deepest.push({ queue: '(others)', messages: rest.reduce((sum, state) => sum + state.messages, 0) });
  }
  const readings: Reading[] = [];
  for (const { queue, labels, messages, ready, oldestS, consumers, sent, settled } of deepest) {
    const common = { labels: { system, queue, ...labels } };
    const gauge = (name: string, unit: string, value: number | undefined): void => {
      if (value === undefined || !Number.isFinite(value)) return;
      readings.push({ ...common, name: `queue.${name}`, kind: 'gauge', unit, value, absent: 'zero' });
    };
    gauge('depth', 'count', messages);
    gauge('ready', 'count', ready);
    gauge('taken', 'count', ready === undefined ? undefined : messages - ready);
    gauge('oldest', 'nanoseconds', oldestS === undefined ? undefined : oldestS * 1e9);
    gauge('consumers', 'count', consumers);
    for (const [name, value] of [
      ['sent', sent],
      ['settled', settled],
    ] as const) {
      if (value !== undefined)
        readings.push({ ...common, name: `queue.${name}`, kind: 'counter', unit: 'count', value });
    }
  }
  return readings;
}
