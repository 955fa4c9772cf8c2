import type { Probe } from './probe.ts';
import { processProbe } from './process.ts';

/** Every probe. Adding one is one file and one line here. */
export const PROBES: readonly Probe[] = [processProbe];
