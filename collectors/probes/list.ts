import { postgresProbe } from './postgres.ts';
import type { Probe } from './probe.ts';
import { processProbe } from './process.ts';
import { prometheusProbe } from './prometheus.ts';
import { queueDepthProbe } from './queue-depth.ts';

/** Every probe. Adding one is one file and one line here. */
export const PROBES: readonly Probe[] = [processProbe, postgresProbe, queueDepthProbe, prometheusProbe];

/** Ids are the program's own words: an unknown one is a bug. */
export function probeById(id: string): Probe {
  const probe = PROBES.find(p => p.id === id);
  if (probe === undefined) throw new Error(`there is no probe ${id}`);
  return probe;
}
